// What must hold of a card in a real browser, by its ids of docs/security.md: nothing hidden, nothing moved, one at a time.
import { expect, test } from "bun:test";
import type { OpenPage } from "./testing/open-page.ts";
import { opener } from "./testing/opener.ts";
import { bash, prompt, session } from "./testing/world.ts";

const open = opener();

const shop = session("webshop", { status: "waiting" });
const ready = (page: OpenPage) => page.page.locator('.card-view [data-part="deny"]:enabled').waitFor();

test.concurrent("SEC-036 harm in the last 20 bytes of 10 KB stands on the screen before it can be approved", async () => {
  const command = `echo ${"a".repeat(10_220)};rm -rf ~/important `;
  await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [bash("p1", shop, command)] });
  await ready(page);
  expect(await page.part("approve").isDisabled()).toBe(true);
  await page.phone.button(/^Show all \(1 line, 10\.0 KB\)$/).tap();
  expect(await page.part("approve").isDisabled()).toBe(true);
  const literal = page.page.locator(".card-view .literal");
  expect(await literal.textContent()).toBe(command);
  await page.page.locator(".card-view .scroll").evaluate((box) => box.scrollTo(0, box.scrollHeight));
  await page.page.locator('[data-part="approve"]:enabled').waitFor();
  // The last characters themselves are within the window, above the buttons.
  const seen = await literal.evaluate((box) => {
    const text = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    let last: Text | null = null;
    while (text.nextNode()) last = text.currentNode as Text;
    const range = document.createRange();
    if (last) range.setStart(last, last.length - 20);
    if (last) range.setEnd(last, last.length);
    const { bottom } = range.getBoundingClientRect();
    return bottom > 0 && bottom <= (document.querySelector(".answers")?.getBoundingClientRect().top ?? 0);
  });
  expect(seen).toBe(true);
});

test.concurrent("SEC-037 what hides in a path or a host is marked too, and nothing of it is interpreted", async () => {
  const path = "/home/ada/\u202egpj.exe/\u200b.bashrc\u0000";
  const write = prompt("p1", shop, {
    ...{ tool: "Write", prompt_text: path, cwd: "/home/\u2066ada" },
    input: { file_path: path, content: "x\u{e0041}\b\r" },
  });
  await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [write] });
  await ready(page);
  expect(await page.texts(".card-view .path .mark")).toEqual(["<U+202E>", "<U+200B>", "<NUL>"]);
  const marks = await page.texts(".card-view .edit-lines .mark, .card-view .facts .mark");
  expect(marks).toEqual(expect.arrayContaining(["<U+2066>", "<U+E0041>", "<BS>", "<CR>"]));
  expect(await page.page.locator(".risk").first().innerText()).toMatch(/hidden or look-alike characters/);
});

test.concurrent("SEC-038 SEC-039 markup and claude's own words are text beside the command, which stands first", async () => {
  const command = "<b>safe</b> **bold** [a](https://evil.example) <script>alert(1)</script>";
  const says = "list files <img src=x onerror=alert(2)>";
  await using page = await open({
    path: "/p/p1",
    sessions: [shop],
    prompts: [bash("p1", shop, command, says)],
  });
  await ready(page);
  expect(await page.texts(".card-view .literal")).toEqual([command]);
  const literal = page.page.locator(".card-view .literal");
  expect(await literal.evaluate((box) => box.querySelectorAll("*:not(.mark)").length)).toBe(0);
  expect(await literal.evaluate((box) => getComputedStyle(box).fontFamily)).toMatch(/mono/i);
  expect(await page.part("words").textContent()).toBe(says);
  expect(await page.part("says").innerText()).toMatch(/^Claude says/);
  const tops = await page.page.evaluate(() =>
    [".literal", '[data-part="says"]'].map(
      (one) => document.querySelector(one)?.getBoundingClientRect().top ?? 0,
    ),
  );
  expect(tops[0]).toBeLessThan(tops[1] ?? 0);
  expect(await page.page.locator(".card-view script, .card-view .literal a, .card-view img").count()).toBe(0);
});

test.concurrent("SEC-044 a tap meant for one prompt never answers the next, which comes under the finger", async () => {
  const [first, second] = [bash("p1", shop, "ls"), bash("p2", shop, "rm -rf ~")];
  await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [first] });
  await ready(page);
  const spot = await page.part("approve").boundingBox();
  if (!spot) throw new Error("no button");
  const [x, y] = [spot.x + spot.width / 2, spot.y + spot.height / 2];
  page.server.send("prompt", { prompt: second });
  await page.page.touchscreen.tap(x, y);
  const { body } = await page.server.call("/api/prompts/p1/approve");
  expect(body).toMatchObject({ digest: first.digest });
  const over = {
    stage: "accepted",
    outcome: "accepted",
    outcome_at: Date.now(),
    responded_at: Date.now(),
  } as const;
  page.server.send("prompt_response", {
    prompt: { ...first, ...over, answer_id: (body as { answer_id: never }).answer_id, responded_by: "Pixel" },
  });
  // In the very moment in which the next card comes, both of its buttons are pressed.
  await page.page.evaluate(() => {
    new MutationObserver((_, observer) => {
      const buttons = [
        ...document.querySelectorAll<HTMLButtonElement>(
          '.card-view [data-part="approve"], [data-part="deny"]',
        ),
      ];
      if (!document.querySelector(".literal")?.textContent?.includes("rm -rf ~")) return;
      observer.disconnect();
      Object.assign(window, { asleep: buttons.map((button) => button.disabled) });
      for (const button of buttons) button.click();
      // And again with each picture, until they are awake.
      const cameAt = performance.now();
      const look = () => {
        if (buttons.every((button) => button.disabled)) return void requestAnimationFrame(look);
        Object.assign(window, { sleptMs: performance.now() - cameAt });
      };
      look();
    }).observe(document, { subtree: true, childList: true });
  });
  await page.part("next").tap();
  await page.page.locator(".literal").filter({ hasText: "rm -rf ~" }).waitFor();
  expect(await page.page.evaluate("window.asleep")).toEqual([true, true]);
  await ready(page);
  // However busy the machine is: not sooner. A finger needs that long to see what it would press.
  expect(await page.page.evaluate("window.sleptMs")).toBeGreaterThanOrEqual(690);
  const answers = page.server.asked.filter(({ method }) => method === "POST").map(({ path }) => path);
  expect(answers).toEqual(["/api/prompts/p1/approve"]);
  await page.part("deny").tap();
  expect((await page.server.call("/api/prompts/p2/reject")).body).toMatchObject({ digest: second.digest });
});
