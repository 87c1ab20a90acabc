// Questions and plans: claude asks more than yes or no.
import { describe, expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { openCard, outcome, said } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a question is answered with a choice, and a plan approved, from the phone",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk("plan"), world.phone()]);
      await world.say(desk, "ASK: many ;; SAY: thank you");
      await openCard(phone, "Claude asks");
      expect(await phone.part("approve").isDisabled()).toBe(true);
      const choose = (question: string, label: string) =>
        phone.page.getByRole("group", { name: question }).getByText(label, { exact: true }).tap();
      await choose("Which color should the button be?", "Blue");
      await choose("Which features do you want?", "Login");
      await choose("Which features do you want?", "Export");
      await phone.page.getByLabel("Your own answer: Which database?").fill("a plain file");
      await world.picture(phone, "question");
      await phone.button(/^Answer/).tap();
      await outcome(phone, /Claude accepted/);
      const { results } = await world.api.waitFor(({ step }) => step === 1);
      const [told] = results;
      expect(told?.isError).toBe(false);
      expect(told?.text).toMatch(/button be\?"?\s?[="]+Blue"[\s\S]*Login, ?Export[\s\S]*a plain file/);
      await said(desk, "thank you");

      await phone.part("next").tap();
      await world.say(desk, "PLAN");
      await openCard(phone, "Approve this plan?");
      await phone.page.getByText("The plan", { exact: true }).waitFor();
      await world.picture(phone, "plan");
      await phone.button(/^Approve, ask before edits/).tap();
      await outcome(phone, /Claude accepted/);
      const planned = await world.api.waitFor(({ results }) =>
        /approved your plan/i.test(results[0]?.text ?? ""),
      );
      expect(planned.results[0]?.isError).toBe(false);
      await said(desk, "Done: ");
    },
  );
});
