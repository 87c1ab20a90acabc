// One browser for the tests of a file, and the function that opens pages in it.
import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import type { Browser, Locator } from "playwright-core";
import { pageAssets } from "../../src/page.ts";
import { withHeaders } from "../../src/server/headers.ts";
import { openBrowser, Phone } from "../../src/testing/page.ts";
import { type OpenPage, pageOpener, type Scene } from "./open-page.ts";

export const assets = await pageAssets();

/** To be called once, at the top of a file of tests. A test of many screens takes half a minute, on a busy machine more. */
export function opener(): (scene: Scene) => Promise<OpenPage> {
  setDefaultTimeout(300_000);
  let browser: Browser;
  let open: (scene: Scene) => Promise<OpenPage>;
  beforeAll(async () => {
    browser = await openBrowser();
    open = pageOpener({ browser, assets, dress: withHeaders, openPhone: Phone.open });
  });
  afterAll(() => browser.close());
  return (scene) => open(scene);
}

/** Waits until one of them is seen to read so. */
export const shows = (what: Locator, text: string | RegExp) =>
  what.filter({ hasText: text, visible: true }).first().waitFor();

/** Waits until the card's buttons have stopped ignoring taps. */
export const ready = ({ page }: OpenPage) => page.locator('[data-part="deny"]:enabled').waitFor();

/** Waits until that has come true in the page; `look` may take its time (`waitForFunction` takes a promise for a yes). */
export async function until({ page }: OpenPage, look: () => Promise<boolean>): Promise<void> {
  while (!(await page.evaluate(look))) await Bun.sleep(POLL_MS);
}

/** To be called before the page is asked for: what a test holds back is not given up meanwhile, however slow the machine. */
export async function patient({ page }: OpenPage) {
  await page.addInitScript(() => {
    AbortSignal.timeout = () => new AbortController().signal;
  });
}

/** Waits until whatever the page was about to draw is drawn: it collects changes for less than this, ms. */
export const drawn = ({ page }: OpenPage) =>
  page.evaluate(
    (ms) => new Promise<void>((done) => setTimeout(() => requestAnimationFrame(() => done()), ms)),
    COLLECTED_MS,
  );

const COLLECTED_MS = 40;
const POLL_MS = 20;
