// However claude ends, the terminal is afterwards as it was before: its settings, its modes, the shell's descriptors.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../terminal.ts";
import type { TestViewer } from "../viewer.ts";
import { childOf, childrenOf, modesAfter, Rig, TEST_MS, until } from "./rig.ts";

setDefaultTimeout(TEST_MS);

let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired();
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

/** Settings that nobody has by default. */
const ODD = "stty erase ^H eof ^G -ixon -echoctl tab3";

const PROGRAM = join(import.meta.dir, "testdata/modes-on");

/** What the shell's own descriptors and `stty -g` say. */
const look = (name: string) => `{ stty -g; grep flags /proc/$$/fdinfo/[012]; } > ${name}`;
const seen = (name: string) => readFileSync(join(rig.cwd, name), "utf8");

/** Runs the program below a shell with odd settings until `act` has ended it; before and after have to be equal. */
async function unchanged(act: (shell: Terminal, wrapper: number) => unknown, status: number) {
  await using shell = await rig.wrapped.shell();
  shell.write(`${ODD}; ${look("before")}; claude ${PROGRAM}\n`);
  await shell.waitFor(/\[ready\]/);
  const wrapper = await childOf(shell.pid);
  await act(shell, wrapper);
  await until("the wrapper's end", () => !childrenOf(shell.pid).includes(wrapper));
  shell.write(`echo "status $?"; ${look("after")}; echo do"ne"\n`);
  await shell.waitFor(new RegExp(`^status ${status}$[^]*^done`, "m"));
  expect(seen("before")).toMatch(/^[0-9a-f:]{20,}\n/);
  expect(seen("after")).toBe(seen("before"));
  expect(await modesAfter(shell.bytes())).toEqual(await modesAfter(Buffer.from("$ ")));
}

describe("settings and modes are as before", () => {
  test("when claude ends by itself", () => unchanged((shell) => shell.write("\n"), 3));

  test.each([
    ["SIGTERM", 143],
    ["SIGSEGV", 139],
    ["SIGKILL", 137],
  ] as const)("when %s ends claude, which left every mode on", (signal, status) =>
    unchanged(async (_, wrapper) => process.kill(await childOf(wrapper), signal), status),
  );

  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGQUIT", 131],
  ] as const)("when %s ends us, and claude with us", (signal, status) =>
    unchanged((_, wrapper) => process.kill(wrapper, signal), status),
  );
});

test("the modes that were looked at are really on while claude runs", async () => {
  await using outer = rig.wrapped.outer([PROGRAM]);
  await outer.seen("[ready]");
  expect(await modesAfter(outer.bytes())).toEqual({
    ...{ alternate: true, bracketed_paste: true, mouse: "any", mouse_encoding: "sgr", focus: true },
    ...{ application_cursor: false, application_keypad: false, cursor: false },
  });
});
