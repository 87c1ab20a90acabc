// What was: found again by its words, listed by what it was about, and what it used, counted once over a resume.
import { describe, expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { leave, said } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();
/** The first of them that writes down what was spent. */
const SPEAKS_OF_MONEY = "2.1.329";

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "ended sessions are found again by what was said, and what they used is counted once",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      const visit = (path: string) => phone.goto(new URL(path, phone.page.url()).href);
      await world.say(desk, "SAY: a xylophone");
      await said(desk, "a xylophone");
      await world.wrote("a xylophone");
      await world.idle(desk);
      await leave(desk);
      const again = world.terminal("--continue", "--permission-mode", "default");
      await world.say(again, "SAY: a zither");
      await said(again, "a zither");
      await world.wrote("a zither");
      await world.idle(again);
      await leave(again);

      await phone.page.locator(".row-item.ended").nth(1).waitFor();
      await visit("/history");
      const rows = phone.page.locator(".history-row");
      for (const i of [0, 1]) await phone.reads(rows.nth(i), /SAY: a xylophone/); // One conversation.
      const links = await rows
        .locator('[data-part="link"]')
        .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
      expect(links).toHaveLength(2);
      expect(links).toEqual([...links].sort().reverse()); // The newest first, by ids that grow.

      // The stand-in's answers take ten tokens in and ten out.
      await visit("/usage");
      await phone.reads(phone.page.locator(".usage-total strong"), /^40 tokens$/);
      const each = phone.page.locator('.row [data-part="used"]');
      await phone.reads(each.nth(1), /^10 in, 10 out/);
      const money = await phone.page.locator(".usage-total").innerText();
      if (Bun.semver.order(version, SPEAKS_OF_MONEY) >= 0) expect(money).toContain("under $0.01");
      else expect(money).not.toContain("$");

      await visit("/search");
      await phone.page.getByRole("searchbox").fill("xyloph");
      const hit = phone.page.locator(".hit");
      await phone.reads(hit, /Claude\s*a xylophone/);
      await hit
        .filter({ hasText: /Claude\s*a xylophone/ })
        .first()
        .tap();
      await phone.reads(phone.page.locator(".said.found"), /a xylophone/);
      await world.picture(phone, "history-found");
    },
  );
});
