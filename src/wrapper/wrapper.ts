// One wrapped claude: the terminal, the PTY, the hooks, the screen and the link, joined.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { randomUUIDv7 } from "bun";
import { privateFolder } from "../paths.ts";
import type {
  ConversationId,
  DeviceId,
  EndReason,
  Message,
  PromptId,
  ServerMessage,
  SessionId,
  WrapperMessage,
} from "../protocol.ts";
import { unreachable } from "../protocol.ts";
import { awake } from "./awake.ts";
import { holdsDialogBack } from "./claude-dialogs.ts";
import { ClaudeState, type ClaudeStatus, claudeFolder } from "./claude-state.ts";
import { type Composing, composing } from "./composing.ts";
import { Desk, type Front } from "./desk.ts";
import { attachedDesks } from "./desks.ts";
import { type Asking, asking } from "./dialogs/asking.ts";
import { firstPrompt } from "./first-prompt.ts";
import { type HookCall, type HookCommand, Hooks } from "./hooks.ts";
import { inputs } from "./inputs.ts";
import { type Connect, Link } from "./link.ts";
import type { Log } from "./log-file.ts";
import { noDesk } from "./no-desk.ts";
import { descends } from "./process-tree.ts";
import type { CallEnd, Prompts } from "./prompts.ts";
import { openPty, type Pty, type PtyEngine, type PtyExit } from "./pty.ts";
import { sweepRunFolders } from "./run-folders.ts";
import type { Runs } from "./runs.ts";
import { session } from "./session.ts";
import { suspension } from "./suspension.ts";
import type { View } from "./view.ts";

/** How long an exit waits for the server's word; after that the next wrapper on this machine reports it. */
const EXIT_ACK_MS = 1_000;
/** A run that was killed, or that ended while its own link was down, is reported by another one within this. */
const LEFT_MS = 5_000;
/** Output that arrives before the emulator is loaded; claude's whole start is below 10 kB. */
const MAX_EARLY_BYTES = 8 * 1024 * 1024;
/** A session without a terminal, a viewer and output ends after a day. */
const FORGOTTEN_MS = 24 * 60 * 60 * 1_000;
/** A tool's input past this is no card: nobody could read it on a phone. claude's dialog at the desk stays. */
const MAX_INPUT_CHARS = 1024 * 1024;
/** What a terminal sends although nobody pressed a key: focus, the mouse's moves and wheel, its answers to queries. */
const NO_KEYS =
  /^(\x1b\[[IO]|\x1b\[<(3[2-9]|[4-9]\d);\d+;\d+[Mm]|\x1b\[[?>]?[\d;]*[cRny]|\x1b[P\]][^\x07\x1b]*(\x07|\x1b\\))+$/;
/** Calls of the hook's socket by others than claude that are logged; the first ones tell. */
const MAX_STRANGERS = 20;
/** The escape key, as a terminal sends it. */
const ESCAPE = new Uint8Array([0x1b]);

export type TranscriptEvents = {
  /** The text of a completed block: message, tool input, tool output. */
  block: (text: string) => void;
  /** claude calls a tool; `call` is its own name for that. */
  toolCalled: (call: string, tool: string, input: Record<string, unknown>) => void;
  /** The call has its result. */
  toolEnded: (call: string, how: CallEnd) => void;
  /** A message for the server; false where it cannot be told now. */
  message: (message: Message) => boolean;
  /** The same of what was spent so far. */
  cost: (cost: Omit<Extract<WrapperMessage, { type: "cost" }>, "type">) => boolean;
  /** The network does not take more now. */
  full: () => boolean;
};
export type TranscriptFollower = Disposable & {
  follow(path: string, fromEnd: boolean, conversation: ConversationId): void;
  look(): void;
  /** The server holds that conversation up to there. */
  acked(conversation: ConversationId, upto: number): void;
  offline(): void;
};

export type WrapperOptions = {
  /** The words that start claude; the plugin folder and `args` follow them. */
  claude: readonly string[];
  args: string[];
  cwd: string;
  env: Record<string, string>;
  engine: PtyEngine;
  onHangup: "detach" | "end";
  keepAwake: boolean;
  device: DeviceId;
  secret: () => Uint8Array;
  connect: Connect;
  hookCommand: HookCommand;
  /** Tools that ask whatever claude's mode. */
  ask: readonly string[];
  runFolder: string;
  runs: Runs;
  log: (session: SessionId) => Log;
  /** Nobody sits here: claude's size until somebody attaches, and what began this session. */
  hosted?: Hosted;
  /** Loads what follows claude's transcript. */
  transcript: (events: TranscriptEvents) => Promise<TranscriptFollower>;
};

export type Hosted = {
  size: { cols: number; rows: number };
  /** The launch that began it, by the id its launcher made. */
  launch: string;
  /** Typed once claude is idle for the first time. */
  prompt: string | null;
  /** How long its end waits for the server's word, ms. */
  farewellMs: number;
  /** claude runs. */
  onBegun: (session: SessionId) => void;
};

/** Runs claude until it ends; resolves with how. The terminal is as it was before, whatever happened. */
export async function wrap(options: WrapperOptions): Promise<PtyExit> {
  let wrapper: Wrapper | null = null;
  const onCall = (call: HookCall) => (wrapper ? wrapper.hook(call) : call.reply(null));
  await using hooks = await openHooks(options, onCall, (pid) => wrapper?.admits(pid) ?? false);
  using running = new Wrapper(options, hooks);
  wrapper = running;
  const exit = await running.exited;
  await running.farewell(exit);
  return exit;
}

/** An older conversation goes on. A new one's transcript may be there as well by the time its hook reaches us. */
const isContinued = (input: HookCall["input"]) =>
  input.hook_event_name === "SessionStart" && input.source !== "startup" && input.source !== "clear";

/** Without hooks claude runs as well; the page then says that it has no cards for this session. */
async function openHooks(
  { runFolder, hookCommand, ask }: WrapperOptions,
  onCall: (call: HookCall) => void,
  admits: (pid: number | null) => boolean,
) {
  try {
    const folder = join(privateFolder(runFolder), randomBytes(4).toString("hex"));
    return await Hooks.open(folder, hookCommand, onCall, { ask, admits });
  } catch {
    return null;
  }
}

class Wrapper implements Disposable {
  readonly #options: WrapperOptions;
  readonly #id = randomUUIDv7() as SessionId;
  readonly #log: Log;
  readonly #desk: Front;
  readonly #pty: Pty;
  readonly #link: Link;
  readonly #claude: ClaudeState;
  readonly #asking: Asking;
  readonly #prompts: Prompts;
  #typedAt: number | null = null;
  readonly #facts: ReturnType<typeof session>;
  readonly #inputs: ReturnType<typeof inputs>;
  readonly #first: ReturnType<typeof firstPrompt>;
  readonly #composing: Composing;
  readonly #awake: ReturnType<typeof awake>;
  readonly #suspension: ReturnType<typeof suspension>;
  readonly #exit = Promise.withResolvers<PtyExit>();
  readonly #exitAcked = Promise.withResolvers<void>();
  #view: View | null = null;
  #transcript: TranscriptFollower | null = null;
  /** What hooks said of the transcript before its follower was loaded. */
  #named: { path: string; fromEnd: boolean; id: ConversationId } | null = null;
  /** What the server holds of the conversation, if it said so before that. */
  #held: { conversation: ConversationId; upto: number } | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #endReason: EndReason | null = null;
  /** What is said last; where nobody waits for us, again after a reconnect. */
  #farewell: WrapperMessage | null = null;
  /** The terminal that we were started in is there. */
  #here: boolean;
  readonly #desks = attachedDesks();
  #viewers = 0;
  #paired = false;
  #strangers = 0;
  #forgotten: ReturnType<typeof setTimeout> | undefined;
  readonly #leftTimer: ReturnType<typeof setInterval>;

  constructor(options: WrapperOptions, hooks: Hooks | null) {
    this.#options = options;
    this.#log = options.log(this.#id);
    const tell = (message: WrapperMessage) => this.#link?.tell(message) ?? false;
    const { cwd, claude, args, hosted } = options;
    const onSignal = (signal: NodeJS.Signals) => this.#pty.kill(signal);
    this.#here = hosted === undefined;
    this.#desk = hosted ? noDesk(hosted.size, onSignal) : this.#terminal(onSignal);
    const { cols, rows } = this.#desk.size();
    const start = { id: this.#id, cwd, command: ["claude", ...args], cols, rows };
    this.#facts = session({ ...start, terminal: this.#here, launch: hosted?.launch }, tell);
    this.#asking = asking({
      tell: (message) => tell(message.type === "prompt" ? this.#sinceDesk(message) : message),
      cwd,
      screen: () => this.#view?.screen() ?? null,
      settled: async () => this.#view?.settled(),
      write: (bytes) => this.#pty.write(bytes),
      hooks: () => this.#facts.state.hooks,
      hears: () => this.#facts.state.status !== "suspended",
    });
    this.#prompts = this.#asking.prompts;
    this.#awake = awake(options.keepAwake);
    this.#suspension = suspension({
      kill: (signal) => this.#pty.kill(signal),
      stop: () => this.#desk.suspend(),
      onSuspended: () => this.#facts.suspend(true),
      onContinued: () => {
        this.#facts.suspend(false);
        this.#resized(this.#size());
      },
    });
    this.#desk.raw();
    try {
      this.#pty = openPty(options.engine, {
        argv: [...claude, ...(hooks ? [`--plugin-dir=${hooks.folder}`] : []), ...args],
        cwd,
        env: options.env,
        cols,
        rows,
        onData: (bytes) => this.#output(bytes),
        onExit: (exit) => this.#exit.resolve(exit),
      });
    } catch (error) {
      this.#desk[Symbol.dispose]();
      throw error;
    }
    this.#inputs = inputs({
      write: (bytes) => this.#press(bytes),
      screen: () => this.#view?.screen() ?? null,
      status: () => this.#facts.state.status,
      tell: (message) => this.#first.heard(message) || tell(message),
    });
    this.#first = firstPrompt(hosted?.prompt ?? null, (message) => this.#inputs.text(message));
    this.#composing = composing({
      ...{ args, cwd, tell, runFolder: options.runFolder, folder: claudeFolder(options.env) },
      version: () => this.#claude.version,
      inTurn: this.#inputs.inTurn,
      screen: () => this.#view?.screen() ?? null,
      settled: async () => this.#view?.settled(),
      status: () => this.#facts.state.status,
      write: (bytes) => this.#press(bytes),
      shown: (mode) => this.#facts.update({ permission_mode: mode }),
    });
    options.runs.began(this.#id);
    this.#claude = new ClaudeState(claudeFolder(options.env), this.#pty.pid, (status) =>
      this.#claudeSays(status),
    );
    const { device, secret, connect } = options;
    this.#link = new Link({
      device,
      secret,
      connect,
      onUp: () => this.#online(),
      onMessage: (message) => this.#obey(message),
      onDown: (reason) => this.#offline(reason),
    });
    this.#leftTimer = setInterval(() => this.#reportLeft(), LEFT_MS);
    sweepRunFolders(options.runFolder);
    if (!this.#here) this.#desksChanged();
    this.#load();
    hosted?.onBegun(this.#id);
  }

  #terminal(onSignal: (signal: NodeJS.Signals) => void): Desk {
    return new Desk({
      onInput: (bytes) => this.#typedAtDesk(bytes),
      onResize: () => this.#resized(this.#size()),
      onHangup: () => this.#hungUp(),
      onSignal,
      onReturn: () => this.#repaint(),
    });
  }

  get exited() {
    return this.#exit.promise;
  }

  // ── what happens here ───────────────────────────────────────────────────────────────────────────────────────────

  /** The terminal comes first; what we make of the bytes must never hold them up. */
  #output(bytes: Uint8Array) {
    this.#desk.write(bytes);
    if (this.#view) this.#view.write(bytes);
    else this.#keepEarly(bytes);
    this.#asking.painted();
    this.#composing?.painted(); // The constructor may still be at work.
    this.#suspension.output(bytes);
  }

  #keepEarly(bytes: Uint8Array) {
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes <= MAX_EARLY_BYTES) this.#early.push(bytes.slice());
  }

  async #load() {
    const { View } = await import("./view.ts");
    const { cols, rows } = this.#size();
    const view = new View({
      cols,
      rows,
      tell: (message) => this.#link.tell(message),
      full: () => this.#link.full,
      onTitle: (title) => this.#facts.titled(title),
      onReply: (bytes) => this.#pty.write(bytes),
      onSkip: () => this.#repaint(),
    });
    view.answering = !this.#here;
    for (const bytes of this.#early.splice(0)) view.write(bytes);
    this.#view = view;
    if (this.#link.up) view.online();
    const transcript = await this.#options.transcript({
      block: (text) => view.block(text),
      toolCalled: (call, tool, input) => this.#prompts.toolCalled(call, tool, input),
      toolEnded: (call, how) => this.#prompts.toolEnded(call, how),
      message: (message) => this.#link.tell({ type: "message", message }),
      cost: (cost) => this.#link.tell({ type: "cost", ...cost }),
      full: () => this.#link.full,
    });
    this.#transcript = transcript;
    if (this.#named) transcript.follow(this.#named.path, this.#named.fromEnd, this.#named.id);
    if (this.#held) transcript.acked(this.#held.conversation, this.#held.upto);
  }

  #typedAtDesk(bytes: Uint8Array) {
    const pressed = this.#typed(bytes, false);
    if (this.#desks.count === 0) return;
    if (pressed) this.#desks.typedHere();
    this.#decideSize();
  }

  /** At whatever terminal; whether somebody pressed a key. */
  #typed(bytes: Uint8Array, afar: boolean): boolean {
    this.#pty.write(bytes);
    const text = Buffer.from(bytes).toString("latin1");
    const pressed = !NO_KEYS.test(text);
    if (pressed) this.#prompts.touched();
    if (pressed) this.#typedAt = performance.now();
    this.#suspension.typed(text, afar);
    return pressed;
  }

  /** With how long ago somebody typed at a terminal: who sits there needs no push at once. */
  #sinceDesk({ type, prompt }: Extract<WrapperMessage, { type: "prompt" }>): WrapperMessage {
    if (this.#typedAt === null) return { type, prompt };
    return { type, prompt: { ...prompt, desk_idle_ms: performance.now() - this.#typedAt } };
  }

  #typedAttached({ desk, ...keys }: Extract<ServerMessage, { type: "desk_keys" }>) {
    const bytes = this.#desks.keys(desk, keys);
    if (bytes && this.#typed(bytes, true)) this.#desks.typedAt(desk);
    this.#link.tell({ type: "desk_taken", desk, upto: this.#desks.upto(desk) });
    this.#decideSize();
  }

  /** Without any desk nobody sits before this session: it is alone. */
  #desksChanged() {
    const terminal = this.#here || this.#desks.count > 0;
    this.#options.runs.alone(this.#id, terminal ? null : this.#options.cwd);
    this.#facts.update({ terminal });
    this.#remember();
    this.#decideSize();
  }

  /** What the desk wants where somebody typed last. */
  #size(): { cols: number; rows: number } {
    return this.#desks.size(this.#here) ?? (this.#here ? this.#desk.size() : this.#facts.state);
  }

  #decideSize() {
    const { cols, rows } = this.#size();
    const { state } = this.#facts;
    if (cols !== state.cols || rows !== state.rows) this.#resized({ cols, rows });
  }

  /** A phone's keys, as good as the desk's. */
  #press(bytes: Uint8Array) {
    this.#pty.write(bytes);
    this.#prompts.touched();
  }

  #resized({ cols, rows }: { cols: number; rows: number }) {
    this.#pty.resize(cols, rows);
    this.#view?.resize(cols, rows);
    this.#facts.update({ cols, rows });
    this.#link.tell({ type: "status", state: this.#facts.state });
  }

  /** A size that differs and differs back makes claude paint everything. */
  #repaint() {
    const { cols, rows } = this.#facts.state;
    this.#pty.resize(cols, Math.max(2, rows - 1));
    setTimeout(() => this.#pty.resize(cols, rows), 50);
  }

  #hungUp() {
    const someone = this.#paired || this.#desks.count > 0;
    const goesOn = this.#options.onHangup === "detach" && someone && this.#link.up;
    this.#log("hangup", { goesOn });
    if (!goesOn) return this.#stop("hangup", "SIGHUP");
    this.#here = false;
    if (this.#view) this.#view.answering = true;
    this.#desksChanged();
  }

  /** Without a terminal: a day without viewer or output ends it. */
  #remember() {
    clearTimeout(this.#forgotten);
    if (this.#facts.state.terminal || this.#viewers > 0) return;
    this.#forgotten = setTimeout(() => this.#stop("hangup", "SIGHUP"), FORGOTTEN_MS);
  }

  #stop(reason: EndReason, signal: NodeJS.Signals) {
    this.#endReason = reason;
    this.#pty.kill(signal);
  }

  #claudeSays(said: ClaudeStatus) {
    const { status, waitingFor, version } = said;
    if (this.#facts.claude(status, waitingFor ?? null, version ?? null)) {
      this.#state();
      this.#composing.versionKnown();
    }
    this.#asking.claudeSays(said);
    this.#awake.set(status === "busy");
    if (status === "idle") this.#first.idle();
    this.#view?.flush();
  }

  // ── claude's hooks ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Only this run's claude, and what it starts, may call. Where the system does not tell, the socket's folder decides. */
  admits(pid: number | null): boolean {
    if (pid === null ? process.platform !== "linux" : descends(pid, this.#pty.pid)) return true;
    if (this.#strangers++ < MAX_STRANGERS) this.#log("hook refused", { pid });
    return false;
  }

  hook(call: HookCall) {
    const { input } = call;
    const agent = input.agent_id ?? null;
    if (!agent) this.#claude.conversation = input.session_id;
    if (!agent) this.#facts.hook(input.session_id, input.permission_mode);
    if (!agent) this.#follow(input.transcript_path, isContinued(input), input.session_id as ConversationId);
    switch (input.hook_event_name) {
      case "PermissionRequest":
        return this.#asked(input, call);
      case "Stop":
      case "StopFailure":
      case "SubagentStop":
        this.#prompts.turnEnded(input.prompt_id, agent);
        break;
      case "UserPromptSubmit":
        this.#inputs.taken(input.prompt);
        break;
      case "SessionStart":
        break;
      default:
        unreachable(input);
    }
    call.reply(null);
  }

  /** Follows the transcript that a hook names. */
  #follow(path: string, fromEnd: boolean, id: ConversationId) {
    if (this.#transcript) this.#transcript.follow(path, fromEnd, id);
    else if (path !== this.#named?.path) this.#named = { path, fromEnd, id };
  }

  #asked(request: Extract<HookCall["input"], { hook_event_name: "PermissionRequest" }>, call: HookCall) {
    if (request.agent_id && holdsDialogBack(this.#claude.version)) {
      this.#asking.heldBack(request);
      return call.reply(null);
    }
    if (JSON.stringify(request.tool_input).length > MAX_INPUT_CHARS) return call.reply(null);
    const id = randomUUIDv7() as PromptId;
    call.onGone(() => this.#prompts.hookGone(id));
    this.#asking.opened({ id, request, decide: call.reply });
  }

  // ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────

  #online() {
    this.#log("online");
    this.#state();
    this.#prompts.restate();
    this.#reportLeft();
    this.#view?.online();
    this.#composing.online();
    if (this.#farewell) this.#link.tell(this.#farewell);
  }

  /** Tells of runs on this machine that ended without being able to say so. */
  #reportLeft() {
    if (!this.#link.up) return;
    for (const run of this.#options.runs.left()) this.#link.tell({ type: "left", ...run });
  }

  #state() {
    this.#link.tell({ type: "session", session: this.#facts.statement(this.#prompts.open()) });
  }

  #offline(reason: string) {
    this.#log("offline", { reason });
    this.#held = null;
    this.#transcript?.offline();
    this.#view?.offline();
    if (this.#desks.count === 0) return;
    this.#desks.allGone();
    this.#desksChanged();
  }

  #obey(message: ServerMessage) {
    switch (message.type) {
      case "ack":
        return this.#acked(message);
      case "answer":
        return this.#prompts.answer(message, this.#facts.state.status === "suspended");
      case "input":
        return this.#inputs.text(message);
      case "key":
        return this.#inputs.key(message.id, message.key);
      case "resize":
        if (!this.#facts.state.terminal) this.#resized(message);
        return;
      case "watch":
        this.#viewers = message.viewers;
        this.#paired = message.paired;
        this.#remember();
        if (message.viewers > 0) this.#composing.watched();
        this.#view?.watched(message.viewers, message.rate);
        return;
      case "mode":
      case "file":
      case "file_gone":
        return this.#composing.obey(message);
      case "desk":
        this.#desks.set(message.desk, message);
        return this.#desksChanged();
      case "desk_gone":
        this.#desks.gone(message.desk);
        return this.#desksChanged();
      case "desk_keys":
        return this.#typedAttached(message);
      case "interrupt":
        if (this.#facts.state.status !== "suspended") this.#press(ESCAPE);
        return;
      case "stop":
        return this.#stop("stopped", "SIGTERM");
      case "ping":
      case "refused":
        return; // The link's own.
      default:
        unreachable(message);
    }
  }

  #acked(ack: Extract<ServerMessage, { type: "ack" }>) {
    switch (ack.stream) {
      case "lines":
        return this.#view?.acked(ack.upto);
      case "prompts":
        return this.#prompts.acked(ack.prompt, ack.fact);
      case "exit":
        this.#options.runs.reported(ack.session);
        if (ack.session === this.#id) this.#exitAcked.resolve();
        return;
      case "messages":
        if (this.#transcript) this.#transcript.acked(ack.conversation, ack.upto);
        else this.#held = ack;
        return;
      default:
        unreachable(ack);
    }
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The terminal is given back first; then the server is told, if it listens. */
  async farewell({ code, signal }: PtyExit) {
    this.#desk.restore(signal === null);
    // What claude wrote down last says how its last questions ended.
    this.#transcript?.look();
    this.#claude.look();
    this.#prompts.exited();
    await this.#view?.ended();
    const reason = this.#endReason ?? (signal ? "signal" : "exit");
    this.#options.runs.ended(this.#id, { code, signal, reason }, this.#prompts.unacked());
    this.#farewell = { type: "exit", code, signal, reason };
    const told = this.#link.tell(this.#farewell);
    const patience = this.#link.refused ? 0 : this.#options.hosted?.farewellMs;
    const within = patience ?? (told ? EXIT_ACK_MS : 0);
    if (within > 0) await Promise.race([this.#exitAcked.promise, Bun.sleep(within)]);
    this.#log("exit", { code, signal, reason });
  }

  [Symbol.dispose]() {
    this.#awake.set(false);
    clearTimeout(this.#forgotten);
    clearInterval(this.#leftTimer);
    this.#claude[Symbol.dispose]();
    this.#first[Symbol.dispose]();
    this.#asking[Symbol.dispose]();
    this.#composing[Symbol.dispose]();
    this.#transcript?.[Symbol.dispose]();
    this.#view?.[Symbol.dispose]();
    this.#link[Symbol.dispose]();
    this.#pty.close();
    this.#desk[Symbol.dispose]();
  }
}
