import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileId, InputId, PermissionMode, WrapperMessage } from "../protocol.ts";
import { rowText } from "../screen.ts";
import { Changes } from "../testing/wait.ts";
import { composing } from "./composing.ts";
import { Emulator } from "./emulator.ts";
import { inputs } from "./inputs.ts";
import { openPty } from "./pty.ts";

const root = mkdtempSync(join(tmpdir(), "claude-remote-composing-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FOOTERS = [
  "⏸ manual mode on",
  "⏵⏵ accept edits on (shift+tab to cycle)",
  "⏸ plan mode on (shift+tab to cycle)",
];

/** A program that draws claude's modes, in a real PTY, with all that composing needs around it. */
function world(args: string[] = []) {
  const place = mkdtempSync(join(root, "place-"));
  const said: WrapperMessage[] = [];
  const seen: PermissionMode[] = [];
  const changes = new Changes();
  const emulator = new Emulator({ cols: 60, rows: 10 });
  const pty = openPty("bun", {
    argv: [process.execPath, join(import.meta.dir, "testdata", "mode-program.ts"), ...FOOTERS],
    ...{ cwd: place, env: { ...process.env } as Record<string, string>, cols: 60, rows: 10 },
    onData: (bytes) => {
      emulator.write(bytes.slice());
      given.painted();
    },
    onExit() {},
  });
  const tell = (message: WrapperMessage) => {
    said.push(message);
    changes.changed();
    return true;
  };
  const shared = {
    screen: () => emulator.screen(),
    status: () => "idle" as const,
    write: (bytes: Uint8Array) => void pty.write(bytes),
    tell,
  };
  const typing = inputs(shared);
  const given = composing({
    ...{ ...shared, args, cwd: place, folder: join(place, "home"), runFolder: join(place, "run") },
    version: () => "2.1.329",
    inTurn: typing.inTurn,
    settled: () => emulator.settled(),
    shown: (mode) => {
      if (seen.at(-1) !== mode) seen.push(mode);
      changes.changed();
    },
  });
  return {
    ...{ place, said, seen, given, typing, pty },
    text: () => emulator.screen().lines.map(rowText).join("\n"),
    until: <T>(what: string, look: () => T | null | undefined | false) => changes.until(what, look),
    [Symbol.dispose]() {
      given[Symbol.dispose]();
      pty.kill("SIGKILL");
      emulator.close();
      pty.close();
    },
  };
}

test("a mode is switched on a real terminal, after the text before it, and every mode that was shown is told", async () => {
  using w = world();
  await w.until("the first mode", () => w.seen[0] === "default");
  w.given.obey({ type: "mode", id: "m1" as InputId, mode: "plan" });
  w.given.obey({ type: "mode", id: "m2" as InputId, mode: "auto" });
  await w.until("both", () => w.said.length === 2);
  expect(w.said).toEqual([
    { type: "input_delivered", id: "m1" as InputId },
    { type: "input_refused", id: "m2" as InputId, reason: "mode_not_offered" },
  ]);
  expect(w.seen.slice(0, 3)).toEqual(["default", "acceptEdits", "plan"]);
  expect(w.seen.at(-1)).toBe("plan");
});

test("somebody who types at the desk keeps the mode", async () => {
  using w = world();
  await w.until("the first mode", () => w.seen[0] === "default");
  w.pty.write(new TextEncoder().encode("half a sent"));
  while (!w.text().includes("half a sent")) await Bun.sleep(5);
  w.given.obey({ type: "mode", id: "m1" as InputId, mode: "plan" });
  await w.until("the word", () => w.said.length > 0);
  expect(w.said).toEqual([{ type: "input_refused", id: "m1" as InputId, reason: "desk_typing" }]);
  expect(w.text()).toContain("⏸ manual mode on");
});

const offers = (said: WrapperMessage[]) =>
  said.flatMap((message) => (message.type === "commands" ? [message.commands.map(({ name }) => name)] : []));

test("commands are said at each connection, one's own first, and again only when they are others", async () => {
  using w = world();
  const own = join(w.place, ".claude", "commands");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "brew.md"), "Brews");
  writeFileSync(join(own, "model.md"), "One's own in place of claude's");
  w.given.online();
  await w.until("the commands", () => offers(w.said).length === 1);
  expect(offers(w.said)[0]?.slice(0, 3)).toEqual(["brew", "model", "add-dir"]);
  expect(offers(w.said)[0]?.filter((name) => name === "model")).toHaveLength(1);
  w.given.online();
  expect(offers(w.said)).toHaveLength(2);
  w.given.versionKnown();
  w.given.watched();
  writeFileSync(join(own, "later.md"), "Later");
  w.given.versionKnown();
  await w.until("the new one", () => offers(w.said).at(-1)?.includes("later"));
});

test("a plugin on the command line offers its own, in either way of writing it", async () => {
  const plug = join(root, "plug");
  for (const args of [["--plugin-dir", plug], [`--plugin-dir=${plug}`]]) {
    using w = world(args);
    mkdirSync(join(root, "plug", "commands"), { recursive: true });
    writeFileSync(join(root, "plug", "commands", "go.md"), "Go");
    w.given.online();
    await w.until("the commands", () => offers(w.said)[0]?.includes("plug:go"));
  }
});

test("a file that was handed over is gone with the run", async () => {
  using w = world();
  const bytes = Buffer.from("hello").toString("base64");
  w.given.obey({ type: "file", id: "f1" as FileId, name: "a.txt", size: 5, at: 0, bytes });
  const [taken] = w.said;
  const path = taken?.type === "file_taken" ? (taken.path ?? "") : "";
  expect(readFileSync(path, "utf8")).toBe("hello");
  w.given.obey({ type: "file_gone", id: "f1" as FileId });
  expect(existsSync(path)).toBe(false);
  w.given[Symbol.dispose]();
  expect(readdirSync(join(w.place, "run"))).toEqual([]);
});
