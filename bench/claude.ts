// The real claude for a benchmark: bare and wrapped, in one home, against one stand-in of the Messages API.
import { type MessagesApi, messagesApi } from "../src/testing/messages-api.ts";
import { type ClaudeHome, claudeHome, claudePath } from "../src/testing/real-claude.ts";
import { Terminal } from "../src/testing/terminal.ts";
import { BINARY, Rig } from "./rig.ts";

/** The version that is measured; another by `CLAUDE_REMOTE_BENCH_CLAUDE`. */
export const VERSION = process.env.CLAUDE_REMOTE_BENCH_CLAUDE || "2.1.329";
/** claude shows its prompt within two or three seconds; a busy machine takes longer. */
const START_MS = 40_000;
/** Old and new claude's words below an empty input box. */
const READY = /\? for shortcuts|manual mode/;
/** Between a typed text and its Enter, or claude takes both for a paste. */
const BEFORE_ENTER_MS = 300;

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
  async start(wrapped: boolean): Promise<Terminal> {
    const claude = claudePath(VERSION);
    const env = this.rig.env(claude);
    const command = [wrapped ? BINARY : claude, "--permission-mode", "default"];
    const terminal = new Terminal(command, { cwd: this.home.project, env });
    this.#open.use(terminal);
    await terminal.waitFor(READY, { timeout: START_MS });
    return terminal;
  }

  [Symbol.asyncDispose]() {
    return this.#open.disposeAsync();
  }
}

/** Says something to claude. */
export async function say(terminal: Terminal, text: string) {
  terminal.paste(text);
  await Bun.sleep(BEFORE_ENTER_MS);
  terminal.write("\r");
}

/** The process ids below `pid`, itself left out. */
export function childrenOf(pid: number): number[] {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(pid)]);
  return stdout.toString().trim().split(/\s+/).filter(Boolean).map(Number);
}
