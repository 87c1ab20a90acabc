// Commands, the permission mode and a picture from the phone, into the real claude.
import { describe, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import { openSession, said } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();
/** A red square of 8 by 8. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==",
  "base64",
);

describe.each([...claudeVersions])("claude %s", (version) => {
  story("a command, another mode and a picture come from the phone", version, async (world) => {
    const own = join(world.project, ".claude", "commands");
    mkdirSync(own, { recursive: true });
    writeFileSync(
      join(own, "brew.md"),
      "---\ndescription: Brews it\nargument-hint: <what>\n---\nSAY: brewed $ARGUMENTS",
    );
    const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
    await openSession(phone);

    await phone.button("Commands").tap();
    await phone.reads(phone.page.locator(".offer"), /\/model/);
    expect(await phone.reads(phone.page.locator(".offer"), /\/brew/)).toMatch(
      /<what>[\s\S]*project[\s\S]*Brews it/,
    );
    await world.picture(phone, "commands");
    await phone.page.locator(".offer", { hasText: "/brew" }).tap();
    await phone.page.locator("#text").pressSequentially("some tea");
    await phone.button("Send").tap();
    await said(desk, "brewed some tea");

    await world.idle(desk);
    await phone.reads(phone.page.locator(".mode-chip"), /^Manual/);
    await choose(phone, "Plan");
    await desk.waitFor(/plan mode on/);
    await phone.reads(phone.page.locator(".mode-chip"), /^Plan/);
    await choose(phone, "Accept edits");
    await phone.button("Switch to Accept edits").tap();
    await desk.waitFor(/accept edits on/);
    await phone.reads(phone.part("told"), /Claude is in Accept edits mode now/);
    await world.picture(phone, "mode");
    desk.write("\x1b[Z");
    await phone.reads(phone.page.locator(".mode-chip"), /^Plan/);

    await phone.page
      .locator('input[type="file"]')
      .setInputFiles({ name: "red square.png", mimeType: "image/png", buffer: PICTURE });
    await phone.reads(phone.page.locator(".attached-file"), /ready/);
    await phone.page.locator("#text").fill("SAY: a red square");
    await phone.button("Send").tap();
    const { body } = await world.api.waitFor(
      ({ prompt, tools }) => tools.length > 0 && /square/.test(prompt),
      {
        timeout: 30_000,
      },
    );
    const parts = body.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
    expect(parts.filter(({ type }) => type === "image")).toHaveLength(1);
    await said(desk, "a red square");

    await world.idle(desk);
    await phone.button("Commands").tap();
    await phone.page.locator("#text").pressSequentially("model");
    await phone.page.locator(".offer", { hasText: "/model" }).first().tap();
    await phone.button("Send").tap();
    await desk.waitFor(/Select model|Esc to (cancel|close)/);
    await phone.button("Esc").tap();
    await world.idle(desk);
  });
});

async function choose(phone: Phone, mode: string) {
  await phone.page.locator(".mode-chip:enabled").tap();
  await phone.page.locator(".mode-choice:enabled", { hasText: mode }).tap();
}
