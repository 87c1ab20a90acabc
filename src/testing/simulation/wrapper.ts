// One wrapper with its claude, joined as wrapper.ts joins them, without a terminal: the same link, prompts, inputs,
// session and view.
import type {
  DeviceId,
  EndReason,
  PromptId,
  ServerMessage,
  SessionId,
  WrapperMessage,
} from "../../protocol.ts";
import { unreachable } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import { LOCAL_DEVICE } from "../../server/server.ts";
import { holdsDialogBack } from "../../wrapper/claude-dialogs.ts";
import type { HookCall } from "../../wrapper/hooks.ts";
import { inputs } from "../../wrapper/inputs.ts";
import { Link } from "../../wrapper/link.ts";
import { prompts } from "../../wrapper/prompts.ts";
import type { LeftRun } from "../../wrapper/runs.ts";
import { session } from "../../wrapper/session.ts";
import { View } from "../../wrapper/view.ts";
import { Claude, NEWER, OLDER } from "./claude.ts";
import type { Place } from "./network.ts";
import type { Stage } from "./stage.ts";
import { type Owner, owner } from "./time.ts";

/** What wrapper.ts calls EXIT_ACK_MS. */
const EXIT_ACK_MS = 1_000;
const SIZE = { cols: 40, rows: 8 };

/** A computer on which wrappers run one after another; its disk remembers the runs nobody reported. */
export class Machine {
  readonly place: Place;
  readonly left = new Map<SessionId, LeftRun>();
  readonly name: string;
  wrapper: WrapperProcess | null = null;

  constructor(world: Stage, name: string) {
    this.name = name;
    this.place = world.network.place(owner(name));
  }
}

/** What the server has acknowledged to a wrapper: it must never be lost. */
export type Acknowledged = {
  prompts: Map<PromptId, Set<string>>;
  lines: number;
  exit: boolean;
  left: boolean;
};

export class WrapperProcess {
  readonly id: SessionId;
  readonly owner: Owner;
  readonly claude: Claude;
  readonly prompts: ReturnType<typeof prompts>;
  readonly view: View;
  readonly acknowledged: Acknowledged = { prompts: new Map(), lines: -1, exit: false, left: false };
  /** Every decision that was handed to claude's hooks. */
  readonly handed: { prompt: PromptId; output: object; answer: string | null; at: number }[] = [];
  /** When a key from the desk or a phone passed on to claude. */
  readonly touches: number[] = [];
  /** How it ended, or null. */
  gone: "exit" | "killed" | null = null;
  goneAt: number | null = null;
  /** When the server last refused it: it asks again half a minute later, ms of the run. */
  refusedAt = 0;
  readonly link: Link;
  readonly place: Place;
  /** Something else spoke in its name, and may have said of a question what is not so. */
  doubled = false;
  /** What it said of its session and its prompts, in order. */
  readonly said: WrapperMessage[] = [];
  readonly #world: Stage;
  readonly #machine: Machine;
  readonly #facts: ReturnType<typeof session>;
  readonly #inputs: ReturnType<typeof inputs>;
  readonly #exitAcked = Promise.withResolvers<void>();
  #frozenAt: number | null = null;
  /** The answer that is being handed over now. */
  #answering: string | null = null;

  constructor(world: Stage, machine: Machine, name: string) {
    this.#world = world;
    this.#machine = machine;
    this.id = `session of ${name}`.replaceAll(" ", "-") as SessionId;
    this.owner = owner(name);
    this.owner.skew = world.chance.pick([0, 0, -5_000, 3_600_000]);
    const before = world.time.owner;
    world.time.owner = this.owner;
    this.place = machine.place;
    const tell = (message: WrapperMessage) => this.#tell(message);
    this.#facts = session({ id: this.id, cwd: "/p", command: ["claude"], ...SIZE, terminal: true }, tell);
    this.prompts = prompts(tell);
    this.claude = this.#startClaude(name);
    this.view = new View({
      ...SIZE,
      tell,
      full: () => this.link.full,
      onTitle: (title) => this.#facts.titled(title),
      onReply() {},
      onSkip() {},
    });
    this.#inputs = inputs({
      write: (bytes) => this.#press(bytes),
      screen: () => this.view.screen(),
      status: () => this.#facts.state.status,
      tell,
    });
    machine.left.set(this.id, { session: this.id, code: null, signal: null, reason: "lost" });
    this.link = new Link({
      device: LOCAL_DEVICE,
      secret: () => deviceSecret(world.server.masterKey, LOCAL_DEVICE as DeviceId),
      connect: world.network.connect({ ...machine.place, owner: this.owner }),
      onUp: () => this.#online(),
      onMessage: (message) => this.#obey(message),
      onDown: (reason) => this.#offline(reason),
      random: world.chance.next,
    });
    world.time.owner = before;
  }

  #tell(message: WrapperMessage): boolean {
    if ("prompt" in message && message.type !== "prompt") {
      const { type, prompt, ...how } = message;
      this.#world.history.note(this.owner.name, `says ${type} of ${prompt} ${JSON.stringify(how)}`);
    }
    const told = this.link?.tell(message) ?? false;
    if (told && (message.type === "session" || message.type === "prompt")) this.said.push(message);
    return told;
  }

  get status() {
    return this.#facts.state.status;
  }

  #startClaude(name: string): Claude {
    const { time, history, calm } = this.#world;
    return new Claude({
      ...{ name: name.replace("wrapper", "claude"), time, history, calm },
      chance: this.#world.random(`claude of ${name}`),
      version: this.#world.chance.pick([OLDER, NEWER]),
      around: {
        hook: (call) => this.#as(() => this.#hook(call)),
        state: (status, version) => this.#as(() => this.#claudeSays(status, version)),
        output: (text) => this.#as(() => this.view.write(new TextEncoder().encode(text))),
        block: (text) => this.#as(() => this.view.block(text)),
        toolCalled: (call, tool, input) =>
          this.#as(() => {
            history.note(name, `reads of ${call}`);
            this.prompts.toolCalled(call, tool, input);
          }),
        toolEnded: (call, how) =>
          this.#as(() => {
            history.note(name, `reads the end of ${call}: ${how.chosen}${how.byHook ? " by a hook" : ""}`);
            this.prompts.toolEnded(call, how);
          }),
        deskKey: () => this.#as(() => this.#touched()),
        exited: (code) => this.#as(() => void this.#farewell(code)),
      },
    });
  }

  /** What claude does to the wrapper happens in the wrapper; one that is gone or stopped does nothing. */
  #as<T>(work: () => T): T | null {
    const { time } = this.#world;
    if (this.gone || !this.owner.alive) return null;
    if (this.owner.frozen > time.now) {
      time.after(this.owner.frozen - time.now, this.owner, () => void work());
      return null;
    }
    const before = time.owner;
    time.owner = this.owner;
    const result = work();
    time.owner = before;
    return result;
  }

  #press(bytes: Uint8Array) {
    this.#touched();
    this.claude.write(bytes, this.#world.time.now);
  }

  #touched() {
    this.touches.push(this.#world.time.now);
    this.prompts.touched();
  }

  #claudeSays(status: "idle" | "busy" | "waiting", version: string) {
    if (this.#facts.claude(status, null, version)) this.#state();
    this.prompts.claudeWaits(status === "waiting");
    void this.view.flush();
  }

  #hook(call: HookCall): PromptId | null {
    const { input } = call;
    const agent = input.agent_id ?? null;
    if (!agent) this.#facts.hook(input.session_id, input.permission_mode);
    switch (input.hook_event_name) {
      case "PermissionRequest":
        return this.#asked(input, call);
      case "Stop":
      case "StopFailure":
      case "SubagentStop":
        this.prompts.turnEnded(input.prompt_id, agent);
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
    return null;
  }

  #asked(
    request: Extract<HookCall["input"], { hook_event_name: "PermissionRequest" }>,
    call: HookCall,
  ): PromptId | null {
    if (request.agent_id && holdsDialogBack(this.claude.version)) {
      call.reply(null);
      return null;
    }
    const id = this.#world.nextPrompt();
    call.onGone(() => this.#as(() => this.prompts.hookGone(id)));
    const decide = (output: object | null) => {
      const at = this.#world.time.now;
      if (output) this.handed.push({ prompt: id, output, answer: this.#answering, at });
      call.reply(output);
    };
    this.#world.history.note(this.owner.name, `opens ${id}`);
    this.prompts.opened({ id, request, decide });
    return id;
  }

  #online() {
    this.#world.history.note(this.owner.name, "online");
    this.#state();
    this.prompts.restate();
    for (const { session: left, ...end } of this.#machine.left.values())
      if (left !== this.id) this.link.tell({ type: "left", session: left, ...end });
    this.view.online();
  }

  #state() {
    this.#tell({ type: "session", session: this.#facts.statement(this.prompts.open()) });
  }

  #offline(reason: string) {
    this.#world.history.note(this.owner.name, `offline: ${reason}`);
    if (this.link?.refused) this.refusedAt = this.#world.time.now;
    this.view?.offline();
  }

  #obey(message: ServerMessage) {
    switch (message.type) {
      case "ack":
        return this.#acked(message);
      case "answer":
        this.#world.history.note(this.owner.name, `is given ${message.answer_id} for ${message.prompt}`);
        this.#answering = message.answer_id;
        this.prompts.answer(message, this.status === "suspended");
        this.#answering = null;
        return;
      case "input":
        return this.#inputs.text(message);
      case "key":
        return this.#inputs.key(message.id, message.key);
      case "watch":
        return this.view.watched(message.viewers, message.rate);
      case "interrupt":
        return this.#press(new Uint8Array([0x1b]));
      case "mode":
      case "file":
      case "file_gone":
      case "resize":
      case "desk":
      case "desk_gone":
      case "desk_keys":
      case "stop":
      case "ping":
      case "refused":
        return;
      default:
        unreachable(message);
    }
  }

  #acked(ack: Extract<ServerMessage, { type: "ack" }>) {
    const { acknowledged } = this;
    switch (ack.stream) {
      case "lines":
        acknowledged.lines = Math.max(acknowledged.lines, ack.upto);
        return this.view.acked(ack.upto);
      case "prompts": {
        const facts = acknowledged.prompts.get(ack.prompt) ?? new Set();
        acknowledged.prompts.set(ack.prompt, facts.add(ack.fact));
        return this.prompts.acked(ack.prompt, ack.fact);
      }
      case "exit":
        this.#machine.left.delete(ack.session);
        this.#world.told(ack.session);
        if (ack.session !== this.id) return;
        acknowledged.exit = true;
        return this.#exitAcked.resolve();
      case "messages":
        return;
      default:
        unreachable(ack);
    }
  }

  /** As `farewell` in wrapper.ts, and then the process ends. */
  async #farewell(code: number) {
    this.claude.lastWords();
    this.prompts.exited();
    await this.view.flush();
    const end = { code, signal: null, reason: "exit" as EndReason };
    this.#machine.left.set(this.id, { session: this.id, ...end, facts: this.prompts.unacked() });
    const told = this.link.tell({ type: "exit", ...end });
    if (told) await Promise.race([this.#exitAcked.promise, Bun.sleep(EXIT_ACK_MS)]);
    this.#end("exit");
  }

  /** The process is killed, and with it its claude. */
  kill() {
    if (this.gone) return;
    this.#world.history.note(this.owner.name, "is killed");
    this.#end("killed");
    this.claude.kill();
  }

  #end(how: "exit" | "killed") {
    if (this.gone) return;
    this.gone = how;
    this.goneAt = this.#world.time.now;
    this.link[Symbol.dispose]();
    this.view[Symbol.dispose]();
    this.owner.alive = false;
    this.claude.owner.alive = false;
    this.#machine.wrapper = null;
  }

  /** Since when nothing can have been heard of it, ms of the run; null while something may be. */
  silentSince(): number | null {
    const { time } = this.#world;
    return this.gone ? this.goneAt : this.owner.frozen > time.now ? this.#frozenAt : null;
  }

  /** Ctrl-Z: claude and the wrapper are stopped for so long. */
  suspend(ms: number) {
    const { time } = this.#world;
    if (this.gone || this.owner.frozen > time.now) return;
    this.#as(() => this.#facts.suspend(true));
    time.after(1, time.nobody, () => {
      this.#frozenAt = time.now;
      this.owner.frozen = this.claude.owner.frozen = time.now + ms;
    });
    time.after(ms + 2, this.owner, () => this.#facts.suspend(false));
  }
}
