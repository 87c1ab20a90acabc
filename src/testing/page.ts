// A phone's browser for tests: headless Chromium of a phone's size, with touch, in the dark.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { barriersIn } from "./barriers.ts";

export const CHROMIUM = process.env.CLAUDE_REMOTE_TEST_CHROMIUM || "/usr/bin/chromium";
/** Nothing that talks to the network or to a graphics card. */
export const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How long a test waits for what takes a moment, on a machine that does other things too. */
export const PATIENCE_MS = 60_000;
/** Where pictures go, for people to look at. */
const ARTEFACTS = process.env.CLAUDE_REMOTE_ARTEFACTS || resolve(import.meta.dir, "../../.cache/artefacts");

/** Starts Chromium; close it when the tests of a file are through. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** A modern phone in the dark unless told; without `touch` a desktop browser. */
export type PhoneOptions = { theme?: "light" | "dark"; width?: number; height?: number; touch?: boolean };

/** One browser that stands for one phone. Disposing closes it; throws then if the page had an error of its own. */
export class Phone implements AsyncDisposable {
  readonly page: Page;
  /** Everything that the console was told as an error, and what was asked for elsewhere than at `goto`'s address. */
  readonly problems: string[] = [];
  readonly #errors: string[] = [];
  #home = "";

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.#errors.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (/Content Security Policy/i.test(text)) this.#errors.push(text);
      if (message.type() === "error") this.problems.push(text);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (this.#home && origin !== this.#home && protocol !== "data:") this.problems.push(request.url());
    });
  }

  static async open(browser: Browser, options: PhoneOptions = {}): Promise<Phone> {
    const { theme = "dark", width = 390, height = 844, touch = true } = options;
    const context = await browser.newContext({
      viewport: { width, height },
      deviceScaleFactor: 3,
      isMobile: touch,
      hasTouch: touch,
      colorScheme: theme,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Phone(await context.newPage());
  }

  async goto(url: string) {
    this.#home = new URL(url).origin;
    await this.page.goto(url);
  }

  /** Whether anything reaches beyond the page's width. */
  overflows(): Promise<boolean> {
    return this.page.evaluate(() => {
      const { scrollWidth } = document.documentElement;
      return Math.max(scrollWidth, document.body.scrollWidth) > innerWidth;
    });
  }

  /** The element that a template's `data-part` names. */
  part(name: string): Locator {
    return this.page.locator(`[data-part="${name}"]`);
  }

  /** The one button of this name. */
  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  /** Waits until an element reads so, and returns its whole text. */
  async reads(what: Locator, wanted: RegExp, { timeout = PATIENCE_MS } = {}): Promise<string> {
    const found = what.filter({ hasText: wanted, visible: true }).first();
    await found.waitFor({ timeout }).catch(async (error) => {
      const now = await what.allInnerTexts();
      throw new Error(`never read ${wanted}: ${JSON.stringify(now)}`, { cause: error });
    });
    return found.innerText();
  }

  /** What axe finds against the screen as it is now, or against its colours alone; a line for each element. */
  barriers(what: "all" | "colours" = "all"): Promise<string[]> {
    // By way of the debugger, since the page's own policy lets no foreign script in.
    return this.page.evaluate<string[]>(`(async () => {${barriersIn(what)}})()`);
  }

  /** Keeps a picture as `name`.png among the artefacts, a pixel a point: a sharper one takes ten times as long. */
  async picture(name: string): Promise<void> {
    mkdirSync(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: join(ARTEFACTS, `${name}.png`), scale: "css" });
  }

  async [Symbol.asyncDispose]() {
    await this.page.context().close();
    if (this.#errors.length > 0) throw new Error(`the page had errors:\n${this.#errors.join("\n")}`);
  }
}
