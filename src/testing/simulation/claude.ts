// A claude by a script: asks, is answered by its hooks or at the desk, runs tools, writes its state and its transcript,
// each as late as the real one. What it really did is the truth that everything else is measured against.
import type { PromptId } from "../../protocol.ts";
import type { HookInput } from "../../wrapper/claude-hooks.ts";
import type { CallEnd } from "../../wrapper/held-prompt.ts";
import type { HookCall } from "../../wrapper/hooks.ts";
import type { History } from "./history.ts";
import { Pace } from "./pace.ts";
import { Painter } from "./painter.ts";
import {
  CHOICE,
  type Chosen,
  COMMANDS,
  chosenBy,
  type Decision,
  newQuestion,
  type Question,
} from "./question.ts";
import type { Random } from "./random.ts";
import { Records } from "./records.ts";
import { StateFile, type Status } from "./state-file.ts";
import { type Owner, owner, type Time } from "./time.ts";

/** The wrapper, as claude and the desk see it. */
export type Surroundings = {
  hook(call: HookCall): PromptId | null;
  /** The state file says this now. */
  state(status: Status, version: string): void;
  output(text: string): void;
  block(text: string): void;
  toolCalled(call: string, tool: string, input: Record<string, unknown>): void;
  toolEnded(call: string, how: CallEnd): void;
  /** A key at the desk, on its way to claude. */
  deskKey(): void;
  exited(code: number): void;
};

export type ClaudeOptions = {
  name: string;
  version: string;
  time: Time;
  chance: Random;
  history: History;
  around: Surroundings;
  /** No new turns; what is open is decided soon, or left open for good. */
  calm: () => boolean;
};

export class Claude {
  readonly owner: Owner;
  readonly questions: Question[] = [];
  /** Every call it made, also those that it never asked about. */
  readonly calls: Question[] = [];
  /** Every text it took as a prompt of the user's. */
  readonly submitted: string[] = [];
  /** Texts from a phone that answered a dialog: none may. */
  readonly strayed: string[] = [];
  /** When it last did anything, ms of the run. */
  activeAt = 0;
  readonly version: string;
  readonly #o: ClaudeOptions;
  readonly #pace: Pace;
  readonly #file: StateFile;
  readonly #records: Records;
  readonly #painter = new Painter();
  #turn: string | null = null;
  #count = 0;
  #typed = "";
  #queued: string[] = [];

  constructor(options: ClaudeOptions) {
    this.#o = options;
    this.version = options.version;
    this.owner = owner(options.name);
    const { time, chance, around } = options;
    this.#pace = new Pace(time, chance, this.owner);
    const parts = { time, chance, pace: this.#pace, owner: this.owner };
    this.#records = new Records(parts);
    this.#file = new StateFile(
      parts,
      () => (this.#open().some(({ shown }) => shown) ? "waiting" : this.#turn ? "busy" : "idle"),
      (status) => around.state(status, options.version),
    );
  }

  get ended(): boolean {
    return this.#pace.over;
  }

  /** Runs so many turns of its own accord, and then perhaps exits. */
  async live(turns: number, exits: boolean): Promise<void> {
    const { chance } = this.#o;
    await this.#pace.sleep(chance.between(50, 400));
    this.#fire({ hook_event_name: "SessionStart" });
    this.#file.write();
    this.#paint("Welcome");
    for (let turn = 0; turn < turns && !this.#o.calm(); turn++) {
      await this.#pace.sleep(chance.between(100, 4_000));
      if (this.#turn === null) await this.#run(`turn ${turn} of ${this.#o.name}`);
    }
    while (this.#turn !== null) await this.#pace.sleep(500);
    if (exits && !this.ended) this.exit(chance.pick([0, 0, 1, 143]));
  }

  /** Ends now; whatever it asked is left. Its hooks are let go just before. */
  exit(code: number) {
    if (this.ended) return;
    this.#pace.over = true;
    this.#note(`exits with ${code}`);
    for (const question of this.#open()) this.#decide(question, "exited", null, null);
    this.#o.time.after(this.#o.chance.between(0, 75), this.#o.time.nobody, () => this.#o.around.exited(code));
  }

  /** Dies with its wrapper: nobody is told. */
  kill() {
    this.#pace.over = true;
    this.owner.alive = false;
    for (const question of this.#open()) this.#decide(question, "exited", null, null);
  }

  // ── the desk ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Somebody at the desk presses a key for the dialog that is shown. */
  press(key: "yes" | "esc" | "no, and why") {
    if (this.ended) return;
    this.#o.around.deskKey();
    this.key(key);
  }

  /** A key arrives in the terminal; claude takes it when it comes round to it. */
  key(key: "yes" | "esc" | "no, and why", from = "the desk") {
    for (const question of this.#open()) question.keys.push(this.#o.time.now);
    this.#pace.plan(this.#o.chance.between(2, this.#pace.lag(40)), () => {
      const question = this.#onTop();
      if (!question) return;
      this.#note(`${from}: ${key}`, question);
      this.#decide(question, "desk", key === "yes" ? "approved" : "rejected", null, key === "esc");
    });
  }

  /** Bytes from a phone's text, or key. */
  write(bytes: Uint8Array, sentAt: number) {
    const text = new TextDecoder().decode(bytes);
    if (text === "\x1b") return this.key("esc", "a phone's Esc");
    this.#pace.plan(this.#o.chance.between(1, 5), () => {
      const question = this.#onTop();
      // What is typed into a dialog is dropped; Enter takes its first row.
      if (question && text === "\r") {
        if (question.askedAt < sentAt - NOTICED_MS) this.strayed.push(this.#typed);
        this.#note("a phone's Enter met a dialog", question);
        this.#decide(question, "desk", "approved", null);
      } else if (!question && text === "\r") this.#submit();
      else if (!question) this.#typed += text;
    });
  }

  #submit() {
    const text = this.#typed;
    this.#typed = "";
    this.submitted.push(text);
    this.#fire({ hook_event_name: "UserPromptSubmit", prompt: text });
    if (this.#turn === null) void this.#run(`turn of "${text.slice(0, 10)}"`);
    else this.#queued.push(text);
  }

  // ── turns ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #run(turn: string) {
    const { chance } = this.#o;
    this.#turn = turn;
    this.#file.write();
    this.#paint(turn);
    await this.#pace.sleep(chance.between(20, 300));
    let goesOn = true;
    for (let calls = chance.between(1, 3); calls > 0 && goesOn; calls--) goesOn = await this.#step(turn);
    this.#turn = null;
    this.#file.write();
    this.#paint("done");
    // Its hook may come late, and after others that began later.
    if (goesOn) this.#fire({ hook_event_name: "Stop", prompt_id: turn }, this.#pace.lag(300));
  }

  /** One message of the model's, with one call or more. False: the turn was interrupted. */
  async #step(turn: string): Promise<boolean> {
    const { chance } = this.#o;
    const command = chance.pick(COMMANDS);
    const bash = () => this.#call("Bash", { command }, turn);
    switch (chance.pick(["one", "one", "edit", "twins", "reads", "agents", "question", "plan"] as const)) {
      case "one":
        return await this.#ask(bash());
      case "edit":
        return await this.#ask(
          this.#call("Edit", { file_path: "/p/a", old_string: command, new_string: "" }, turn),
        );
      case "question":
        return await this.#ask(this.#call("AskUserQuestion", CHOICE, turn));
      case "plan":
        return await this.#ask(this.#call("ExitPlanMode", { plan: command }, turn));
      case "twins": {
        const [first, second] = [bash(), bash()];
        if (await this.#ask(first)) return await this.#ask(second);
        // It was never asked, and stands in the transcript as rejected all the same.
        this.#records.add(() => this.#o.around.toolEnded(second.call, { chosen: "rejected", byHook: false }));
        return false;
      }
      case "reads": {
        const reads = COMMANDS.slice(0, chance.between(2, 3)).map((path) =>
          this.#call("Read", { file_path: `/etc/${path}` }, turn),
        );
        const went = await Promise.all(reads.map((read) => this.#ask(read)));
        return went.every(Boolean);
      }
      case "agents": {
        const agents = Array.from({ length: chance.between(1, 2) }, (_, i) =>
          this.#agent(`a${this.#count + i}`, turn),
        );
        return (await Promise.all(agents)).every(Boolean);
      }
    }
  }

  async #agent(agent: string, turn: string): Promise<boolean> {
    const { chance } = this.#o;
    await this.#pace.sleep(chance.between(0, 200));
    let goesOn = true;
    for (let i = chance.between(1, 2); i > 0 && goesOn; i--)
      goesOn = await this.#ask(this.#call("Bash", { command: chance.pick(COMMANDS) }, turn, agent));
    this.#fire({ hook_event_name: "SubagentStop", prompt_id: turn, agent_id: agent }, this.#pace.lag(150));
    return goesOn;
  }

  #call(tool: string, input: Record<string, unknown>, turn: string, agent: string | null = null): Question {
    const question = newQuestion({ call: `${this.#o.name} call ${this.#count++}`, tool, input, agent, turn });
    this.calls.push(question);
    // An agent's calls stand in a transcript of its own.
    if (!agent)
      this.#records.add(() => {
        question.calledAt = this.#o.time.now;
        this.#o.around.toolCalled(question.call, tool, input);
      });
    return question;
  }

  /** Asks, waits for the decision, carries it out. False: the turn was interrupted. */
  async #ask(question: Question): Promise<boolean> {
    const { chance, time } = this.#o;
    if (this.ended) return false;
    question.askedAt = time.now;
    this.questions.push(question);
    // Newer versions run an agent's hook before they draw its dialog.
    const held = question.agent !== null && this.#o.version !== OLDER;
    if (!held) this.#show(question);
    this.#startHook(question, held);
    const decision = await question.decided.promise;
    question.shown = false;
    this.#file.write();
    this.#paint(`decided ${question.call}`);
    if (decision.chosen !== "approved") {
      this.#result(question, decision);
      return !this.ended && !this.#interrupted(decision);
    }
    const ran = await this.#tool(decision);
    question.stopped = ran !== decision;
    this.#result(question, ran);
    this.#paint(`ran ${question.call}`, chance.between(0, 4));
    return !this.ended && ran === decision;
  }

  /** How the call ended in claude's own record: a tool may be interrupted while it runs. */
  async #tool(decision: Decision): Promise<Decision> {
    const { chance } = this.#o;
    const ms = chance.pick([5, 20, 60, 200, 200, 900, 3_000, 15_000]);
    if (!chance.chance(0.03)) return await this.#pace.sleep(ms).then(() => decision);
    await this.#pace.sleep(ms / 2);
    this.#o.around.deskKey();
    return { ...decision, by: "desk", chosen: "rejected" };
  }

  #show(question: Question) {
    const { chance } = this.#o;
    question.shown = true;
    this.#file.write();
    this.#paint(`May I? ${question.call}`, 1, true);
    const acts = chance.chance(this.#o.calm() ? 0.6 : 0.4);
    if (acts)
      this.#pace.plan(chance.between(20, chance.pick([300, 2_000, 15_000])), () =>
        this.#deskDecides(question),
      );
    else if (!this.#o.calm())
      this.#pace.plan(30_000, () => chance.chance(0.8) && this.#deskDecides(question));
  }

  #deskDecides(question: Question) {
    if (!question.decision) this.press(this.#o.chance.pick(["yes", "yes", "yes", "esc", "no, and why"]));
  }

  #interrupted({ by, output, chosen }: Decision) {
    return by === "desk" && chosen === "rejected" && output === INTERRUPT;
  }

  #decide(
    question: Question,
    by: Decision["by"],
    chosen: Chosen | null,
    output: object | null,
    interrupts = false,
  ) {
    const { time, chance } = this.#o;
    if (question.decision) return;
    question.decision = { by, chosen, output: interrupts ? INTERRUPT : output, at: time.now };
    this.#note(`${by} decides: ${chosen}`, question);
    question.decided.resolve(question.decision);
    // A yes and a no with words are told to no hook; everything else ends it at once.
    const letGo = by === "exited" || interrupts;
    if (letGo && question.hook === "running" && question.agent === null)
      time.after(chance.between(0, this.#pace.lag(60)), time.nobody, () => this.#loseHook(question));
    if (!interrupts) return;
    for (const other of this.#open()) this.#decide(other, "desk", "rejected", null, true);
  }

  // ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #gone = new Map<Question, () => void>();
  #hookAt = 0;

  #startHook(question: Question, held: boolean) {
    const { time, chance } = this.#o;
    // Processes that start one after another are taken to speak in that order.
    this.#hookAt = Math.max(this.#hookAt, time.now + chance.between(30, this.#pace.lag(45)));
    this.#pace.plan(this.#hookAt - time.now, () => {
      if (question.hook !== "running") return; // It was ended before it had said a word.
      const { tool, input, agent, turn } = question;
      const request: HookInput = {
        ...common(this.#o.name),
        ...{ hook_event_name: "PermissionRequest", tool_name: tool, tool_input: input, prompt_id: turn },
        permission_suggestions: [],
        ...(agent ? { agent_id: agent } : {}),
      };
      question.openedAt = time.now;
      question.prompt = this.#o.around.hook({
        input: request,
        reply: (output) => this.#replied(question, output, held),
        onGone: (listener) => this.#gone.set(question, listener),
      });
    });
  }

  #replied(question: Question, output: object | null, held: boolean) {
    if (question.hook !== "running") return;
    question.hook = "answered";
    this.#pace.plan(this.#o.chance.between(5, this.#pace.lag(60)), () => {
      if (output === null) {
        if (held && !question.decision) this.#show(question);
      } else this.#decide(question, "hook", chosenBy(output), output);
    });
  }

  /** The process of a hook ends without a word. */
  #loseHook(question: Question) {
    if (question.hook !== "running") return;
    question.hook = "gone";
    this.#gone.get(question)?.();
  }

  /** Something ends a hook that waits, and its dialog stands. */
  killHook(): boolean {
    const waiting = this.#open().find((question) => question.hook === "running" && this.#gone.has(question));
    if (!waiting) return false;
    this.#note("its hook dies", waiting);
    this.#loseHook(waiting);
    this.#pace.plan(this.#o.chance.between(200, 3_000), () => this.#deskDecides(waiting));
    return true;
  }

  #fire(event: Partial<HookInput> & Pick<HookInput, "hook_event_name">, ms = 60) {
    const input = { ...common(this.#o.name), ...event } as HookInput;
    this.#pace.plan(this.#o.chance.between(20, Math.max(20, ms)), () => {
      this.#o.around.hook({ input, reply() {}, onGone() {} });
    });
  }

  // ── state file, transcript, screen ──────────────────────────────────────────────────────────────────────────────

  /** What it wrote last, read now. */
  lastWords() {
    this.#records.readAll();
    this.#file.look();
  }

  #result(question: Question, { by, chosen }: Decision) {
    if (question.agent || this.ended || chosen === null) return;
    const how: CallEnd = { chosen, byHook: by === "hook" };
    this.#records.add(() => {
      question.evidenceAt = this.#o.time.now;
      this.#o.around.toolEnded(question.call, how);
    });
  }

  #paint(what: string, lines = 1, dialog = false) {
    this.activeAt = this.#o.time.now;
    const boxed = !dialog && !this.#onTop();
    this.#o.around.output(this.#painter.paint(what, lines, boxed));
  }

  /** Prints very much at once. */
  flood(lines: number) {
    this.#pace.plan(0, () => this.#paint("flood", lines, this.#onTop() !== null));
  }

  /** How many lines it has printed. */
  get printed() {
    return this.#painter.printed;
  }

  // ── small things ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Questions that nobody has decided. */
  #open() {
    return this.questions.filter(({ decision }) => decision === null);
  }

  /** The dialog on the screen: the older version shows the newest first. */
  #onTop(): Question | null {
    const shown = this.#open().filter((question) => question.shown);
    return (this.#o.version === OLDER ? shown.at(-1) : shown[0]) ?? null;
  }

  #note(what: string, question?: Question) {
    this.activeAt = this.#o.time.now;
    this.#o.history.note(this.#o.name, question ? `${what} (${question.call}, ${question.tool})` : what);
  }
}

/** The wrapper cannot see a dialog earlier than that, ms. */
const NOTICED_MS = 60;
/** A version whose agents' dialogs are drawn at once; the newer one holds them back for the hook. */
export const OLDER = "2.1.197";
export const NEWER = "2.1.329";
/** Marks a decision that ends the turn. */
const INTERRUPT = {};
const common = (name: string) => ({
  session_id: `conversation-${name.replaceAll(" ", "-")}`,
  transcript_path: "/t",
  cwd: "/p",
});
