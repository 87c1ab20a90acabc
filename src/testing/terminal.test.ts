import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal } from "./terminal.ts";

const sh = (script: string, options = {}) => new Terminal(["/bin/sh", "-c", script], options);
test("the program gets a terminal of the given size and TERM, and its exit is told", async () => {
  await using terminal = sh('tty -s && stty size; echo "$TERM"; exit 3', { cols: 50, rows: 20 });
  expect(await terminal.exited).toEqual({ code: 3, signal: null });
  expect(terminal.screen()).toBe("20 50\nxterm-256color");
});

test("nothing that the program wrote is missing when its exit is told", async () => {
  await using terminal = sh("seq 1 100000");
  await terminal.exited;
  expect(terminal.bytes().length).toBe(100_000 + 588_895);
  expect(terminal.screen()).toEndWith("99999\n100000");
  expect(terminal.scrollback()).toContain("\n95001\n");
});

test("a signal that ends the program is told", async () => {
  await using terminal = sh("echo ready; exec sleep 1000");
  await terminal.waitFor(/ready/);
  terminal.kill("SIGTERM");
  expect(await terminal.exited).toEqual({ code: null, signal: "SIGTERM" });
});

test("keys are typed, pastes have the form that the program asked for", async () => {
  await using terminal = sh("stty raw -echo; printf '\\033[?2004h'; echo ready; exec cat -v");
  await terminal.waitFor(/ready/);
  await terminal.type("né");
  await terminal.waitFor(/nM-CM-\)/);
  terminal.paste("a\nb");
  await terminal.waitFor(/\^\[\[200~a\^Mb\^\[\[201~/);
  terminal.write(new Uint8Array([3]));
  await terminal.waitFor(/\^C/);
});

test("a paste is plain where the program did not ask for brackets", async () => {
  await using terminal = sh("stty raw -echo; echo ready; exec cat -v");
  await terminal.waitFor(/ready/);
  terminal.paste("a\r\nb");
  await terminal.waitFor(/ready\s+a\^Mb$/);
});

test("queries are answered unless told otherwise", async () => {
  const query = "stty raw -echo; printf '\\033[c'; echo ready; exec cat -v";
  await using terminal = sh(query);
  await terminal.waitFor(/\^\[\[\?1;2c/);
  await using mute = sh(query, { answering: false });
  await mute.waitFor(/ready/);
  mute.write("end");
  expect(await mute.waitFor(/end/)).not.toContain("^[");
});

test("the program is told of a new size", async () => {
  await using terminal = sh("trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done");
  await terminal.waitFor(/ready/);
  terminal.resize(60, 25);
  await terminal.waitFor(/25 60/);
});

test("the screen is what a terminal shows, also of characters that arrive in pieces", async () => {
  await using terminal = sh("printf 'old\\r\\033[2Knew \\342'; sleep 0.02; printf '\\200\\246|👍🏽|'");
  await terminal.exited;
  expect(terminal.screen()).toBe("new …|👍🏽|");
});

test("a wait ends with the screen that matched, or says what was there instead", async () => {
  await using terminal = sh("echo one; read line; echo two; read line");
  expect(await terminal.waitFor((screen) => screen.includes("one"))).toBe("one");
  await expect(terminal.waitFor(/two/, { timeout: 1 })).rejects.toThrow(/1 ms went by .*two.*\none/s);
  const failing = terminal.waitFor(() => {
    throw new Error("a broken test");
  });
  await expect(failing).rejects.toThrow("a broken test");
  const never = terminal.waitFor(/three/);
  terminal.write("\r\r");
  await expect(never).rejects.toThrow(/the program ended .*three.*two/s);
  expect(await terminal.waitFor(/two/)).toContain("two");
});

test("disposing kills the program and what it started, and can be done again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-terminal-"));
  const script = 'mkfifo held; echo made; trap "" HUP TERM; { echo open; exec sleep 1000; } 3>held & wait';
  await using terminal = sh(script, { cwd: folder });
  await terminal.waitFor(/made/);
  const released = readFile(join(folder, "held")); // A pipe ends when nobody has it open for writing.
  await terminal.waitFor(/open/);
  await terminal[Symbol.asyncDispose]();
  expect(await terminal.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await released).toHaveLength(0);
  terminal.write("too late");
  rmSync(folder, { recursive: true });
});
