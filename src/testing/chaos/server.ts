// The real server as a process of its own that is killed, stopped and started again at will.
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { program } from "../program.ts";
import { kill } from "../story/processes.ts";
import { until } from "./until.ts";

/** A start takes a tenth of a second; a busy machine more. */
const START_MS = 20_000;
/** How long it stays away after a kill: at random up to here, ms. */
const AWAY_MS = 300;

export class ChaosServer implements AsyncDisposable {
  readonly home: string;
  readonly port: number;
  /** How often it was killed, and how often stopped and let go on. */
  kills = 0;
  stops = 0;
  /** When it answered last after a start, by `performance.now()`. */
  upAt = 0;
  readonly #env: Record<string, string>;
  #log: number | null;
  readonly #words: readonly string[];
  #process: Bun.Subprocess | null = null;
  #ready: Promise<void> = Promise.resolve();

  /** Its home is made where it is not there; its talk goes to `log`, and it is started by `words` and its own. */
  constructor(
    home: string,
    port: number,
    env: Record<string, string>,
    { log = join(home, "server.log"), words = [] }: { log?: string; words?: readonly string[] } = {},
  ) {
    this.home = home;
    this.port = port;
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    this.#env = { ...env, CLAUDE_REMOTE_HOME: home, CLAUDE_REMOTE_PORT: String(port) };
    this.#log = openSync(log, "a");
    this.#words = words;
  }

  get data(): string {
    return join(this.home, "data");
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** It runs and answers. */
  get up(): boolean {
    return this.#process !== null && this.upAt > 0;
  }

  /** Resolves when it answers again. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Starts it; resolves when it answers. */
  async start(): Promise<void> {
    const started = Bun.spawn([...this.#words, program(), "serve", "--auto"], {
      cwd: this.data,
      env: this.#env,
      stdio: ["ignore", this.#log ?? "ignore", this.#log ?? "ignore"],
      detached: true,
    });
    this.#process = started;
    await until(
      "the server",
      async () => {
        if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}`);
        return this.admin("GET", "/status").catch(() => null);
      },
      START_MS,
    );
    this.upAt = performance.now();
  }

  /**
   * Kills it with -9 and, a moment later, starts it anew; resolves once it is dead. False, and nothing happens, while it
   * is not there. `away`: how long until then, ms.
   */
  async kill(away = Math.random() * AWAY_MS): Promise<boolean> {
    const victim = this.#process;
    if (!victim || !this.up) return false;
    this.#process = null;
    this.upAt = 0;
    this.kills++;
    victim.kill("SIGKILL");
    const back = async () => {
      await victim.exited;
      await Bun.sleep(away);
      await this.start();
    };
    this.#ready = back();
    await victim.exited;
    return true;
  }

  /** Kills it with -9 for good; `start` brings it back. */
  async crash(): Promise<void> {
    const victim = this.#process;
    this.#process = null;
    this.upAt = 0;
    victim?.kill("SIGKILL");
    await victim?.exited;
  }

  /** Stops it for so long, as a machine that swaps or sleeps. */
  async freeze(ms: number): Promise<void> {
    const { pid } = this;
    if (!pid) return;
    this.stops++;
    kill(pid, "SIGSTOP");
    await Bun.sleep(ms);
    kill(pid, "SIGCONT");
  }

  /** A request on the owner's socket. */
  async admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const headers = { "content-type": "application/json" };
    const unix = join(this.data, "admin.sock");
    const init = { method, unix, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    return (await (await fetch(`http://localhost${path}`, init)).json()) as Record<string, unknown>;
  }

  async [Symbol.asyncDispose]() {
    await this.#ready.catch(() => {});
    this.#process?.kill("SIGTERM");
    await this.#process?.exited;
    this.#process = null;
    if (this.#log !== null) closeSync(this.#log);
    this.#log = null;
  }
}
