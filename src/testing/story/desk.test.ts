// Desk and phone at once: whoever answers first decides, and the phone is told the truth of it.
import { describe, expect } from "bun:test";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { ALLOWANCE, openCard, outcome, painted, quickest } from "./acts.ts";
import { stories, type World } from "./world.ts";

const story = stories();
/** What the phone may take to know, ms. */
const KNOWS_WITHIN_MS = 1_000;

describe.each([...claudeVersions])("claude %s", (version) => {
  story("a card turns into what was answered at the desk, yes and Esc, at once", version, async (world) => {
    const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
    const measure = (key: string, as: "approved" | "denied") =>
      quickest(KNOWS_WITHIN_MS, () => answered(world, desk, phone, { key, as }));
    const yes = await measure("1", "approved");
    await world.picture(phone, "answered-at-the-desk");
    await phone.part("next").tap();
    const esc = await measure("\x1b", "denied");
    console.log(`claude ${version}: desk answer to card, yes ${yes} ms, Esc ${esc} ms`);
    expect(Math.max(yes, esc)).toBeLessThan(ALLOWANCE * KNOWS_WITHIN_MS);
  });
});

/** A question, its card open on the phone, answered with a key at the desk: ms until the card says so. */
async function answered(
  world: World,
  desk: Terminal,
  phone: Phone,
  { key, as }: { key: string; as: "approved" | "denied" },
): Promise<number> {
  if (await phone.part("next").isVisible()) await phone.part("next").tap();
  const file = `${as}-${crypto.randomUUID()}.txt`;
  await world.say(desk, `RUN: touch ${file}`);
  await openCard(phone, "Run this command?");
  const knows = painted(phone, "outcome", /^Answered at the desk/);
  const begunAt = performance.now();
  desk.write(key);
  const ms = Math.round((await knows) - begunAt);
  await outcome(phone, new RegExp(`^Answered at the desk \\d\\d:\\d\\d \\(${as}\\)$`));
  expect(await phone.part("approve").isDisabled()).toBe(true);
  await world.idle(desk);
  expect(world.read(file)).toBe(as === "approved" ? "" : null);
  return ms;
}
