// The names of claude's own list of slash commands are those that are recorded of it, on every version that is covered.
import { describe, expect, test } from "bun:test";
import { claudeCommands } from "../../wrapper/claude-commands.ts";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import { Terminal } from "../terminal.ts";

const WAIT = { timeout: 30_000 };
/** As high as the list of an older claude is long; a newer one shows five at a time. */
const SIZE = { cols: 220, rows: 200 };
const DOWN = "\x1b[B";
/** More than any version has: the list begins anew after its last. */
const MOST = 200;

const READY = /\? for shortcuts|mode on/;
/** A row of the list; a newer claude marks the one that Enter would take. */
const ROW = /^\s*(?:❯ )?\/([\w:-]+)(?: \([\w, -]+\))? {2,}/gm;
const marked = (screen: string) => /^\s*❯ \/([\w:-]+)/m.exec(below(screen))?.[1];
/** A newer claude's list stands over the input box, where the text begins with the same sign. */
const below = (screen: string) => screen.replace(/^❯ \/\S*\s*$/m, "");

/** An older claude paints the whole list piece by piece. */
const REST_MS = 1_000;

async function atRest(desk: Terminal): Promise<string> {
  for (let before = ""; ; ) {
    const screen = desk.screen();
    if (screen === before) return screen;
    before = screen;
    await Bun.sleep(REST_MS);
  }
}

async function listed(desk: Terminal): Promise<Set<string>> {
  desk.write("/");
  await desk.waitFor(/^\s*(❯ )?\/add-dir /m, WAIT);
  const first = marked(await atRest(desk));
  const names = new Set<string>();
  const read = (screen: string) => {
    for (const [, name = ""] of below(screen).matchAll(ROW)) names.add(name);
  };
  read(desk.screen());
  for (let now = first, presses = 0; now !== undefined && presses < MOST; presses++) {
    const before = now;
    desk.write(DOWN);
    now = marked(await desk.waitFor((screen) => ![undefined, before].includes(marked(screen)), WAIT));
    read(desk.screen());
    if (now === first) break;
  }
  return names;
}

describe.each([...claudeVersions])("claude %s", (version) => {
  test("its list has every command that is recorded, and no other", async () => {
    await using api = await messagesApi();
    await using home = await claudeHome({ api });
    await using desk = new Terminal([claudePath(version), "--permission-mode", "default"], {
      ...{ cwd: home.project, env: home.env, ...SIZE },
    });
    await desk.waitFor(READY, WAIT);
    const names = await listed(desk);
    expect([...names].sort()).toEqual(
      claudeCommands(version)
        .map(({ name }) => name)
        .sort(),
    );
  }, 120_000);
});
