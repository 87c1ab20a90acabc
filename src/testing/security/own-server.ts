// The server as a process of its own, started as a user starts it: by the compiled program or from source, with these settings.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { textOf } from "../story/processes.ts";

const SOURCE = [process.execPath, resolve(import.meta.dir, "../../cli.ts")];
/** A start takes a tenth of a second; from source, on a busy machine, many times that. */
const START_MS = 30_000;
const LOOK_MS = 50;

export type OwnServerOptions = {
  /** The words that start the program; the source unless told. */
  program?: string[];
  args?: string[];
  env?: Record<string, string>;
};

export class OwnServer implements AsyncDisposable {
  readonly home = mkdtempSync(join(tmpdir(), "claude-remote-own-"));
  readonly data = join(this.home, "data");
  readonly pid: number;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #heard: Promise<void>;
  #said = "";

  private constructor({ program = SOURCE, args = [], env = {} }: OwnServerOptions) {
    this.#child = Bun.spawn([...program, "serve", ...args], {
      // Nothing of this process's own environment: a user's shell has no NODE_ENV.
      env: { PATH: process.env.PATH ?? "", HOME: this.home, CLAUDE_REMOTE_HOME: this.home, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.pid = this.#child.pid;
    this.#heard = this.#listen();
  }

  /** Resolves when it answers. */
  static async start(options: OwnServerOptions = {}): Promise<OwnServer> {
    const server = new OwnServer(options);
    const end = Date.now() + START_MS;
    while (!(await server.admin("GET", "/status").catch(() => null)) || !textOf(server.#info)) {
      if (Date.now() > end || server.#child.exitCode !== null)
        throw new Error(`the server does not answer: ${server.said}`);
      await Bun.sleep(LOOK_MS);
    }
    return server;
  }

  get #info(): string {
    return join(this.data, "server.json");
  }

  get url(): string {
    return (JSON.parse(readFileSync(this.#info, "utf8")) as { url: string }).url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** What came so far of what it writes to stderr, its log among it; all of it once it was stopped. */
  get said(): string {
    return this.#said;
  }

  /** The line with that in it, which another process may have written and this one not read yet. */
  async saying(text: string): Promise<string> {
    for (const end = Date.now() + START_MS; ; await Bun.sleep(LOOK_MS)) {
      const line = this.#said.split("\n").find((one) => one.includes(text));
      if (line !== undefined) return line;
      if (Date.now() > end) throw new Error(`it never said ${text}: ${this.#said}`);
    }
  }

  /** Megabytes that the system keeps for it. */
  get rss(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${this.pid}/status`))?.[1] ?? 0) / 1_024;
  }

  /** Seconds of processor so far; the system counts hundredths. */
  get cpu(): number {
    const fields = textOf(`/proc/${this.pid}/stat`).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** A request to the owner's socket; the parsed answer. */
  async admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const headers = { "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`http://localhost${path}`, { ...init, unix: join(this.data, "admin.sock") });
    return (await response.json()) as Record<string, unknown>;
  }

  async #listen() {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) this.#said += decoder.decode(bytes, { stream: true });
  }

  /** Ends it as Ctrl-C does; what it wrote stays until it is disposed. */
  async stop() {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
    await this.#heard;
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}
