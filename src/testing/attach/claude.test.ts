// The real claude from an attached terminal: what it shows, keys, paste and mouse; and a question answered there.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { until } from "../transparency/rig.ts";
import { TestViewer } from "../viewer.ts";
import { LEAVE, Place, same, shownBy } from "./place.ts";

/** A whole story of a real claude, on a machine that does other things too. */
const STORY_MS = 180_000;
setDefaultTimeout(STORY_MS);

/** The first start of a claude reads some 300 MB from the disk. */
const START = { timeout: 60_000 };
/** What takes claude some tenths of a second. */
const STEP = { timeout: 60_000 };
/** 2.1.329 takes no key for some tenths of a second after it drew a dialog, and nothing says when that is over. */
const DEAF_MS = 1_000;
/** A key without effect by then was lost. One that is only late must not be followed by a second: what stands there next would get it. */
const LOST_MS = 10_000;
const READY = /\? for shortcuts|(mode|edits) on/;

const api = await messagesApi();
afterAll(() => api[Symbol.asyncDispose]());

/** A claude of this version in a home of its own. */
async function claudePlace(version: string) {
  const stack = new AsyncDisposableStack();
  const home = stack.use(await claudeHome({ api }));
  const place = stack.use(await Place.open({ claude: claudePath(version), env: home.env }));
  return { place, project: home.project, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function say(terminal: Terminal, text: string) {
  terminal.paste(text);
  await terminal.waitFor(new RegExp(`❯\\s${text.slice(0, 40)}`), STEP);
  terminal.write("\r");
}

/** Presses a key in claude's dialog, and waits until that is gone. */
async function decide(terminal: Terminal, key: string) {
  const stands = (screen: string) => /Do you want to proceed/.test(screen);
  await terminal.waitFor(stands, STEP);
  await Bun.sleep(DEAF_MS);
  const gone = () => terminal.waitFor((screen) => !stands(screen), { timeout: LOST_MS }).catch(() => null);
  do terminal.write(key);
  while ((await gone()) === null);
}

describe.each([...claudeVersions])("claude %s", (version) => {
  test("both terminals show the same; typed, pasted and clicked in the attached one", async () => {
    await using world = await claudePlace(version);
    const { place, project } = world;
    await using desk = place.side.terminal(["--permission-mode", "default"], { cwd: project });
    await desk.waitFor(READY, START);
    await using attached = place.attach(await place.newest());
    await attached.waitFor(READY, STEP);
    await say(attached, "SAY: first-word");
    await attached.waitFor(/[●⏺] first-word/, STEP);
    await same(desk, attached);
    attached.write("\x1b[A"); // The prompt before.
    await attached.waitFor(/❯\sSAY: first-word\s[\s\S]*❯\sSAY: first-word/u, STEP);
    await same(desk, attached);
    attached.write("\x15");

    const pasted = Array.from(
      { length: 2_000 },
      (_, i) => `line ${i} of a long paste, which has many of them`,
    );
    const whole = `SAY: pasted-word\n${pasted.join("\n")}`;
    expect(whole.length).toBeGreaterThan(90_000);
    attached.paste(whole);
    await attached.waitFor(/Pasted text/, STEP);
    attached.write("\r");
    const { body } = await api.waitFor(({ prompt }) => prompt.includes("line 1999 of"), STEP);
    const sent = JSON.stringify(body.messages);
    for (const line of pasted) expect(sent.includes(line)).toBe(true);
    await attached.waitFor(/[●⏺] pasted-word/, STEP);

    await say(attached, "TEXT: 100");
    await attached.waitFor(/line 100 of the answer/, STEP);
    await attached.waitFor(READY, STEP);
    const { modes } = await same(desk, attached);
    if (modes.alternate) {
      // It reads the mouse, in the newer way of telling it; so must the attached terminal.
      expect(modes).toMatchObject({
        mouse: "any",
        mouse_encoding: "sgr",
        bracketed_paste: true,
        focus: true,
      });
      const before = attached.screen();
      for (let i = 0; i < 5; i++) attached.write("\x1b[<64;10;10M");
      await attached.waitFor((screen) => screen !== before, STEP);
      await until("two equal screens", () => desk.screen() === attached.screen());
    }
    attached.write(LEAVE);
    expect((await attached.exited).code).toBe(0);
    expect((await shownBy(attached.bytes())).modes).toEqual((await shownBy(Buffer.from("$ "))).modes);
    await place.run("stop", (await place.session()).id);
    await desk.exited;
  });

  test("the window is closed, another terminal attaches, answers what claude asks, and a phone hears of it", async () => {
    await using world = await claudePlace(version);
    const { place, project } = world;
    const outer = place.side.outer(["--permission-mode", "default"], { cwd: project });
    await outer.seen(/shortcuts|mode.*on|edits.*on/);
    const { id } = await place.newest();
    await place.heard(id);
    outer.hangUp();
    await place.session((one) => one.id === id && !one.terminal);
    await using phone = await new TestViewer(place.viewer.server, place.viewer.cookie).listen(id);
    await using attached = place.attach({ id: id.slice(0, 13) }, { cols: 120, rows: 50 });
    await attached.waitFor(READY, STEP);
    for (const [key, file, as] of [
      ["1", "yes.txt", "approved"],
      ["\x1b", "no.txt", "rejected"],
    ] as const) {
      await say(attached, `RUN: touch ${file}`);
      const asked = () =>
        [...phone.prompts.values()].find(({ prompt_text }) => prompt_text === `touch ${file}`);
      await until("the card", () => asked()?.stage === "open");
      await decide(attached, key);
      await until("the card's end", () => asked()?.outcome === as);
      expect(asked()).toMatchObject({ stage: "withdrawn", withdrawn_by: "desk" });
      await attached.waitFor(READY, STEP);
      expect(existsSync(join(project, file))).toBe(as === "approved");
    }
    expect(phone.sessions.get(id)).toMatchObject({ terminal: true, attached: 1, cols: 120, rows: 50 });
    await say(attached, "/exit");
    expect(await attached.exited).toEqual({ code: 0, signal: null });
    expect(attached.screen()).toContain("has ended (exit code 0)");
  });
});
