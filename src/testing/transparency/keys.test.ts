// Keys that a terminal gives a meaning have the same one: Ctrl-C, Ctrl-\, Ctrl-D, and a shell's job control.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TestViewer } from "../viewer.ts";
import { atRest, Rig, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired();
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

test.each([
  ["Ctrl-C", "\x03", ["sh", "-c", 'printf "[ready]"; exec sleep 60'], "", "SIGINT"],
  ["Ctrl-\\", "\x1c", ["sh", "-c", 'printf "[ready]"; exec sleep 60'], "", "SIGQUIT"],
  ["Ctrl-D", "\x04", ["sh", "-c", 'printf "[ready]"; cat; exit 4'], "some words\r", 4],
] as const)("%s does what it does without us", async (_, key, words, typed, end) => {
  const seen = await rig.same(async (side) => {
    await using outer = side.outer(words);
    await outer.seen("[ready]");
    outer.write(typed);
    if (typed) await outer.seen(/some words\r\nsome words\r\n/);
    outer.write(key);
    const { code, signal } = await outer.exited;
    // What we add where a signal has cut the program's output is looked at elsewhere.
    return { end: signal ?? code, text: outer.text().split("\x1b\\")[0] };
  });
  expect(seen.end).toBe(end);
});

test.each([
  ["Ctrl-C", "\x03"],
  ["Ctrl-Z", "\x1a"],
  ["Ctrl-\\", "\x1c"],
  ["Ctrl-S and Ctrl-Q", "\x13\x11"],
  ["Ctrl-V and Ctrl-O", "\x16\x0f"],
] as const)("%s is a byte like others for a program that asked for every byte", async (_, keys) => {
  const seen = await rig.same(async (side) => {
    const take = `stty raw -echo; printf "[ready]"; head -c ${keys.length + 1} | od -An -tx1`;
    await using outer = side.outer(["sh", "-c", take]);
    await outer.seen("[ready]");
    outer.write(`${keys}.`);
    expect(await outer.exited).toEqual({ code: 0, signal: null });
    return outer.text().split("[ready]")[1]?.trim();
  });
  expect(seen).toBe(
    Buffer.from(`${keys}.`)
      .toString("hex")
      .replace(/..(?=.)/g, "$& "),
  );
});

test("a shell inside has its job control: Ctrl-Z, jobs, bg, fg, Ctrl-C", async () => {
  const screen = await rig.same(async (side) => {
    await using shell = await side.shell();
    shell.write("claude bash --norc --noprofile -i\n");
    await shell.waitFor(/\$ .*\n\$$/);
    // One process and no fork: between two of a loop's a signal of the terminal can reach nobody, with or without us.
    shell.write("sh -c 'echo first; exec sleep 100'\n");
    await shell.waitFor(/^first/m);
    shell.write("\x03");
    await shell.waitFor(/\^C\n\$$/);
    shell.write("sh -c 'echo second; exec sleep 100'\n");
    await shell.waitFor(/^second/m);
    shell.write("\x1a");
    await shell.waitFor(/Stopped.*\n+\$$/);
    shell.write("jobs\n");
    await shell.waitFor(/jobs\n.*Stopped.*\n+\$$/);
    shell.write("bg; fg\n");
    await shell.waitFor(/fg\n.*&\n.*100'$/);
    shell.write("\x03");
    await shell.waitFor(/\^C\n+\$$/);
    shell.write('echo "status $?"; exit 9\n');
    await shell.waitFor(/exit\n\$$/);
    shell.write('echo "outside $?"\n');
    await shell.waitFor(/outside 9/);
    return atRest(shell);
  });
  expect(screen).toContain("status 130");
});
