// A real claude with everything that sees and answers its dialogs around it, and no server: what it would be told is kept.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUIDv7 } from "bun";
import type { Answer, AnswerId, Prompt, PromptId, WrapperMessage } from "../../protocol.ts";
import { rowText } from "../../screen.ts";
import { ClaudeState, type ClaudeStatus } from "../../wrapper/claude-state.ts";
import { type Asking, asking } from "../../wrapper/dialogs/asking.ts";
import { detect } from "../../wrapper/dialogs/detect.ts";
import { Emulator } from "../../wrapper/emulator.ts";
import { type HookCall, Hooks } from "../../wrapper/hooks.ts";
import { inputBoxEmpty, inputBoxEndsWith } from "../../wrapper/input-box.ts";
import { openPty, type Pty, type PtyExit } from "../../wrapper/pty.ts";
import { typed } from "../../wrapper/typing.ts";
import { type MessagesApi, messagesApi } from "../messages-api.ts";
import { type ClaudeHome, claudeHome, claudePath } from "../real-claude.ts";

/** What usually takes milliseconds, on a machine that does other things too. */
const PATIENCE_MS = 30_000;
/** How often what nothing announces is looked at. */
const LOOK_MS = 20;

const ENTER_GAP_MS = 300;

export type ScreenClaudeOptions = {
  version: string;
  args?: string[];
  /** The permission mode; null: none is named. */
  mode?: string | null;
  env?: Record<string, string>;
  /** Writes what claude should find. */
  prepare?: (home: ClaudeHome) => void;
  /** Hooks that let go at once, as they must for a subagent's question, or that wait until `letGo`. */
  hooks?: "at once" | "waiting";
};

export class ScreenClaude implements AsyncDisposable {
  readonly said: WrapperMessage[] = [];
  readonly api: MessagesApi;
  readonly home: ClaudeHome;
  readonly #emulator: Emulator;
  readonly #pty: Pty;
  readonly #state: ClaudeState;
  readonly #asking: Asking;
  readonly #hooks: Hooks | null;
  readonly #exit = Promise.withResolvers<PtyExit>();
  #status: ClaudeStatus | null = null;
  #ended: PtyExit | null = null;
  #answers = 0;
  #waiting: (() => void)[] = [];
  readonly #holds: boolean;

  private constructor(options: ScreenClaudeOptions, api: MessagesApi, home: ClaudeHome, hooks: Hooks | null) {
    const { version, args = [], mode = "default" } = options;
    const [cols, rows] = [100, 40];
    this.api = api;
    this.home = home;
    this.#hooks = hooks;
    this.#holds = options.hooks === "waiting";
    this.#emulator = new Emulator({ cols, rows });
    this.#asking = asking({
      tell: (message) => void this.said.push(message),
      cwd: home.project,
      screen: () => this.#emulator.screen(),
      settled: () => this.#emulator.settled(),
      write: (bytes) => this.#pty.write(bytes),
      hooks: () => (hooks ? "alive" : "dead"),
      hears: () => true,
    });
    const plugin = hooks ? [`--plugin-dir=${hooks.folder}`] : [];
    this.#pty = openPty("bun", {
      argv: [claudePath(version), ...plugin, ...(mode ? ["--permission-mode", mode] : []), ...args],
      cwd: home.project,
      env: { ...home.env, ...options.env },
      cols,
      rows,
      onData: (bytes) => {
        this.#emulator.write(bytes.slice());
        this.#asking.painted();
      },
      onExit: (exit) => {
        this.#ended = exit;
        this.#exit.resolve(exit);
      },
    });
    this.#state = new ClaudeState(join(home.home, ".claude"), this.#pty.pid, (status) => {
      this.#status = status;
      this.#asking.claudeSays(status);
    });
  }

  /** Starts claude in a home of its own. */
  static async open(options: ScreenClaudeOptions): Promise<ScreenClaude> {
    const api = await messagesApi();
    const home = await claudeHome({ api });
    options.prepare?.(home);
    let claude: ScreenClaude | null = null;
    const onCall = (call: HookCall) => claude?.hook(call) ?? call.reply(null);
    const command = [process.execPath, join(import.meta.dir, "../../cli.ts")];
    const hooks = options.hooks ? await Hooks.open(join(home.home, "plugin"), command, onCall) : null;
    claude = new ScreenClaude(options, api, home, hooks);
    return claude;
  }

  private hook({ input, reply }: HookCall) {
    if (input.hook_event_name !== "PermissionRequest") return reply(null);
    if (!this.#holds) {
      this.#asking.heldBack(input);
      return reply(null);
    }
    const id = randomUUIDv7() as PromptId;
    this.#asking.opened({ id, request: input, decide: reply });
    this.#waiting.push(() => {
      reply(null);
      this.#asking.prompts.hookGone(id);
    });
  }

  /** Every hook that waits ends without a word, as if somebody had killed it. */
  letGo() {
    for (const end of this.#waiting.splice(0)) end();
  }

  get exited(): Promise<PtyExit> {
    return this.#exit.promise;
  }

  get status(): string {
    return this.#status ? `${this.#status.status} ${this.#status.waitingFor ?? ""}`.trim() : "none";
  }

  /** What is on the screen, for whoever wonders why. */
  text(): string {
    return this.#emulator.screen().lines.map(rowText).join("\n").trimEnd();
  }

  async until<T>(what: string, look: () => T | null | undefined | false, patience = PATIENCE_MS): Promise<T> {
    const end = Date.now() + patience;
    for (;;) {
      await this.#emulator.settled();
      const found = look();
      if (found !== null && found !== undefined && found !== false) return found;
      if (Date.now() > end || this.#ended)
        throw new Error(`never came: ${what} (${this.status})\n${this.text()}`);
      await Bun.sleep(LOOK_MS);
    }
  }

  /** claude stands at its empty input box. */
  async idle() {
    const rests = () => this.#status?.status === "idle" && inputBoxEmpty(this.#emulator.screen()) !== null;
    await this.until("an idle claude", rests);
    // A turn that was cut short leaves its words in the box.
    for (let i = 0; i < 3 && inputBoxEmpty(this.#emulator.screen()) === false; i++) {
      this.keys("\x15");
      await Bun.sleep(10 * LOOK_MS);
    }
  }

  keys(text: string) {
    this.#pty.write(new TextEncoder().encode(text));
  }

  /** Types a prompt and sends it, once all of it stands in claude's box. */
  async say(prompt: string) {
    await this.idle();
    const before = this.api.requests.length;
    const begun = () => this.api.requests.length > before || this.#status?.status !== "idle";
    for (const { after, bytes } of typed(prompt).slice(0, -1)) {
      await Bun.sleep(after);
      this.#pty.write(bytes);
    }
    await this.until("the prompt in the box", () => inputBoxEndsWith(this.#emulator.screen(), prompt));
    await Bun.sleep(ENTER_GAP_MS); // Sooner, claude takes the Enter for a part of what was typed.
    this.keys("\r");
    await this.until(`a turn for ${prompt}`, begun);
  }

  /** The name of the dialog that stands there now. */
  dialog(): string | null {
    return detect(this.#emulator.screen())?.name ?? null;
  }

  /** The open prompt about the dialog of that name, once it stands there. */
  async asked(name: string): Promise<Prompt> {
    const raised = () =>
      this.said.flatMap((one) => (one.type === "prompt" && this.open(one.prompt) ? [one.prompt] : []));
    return this.until(`a card for ${name}`, () => this.dialog() === name && raised().at(-1));
  }

  /** It has not ended. */
  open({ id }: Prompt): boolean {
    return !this.said.some(
      (one) =>
        one.type !== "prompt" &&
        "prompt" in one &&
        one.prompt === id &&
        one.type !== "delivered" &&
        one.type !== "not_applied",
    );
  }

  /** Gives an answer by what its option is (its id, or how it begins), and waits for the end. */
  async answer(prompt: Prompt, option: string, more: Omit<Answer, "option"> = {}): Promise<WrapperMessage> {
    const chosen = prompt.options.find(
      ({ id, label }) => id === option || id.startsWith(`${option}-`) || label === option,
    );
    if (!chosen)
      throw new Error(`${option} is not among ${prompt.options.map(({ id, label }) => `${id} ${label}`)}`);
    const answer_id = `answer-${++this.#answers}` as AnswerId;
    const { id, digest } = prompt;
    this.#asking.prompts.answer(
      { prompt: id, digest, answer_id, answer: { option: chosen.id, ...more } },
      false,
    );
    const ends = ["accepted", "too_late", "not_applied", "withdrawn"];
    return this.until(`the end of ${option}`, () =>
      this.#ended // Nobody tells the prompts here.
        ? ({ type: "accepted", prompt: id } as const)
        : this.said.find((one) => ends.includes(one.type) && "prompt" in one && one.prompt === id),
    );
  }

  /** What a tool gave back, or what its caller was told. */
  result(matching: RegExp): Promise<string> {
    const all = () => this.api.requests.flatMap(({ results }) => results.map(({ text }) => text));
    return this.until(`a result like ${matching}`, () => all().find((text) => matching.test(text)));
  }

  path(name: string): string {
    return join(this.home.project, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  async [Symbol.asyncDispose]() {
    this.#pty.kill("SIGKILL");
    await Promise.race([this.exited, Bun.sleep(5_000)]);
    this.#asking[Symbol.dispose]();
    this.#state[Symbol.dispose]();
    this.#emulator.close();
    this.#pty.close();
    await this.#hooks?.[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }
}

/** Writes a file below claude's home, with the folders to it. */
export function put(folder: string, name: string, content: string | object) {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, 0o644);
}

/** The JSON of a file. */
export const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, "utf8"));
