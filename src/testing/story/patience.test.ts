// What takes real minutes: a question that stood for longer than any default time limit is still answered from the phone.
import { expect, test } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { openCard, outcome, said } from "./acts.ts";
import { stories } from "./world.ts";

/** The versions wait side by side. */
const story = stories(test.concurrent);
/** claude's own default ends a hook after 10 minutes, the runtime's ends a silent request after 6. */
const LONG_MS = 11 * 60 * 1_000;
/** For what comes before and after, with room for a busy machine. */
const AROUND_MS = 4 * 60 * 1_000;

for (const version of process.env.CLAUDE_REMOTE_TEST_ALL === "1" ? claudeVersions : []) {
  story(
    `claude ${version}: a question is approved after eleven minutes`,
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await world.say(desk, "RUN: touch late.txt && echo at-last");
      await openCard(phone, "Run this command?");
      await Bun.sleep(LONG_MS);
      await phone.reads(phone.part("age"), /^11 min$/);
      await world.picture(phone, "after-eleven-minutes");
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await said(desk, "Done: .*at-last");
      expect(world.read("late.txt")).toBe("");
    },
    LONG_MS + AROUND_MS,
  );
}
