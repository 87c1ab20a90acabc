// From the phone's composer and key bar into claude, and what the phone is told of it.
import { describe, expect } from "bun:test";
import type { MessagesRequest } from "../../doctor/messages-request.ts";
import type { MessagesApi } from "../messages-api.ts";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import { openSession, said } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();
/** Longer than any test: claude works until it is interrupted. */
const FOREVER_MS = 600_000;

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a text typed on the phone is claude's prompt, exactly; while somebody types at the desk it is refused",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await openSession(phone);
      await phone.reads(phone.part("word"), /^Idle/);
      await send(phone, "SAY: heard from afar");
      await phone.reads(phone.page.locator(".sent"), /Seen by Claude/);
      await world.picture(phone, "seen");
      await said(desk, "heard from afar");
      expect(wordsOf(await heard(world.api, /afar/))).toEqual(["SAY: heard from afar"]);

      const long = [
        "Grüße vom Telefon 👋🏽",
        "",
        "\tzweite Zeile: „Zitat“ & <tag>",
        "SAY: vier Zeilen 👨‍👩‍👧",
        "и конец",
      ].join("\n");
      await send(phone, long);
      await said(desk, "vier Zeilen");
      expect(wordsOf(await heard(world.api, /vier Zeilen/))).toEqual([long.replace("\t", "    ")]);

      await world.idle(desk);
      await desk.type("half a thought");
      await desk.waitFor(/❯\shalf a thought/);
      await send(phone, "SAY: instead of it");
      await phone.reads(phone.page.locator(".sent.refused"), /Not typed\. Somebody is typing at the desk\./);
      for (const offer of ["Add to it", "Replace it", "Keep here"]) await phone.button(offer).waitFor();
      await world.picture(phone, "desk-is-typing");
      expect(desk.screen()).toMatch(/❯\shalf a thought/);
      await phone.button("Replace it").tap();
      await said(desk, "instead of it");
      expect(wordsOf(await heard(world.api, /instead/))).toEqual(["SAY: instead of it"]);

      await world.idle(desk);
      await desk.type("SAY: begun at the desk,");
      await desk.waitFor(/❯\sSAY: begun at the desk,/);
      await send(phone, " ended on the phone");
      await phone.button("Add to it").tap();
      await said(desk, "begun at the desk, ended on the phone");
    },
  );

  story("the phone presses a key, and interrupts a turn", version, async (world) => {
    const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
    await openSession(phone);
    await phone.button("Shift Tab").tap();
    await desk.waitFor(/accept edits on/);
    await world.say(desk, `SLOW: ${FOREVER_MS} ;; SAY: never said`);
    await world.api.waitFor(({ prompt }) => prompt.startsWith("SLOW"));
    await phone.button("Interrupt").tap();
    const dialog = phone.page.getByRole("dialog");
    await dialog.getByText("Interrupt Claude?").waitFor();
    await world.picture(phone, "interrupt");
    await dialog.getByRole("button", { name: "Interrupt" }).tap();
    await phone.reads(phone.part("word"), /^Idle/);
    await world.idle(desk);
    const still = await desk.waitFor((screen) => !/esc to interrupt/i.test(screen));
    expect(still).not.toMatch(/[●⏺] never said/);
  });
});

async function send(phone: Phone, text: string) {
  await phone.page.getByLabel("Message to Claude").fill(text);
  await phone.button("Send").tap();
}

const heard = (api: MessagesApi, prompt: RegExp): Promise<MessagesRequest> =>
  api.waitFor((request) => request.tools.length > 0 && prompt.test(request.prompt));

/** The user's own words in the newest message, as they were sent: nothing trimmed, nothing taken away but notes of claude's. */
function wordsOf({ body }: MessagesRequest): string[] {
  const { content = "" } = body.messages.findLast(({ role }) => role === "user") ?? {};
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return parts.flatMap(({ type, text = "" }) =>
    type === "text" && !text.startsWith("<system-reminder>") ? [text] : [],
  );
}
