// One wrapped claude, from its start to its end: the terminals, claude, the hooks, the screen and the link, joined.

import { randomUUIDv7 } from "bun";
import type { SessionId, WrapperMessage } from "../protocol.ts";
import { type ClaudeStatus, claudeFolder } from "./claude-state.ts";
import { type Asking, asking } from "./dialogs/asking.ts";
import { Ending } from "./ending.ts";
import { type HookCalls, hookCalls } from "./hook-calls.ts";
import { type HookCall, type Hooks, openHooks } from "./hooks.ts";
import { lateFollower } from "./late-follower.ts";
import { lateView } from "./late-view.ts";
import { leftRuns } from "./left-runs.ts";
import { Link } from "./link.ts";
import type { Log } from "./log-file.ts";
import { orders } from "./orders.ts";
import type { PtyExit } from "./pty.ts";
import { sweepRunFolders } from "./run-folders.ts";
import { RunningClaude } from "./running-claude.ts";
import { type SessionFacts, session } from "./session.ts";
import { type Size, Terminals } from "./terminals.ts";
import type { WrapperOptions } from "./wrapper-options.ts";
import { type Writing, writing } from "./writing.ts";

/** Runs claude until it ends; resolves with how. The terminal is as it was before, whatever happened. */
export async function wrap(options: WrapperOptions): Promise<PtyExit> {
  let calls: HookCalls | null = null;
  const onCall = (call: HookCall) => (calls ? calls.take(call) : call.reply(null));
  const { runFolder, hookCommand, ask } = options;
  const admits = (pid: number | null) => calls?.admits(pid) ?? false;
  await using hooks = await openHooks(runFolder, hookCommand, onCall, { ask, admits });
  using running = new Wrapper(options, hooks);
  calls = running.calls;
  const exit = await running.exited;
  await running.farewell(exit);
  return exit;
}

/** Who hears of whom. Each part owns its state; they are made in the order in which they begin. */
class Wrapper implements Disposable {
  readonly #options: WrapperOptions;
  readonly #id = randomUUIDv7() as SessionId;
  readonly #log: Log;
  readonly #view = lateView();
  readonly #follower = lateFollower();
  readonly #ending: Ending;
  readonly #terminals: Terminals;
  readonly #facts: SessionFacts;
  readonly #asking: Asking;
  readonly #claude: RunningClaude;
  readonly #writing: Writing;
  readonly #link: Link;
  readonly #left: ReturnType<typeof leftRuns>;
  /** What claude's hooks say to. */
  readonly calls: HookCalls;

  constructor(options: WrapperOptions, hooks: Hooks | null) {
    const { hosted, runs, runFolder } = options;
    this.#options = options;
    this.#log = options.log(this.#id);
    this.#ending = this.#newEnding();
    this.#terminals = this.#newTerminals();
    this.#facts = this.#newFacts();
    this.#asking = this.#newAsking();
    this.#claude = this.#start(hooks);
    this.#writing = this.#newWriting();
    runs.began(this.#id);
    this.calls = this.#newCalls();
    this.#link = this.#connect();
    this.#left = leftRuns(runs, () => this.#link);
    sweepRunFolders(runFolder);
    if (hosted) this.#terminals.changed();
    this.#load();
    hosted?.onBegun(this.#id);
  }

  get exited() {
    return this.#claude.exited;
  }

  // ── its life ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The terminal is raw from here on. Where claude cannot be started, it is given back first. */
  #start(hooks: Hooks | null): RunningClaude {
    const { claude, args, cwd, env, engine, keepAwake } = this.#options;
    this.#terminals.raw();
    try {
      return new RunningClaude({
        ...{ cwd, env, engine, keepAwake, terminals: this.#terminals, ...this.#terminals.wanted },
        argv: [...claude, ...(hooks ? [`--plugin-dir=${hooks.folder}`] : []), ...args],
        onOutput: (bytes) => this.#painted(bytes),
        onStatus: (said) => this.#claudeSays(said),
        onSuspended: (suspended) => this.#facts.suspend(suspended),
      });
    } catch (error) {
      this.#terminals[Symbol.dispose]();
      throw error;
    }
  }

  /** The terminal comes first; what we make of the bytes must never hold them up. */
  #painted(bytes: Uint8Array) {
    this.#terminals.write(bytes);
    this.#view.write(bytes);
    this.#asking.painted();
    this.#ending.printed();
    this.#writing?.composing.painted(); // The constructor may still be at work.
  }

  /** claude's own word on what it does. */
  #claudeSays(said: ClaudeStatus) {
    const { status, waitingFor, version } = said;
    if (this.#facts.claude(status, waitingFor ?? null, version ?? null)) {
      this.#state();
      this.#writing.composing.versionKnown();
    }
    this.#asking.claudeSays(said);
    if (status === "idle") this.#writing.idle();
    this.#view.flush();
  }

  /** A phone's keys, as good as the desk's. */
  readonly #press = (bytes: Uint8Array) => {
    this.#claude.write(bytes);
    this.#asking.prompts.touched();
  };

  /** claude has another size. */
  #sized({ cols, rows }: Size) {
    this.#view.resize(cols, rows);
    this.#facts.update({ cols, rows });
    this.#tell({ type: "status", state: this.#facts.state });
  }

  /** A terminal came or went. Without any, nobody sits before this session: it is alone. */
  #seated(terminal: boolean) {
    this.#view.answering = !this.#terminals.here;
    this.#options.runs.alone(this.#id, terminal ? null : this.#options.cwd);
    this.#facts.update({ terminal });
    this.#ending.seated(terminal);
  }

  /** Says it if the server hears us. */
  readonly #tell = (message: WrapperMessage): boolean => this.#link?.tell(message) ?? false;

  /** With how long ago somebody typed at a terminal: who sits there needs no push at once. */
  #sinceDesk({ type, prompt }: Extract<WrapperMessage, { type: "prompt" }>): WrapperMessage {
    const { idleMs } = this.#terminals;
    return { type, prompt: idleMs === null ? prompt : { ...prompt, desk_idle_ms: idleMs } };
  }

  #state() {
    this.#tell({ type: "session", session: this.#facts.statement(this.#asking.prompts.open()) });
  }

  /** Everything that is true now. */
  #online() {
    this.#log("online");
    this.#state();
    this.#asking.prompts.restate();
    this.#left.report();
    this.#view.online();
    this.#writing.composing.online();
    this.#ending.restate();
  }

  #offline(reason: string) {
    const refused = this.#link?.refused; // The constructor may still be at work.
    this.#log("offline", { reason, ...(refused && { refused: refused.code }) });
    this.#follower.offline();
    this.#view.offline();
    this.#terminals.offline();
  }

  /** The terminal is given back first; then the server is told, if it listens. */
  async farewell(exit: PtyExit) {
    this.#terminals.restore(exit.signal === null);
    // What claude wrote down last says how its last questions ended.
    this.#follower.look();
    this.#claude.look();
    this.#asking.prompts.exited();
    await this.#view.ended();
    await this.#ending.farewell(exit, this.#asking.prompts.unacked());
  }

  [Symbol.dispose]() {
    const parts = [this.#ending, this.#left, this.#asking, this.#writing, this.#follower, this.#view];
    for (const part of [...parts, this.#link, this.#claude, this.#terminals]) part[Symbol.dispose]();
  }

  // ── its parts ───────────────────────────────────────────────────────────────────────────────────────────────────

  #newEnding() {
    const { onHangup, runs, hosted } = this.#options;
    return new Ending({
      ...{ id: this.#id, onHangup, runs, log: this.#log, patience: hosted?.farewellMs },
      link: () => this.#link,
      kill: (signal) => this.#claude.kill(signal),
      asks: () => this.#asking.prompts.open().length > 0 || this.#facts.state.status === "waiting",
    });
  }

  #newTerminals() {
    return new Terminals({
      hosted: this.#options.hosted?.size,
      claude: () => this.#claude,
      tell: this.#tell,
      onTyped: (text, { pressed, afar }) => {
        if (pressed) this.#asking.prompts.touched();
        this.#claude.typed(text, afar);
      },
      onSize: (size) => this.#sized(size),
      onChange: (some) => this.#seated(some),
      onHangup: (others) => this.#ending.hungUp(others),
    });
  }

  #newFacts() {
    const { cwd, args, hosted } = this.#options;
    const { wanted, here } = this.#terminals;
    const start = { id: this.#id, cwd, command: ["claude", ...args], ...wanted, terminal: here };
    return session({ ...start, launch: hosted?.launch }, this.#tell);
  }

  #newAsking() {
    return asking({
      ...{ cwd: this.#options.cwd, screen: this.#view.screen, settled: this.#view.settled },
      tell: (message) => this.#tell(message.type === "prompt" ? this.#sinceDesk(message) : message),
      write: (bytes) => this.#claude.write(bytes),
      hooks: () => this.#facts.state.hooks,
      hears: () => this.#facts.state.status !== "suspended",
    });
  }

  #newWriting() {
    const { args, cwd, env, runFolder, hosted } = this.#options;
    return writing({
      ...{ args, cwd, runFolder, folder: claudeFolder(env), first: hosted?.prompt ?? null },
      ...{ tell: this.#tell, write: this.#press, screen: this.#view.screen, settled: this.#view.settled },
      version: () => this.#claude.version,
      status: () => this.#facts.state.status,
      shown: (mode) => this.#facts.update({ permission_mode: mode }),
    });
  }

  #newCalls() {
    return hookCalls({
      ...{ claude: this.#claude, facts: this.#facts, follower: this.#follower, log: this.#log },
      ...{ asking: this.#asking, inputs: this.#writing.inputs },
    });
  }

  #connect() {
    const { device, secret, connect, runs } = this.#options;
    return new Link({
      ...{ device, secret, connect },
      onUp: () => this.#online(),
      onMessage: orders({
        ...{ id: this.#id, runs, press: this.#press, terminals: this.#terminals, facts: this.#facts },
        ...{ view: this.#view, follower: this.#follower, ending: this.#ending },
        ...{ prompts: this.#asking.prompts, writing: this.#writing },
      }),
      onDown: (reason) => this.#offline(reason),
    });
  }

  /** Loads what claude's start need not wait for. */
  async #load() {
    const link = this.#link;
    await this.#view.load({ link, terminals: this.#terminals, claude: this.#claude, facts: this.#facts });
    const heard = { link, prompts: this.#asking.prompts, block: this.#view.block };
    await this.#follower.load(this.#options.transcript, heard);
  }
}
