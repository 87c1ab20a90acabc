// Writing to claude on the phone: commands, the permission mode, files, dictation, and texts that outlive the page.
import { expect, test } from "bun:test";
import type { Command, InputId, Session } from "../src/protocol.ts";
import type { OpenPage, Scene } from "./testing/open-page.ts";
import { opener, shows } from "./testing/opener.ts";
import { firstFrame, session } from "./testing/world.ts";

const open = opener();
const shop = session("webshop", { status: "idle", permission_mode: "default", title: "Fix the cart total" });
const at = "/api/sessions/webshop";
const inShop: Scene = { path: "/s/webshop", sessions: [shop] };

const COMMANDS: Command[] = [
  { name: "deploy", about: "Deploy the shop to where it is said", hint: "<where>", from: "project" },
  { name: "tea", about: "Brews tea", from: "user" },
  { name: "clear", about: "Start a new session with empty context", hint: "[name]", from: "claude" },
  { name: "compact", about: "Free up context by summarizing the conversation so far", from: "claude" },
  { name: "config", about: "Open settings", from: "claude", menu: true },
  { name: "context", about: "Show what fills the context", from: "claude" },
  { name: "model", about: "Set the AI model for Claude Code", from: "claude", menu: true },
  { name: "plug:go", about: "Go there", from: "plugin" },
];

const composing = async (scene: Partial<Scene> = {}) => {
  const page = await open({ ...inShop, ...scene });
  page.server.reply(`${at}/commands`, () => ({ body: { commands: COMMANDS } }));
  await page.phone.button("Commands").waitFor();
  return page;
};
const text = ({ page }: OpenPage) => page.locator("#text");
const names = (page: OpenPage) => page.texts(".offer-name");
const becomes = (page: OpenPage, change: Partial<Session>) =>
  page.server.send("session_start", { session: { ...shop, ...change } });
/** Waits until the text reads exactly so. */
const reads = ({ page }: OpenPage, wanted: string) =>
  page.waitForFunction((text) => document.querySelector("textarea")?.value === text, wanted);
const gone = ({ page }: OpenPage, selector: string) =>
  page.locator(selector).filter({ visible: true }).first().waitFor({ state: "hidden" });
const posted = (page: OpenPage, path: string) =>
  page.server.asked.filter((asked) => asked.path === path && asked.method === "POST");

test.concurrent("a slash offers the commands of this session, fewer as one types, and a tap fills it in", async () => {
  await using page = await composing();
  const settles = { id: "x", stage: "delivered", reason: null };
  page.server.reply(`${at}/input`, ({ body }) => ({ body: { ...settles, id: (body as { id: string }).id } }));
  await page.phone.button("Commands").tap();
  await page.page.locator(".offer").first().waitFor();
  await reads(page, "/");
  expect(await names(page)).toHaveLength(COMMANDS.length);
  await page.pictures("composing-commands");
  await page.phone.button("Commands").tap();
  await gone(page, ".commands");
  await reads(page, "");
  await page.phone.button("Commands").tap();
  await text(page).pressSequentially("co");
  await page.page.waitForFunction(() => document.querySelectorAll(".offer").length === 3);
  expect(await names(page)).toEqual(["/compact", "/config", "/context"]);
  await page.pictures("composing-commands-few");
  expect(await page.phone.overflows()).toBe(false);
  expect(await text(page).getAttribute("autocorrect")).toBe("off");
  await page.page.locator(".offer", { hasText: "/compact" }).tap();
  await reads(page, "/compact ");
  expect(await page.page.evaluate(() => document.activeElement?.id)).toBe("text");
  await gone(page, ".commands");
  await shows(page.part("meaning"), /Free up context/);
  await text(page).pressSequentially("keep the plan");
  await gone(page, ".commands");
  await page.part("send").tap();
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({ text: "/compact keep the plan" });
});

test.concurrent("one's own come first, a part of a name finds it, and what is not known says so", async () => {
  await using page = await composing();
  await text(page).fill("");
  await text(page).pressSequentially("/go");
  await shows(page.page.locator(".offer-name"), "/plug:go");
  await text(page).fill("");
  await text(page).pressSequentially("/nothing-like-it");
  await shows(page.page.locator(".commands-status"), "No command of this name is known.");
  expect(await page.part("send").isEnabled()).toBe(true);
  await text(page).fill("the words after");
  await page.phone.button("Commands").tap();
  await page.page.locator(".offer", { hasText: "/deploy" }).tap();
  await reads(page, "/deploy the words after");
  await shows(page.part("meaning"), "May take <where>.");
});

test.concurrent("with a keyboard the list is walked and chosen from, and Esc leaves it", async () => {
  await using page = await composing({ touch: false, width: 1000, height: 700 });
  await text(page).pressSequentially("/co");
  await page.page.locator(".offer").first().waitFor();
  await page.page.keyboard.press("ArrowDown");
  const active = await text(page).getAttribute("aria-activedescendant");
  expect(await page.page.locator(`#${active}`).getAttribute("aria-selected")).toBe("true");
  await page.page.keyboard.press("Escape");
  await gone(page, ".commands");
  await text(page).pressSequentially("n");
  await page.page.keyboard.press("Enter");
  await reads(page, "/config ");
  await shows(page.part("meaning"), "opens a menu on Claude's screen.");
  await page.page.keyboard.press("Enter");
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({ text: "/config " });
});

test.concurrent("a command that opens a menu leads to the screen, where its keys are", async () => {
  await using page = await composing();
  await page.page.locator("#tab-log").tap();
  await page.phone.button("Commands").tap();
  await page.page.locator(".offer", { hasText: "/model" }).tap();
  await page.part("send").tap();
  await page.page.locator("#panel-screen").waitFor();
  await page.phone.button("Esc").waitFor();
});

/** The list of commands is asked for, and cannot be had. */
async function withoutList() {
  const page = await open({ ...inShop, failures: true });
  page.server.reply(`${at}/commands`, () => ({
    status: 503,
    body: { error: { code: "unreachable", message: "", request: "r" } },
  }));
  await page.phone.button("Commands").tap();
  return page;
}

test.concurrent("no list can be had: a command can be typed all the same", async () => {
  await using page = await withoutList();
  await shows(page.page.locator(".commands-status"), "can be typed all the same");
});

test.concurrent("the mode is shown; a narrower one needs one tap, a wider one says what it means first", async () => {
  await using page = await composing();
  page.server.reply(`${at}/mode`, ({ body }) => ({
    body: { id: (body as { id: string }).id, stage: "sent", reason: null },
  }));
  const chip = page.page.locator(".mode-chip");
  await shows(chip, "Manual");
  await page.pictures("composing-chip");
  await chip.tap();
  expect(await page.texts(".mode-name")).toEqual(["Plan", "Manual (now)", "Accept edits", "Auto"]);
  await page.pictures("composing-modes");
  await page.page.locator(".mode-choice", { hasText: "Auto" }).tap();
  await shows(page.page.locator("dialog h2"), "Let Claude do more: Auto?");
  await page.pictures("composing-mode-wider");
  await page.phone.button("Cancel").tap();
  expect(posted(page, `${at}/mode`)).toEqual([]);
  await chip.tap();
  await page.page.locator(".mode-choice", { hasText: "Plan" }).tap();
  const { body } = await page.server.call(`${at}/mode`);
  expect(body).toMatchObject({ mode: "plan" });
  await shows(page.part("told"), "Switching to Plan …");
  const id = (body as { id: InputId }).id;
  page.server.send("input", { session: shop.id, id, stage: "delivered", reason: null });
  becomes(page, { permission_mode: "plan" });
  await shows(chip, "Plan");
  await shows(page.part("told"), "Claude is in Plan mode now.");
  await page.pictures("composing-mode-plan");
});

test.concurrent("a mode that did not come about says why, and what it is still in", async () => {
  await using page = await composing();
  const refusal = { stage: "refused", reason: "mode_not_offered" };
  page.server.reply(`${at}/mode`, ({ body }) => ({ body: { id: (body as { id: string }).id, ...refusal } }));
  await page.page.locator(".mode-chip").tap();
  await page.page.locator(".mode-choice", { hasText: "Accept edits" }).tap();
  await page.phone.button("Switch to Accept edits").tap();
  await shows(
    page.part("told"),
    "Not switched to Accept edits. Claude does not offer this mode here. It is still Manual.",
  );
});

test.concurrent("bypassing is offered only where the session was started so; nothing while a question is open", async () => {
  const command = ["claude", "--dangerously-skip-permissions"];
  await using page = await composing({
    sessions: [{ ...shop, command, permission_mode: "bypassPermissions" }],
  });
  await shows(page.page.locator(".mode-chip"), "Bypass");
  await page.page.locator(".mode-chip").tap();
  expect(await page.texts(".mode-name")).toContain("Bypass (now)");
  await page.pictures("composing-mode-bypass");
  await page.phone.button("Close").tap();
  becomes(page, { status: "waiting", permission_mode: "default" });
  await shows(page.page.locator(".mode-chip"), "Manual");
  await page.page.locator(".mode-chip").tap();
  await shows(page.page.locator("dialog"), "Claude waits for a decision first");
  expect(await page.page.locator(".mode-choice:enabled").count()).toBe(0);
});

test.concurrent("a list that cannot be had is not asked for again at once, and one that is there is not drawn anew", async () => {
  await using page = await withoutList();
  await shows(page.page.locator(".commands-status"), "can be typed all the same");
  const typed = performance.now();
  await text(page).pressSequentially("co");
  const asked = page.server.asked.filter(({ path }) => path === `${at}/commands`).length;
  expect(asked).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - typed) / 5_000));
  page.server.reply(`${at}/commands`, () => ({ body: { commands: COMMANDS } }));
  await page.page.reload();
  await page.phone.button("Commands").tap();
  await page.page.locator(".offer").nth(4).waitFor();
  // Between a finger's coming and its going somebody's caret moves: what it is on is still there.
  const stays = await page.page.evaluate(() => {
    const [offer] = document.querySelectorAll(".offer");
    document.querySelector("textarea")?.dispatchEvent(new Event("selectionchange"));
    return offer?.isConnected;
  });
  expect(stays).toBe(true);
});

const file = (name: string, bytes: number, mimeType = "image/png") => ({
  ...{ name, mimeType, buffer: Buffer.alloc(bytes, 7) },
});
const attach = async (page: OpenPage, ...files: ReturnType<typeof file>[]) => {
  await page.page.locator('input[type="file"]').setInputFiles(files);
};
/** Takes pieces as the server does; `upto` is how much is there. */
const takes = (page: OpenPage, path = "/run/cr/1.png") =>
  page.server.reply(`${at}/files`, ({ query, body }) => {
    const upto = Number(query.get("at")) + Number(body);
    return { body: { id: query.get("id"), upto, path: upto >= Number(query.get("size")) ? path : null } };
  });

test.concurrent("a file goes piece by piece, and the text then names where claude finds it", async () => {
  await using page = await composing();
  takes(page);
  await attach(page, file("shot of the cart.png", 450_000));
  await shows(page.page.locator(".attached-file"), "439 KB, ready");
  const pieces = posted(page, `${at}/files`).map(({ query }) => Number(query.get("at")));
  expect(pieces).toEqual([0, 196_608, 393_216]);
  expect(new Set(posted(page, `${at}/files`).map(({ query }) => query.get("id"))).size).toBe(1);
  await text(page).fill("What is wrong here?");
  await page.pictures("composing-file");
  await page.page.reload();
  await shows(page.page.locator(".attached-file"), "439 KB, ready");
  expect(await text(page).inputValue()).toBe("What is wrong here?");
  await page.part("send").tap();
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({
    text: "What is wrong here?\n@/run/cr/1.png ",
  });
  await gone(page, ".attached-file");
});

test.concurrent("while a file is on its way the text waits; a cut piece is sent again from where the host has it", async () => {
  await using page = await composing({ failures: true });
  let taken = 0;
  let failed = 0;
  let away = true;
  page.server.reply(`${at}/files`, ({ query, body }) => {
    const from = Number(query.get("at"));
    if (from > 0 && failed++ === 0) return { status: 502, body: "not ours" };
    if (from > 0 && away)
      return {
        status: 503,
        body: { error: { code: "unreachable", message: "The machine is away.", request: "r" } },
      };
    taken++;
    // The host lost the end of what it had.
    const upto = taken === 2 ? 100_000 : from + Number(body);
    return { body: { id: query.get("id"), upto, path: upto >= 450_000 ? "/run/x.png" : null } };
  });
  await text(page).fill("see");
  await attach(page, file("a.png", 450_000));
  await shows(page.page.locator(".attached-file"), "192 KB of 439 KB");
  expect(await page.part("send").isDisabled()).toBe(true);
  await shows(page.page.locator(".attached-file"), "192 KB of 439 KB. Waits: The machine is away.");
  await page.pictures("composing-file-waits");
  away = false;
  await shows(page.page.locator(".attached-file"), "ready");
  const from = posted(page, `${at}/files`).map(({ query }) => Number(query.get("at")));
  expect(from.length).toBeGreaterThanOrEqual(6);
  expect(from.filter((one, i) => one !== from[i - 1])).toEqual([0, 196_608, 100_000, 296_608]);
  await page.page.locator(".send:enabled").waitFor();
});

test.concurrent("a file that is attached without a network goes when there is one again", async () => {
  await using page = await composing({ failures: true });
  takes(page);
  await page.page.context().setOffline(true);
  await attach(page, file("a.png", 300_000));
  await shows(page.page.locator(".attached-file"), "0 bytes of 293 KB. Waits: The server did not answer.");
  expect(await page.part("send").isDisabled()).toBe(true);
  await page.page.context().setOffline(false);
  await shows(page.page.locator(".attached-file"), "ready");
  expect(posted(page, `${at}/files`)).toHaveLength(2);
});

test.concurrent("a file that is refused says why, and can be removed; one that is not wanted is called off", async () => {
  await using page = await composing({ failures: true });
  page.server.reply(`${at}/files`, ({ query }) => {
    if (query.get("name") === "slow.png") return "hang";
    return {
      status: 413,
      body: { error: { code: "too_large", message: "A file may have 24 MB.", request: "r" } },
    };
  });
  await attach(page, file("film.png", 300_000), file("slow.png", 300_000));
  await shows(page.page.locator(".attached-file.failed"), "A file may have 24 MB.");
  await page.server.call(`${at}/files`, 1);
  await page.pictures("composing-file-refused");
  await page.phone.button("Remove film.png").tap();
  await page.phone.button("Remove slow.png").tap();
  await page.page.waitForFunction(() => document.querySelector(".attached-file") === null);
  const id = posted(page, `${at}/files`)
    .find(({ query }) => query.get("name") === "slow.png")
    ?.query.get("id");
  await page.server.call(`${at}/files/${id}`);
  expect(await page.part("send").isDisabled()).toBe(true);
});

test.concurrent("SEC-068 a file's name is text, and an empty file or an eleventh is not taken", async () => {
  await using page = await composing();
  takes(page);
  await attach(page, file("<img src=x onerror=alert(1)>\u202egnp.exe", 10));
  await shows(page.page.locator(".attached-name"), "<img src=x onerror=alert(1)>");
  expect(await page.page.locator(".attached-name img").count()).toBe(0);
  expect(await page.page.locator(".attached-name .mark").count()).toBe(1);
  await attach(page, file("nothing.txt", 0));
  await shows(page.part("told"), "nothing.txt is empty.");
  await attach(page, ...Array.from({ length: 10 }, (_, i) => file(`n${i}.txt`, 10)));
  await shows(page.part("told"), "At most 10 files go with one text.");
  await page.page.locator(".attached-file").nth(9).waitFor();
  expect(await page.page.locator(".attached-file").count()).toBe(10);
});

test.concurrent("a large photo is made smaller, as claude would; a pasted picture is attached", async () => {
  await using page = await composing();
  takes(page);
  const made = await page.page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [3_000, 2_000];
    const context = canvas.getContext("2d");
    const image = context?.createImageData(3_000, 2_000);
    if (image) for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 7919) % 251;
    if (image) context?.putImageData(image, 0, 0);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 1));
    if (!blob) throw new Error("no picture");
    const data = new DataTransfer();
    data.items.add(new File([blob], "photo.jpeg", { type: "image/jpeg" }));
    document
      .querySelector("#text")
      ?.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    return blob.size;
  });
  await shows(page.page.locator(".attached-file"), "photo.jpg");
  await shows(page.page.locator(".attached-file"), "ready");
  const size = Number(posted(page, `${at}/files`)[0]?.query.get("size"));
  expect(made).toBeGreaterThan(1_500_000);
  expect(size).toBeLessThan(made);
});

test.concurrent("a text waits for a photo that is still made smaller", async () => {
  await using page = await composing({
    async before({ page }) {
      await page.addInitScript(() => {
        const pictures: (() => void)[] = [];
        const createImageBitmap = () =>
          new Promise((_, reject) => pictures.push(() => reject(new Error("not a picture"))));
        Object.assign(globalThis, { pictures, createImageBitmap });
      });
    },
  });
  takes(page);
  await text(page).fill("What is this?");
  const photos = ["a.heic", "b.heic"].map((name) => file(name, 1_000, "image/heic"));
  await attach(page, ...photos);
  await page.page.locator(".attached-file").nth(1).waitFor();
  expect(await page.part("send").isDisabled()).toBe(true);
  const next = () =>
    page.page.waitForFunction(() => (globalThis as unknown as { pictures: (() => void)[] }).pictures.shift());
  await (await next()).evaluate((done) => done?.());
  await shows(page.page.locator(".attached-file"), "1000 bytes, ready");
  expect(await page.part("send").isDisabled()).toBe(true);
  await (await next()).evaluate((done) => done?.());
  await page.page.locator(".send:enabled").tap();
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({
    text: "What is this?\n@/run/cr/1.png  @/run/cr/1.png ",
  });
});

/** A browser that hears what the test says; `words` as one speaks, `fail` with an error of the standard. */
async function hears(page: OpenPage) {
  await page.page.addInitScript(() => {
    class Scripted extends EventTarget {
      continuous = false;
      interimResults = false;
      lang = "";
      start() {
        Object.assign(globalThis, { heard: this });
      }
      stop() {
        this.dispatchEvent(new Event("end"));
      }
      abort() {
        this.stop();
      }
    }
    Object.assign(globalThis, { SpeechRecognition: undefined, webkitSpeechRecognition: Scripted });
  });
}
const words = ({ page }: OpenPage, ...said: [text: string, final: boolean][]) =>
  page.evaluate((all) => {
    const results = all.map(([transcript, isFinal]) => Object.assign([{ transcript }], { isFinal }));
    const { heard } = globalThis as unknown as { heard: EventTarget };
    heard.dispatchEvent(Object.assign(new Event("result"), { results }));
  }, said);

test.concurrent("what one says is typed while one says it, after what stands there; a tap stops, typing stops too", async () => {
  await using page = await composing({ before: hears });
  await text(page).fill("Please");
  await page.phone.button("Dictate").tap();
  await shows(page.part("told"), "Listening …");
  await words(page, ["run the", false]);
  expect(await text(page).inputValue()).toBe("Please run the");
  await words(page, ["run the tests", true], [" and then", false]);
  expect(await text(page).inputValue()).toBe("Please run the tests and then");
  await page.pictures("composing-dictates");
  await page.phone.button("Stop dictating").tap();
  await page.phone.button("Dictate").waitFor();
  await words(page, ["something late", true]);
  expect(await text(page).inputValue()).toBe("Please run the tests and then");
  await page.phone.button("Dictate").tap();
  await page.phone.button("Stop dictating").waitFor();
  await text(page).pressSequentially("!");
  await page.phone.button("Dictate").waitFor();
  await page.part("told").waitFor({ state: "hidden" });
});

test.concurrent("a microphone that may not be used, or is not there, is said in words", async () => {
  await using page = await composing({ before: hears });
  const fails = (error: string) =>
    page.page.evaluate((error) => {
      const { heard } = globalThis as unknown as { heard: EventTarget };
      heard.dispatchEvent(Object.assign(new Event("error"), { error }));
    }, error);
  for (const [error, said] of [
    ["not-allowed", "This page may not use the microphone."],
    ["audio-capture", "There is no microphone"],
    ["something-new", "The browser stopped listening (something-new)."],
  ] as const) {
    await page.phone.button("Dictate").tap();
    await page.phone.button("Stop dictating").waitFor();
    await fails(error);
    await shows(page.part("told"), said);
    await page.phone.button("Dictate").waitFor();
  }
});

test.concurrent("Chromium's own speech here has no microphone, and says so; a browser without any has no button", async () => {
  await using page = await composing();
  await page.phone.button("Dictate").tap();
  await shows(page.part("told"), /microphone|speech/);
  await using without = await composing({
    async before({ page }) {
      await page.addInitScript(() =>
        Object.assign(globalThis, { SpeechRecognition: undefined, webkitSpeechRecognition: undefined }),
      );
    },
  });
  expect(await without.phone.button("Dictate").count()).toBe(0);
});

test.concurrent("a text that waited when this phone was logged out is not sent once it is paired again, until somebody says so", async () => {
  await using page = await composing({ failures: true });
  page.server.drop();
  await page.server.refusals(1);
  await text(page).fill("an old yes");
  await page.part("send").tap();
  await page.page.locator(".sent.queued").waitFor();
  page.server.drop(401);
  await shows(page.part("unsent"), "One text was not sent.");
  await page.pictures("logged-out-unsent");
  page.server.reply("/api/pair", () => ({ body: { status: "paired" } }));
  page.server.accept();
  await page.page.getByLabel("Code").fill("ABCD-EFGH");
  await page.phone.button("Pair this phone").tap();
  await shows(page.page.locator(".sent.held"), "Not sent.");
  await page.page.reload();
  await shows(page.page.locator(".sent.held"), "an old yes");
  expect(posted(page, `${at}/input`)).toEqual([]);
  await page.page.locator(".sent.held").getByText("Send now").tap();
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({ text: "an old yes" });
});

test.concurrent("a text that waits for a connection outlives the page; an old one goes only when somebody says so", async () => {
  await using page = await composing({ failures: true });
  page.server.drop();
  await shows(page.page.locator("#banner"), "Reconnecting");
  await text(page).fill("first");
  await page.part("send").tap();
  await text(page).fill("second");
  await page.part("send").tap();
  await page.page.locator(".sent.queued").nth(1).waitFor();
  await page.page.evaluate(() => {
    const old = Object.keys(localStorage).find((key) => localStorage.getItem(key)?.includes("second")) ?? "";
    const one = JSON.parse(localStorage.getItem(old) ?? "{}");
    localStorage.setItem(old, JSON.stringify({ ...one, at: one.at - 60 * 60_000 }));
  });
  page.server.accept();
  await page.page.reload();
  expect((await page.server.call(`${at}/input`)).body).toMatchObject({ text: "first" });
  await shows(page.page.locator(".sent.held"), "Not sent.");
  await page.phone.button("Commands").waitFor();
  await page.pictures("composing-held");
  expect(posted(page, `${at}/input`)).toHaveLength(1);
  await page.page.locator(".sent.held").getByText("Send now").tap();
  expect((await page.server.call(`${at}/input`, 1)).body).toMatchObject({ text: "second" });
  for (const { body } of posted(page, `${at}/input`)) {
    const { id } = body as { id: InputId };
    page.server.send("input", { session: shop.id, id, stage: "delivered", reason: null });
  }
  await page.page.locator(".sent.delivered").nth(1).waitFor();
  expect(
    await page.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("unsent:"))),
  ).toEqual([]);
});

test.concurrent("the box grows to four tenths of what is seen, its letters are large enough, and Enter is a new line on a phone", async () => {
  await using page = await composing();
  await text(page).fill(Array.from({ length: 60 }, (_, i) => `line ${i}`).join("\n"));
  const { height, size, hint } = await text(page).evaluate((box) => ({
    height: box.getBoundingClientRect().height,
    size: Number.parseFloat(getComputedStyle(box).fontSize),
    hint: box.getAttribute("enterkeyhint"),
  }));
  expect(height).toBeGreaterThan(844 * 0.35);
  expect(height).toBeLessThanOrEqual(844 * 0.4 + 1);
  expect(size).toBeGreaterThanOrEqual(16);
  expect(hint).toBe("enter");
  await page.pictures("composing-long");
  await text(page).fill("one");
  await page.page.keyboard.press("Enter");
  await reads(page, "one\n");
});

for (const [width, height] of [
  [320, 568],
  [844, 390],
  [820, 1180],
] as const)
  test.concurrent(`nothing of it reaches beyond ${width} × ${height}, and the send button stays in sight`, async () => {
    await using page = await composing({ width, height });
    takes(page);
    page.server.send("output", { session: shop.id, frame: firstFrame([], 80, 24) });
    await attach(page, file("a photograph with a rather long name of the broken cart.png", 1_000));
    await shows(page.page.locator(".attached-file"), "ready");
    await page.phone.button("Commands").tap();
    await page.page.locator(".offer").first().waitFor();
    expect(await page.phone.overflows()).toBe(false);
    const box = await page.part("send").boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
    await page.pictures(`composing-${width}x${height}`);
  });
