import { expect, test } from "bun:test";
import { join } from "node:path";
import { Terminal } from "./testing/terminal.ts";

/** A program that asks for a yes, and ends with 5 and its refusal without one, as the commands do. */
const asks = `import { agree } from ${JSON.stringify(join(import.meta.dir, "command.ts"))};
  await agree("Sure?", false, "nothing was done").catch(({ message, exitCode }) => {
    console.error(message);
    process.exitCode = exitCode;
  });`;

for (const [name, keys, code] of [
  ["Ctrl-C", "\x03", 5],
  ["Ctrl-D", "\x04", 5],
  ["Enter alone", "\r", 5],
  ["a yes", "Yes\r", 0],
] as const)
  test.concurrent(`asked for a yes at a terminal, ${name} ends the command with ${code}`, async () => {
    await using desk = new Terminal([process.execPath, "-e", asks]);
    await desk.waitFor(/Sure\? \[y\/N\]/);
    desk.write(keys);
    expect((await desk.exited).code).toBe(code);
    expect(desk.screen().includes("nothing was done")).toBe(code !== 0);
  });
