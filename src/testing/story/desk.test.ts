// Desk and phone at once: whoever answers first decides, and the phone is told the truth of it.
import { describe, expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { atRest, openCard, outcome, say, stories } from "./world.ts";

const story = stories();
/** What the phone may take to know, ms; and on a machine that other tests keep busy. */
const KNOWS_WITHIN_MS = 1_000;

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a card turns into what was answered at the desk, yes and Esc, within a second",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await say(desk, "RUN: touch made.txt && echo by-the-desk");
      await openCard(phone, "Run this command?");
      const yes = await timed(
        () => desk.write("1"),
        () => outcome(phone, /^Answered at the desk/),
      );
      await outcome(phone, /^Answered at the desk \d\d:\d\d \(approved\)$/);
      await world.picture(phone, "answered-at-the-desk");
      await desk.waitFor(/Done: .*by-the-desk/);
      expect(world.read("made.txt")).toBe("");

      await phone.part("next").tap();
      await say(desk, "RUN: touch never.txt");
      await openCard(phone, "Run this command?");
      const esc = await timed(
        () => desk.write("\x1b"),
        () => outcome(phone, /^Answered at the desk/),
      );
      await outcome(phone, /^Answered at the desk \d\d:\d\d \(denied\)$/);
      expect(await phone.part("approve").isDisabled()).toBe(true);
      await desk.waitFor(/Interrupted|rejected/i);
      await atRest(desk);
      expect(world.read("never.txt")).toBeNull();
      console.log(`claude ${version}: desk answer to card, yes ${yes} ms, Esc ${esc} ms`);
      expect(Math.max(yes, esc)).toBeLessThan(KNOWS_WITHIN_MS);
    },
  );
});

/** Ms from an act until what follows from it is there. */
async function timed(act: () => void, follows: () => Promise<unknown>): Promise<number> {
  const begunAt = performance.now();
  act();
  await follows();
  return Math.round(performance.now() - begunAt);
}
