// A real claude with everything that sees and answers its dialogs around it, and no server: what it would be told is kept.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomUUIDv7 } from "bun";
import type { Answer, AnswerId, Prompt, PromptId, WrapperMessage } from "../protocol.ts";
import { rowText } from "../screen.ts";
import { holdsDialogBack } from "../wrapper/claude-dialogs.ts";
import { ClaudeState, type ClaudeStatus } from "../wrapper/claude-state.ts";
import { type Asking, asking } from "../wrapper/dialogs/asking.ts";
import { detect } from "../wrapper/dialogs/detect.ts";
import { type DialogName, TOOLS } from "../wrapper/dialogs/dialog.ts";
import { Emulator } from "../wrapper/emulator.ts";
import { type HookCall, type HookCommand, Hooks } from "../wrapper/hooks.ts";
import { inputBoxEmpty, inputBoxEndsWith } from "../wrapper/input-box.ts";
import { openPty, type Pty, type PtyExit } from "../wrapper/pty.ts";
import { typed } from "../wrapper/typing.ts";
import { type ClaudeHome, claudeHome } from "./home.ts";
import { type MessagesApi, messagesApi } from "./messages-api.ts";

/** How often what nothing announces is looked at. */
const LOOK_MS = 20;
/** Sooner after the text, claude takes the Enter for a part of what was typed. */
const ENTER_GAP_MS = 300;
/** A claude that was killed is gone by then. */
const END_MS = 5_000;
const SIZE = { cols: 100, rows: 40 };
/** Whatever does not go to the stand-in goes nowhere: nothing listens on the discard port. */
const NO_NETWORK = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
};

/** By what a dialog is answered: our hook, or keys on the screen. */
export type Way = "hook" | "keys";

/** Which claude, and what it runs of ours. */
export type Examined = {
  path: string;
  version: string;
  /** The words that start this very program. */
  ourselves: HookCommand;
  /** How long what usually takes milliseconds may take, in ms. */
  patience: number;
};

/** How one run of it begins. */
export type Start = {
  args?: string[];
  /** The permission mode; null: none is named. */
  mode?: string | null;
  env?: Record<string, string>;
  /** Writes what claude should find. */
  prepare?: (home: ClaudeHome) => void;
  /** Our hooks reach us. */
  hooks?: boolean;
  /** What must have come before it is asked anything. */
  ready?: (claude: ExaminedClaude) => Promise<unknown>;
};

/** Nothing came in time. `waits`: claude says that it waits for somebody. */
export class NeverCame extends Error {
  readonly waits: boolean;

  constructor(message: string, waits: boolean) {
    super(message);
    this.waits = waits;
  }
}

export class ExaminedClaude implements AsyncDisposable {
  readonly said: WrapperMessage[] = [];
  readonly api: MessagesApi;
  readonly home: ClaudeHome;
  readonly #patience: number;
  readonly #emulator: Emulator;
  readonly #pty: Pty;
  readonly #state: ClaudeState;
  readonly #asking: Asking;
  /** What must go with it. */
  #parts = new AsyncDisposableStack();
  readonly #exit = Promise.withResolvers<PtyExit>();
  #status: ClaudeStatus | null = null;
  #ended: PtyExit | null = null;
  #answers = 0;
  #waiting: { id: PromptId; reply: HookCall["reply"] }[] = [];

  private constructor(
    examined: Examined,
    start: Start,
    parts: { api: MessagesApi; home: ClaudeHome; hooks: Hooks | null },
  ) {
    const { args = [], mode = "default" } = start;
    const { api, home, hooks } = parts;
    this.api = api;
    this.home = home;
    this.#patience = examined.patience;
    this.#emulator = new Emulator(SIZE);
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
      argv: [examined.path, ...plugin, ...(mode ? ["--permission-mode", mode] : []), ...args],
      cwd: home.project,
      env: { ...home.env, ...NO_NETWORK, ...start.env },
      ...SIZE,
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
  static async open(examined: Examined, start: Start = {}): Promise<ExaminedClaude> {
    await using parts = new AsyncDisposableStack();
    const api = parts.use(await messagesApi());
    const home = parts.use(await claudeHome({ api }));
    start.prepare?.(home);
    let claude: ExaminedClaude | null = null;
    const onCall = (call: HookCall) => (claude ? claude.hook(call) : call.reply(null));
    const folder = join(dirname(home.home), "run");
    const hooks = start.hooks ? parts.use(await Hooks.open(folder, examined.ourselves, onCall)) : null;
    claude = new ExaminedClaude(examined, start, { api, home, hooks });
    claude.#parts = parts.move();
    return claude;
  }

  /** As a wrapper does it. */
  private hook({ input, reply, onGone }: HookCall) {
    if (!input.agent_id) this.#state.conversation = input.session_id;
    const event = input.hook_event_name;
    if (event === "Stop" || event === "StopFailure" || event === "SubagentStop")
      this.#asking.prompts.turnEnded(input.prompt_id, input.agent_id ?? null);
    if (input.hook_event_name !== "PermissionRequest") return reply(null);
    if (input.agent_id && holdsDialogBack(this.#state.version)) {
      this.#asking.heldBack(input);
      return reply(null);
    }
    const id = randomUUIDv7() as PromptId;
    onGone(() => this.#asking.prompts.hookGone(id));
    this.#asking.opened({ id, request: input, decide: reply });
    this.#waiting.push({ id, reply });
  }

  /** Every hook that waits ends without a word, as if somebody had killed it. */
  letGo() {
    for (const { id, reply } of this.#waiting.splice(0)) {
      reply(null);
      this.#asking.prompts.hookGone(id);
    }
  }

  /** Ends it: whatever waits for it hears so. */
  stop() {
    this.#pty.kill("SIGKILL");
  }

  get exited(): Promise<PtyExit> {
    return this.#exit.promise;
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  get status(): string {
    return this.#status ? `${this.#status.status} ${this.#status.waitingFor ?? ""}`.trim() : "none";
  }

  /** What is on the screen, for whoever wonders why. */
  text(): string {
    return this.#emulator.screen().lines.map(rowText).join("\n").trimEnd();
  }

  /** The first value of `look` that is there. Rejects with NeverCame. */
  async until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    const end = Date.now() + this.#patience;
    for (;;) {
      await this.#emulator.settled();
      const found = look();
      if (found !== null && found !== undefined && found !== false) return found;
      const why = this.#ended ? "claude ended" : Date.now() > end ? `claude is ${this.status}` : null;
      if (why) throw new NeverCame(`${what} never came (${why})`, !this.#ended && this.#mayWait);
      await Bun.sleep(LOOK_MS);
    }
  }

  /** It says that it waits for somebody, or has not begun. */
  get #mayWait(): boolean {
    return this.#status === null || this.#status.status === "waiting";
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
    await Bun.sleep(ENTER_GAP_MS);
    this.keys("\r");
    await this.until(`a turn for ${prompt}`, begun);
  }

  /** The name of the dialog that stands there now. */
  dialog(): DialogName | null {
    return detect(this.#emulator.screen())?.name ?? null;
  }

  /** The open prompt about the dialog of that name: by a hook that waits, or read from the screen that shows it. */
  async asked(name: DialogName, way: Way): Promise<Prompt> {
    const fits = ({ dialog, request }: ReturnType<Asking["prompts"]["asking"]>[number]) =>
      way === "keys"
        ? dialog?.name === name && this.dialog() === name
        : !dialog && isOf(name, request?.tool_name);
    return this.until(`a card for ${name}`, () => {
      const id = this.#asking.prompts.asking().findLast(fits)?.id;
      return id && this.#last(id);
    });
  }

  #last(id: PromptId): Prompt | undefined {
    const told = this.said.flatMap((one) =>
      one.type === "prompt" && one.prompt.id === id ? [one.prompt] : [],
    );
    return told.at(-1);
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
    this.stop();
    await Promise.race([this.exited, Bun.sleep(END_MS)]);
    this.#asking[Symbol.dispose]();
    this.#state[Symbol.dispose]();
    this.#emulator.close();
    this.#pty.close();
    await this.#parts.disposeAsync();
  }
}

function isOf(name: DialogName, tool: string | undefined): boolean {
  if (tool === undefined) return false;
  return name === "mcp" ? tool.startsWith("mcp__") : TOOLS[name] === tool;
}

/** Writes a file below a folder, with the folders to it. */
export function put(folder: string, name: string, content: string | object) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, 0o644);
}

/** The JSON of a file; null while there is none. */
export const json = (path: string): Record<string, unknown> | null =>
  existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
