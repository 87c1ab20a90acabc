// Acceptance 1, 3, 8 and 11: a real server, a real page, and a network as phones have it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { BufferingProxy } from "../src/testing/buffering-proxy.ts";
import { TestLink } from "../src/testing/link.ts";
import { openBrowser, type Phone } from "../src/testing/page.ts";
import type { TestServer } from "../src/testing/server.ts";
import { pairedPhone, realServer } from "./testing/real.ts";

setDefaultTimeout(300_000);

let browser: Browser;
let server: TestServer;
beforeAll(async () => {
  [browser, server] = [await openBrowser(), await realServer()];
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

const line = (line_no: number) => ({ line_no, epoch: 0, source: "screen" as const, text: `line ${line_no}` });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const onDisk = (link: TestLink, upto: number) =>
  link.until("them on disk", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === upto),
  );

test.concurrent("acceptance 1, 8: a prompt is a card within a second, approved once, and accepted", async () => {
  await using phone = await pairedPhone(browser, server);
  const { link } = await TestLink.session(server, { cwd: "/home/ada/one" });
  link.beats();
  await phone.page.locator(".row", { hasText: "one" }).waitFor();
  // From the moment it was said to the moment it stands there, by one clock; a loaded machine is given its time.
  const shown = phone.page.evaluate(
    () =>
      new Promise<number>((done) => {
        const look = () => {
          if (/Run this command\?/.test(document.querySelector(".list-view")?.textContent ?? ""))
            done(Date.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  const said = Date.now();
  const asked = await link.ask();
  const took = (await shown) - said;
  console.log(`acceptance 1: from the wrapper's word to the phone's glass: ${took} ms`);
  await phone.page.locator(".row", { hasText: "Run this command?" }).first().tap();
  await phone.page.locator('[data-part="approve"]:enabled').waitFor();
  const approve = phone.part("approve");
  const box = await approve.boundingBox();
  // As a nervous thumb does it.
  for (let i = 0; i < 4; i++)
    await phone.page.touchscreen.tap((box?.x ?? 0) + 20, (box?.y ?? 0) + 20).catch(() => {});
  const { answer_id } = await link.next("answer");
  link.say({ type: "delivered", prompt: asked.id, answer_id });
  link.say({ type: "accepted", prompt: asked.id });
  await phone.reads(phone.part("outcome"), /^Claude accepted \d\d:\d\d$/);
  const { entries } = (await phone.page.evaluate(async () => {
    const headers = { "x-claude-remote-key": localStorage.getItem("login-key") ?? "" };
    return (await fetch("/api/audit?limit=100", { headers })).json();
  })) as { entries: { action: string; subject: string }[] };
  const about = entries.filter(({ subject }) => subject === asked.id).map(({ action }) => action);
  expect(about.filter((action) => action === "answer")).toHaveLength(1);
  expect(about).not.toContain("answer refused");
  // Before it was paired it was refused, as it has to be.
  expect(phone.problems.filter((problem) => !/status of 401/.test(problem))).toEqual([]);
  link[Symbol.dispose]();
});

/** Reads the log of a session up to line 299, a little above its end. */
async function readingLog(phone: Phone, url: string, id: string) {
  await phone.page.goto(`${url}/s/${id}`);
  await phone.part("tab-log").tap();
  await phone.page.locator(".log-line", { hasText: /^line 299$/ }).waitFor();
  await phone.page.locator(".log-scroll").evaluate((box) => box.scrollTo(0, 2_000));
  await phone.reads(phone.part("pill"), /To the end/);
  return phone.page.locator(".log-line", { hasText: /^line 120$/ }).boundingBox();
}

test.concurrent("acceptance 3: offline for 30 s with 500 events: no gap, no duplicate, and what is read stays put", async () => {
  const { link, id } = await TestLink.session(server, { cwd: "/home/ada/three" });
  link.beats();
  link.say({ type: "lines", lines: range(0, 300).map(line) });
  await onDisk(link, 299);
  await using phone = await pairedPhone(browser, server, { before: (context) => context.clock.install() });
  const before = await readingLog(phone, server.url, id);
  await phone.page.context().setOffline(true);
  await phone.page.clock.fastForward(15_000);
  for (let from = 300; from < 800; from += 50)
    link.say({ type: "lines", lines: range(from, from + 50).map(line) });
  await onDisk(link, 799);
  await phone.page.clock.fastForward(15_000);
  await phone.reads(phone.page.locator("#banner"), /^Offline/);
  await phone.page.context().setOffline(false);
  await phone.reads(phone.part("pill"), /^New output \(500\)$/);
  await phone.page.locator("#banner").waitFor({ state: "hidden" });
  const texts = await phone.page.locator(".log-line").allTextContents();
  expect(texts).toEqual(range(0, 800).map((n) => `line ${n}`));
  expect(await phone.page.locator(".log-line", { hasText: /^line 120$/ }).boundingBox()).toEqual(before);
  link[Symbol.dispose]();
});

test.concurrent("acceptance 11: where streams are refused on the way the page is live within six seconds too", async () => {
  const { link, id } = await TestLink.session(server, { cwd: "/home/ada/refused" });
  link.beats();
  await using phone = await pairedPhone(browser, server, { before: (context) => context.clock.install() });
  await phone.page.route(/\/events(\?session=[^&]*)?$/, (route) => route.abort());
  await stopClock(phone);
  await phone.page.goto(`${server.url}/s/${id}`);
  const took = await passing(phone, () => phone.page.locator(".session-view").isVisible());
  console.log(`acceptance 11: live after ${took} ms of the page's time where streams are refused`);
  expect(took).toBeLessThanOrEqual(6_000);
  await phone.page.clock.resume();
  link.say({
    type: "output",
    frame: { size: { cols: 40, rows: 2 }, lines: [{ y: 0, row: [{ text: "hello" }] }] },
  });
  await phone.reads(phone.page.locator(".line"), /hello/);
  // It was a moment's trouble: as soon as a stream comes through, it is taken again.
  await phone.page.unroute(/\/events(\?session=[^&]*)?$/);
  await phone.page.clock.fastForward(601_000);
  await phone.page.evaluate(() => history.pushState(null, "", "/settings"));
  await phone.page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
  await phone.reads(phone.page.locator("section"), /Live, by an event stream\./);
  link[Symbol.dispose]();
});

/** A server that is reached by a proxy which collects streams. */
async function behindProxy(ends: AsyncDisposableStack) {
  const proxy = ends.use(new BufferingProxy());
  const server = ends.use(await realServer({ publicUrl: proxy.url }));
  proxy.target = server.url;
  return { proxy, server };
}

/** The clock of a page that is about to be left; it can be stopped only at a time to come, however busy the machine is. */
const stopClock = async ({ page }: Phone) =>
  page.clock.pauseAt((await page.evaluate(() => Date.now())) + 600_000);

/** Lets the page's time pass in small steps, each with real time for what it waits for; returns how much passed. */
async function passing(phone: Phone, what: () => Promise<boolean>): Promise<number> {
  let passed = 0;
  while (!(await what())) {
    await phone.page.clock.runFor(20);
    passed += 20;
    await Bun.sleep(20);
  }
  return passed;
}

test.concurrent("acceptance 11: behind a proxy that collects streams the page is live within six seconds, and stays so", async () => {
  await using ends = new AsyncDisposableStack();
  const { proxy, server } = await behindProxy(ends);
  const { link, id } = await TestLink.session(server, { cwd: "/home/ada/eleven" });
  link.beats();
  link.say({ type: "lines", lines: range(0, 300).map(line) });
  await onDisk(link, 299);
  await using phone = await pairedPhone(browser, server, {
    url: proxy.url,
    before: (context) => context.clock.install(),
  });
  await phone.page.evaluate(() => localStorage.removeItem("polling-since"));
  await stopClock(phone);
  proxy.asked.length = 0;
  await phone.page.goto(proxy.url);
  const live = async () => (await phone.page.locator(".link-state").textContent()) === "Live";
  const took = await passing(phone, live);
  console.log(`acceptance 11: live after ${took} ms of the page's time`);
  expect(took).toBeLessThanOrEqual(6_000);
  expect(proxy.asked.some((path) => path.includes("poll="))).toBe(true);

  await phone.page.clock.resume();
  const before = await readingLog(phone, proxy.url, id);
  link.say({ type: "lines", lines: range(300, 350).map(line) });
  await phone.reads(phone.part("pill"), /^New output \(50\)$/);
  expect(await phone.page.locator(".log-line", { hasText: /^line 120$/ }).boundingBox()).toEqual(before);
  await phone.part("tab-screen").tap();
  link.say({
    type: "output",
    frame: { size: { cols: 40, rows: 2 }, lines: [{ y: 0, row: [{ text: "hello" }] }] },
  });
  await phone.reads(phone.page.locator(".line"), /hello/);
  const asked = await link.ask();
  await phone.part("ask").tap();
  await phone.page.locator('[data-part="approve"]:enabled').tap();
  expect((await link.next("answer")).prompt).toBe(asked.id);

  // The next visit begins by polling at once; when streams come through again, it goes back to them.
  const streams = () => proxy.asked.filter((path) => path === "/events").length;
  const tried = streams();
  await phone.page.goto(`${proxy.url}/`);
  await phone.reads(phone.page.locator(".link-state"), /^Live$/);
  expect(streams()).toBe(tried);
  proxy.collects = false;
  await phone.page.clock.fastForward(601_000);
  await phone.page.goto(`${proxy.url}/settings`);
  await phone.reads(phone.page.locator("section"), /Live, by an event stream\./);
  link[Symbol.dispose]();
});
