// Acceptance 5: with the keyboard open, what is typed and what is decided stay in sight, in both ways that phones open it.
import { expect, test } from "bun:test";
import type { Locator } from "playwright-core";
import { PATIENCE_MS } from "../src/testing/page.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { opener, shows } from "./testing/opener.ts";
import { bash, session } from "./testing/world.ts";

const open = opener();
const shop = session("webshop", { status: "waiting", title: "Fix the cart total" });
const ask = bash("p1", shop, "npm test && git push", "Run the tests and push");
const lines = Array.from({ length: 200 }, (_, i) => ({
  ...{ line_no: i, epoch: 0, source: "screen" as const, text: `line ${i}` },
}));
/** px that a keyboard takes, upright and across. */
const KEYBOARD = { upright: 336, across: 200 };

/** Android: the page is made smaller. iOS: it is covered, and told so by the visual viewport alone. */
const KINDS = ["resizes", "covers"] as const;
async function keyboard(
  page: OpenPage,
  kind: (typeof KINDS)[number],
  width: number,
  height: number,
  px: number,
) {
  await page.page.setViewportSize({ width, height: kind === "resizes" ? height - px : height });
  if (kind === "covers")
    await page.page.evaluate((covered) => {
      const visible = () => innerHeight - covered;
      Object.defineProperty(visualViewport, "height", { get: visible, configurable: true });
      visualViewport?.dispatchEvent(new Event("resize"));
    }, px);
  await page.page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}

/** Waits until it is wholly above the keyboard, and not covered by anything. */
async function inSight(what: Locator, visible: number) {
  const look = (one: Element, height: number) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const free = one.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
    return top >= 0 && bottom <= height + 0.5 && free ? "" : JSON.stringify({ top, bottom, height, free });
  };
  for (const end = Date.now() + PATIENCE_MS; ; await Bun.sleep(20)) {
    const wrong = await what.evaluate(look, visible);
    if (!wrong) return;
    if (Date.now() > end) throw new Error(`${what} is not in sight: ${wrong}`);
  }
}

/** Waits until so many whole lines of the log can be read. */
const readable = (page: OpenPage, visible: number, least: number) =>
  page.page.waitForFunction(
    ([height, wanted]) => {
      const box = document.querySelector(".log-scroll")?.getBoundingClientRect();
      if (!box) return false;
      const bottom = Math.min(box.bottom, height);
      const whole = [...document.querySelectorAll(".log-line")].filter((line) => {
        const { top, bottom: end } = line.getBoundingClientRect();
        return top >= box.top - 0.5 && end <= bottom + 0.5;
      });
      return whole.length >= wanted;
    },
    [visible, least] as const,
  );

const inLog = () => ({
  ...{ path: "/s/webshop", sessions: [shop], prompts: [ask] },
  before: ({ server }: OpenPage) => server.reply("/api/sessions/webshop/lines", () => ({ body: { lines } })),
});

test.concurrent.each(KINDS)(
  "acceptance 5: composer, question and three lines stay in sight (the keyboard %s)",
  async (kind) => {
    await using page = await open(inLog());
    await page.part("tab-log").tap();
    await shows(page.page.locator(".log-line"), "line 199");
    const text = page.page.getByLabel("Message to Claude");
    for (const [width, height, px, least] of [
      [390, 844, KEYBOARD.upright, 6],
      [320, 568, 253, 3],
      [844, 390, KEYBOARD.across, 3],
    ] as const) {
      await text.focus();
      await keyboard(page, kind, width, height, px);
      const visible = height - px;
      await inSight(text, visible);
      await inSight(page.part("send"), visible);
      await inSight(page.part("ask"), visible);
      await readable(page, visible, least);
      await inSight(page.page.locator(".log-line").last(), visible);
      await page.phone.picture(`keyboard-${kind}-${width}`);
    }
  },
);

test.concurrent.each(KINDS)(
  "acceptance 5: whoever writes to claude still sees both answers (the keyboard %s)",
  async (kind) => {
    await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [ask] });
    await page.page.locator('[data-part="deny"]:enabled').waitFor();
    for (const [width, height, px] of [
      [390, 844, KEYBOARD.upright],
      [844, 390, KEYBOARD.across],
    ] as const) {
      await keyboard(page, kind, width, height, px);
      await inSight(page.part("approve"), height - px);
      await inSight(page.part("deny"), height - px);
    }
    await page.part("tell").tap();
    await page.part("reply-text").fill("Use the test database.");
    for (const [width, height, px] of [
      [844, 390, KEYBOARD.across],
      [390, 844, KEYBOARD.upright],
    ] as const) {
      await keyboard(page, kind, width, height, px);
      await inSight(page.part("reply-text"), height - px);
      await inSight(page.part("reply-send"), height - px);
      await page.phone.picture(`keyboard-reply-${kind}-${width}`);
    }
  },
);

test.concurrent("acceptance 5: opening the keyboard does not move what is read", async () => {
  await using page = await open(inLog());
  await page.part("tab-log").tap();
  await shows(page.page.locator(".log-line"), "line 199");
  await page.page.locator(".log-scroll").evaluate((box) => box.scrollTo(0, 1_000));
  await shows(page.part("pill"), "To the end");
  const line = page.page.locator(".log-line", { hasText: "line 60" });
  const before = await line.boundingBox();
  await page.page.getByLabel("Message to Claude").focus();
  await keyboard(page, "covers", 390, 844, KEYBOARD.upright);
  expect(await line.boundingBox()).toEqual(before);
});

test.concurrent("two panes from 800 px on, one below, and a turn of the phone loses nothing", async () => {
  await using page = await open({
    path: "/s/webshop",
    sessions: [shop],
    prompts: [ask],
    width: 799,
    height: 900,
  });
  await page.page.locator(".session-view").waitFor();
  const list = page.page.locator(".list-pane .row");
  expect(await list.count()).toBe(0);
  await page.page.setViewportSize({ width: 800, height: 900 });
  await list.waitFor();
  expect(await page.page.locator(".session-view").isVisible()).toBe(true);
  await page.page.getByLabel("Message to Claude").fill("half a thought");
  await page.page.setViewportSize({ width: 390, height: 844 });
  await list.waitFor({ state: "hidden" });
  expect(await page.page.getByLabel("Message to Claude").inputValue()).toBe("half a thought");
});

test.concurrent("who wants no motion gets none", async () => {
  await using page = await open({ sessions: [session("busy")] });
  await page.page.locator(".row").waitFor();
  const moving = () =>
    page.page.evaluate(() => {
      const all = [...document.querySelectorAll("*")].map((one) => getComputedStyle(one));
      const animated = all.filter(({ animationName }) => animationName !== "none").length;
      return (
        animated + all.filter(({ transitionDuration }) => Number.parseFloat(transitionDuration) > 0.1).length
      );
    });
  expect(await moving()).toBeGreaterThan(0);
  await page.page.emulateMedia({ reducedMotion: "reduce" });
  expect(await moving()).toBe(0);
});
