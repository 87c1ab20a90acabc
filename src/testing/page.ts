// A phone with the page on it: Debian's Chromium without a window, through playwright-core.
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export type PhoneOptions = {
  theme?: "light" | "dark";
  width?: number;
  height?: number;
  touch?: boolean;
} & Pick<BrowserContextOptions, "reducedMotion">;

/** One browser for many phones; `await using` it. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(
      await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: ARGS }),
    );
  }

  /** A phone of its own, with its own cookies and storage: 390×844 at three pixels a point unless told. */
  async phone({
    theme = "dark",
    width = 390,
    height = 844,
    touch = true,
    ...more
  }: PhoneOptions = {}): Promise<Phone> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      deviceScaleFactor: 3,
      isMobile: touch,
      hasTouch: touch,
      colorScheme: theme,
      ...more,
    });
    return Phone.open(await context.newPage());
  }

  async [Symbol.asyncDispose]() {
    await this.#browser.close();
  }
}

/** One page. `problems` collects what must never happen: script errors, console errors, broken policy, foreign requests. */
export class Phone implements AsyncDisposable {
  readonly page: Page;
  readonly problems: string[] = [];
  #home = "";

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.problems.push(`script: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== this.#home && protocol !== "data:") this.problems.push(`request: ${request.url()}`);
    });
  }

  static async open(page: Page): Promise<Phone> {
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        console.error(`policy: ${violatedDirective} ${blockedURI}`);
      });
    });
    return new Phone(page);
  }

  async goto(url: string) {
    this.#home = new URL(url).origin;
    await this.page.goto(url);
  }

  /** Whether anything is wider than the page. */
  overflows(): Promise<boolean> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth,
    );
  }

  async [Symbol.asyncDispose]() {
    await this.page.context().close();
  }
}
