// The phone's live screen is the terminal's, letter for letter, and its log what has scrolled away.
import { describe, expect } from "bun:test";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { openSession } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();
/** ms between two looks, and how many equal ones in a row mean that nothing moves any more. */
const LOOK_MS = 100;
const AT_REST_LOOKS = 5;
const EQUAL_WITHIN_MS = 15_000;

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "the live screen equals the terminal's, in colour, and the log has what scrolled away",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await world.picture(phone, "list");
      await openSession(phone);
      await world.say(desk, "TEXT: 60");
      await desk.waitFor(/line 60 of the answer/);
      await equalScreens(desk, phone);
      expect(await colours(phone)).toBeGreaterThan(2);
      await world.picture(phone, "screen");
      await phone.button("Whole width").tap();
      await world.picture(phone, "screen-whole-width");

      desk.resize(72, 30);
      await desk.waitFor(/line 60 of the answer/);
      await equalScreens(desk, phone);

      await phone.page.getByRole("tab", { name: "Log" }).tap();
      await phone.reads(phone.page.locator(".log-line"), /line 1 of the answer/);
      await world.picture(phone, "log");
    },
  );
});

/** What the phone shows, blanks at the ends left out as in a terminal's own text. */
async function shown(phone: Phone): Promise<string> {
  const lines = await phone.page.locator(".terminal .line").allTextContents();
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}

/** Both sides move until claude is at rest; then they have to be equal, and to stay so. */
async function equalScreens(desk: Terminal, phone: Phone) {
  const end = Date.now() + EQUAL_WITHIN_MS;
  for (let equal = 0; equal < AT_REST_LOOKS && Date.now() < end; await Bun.sleep(LOOK_MS))
    equal = (await shown(phone)) === desk.screen() ? equal + 1 : 0;
  expect(await shown(phone)).toBe(desk.screen());
}

const colours = (phone: Phone): Promise<number> =>
  phone.page
    .locator(".terminal .line span")
    .evaluateAll((spans) => new Set(spans.map((span) => getComputedStyle(span).color)).size);
