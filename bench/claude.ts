// The real claude for a benchmark: bare and wrapped, in one home, against one stand-in of the Messages API.
import { rowText } from "../src/screen.ts";
import { type MessagesApi, messagesApi } from "../src/testing/messages-api.ts";
import { type ClaudeHome, claudeHome, claudePath } from "../src/testing/real-claude.ts";
import { Emulator } from "../src/wrapper/emulator.ts";
import { Outer } from "./outer.ts";
import { BINARY, Rig } from "./rig.ts";

/** The version that is measured; another by `CLAUDE_REMOTE_BENCH_CLAUDE`. */
export const VERSION = process.env.CLAUDE_REMOTE_BENCH_CLAUDE || "2.1.329";
const PATIENCE_MS = 40_000;
const [COLS, ROWS] = [100, 40];
/** Old and new claude's words below an empty input box. */
export const READY = /\? for shortcuts|manual mode/;
/** Between a text and its Enter, or claude takes both for one paste. */
const BEFORE_ENTER_MS = 150;

/** claude in a terminal whose screen can be waited for. */
export class ClaudeTerminal implements AsyncDisposable {
  readonly outer: Outer;
  onBytes: (bytes: Uint8Array) => void = () => {};
  readonly #emulator: Emulator;
  #receivedAt = 0;
  #look: () => void = () => {};

  constructor(command: readonly string[], env: Record<string, string>, cwd: string) {
    this.#emulator = new Emulator({
      cols: COLS,
      rows: ROWS,
      onChange: () => this.#look(),
      onReply: (bytes) => this.outer.write(bytes),
    });
    this.#emulator.answering = true;
    const onBytes = (bytes: Uint8Array) => this.#receive(bytes);
    this.outer = new Outer(command, { env, cwd, cols: COLS, rows: ROWS, onBytes });
  }

  #receive(bytes: Uint8Array) {
    this.#receivedAt = performance.now();
    this.#emulator.write(bytes.slice());
    this.onBytes(bytes);
  }

  screen(): string {
    return this.#emulator.screen().lines.map(rowText).join("\n");
  }

  /** When the bytes came that made the screen match, now or later. One wait at a time. */
  waitFor(wanted: RegExp): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = () => reject(new Error(`never came: ${wanted}\n${this.screen()}`));
    const timer = setTimeout(late, PATIENCE_MS);
    this.#look = () => {
      if (wanted.test(this.screen())) resolve(this.#receivedAt);
    };
    this.#look();
    return promise.finally(() => clearTimeout(timer));
  }

  /** Says something to claude. */
  async say(text: string) {
    this.outer.write(`\x1b[200~${text}\x1b[201~`);
    await Bun.sleep(BEFORE_ENTER_MS);
    this.outer.write("\r");
  }

  async [Symbol.asyncDispose]() {
    await this.outer[Symbol.asyncDispose]();
    this.#emulator.close();
  }
}

export class ClaudeRig implements AsyncDisposable {
  readonly api: MessagesApi;
  readonly home: ClaudeHome;
  readonly rig: Rig;
  readonly #open: AsyncDisposableStack;

  private constructor(api: MessagesApi, home: ClaudeHome, rig: Rig, open: AsyncDisposableStack) {
    this.api = api;
    this.home = home;
    this.rig = rig;
    this.#open = open;
  }

  static async open(): Promise<ClaudeRig> {
    await using open = new AsyncDisposableStack();
    const api = open.use(await messagesApi());
    const home = open.use(await claudeHome({ api }));
    const rig = open.use(await Rig.open({ env: home.env }));
    return new ClaudeRig(api, home, rig, open.move());
  }

  /** claude with its prompt on the screen; ends with this rig. */
  async start(wrapped: boolean): Promise<ClaudeTerminal> {
    const claude = claudePath(VERSION);
    const command = [wrapped ? BINARY : claude, "--permission-mode", "default"];
    const env = this.rig.env(claude);
    const terminal = this.#open.use(new ClaudeTerminal(command, env, this.home.project));
    await terminal.waitFor(READY);
    return terminal;
  }

  [Symbol.asyncDispose]() {
    return this.#open.disposeAsync();
  }
}

/** The processes that `pid` started itself. */
export function childrenOf(pid: number): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pid)]);
  return stdout.toString().trim().split(/\s+/).filter(Boolean).map(Number);
}
