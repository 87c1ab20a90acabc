// WebKit, the engine of every browser on an iPhone, as Debian builds it: its MiniBrowser under a display that nobody sees,
// driven by the plain W3C protocol.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../port.ts";
import type { EngineOptions } from "./engine.ts";

/** How long it may take to start on a machine that does other things too. */
const START_MS = 60_000;
/** Where Debian puts a program that is in no path. */
const MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** A window is never narrower than its bar: one of a phone's width needs a bar without buttons of a desktop's size. */
const THIN = "* { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; }";
const SMALL =
  "[Settings]\ngtk-icon-sizes=gtk-large-toolbar=1,1:gtk-small-toolbar=1,1:gtk-button=1,1:gtk-menu=1,1\n";

export class WebKit implements AsyncDisposable {
  readonly #folder: string;
  readonly #ended: Bun.Subprocess[] = [];
  /** The driver's process, which starts the browser. */
  pid = 0;
  #driver = "";
  #session = "";

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "claude-remote-webkit-"));
  }

  /** Starts one with a display of its own: a bare page of 390 by 844. */
  static async open(options: EngineOptions = {}): Promise<WebKit> {
    const webkit = new WebKit();
    try {
      await webkit.#start(options);
      await webkit.size(390, 844);
      return webkit;
    } catch (error) {
      await webkit[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start({ theme = "light", proxy }: EngineOptions) {
    if (!existsSync(MINI_BROWSER)) throw new Error(`no ${MINI_BROWSER}: install webkit2gtk-driver`);
    const gtk = join(this.#folder, ".config", "gtk-3.0");
    mkdirSync(gtk, { recursive: true });
    writeFileSync(join(gtk, "gtk.css"), THIN);
    writeFileSync(join(gtk, "settings.ini"), SMALL);
    const display = await this.#display();
    const port = freePort();
    const env = {
      ...process.env,
      ...{ DISPLAY: display, HOME: this.#folder, XDG_RUNTIME_DIR: this.#folder, LIBGL_ALWAYS_SOFTWARE: "1" },
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", // Root cannot have one.
    };
    const driver = Bun.spawn(["WebKitWebDriver", `--port=${port}`], {
      env,
      stdout: "ignore",
      stderr: "ignore",
    });
    this.#ended.push(driver);
    this.pid = driver.pid;
    this.#driver = `http://127.0.0.1:${port}`;
    const end = Date.now() + START_MS;
    while (
      !(await fetch(`${this.#driver}/status`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (Date.now() > end) throw new Error("WebKitWebDriver did not start");
      await Bun.sleep(50);
    }
    const way = proxy ? [`--proxy=http://127.0.0.1:${proxy}`, "--ignore-host=127.0.0.1"] : [];
    const args = ["--automation", ...(theme === "dark" ? ["--dark-mode"] : []), ...way];
    const options = { binary: MINI_BROWSER, args };
    const alwaysMatch = { "webkitgtk:browserOptions": options };
    const made = (await this.#call("POST", "/session", { capabilities: { alwaysMatch } })) as {
      sessionId: string;
    };
    this.#session = `/session/${made.sessionId}`;
    await this.#call("POST", `${this.#session}/timeouts`, { script: START_MS, pageLoad: START_MS });
  }

  /** A display says its own number as soon as it is there. */
  async #display(): Promise<string> {
    const words = ["Xvfb", "-displayfd", "1", "-screen", "0", "1400x1400x24", "-nolisten", "tcp"];
    const child = Bun.spawn(words, { stdout: "pipe", stderr: "ignore" });
    this.#ended.push(child);
    let told = "";
    for await (const chunk of child.stdout) {
      told += new TextDecoder().decode(chunk);
      if (told.includes("\n")) return `:${told.trim()}`;
    }
    throw new Error("Xvfb did not start");
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const init = body ? { method, body: JSON.stringify(body) } : { method };
    const response = await fetch(this.#driver + path, {
      ...init,
      headers: { "content-type": "application/json" },
    });
    const { value } = (await response.json()) as { value: { error?: string; message?: string } | null };
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  async goto(url: string): Promise<void> {
    await this.#call("POST", `${this.#session}/url`, { url });
  }

  /** Runs the body of an async function in the page. */
  async page<T>(body: string): Promise<T> {
    const script = `const done = arguments[arguments.length - 1];
      (async () => { ${body} })().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const told = (await this.#call("POST", `${this.#session}/execute/async`, { script, args: [] })) as {
      value: T;
      error?: string;
    };
    if (told.error) throw new Error(told.error);
    return told.value;
  }

  /** Presses what a selector names. */
  async click(selector: string): Promise<void> {
    await this.#call("POST", `${this.#session}/element/${await this.#find(selector)}/click`, {});
  }

  /** Puts the mouse, for want of a finger, on what a selector names; the returned function lets go. */
  async press(selector: string): Promise<() => Promise<void>> {
    const origin = { [ELEMENT]: await this.#find(selector) };
    const mouse = (actions: object[]) =>
      this.#call("POST", `${this.#session}/actions`, {
        actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }],
      });
    await mouse([
      { type: "pointerMove", duration: 0, origin, x: 0, y: 0 },
      { type: "pointerDown", button: 0 },
    ]);
    return async () => void (await mouse([{ type: "pointerUp", button: 0 }]));
  }

  /** Makes the window that large, px. */
  async size(width: number, height: number): Promise<void> {
    const [wide = 0, high = 0] = await this.page<number[]>(
      "return [outerWidth - innerWidth, outerHeight - innerHeight]",
    );
    const outer = { width: width + wide, height: height + high };
    await this.#call("POST", `${this.#session}/window/rect`, outer);
    await this.until(`innerWidth === ${width} && innerHeight === ${height}`);
  }

  /** Types into what a selector names. */
  async type(selector: string, text: string): Promise<void> {
    await this.#call("POST", `${this.#session}/element/${await this.#find(selector)}/value`, { text });
  }

  async #find(selector: string): Promise<string> {
    const using = { using: "css selector", value: selector };
    const found = (await this.#call("POST", `${this.#session}/element`, using)) as Record<string, string>;
    return found[ELEMENT] ?? "";
  }

  /** Waits until that is true in the page. */
  async until(condition: string): Promise<void> {
    await this.page(`while (!(${condition})) await new Promise((resolve) => setTimeout(resolve, 30));`);
  }

  /** A picture of the page, as PNG. */
  async picture(): Promise<Uint8Array> {
    return Buffer.from(String(await this.#call("GET", `${this.#session}/screenshot`)), "base64");
  }

  async [Symbol.asyncDispose]() {
    if (this.#session) await this.#call("DELETE", this.#session).catch(() => {});
    for (const child of this.#ended.reverse()) {
      child.kill();
      await child.exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
