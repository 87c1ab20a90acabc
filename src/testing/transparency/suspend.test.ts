// Ctrl-Z where claude or the machine is slow: the shell always comes back, and so does claude.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Rig, type Side, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const rig = new Rig();
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

const SUSPENDS = `${process.execPath} ${join(import.meta.dir, "testdata/suspends.ts")}`;
const LAUNCHER = join(import.meta.dir, "testdata/launcher");
const STOPPED = /Stopped [^$]*\$$/;

/** Presses the keys, and then, whenever the shell is back, `fg` and a key for claude; resolves with what claude heard. */
async function suspended(side: Side, program: string, keys: string, times = 1) {
  await using shell = await side.shell();
  shell.write(`clear; claude ${program}\n`);
  await shell.waitFor(/\[ready\]/);
  for (let i = 0; i < times; i++) {
    shell.write(keys);
    await shell.waitFor(STOPPED);
    shell.write("clear; fg\n");
    await shell.waitFor(/\[back\]$/);
    await shell.type("a");
    await shell.waitFor(/\[key a\]/);
  }
  shell.write("q");
  await shell.waitFor(/\$$/);
  shell.write('echo "status $?"\n');
  return (await shell.waitFor(/^status \d/m)).match(/^status .*/m)?.[0];
}

test.each([
  ["says so at once, three times", `${SUSPENDS} 0 0`, 3],
  ["says so late", `${SUSPENDS} 1500 0`, 1],
  ["says so some time before it does so", `${SUSPENDS} 0 300`, 2],
  ["a launcher has started", `${LAUNCHER} ${SUSPENDS} 0 0`, 1],
] as const)("a claude that %s is stopped with us, and goes on with us", async (_, program, times) => {
  expect(await rig.same((side) => suspended(side, program, "\x1a", times))).toBe("status 4");
});
