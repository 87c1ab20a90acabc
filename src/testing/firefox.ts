// A real Firefox, headless, driven by its own Marionette protocol: the one browser here that takes web pushes off the Internet.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";

/** How long Firefox may take to start on a machine that does other things too. */
const START_MS = 60_000;
/** How the protocol marks an element. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

type Reply = { resolve: (value: unknown) => void; reject: (error: Error) => void };

export class Firefox implements AsyncDisposable {
  readonly #profile: string;
  readonly #process: Bun.Subprocess;
  readonly #replies = new Map<number, Reply>();
  #socket: Socket | null = null;
  #bytes = Buffer.alloc(0);
  #last = 0;

  private constructor(profile: string, child: Bun.Subprocess) {
    this.#profile = profile;
    this.#process = child;
  }

  /** Starts one with these settings beside those that keep it quiet. */
  static async open(program: string, prefs: Record<string, string | number | boolean>): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), "claude-remote-firefox-"));
    const lines = Object.entries({ ...QUIET, ...prefs }).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
    );
    writeFileSync(join(profile, "user.js"), lines.join("\n"));
    const words = [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote"];
    const env = { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" };
    const child = Bun.spawn([...words, "--profile", profile], { env, stdout: "ignore", stderr: "ignore" });
    const firefox = new Firefox(profile, child);
    try {
      await firefox.#connect();
      await firefox.#call("WebDriver:NewSession", {});
      await firefox.#call("WebDriver:SetTimeouts", { script: START_MS, pageLoad: START_MS, implicit: 0 });
      return firefox;
    } catch (error) {
      await firefox[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #connect() {
    const file = join(this.#profile, "MarionetteActivePort");
    const end = Date.now() + START_MS;
    while (!existsSync(file) || readFileSync(file, "utf8") === "") {
      if (Date.now() > end || this.#process.exitCode !== null) throw new Error("Firefox did not start");
      await Bun.sleep(50);
    }
    const port = Number(readFileSync(file, "utf8"));
    const socket = {
      data: (_: Socket, chunk: Buffer) => this.#received(chunk),
      close: () => this.#gone(),
      error: () => this.#gone(),
    };
    this.#socket = await Bun.connect({ hostname: "127.0.0.1", port, socket });
  }

  #gone() {
    for (const { reject } of this.#replies.values()) reject(new Error("Firefox is gone"));
    this.#replies.clear();
  }

  /** `<length>:<json>`, as many as there are. The first is a greeting. */
  #received(chunk: Buffer) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const colon = this.#bytes.indexOf(":");
      const length = Number(this.#bytes.subarray(0, Math.max(0, colon)).toString());
      if (colon < 1 || this.#bytes.length < colon + 1 + length) return;
      const text = this.#bytes.subarray(colon + 1, colon + 1 + length).toString();
      this.#bytes = this.#bytes.subarray(colon + 1 + length);
      this.#reply(JSON.parse(text));
    }
  }

  #reply(message: unknown) {
    if (!Array.isArray(message)) return;
    const [, id, error, result] = message;
    const reply = this.#replies.get(id);
    this.#replies.delete(id);
    if (error) reply?.reject(new Error(`${error.error}: ${error.message}`));
    else reply?.resolve(result);
  }

  #call(name: string, parameters: object): Promise<unknown> {
    const id = ++this.#last;
    const text = JSON.stringify([0, id, name, parameters]);
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve, reject });
      this.#socket?.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }

  /** The process; its children run the pages. */
  get pid(): number {
    return this.#process.pid;
  }

  async goto(url: string): Promise<void> {
    await this.#call("WebDriver:Navigate", { url });
  }

  /** Runs the body of an async function in the page. */
  page<T>(body: string): Promise<T> {
    return this.#run(body);
  }

  /** The same in the browser itself, where its windows and alerts are. */
  async chrome<T>(body: string): Promise<T> {
    await this.#call("Marionette:SetContext", { value: "chrome" });
    try {
      return await this.#run<T>(body);
    } finally {
      await this.#call("Marionette:SetContext", { value: "content" });
    }
  }

  async #run<T>(body: string): Promise<T> {
    const script = `const done = arguments[arguments.length - 1];
      (async () => { ${body} })().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const told = (await this.#call("WebDriver:ExecuteAsyncScript", {
      script,
      args: [],
      newSandbox: true,
    })) as {
      value: { value: T; error?: string };
    };
    if (told.value.error) throw new Error(told.value.error);
    return told.value.value;
  }

  /** Presses what a selector names, as a finger or mouse would. */
  async click(selector: string): Promise<void> {
    await this.#call("WebDriver:ElementClick", { id: await this.#find(selector) });
  }

  /** Puts a finger on what a selector names; the returned function lifts it. */
  async press(selector: string): Promise<() => Promise<void>> {
    const origin = { [ELEMENT]: await this.#find(selector) };
    const finger = (actions: object[]) =>
      this.#call("WebDriver:PerformActions", {
        actions: [{ type: "pointer", id: "finger", parameters: { pointerType: "touch" }, actions }],
      });
    await finger([
      { type: "pointerMove", duration: 0, origin, x: 0, y: 0 },
      { type: "pointerDown", button: 0 },
    ]);
    return async () => void (await finger([{ type: "pointerUp", button: 0 }]));
  }

  /** Types into what a selector names. */
  async type(selector: string, text: string): Promise<void> {
    await this.#call("WebDriver:ElementSendKeys", { id: await this.#find(selector), text });
  }

  async #find(selector: string): Promise<string> {
    const found = (await this.#call("WebDriver:FindElement", { using: "css selector", value: selector })) as {
      value: Record<string, string>;
    };
    return Object.values(found.value)[0] ?? "";
  }

  /** A picture of what the window shows, as PNG. */
  async picture(): Promise<Uint8Array> {
    const told = (await this.#call("WebDriver:TakeScreenshot", { full: false })) as { value: string };
    return Buffer.from(told.value, "base64");
  }

  /** Makes the window that large, px. */
  async size(width: number, height: number): Promise<void> {
    await this.#call("WebDriver:SetWindowRect", { width, height });
  }

  /** Waits until that is true in the page. */
  async until(condition: string): Promise<void> {
    await this.page(`while (!(${condition})) await new Promise((resolve) => setTimeout(resolve, 30));`);
  }

  async [Symbol.asyncDispose]() {
    this.#socket?.end();
    this.#process.kill();
    await this.#process.exited;
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** No first-run pages, no updates, nothing that asks the Internet. */
const QUIET = {
  "marionette.port": 0,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.aboutwelcome.enabled": false,
  "browser.startup.page": 0,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "captivedetect.canonicalURL": "",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.getAddons.cache.enabled": false,
  "media.gmp-manager.updateEnabled": false,
  "media.gmp-provider.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.manage-offline-status": false,
  "network.proxy.type": 0,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};
