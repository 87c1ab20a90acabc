// claude asks at the desk, somebody answers on the phone, and what was said is what happens.
import { describe, expect } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claudeVersions } from "../real-claude.ts";
import { cardReady, openCard, outcome, said } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a command, a new file and an edit are carried out once they are approved on the phone",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await world.say(
        desk,
        "RUN: touch made.txt && echo hi-there ;; WRITE: note.txt one ;; EDIT: note.txt|one|uno",
      );

      await openCard(phone, "Run this command?");
      expect(await phone.page.locator(".literal").textContent()).toBe("touch made.txt && echo hi-there");
      await world.picture(phone, "card");
      expect(world.read("made.txt")).toBeNull();
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted \d\d:\d\d$/);
      await world.picture(phone, "accepted");
      expect((await world.api.waitFor(({ step }) => step === 1)).results[0]?.text).toBe("hi-there");
      expect(world.read("made.txt")).toBe("");

      await phone.reads(phone.part("next"), /Next one waiting/);
      await phone.part("next").tap();
      await cardReady(phone, "Write this file?");
      expect(world.read("note.txt")).toBeNull();
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await world.api.waitFor(({ step }) => step === 2);
      expect(world.read("note.txt")).toBe("one\nsecond line\n");

      await phone.reads(phone.part("next"), /Next one waiting/);
      await phone.part("next").tap();
      await cardReady(phone, "Change this file?");
      const lines = (kind: string) => phone.page.locator(`.edit-line.${kind} .edit-text`).allTextContents();
      expect(await lines("gone")).toEqual(["removed: one"]);
      expect(await lines("new")).toEqual(["added: uno"]);
      expect(await lines("same")).toEqual(["second line"]);
      await world.picture(phone, "diff");
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await said(desk, "Done: ");
      expect(world.read("note.txt")).toBe("uno\nsecond line\n");
    },
  );

  story(
    "a refusal reaches claude in the very words of the phone, and what is always allowed is not asked again",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      const tool = join(world.project, "tool");
      writeFileSync(tool, '#!/bin/sh\necho "$2" >> installed.txt\n');
      chmodSync(tool, 0o700);

      await world.say(desk, "RUN: rm -rf precious ;; SAY: I understand");
      await openCard(phone, "Run this command?");
      await phone.button(/and tell Claude/).tap();
      const words = 'No "rm", please: use `git rm` instead.\nIch meine es ernst 🙏';
      await phone.part("reply-text").fill(words);
      await world.picture(phone, "deny-and-tell");
      await phone.part("reply-send").tap();
      await outcome(phone, /Claude accepted/);
      const told = await world.api.waitFor(({ step }) => step === 1);
      expect(told.results).toMatchObject([{ text: words, isError: true }]);
      await said(desk, "I understand");

      await phone.part("next").tap();
      await world.say(desk, "RUN: ./tool install first ;; SAY: once");
      await openCard(phone, "Run this command?");
      await phone.button("More …").tap();
      const dialog = phone.page.getByRole("dialog");
      await dialog
        .getByText(/Bash\(\.\/tool install .*\) in this project's \.claude\/settings\.local\.json/)
        .waitFor();
      await world.picture(phone, "always");
      await dialog.getByRole("button", { name: "Always allow" }).tap();
      await outcome(phone, /Claude accepted/);
      await said(desk, "once");
      expect(world.read(".claude/settings.local.json")).toContain("Bash(./tool install");
      const asked = world.questions;

      await world.say(desk, "RUN: ./tool install second ;; SAY: twice");
      await said(desk, "twice");
      expect(world.read("installed.txt")).toBe("first\nsecond\n");
      expect([asked, world.questions]).toEqual([2, 2]);
    },
  );
});
