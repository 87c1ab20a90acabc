// The page on a phone, played to by the fake server; leaving it fails the test if anything went wrong on the way.
import type { Browser } from "playwright-core";
import type { PromptState, Session } from "../../src/protocol.ts";
import type { Phone, PhoneOptions } from "../../src/testing/page.ts";
import { FakeServer, type Served } from "./fake-server.ts";
import { state } from "./world.ts";

export type Parts = {
  browser: Browser;
  assets: Served;
  dress: (response: Response) => Response;
  openPhone: (browser: Browser, options: PhoneOptions) => Promise<Phone>;
};

export type Scene = PhoneOptions & {
  path?: string;
  sessions?: Session[];
  prompts?: PromptState[];
  /** The page's clock is the test's, and no heartbeat comes by itself; one that `stands` goes only by `runFor`. */
  clock?: true | "stands";
  /** Requests are meant to fail here, which the browser's console mentions. */
  failures?: true;
  /** Before the page is asked for. */
  before?: (open: OpenPage) => void | Promise<void>;
};

/** How the browser's console tells of requests that fail, the service worker's own script among them. */
const NETWORK = /^(Failed to load resource|An unknown error occurred when fetching the script)/;
/** More than a busy machine takes between two commands. */
const AHEAD_MS = 600_000;
/** Pages open at once: more do not get through sooner on two cores. */
const MAX_OPEN = 4;

/** Returns a function that opens scenes with these parts, a few at a time. */
export function pageOpener(parts: Parts) {
  const waiting: (() => void)[] = [];
  let open = 0;
  const leave = () => {
    open--;
    waiting.shift()?.();
  };
  return async (scene: Scene): Promise<OpenPage> => {
    while (open >= MAX_OPEN) await new Promise<void>((resolve) => waiting.push(resolve));
    open++;
    return OpenPage.open(parts, scene, leave);
  };
}

export class OpenPage implements AsyncDisposable {
  readonly server: FakeServer;
  readonly phone: Phone;
  readonly #failures: boolean;
  /** What ends with it. */
  #own = new AsyncDisposableStack();

  private constructor(server: FakeServer, phone: Phone, failures: boolean) {
    this.server = server;
    this.phone = phone;
    this.#failures = failures;
  }

  static async open(parts: Parts, scene: Scene, onClose: () => void): Promise<OpenPage> {
    const { path = "/", sessions = [], prompts = [], failures = false, before, clock, ...phone } = scene;
    // Whatever of it fails keeps nothing from the tests that wait for a place.
    await using own = new AsyncDisposableStack();
    own.defer(onClose);
    const server = own.use(new FakeServer(parts.assets, parts.dress));
    server.begin(() => state(sessions, prompts));
    const open = new OpenPage(server, own.use(await parts.openPhone(parts.browser, phone)), failures);
    if (clock) await open.page.clock.install();
    else server.beat();
    // It goes until it is stopped, and can be stopped only at a time to come.
    if (clock === "stands") await open.page.clock.pauseAt(Date.now() + AHEAD_MS);
    await before?.(open);
    await open.phone.goto(server.url + path);
    open.#own = own.move();
    return open;
  }

  get page() {
    return this.phone.page;
  }

  part(name: string) {
    return this.phone.part(name);
  }

  /** Waits until one of them is to be seen. */
  has(selector: string): Promise<void> {
    return this.page.locator(selector).filter({ visible: true }).first().waitFor();
  }

  tap(selector: string): Promise<void> {
    return this.page.locator(selector).first().tap();
  }

  fill(selector: string, text: string): Promise<void> {
    return this.page.locator(selector).first().fill(text);
  }

  /** Pictures of this screen in both themes, in neither of which axe may find anything; they differ in colours alone. */
  async pictures(name: string) {
    for (const colorScheme of ["dark", "light"] as const) {
      await this.page.emulateMedia({ colorScheme });
      await this.phone.picture(`${name}-${colorScheme}`);
      const barriers = await this.phone.barriers(colorScheme === "dark" ? "all" : "colours");
      if (barriers.length > 0) throw new Error(`${name}, ${colorScheme}:\n${barriers.join("\n")}`);
    }
    await this.page.emulateMedia({ colorScheme: null });
  }

  /** Texts of all elements that match, as a person sees them. */
  texts(selector: string): Promise<string[]> {
    return this.page.locator(selector).allInnerTexts();
  }

  async [Symbol.asyncDispose]() {
    const wrong = this.phone.problems.filter((problem) => !this.#failures || !NETWORK.test(problem));
    await this.#own.disposeAsync();
    if (wrong.length > 0) throw new Error(`the page had problems:\n${wrong.join("\n")}`);
  }
}
