import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { messagesApi } from "./messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "./real-claude.ts";
import { Terminal } from "./terminal.ts";

/** The first start of a version reads some 300 MB from the disk. */
const START_MS = 30_000;

test.each([...claudeVersions])(
  "claude %s runs against the stand-in and ends by /exit",
  async (version) => {
    await using api = await messagesApi();
    await using world = await claudeHome({ api });
    const command = [claudePath(version), "--permission-mode", "default"];
    await using terminal = new Terminal(command, { cwd: world.project, env: world.env });
    await terminal.waitFor(/❯/, { timeout: START_MS });
    terminal.paste("SAY: hello from the stand-in");
    await terminal.waitFor(/❯\sSAY: hello/);
    terminal.write("\r");
    await terminal.waitFor(/[●⏺] hello from the stand-in/);
    terminal.paste("/exit");
    await terminal.waitFor(/❯\s\/exit/);
    terminal.write("\r");
    expect(await terminal.exited).toEqual({ code: 0, signal: null });
    expect(api.requests.filter(({ tools }) => tools.length > 0)).toMatchObject([
      { prompt: "SAY: hello from the stand-in", step: 0, results: [] },
    ]);
  },
  2 * START_MS,
);

test("a home trusts its projects and is removed with all that is in it", async () => {
  const world = await claudeHome({ api: { url: "http://127.0.0.1:1" }, projects: [import.meta.dir] });
  const state = await Bun.file(`${world.home}/.claude.json`).json();
  expect(Object.keys(state.projects)).toEqual([world.project, import.meta.dir]);
  await world[Symbol.asyncDispose]();
  expect(existsSync(dirname(world.home))).toBe(false);
});

test("a version that is not there is named with the command that fetches it", () => {
  expect(() => claudePath("0.0.1")).toThrow("bun src/testing/fetch-claude.ts 0.0.1");
});
