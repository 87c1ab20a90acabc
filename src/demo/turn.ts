// One conversation as claude holds it: prompts one after another, each tool asked for, the hooks called on the way.
import type { Desk } from "./desk.ts";
import type { HookInput, HookOutput, Hooks } from "./hooks.ts";
import { dim, laid, sgr } from "./painter.ts";
import { permissions } from "./permission.ts";
import type { Records } from "./records.ts";
import { type Outcome, type Plan, planFor, STOPPED, type Step } from "./script.ts";
import { type Call, carryOut, failure, type Input, type Place, type Result, shown } from "./tools.ts";

type ToolStep = Extract<Step, { type: "tool" }>;

/** Rows of a result on the screen; the whole stands in the transcript. */
const SHOWN_ROWS = 6;
/** claude's own words to the model. */
const REJECTED =
  "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the " +
  "new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed.";
/** What stands for a result where nothing is carried out. */
const NOT_DONE = "(demo) Nothing was run and no file was changed. In claude, the result would stand here.";

export type ConversationOptions = {
  desk: Desk;
  hooks: Hooks;
  records: Records;
  sessionId: string;
  cwd: string;
  env: Place["env"];
  /** Tools are carried out; else a line stands for each result. */
  real: boolean;
  onExit: (code: number) => void;
};

/** Begins when something is said. */
export function conversation(options: ConversationOptions) {
  const { desk, records, sessionId, cwd } = options;
  const queue: { id: string; prompt: string; plan: Plan; done: () => void }[] = [];
  const permission = permissions({ desk, records, cwd, hook });
  let promptId = "";
  let calls = 0;
  let turn: AbortController | null = null;
  let over = false;

  function hook(event: string, fields: object, onOutput?: (output: HookOutput) => void) {
    const own = promptId && { prompt_id: promptId, permission_mode: permission.mode };
    const common = { session_id: sessionId, transcript_path: records.transcript, cwd };
    const input: HookInput = { ...common, ...own, hook_event_name: event, ...fields };
    return options.hooks.call(input, onOutput);
  }

  /** Plays `plan` for the prompt, after those before it; resolves when its turn is over. */
  async function play(prompt: string, plan: Plan): Promise<void> {
    const id = crypto.randomUUID();
    if (over) return;
    await hook("UserPromptSubmit", { prompt_id: id, permission_mode: permission.mode, prompt }).done;
    await new Promise<void>((done) => {
      queue.push({ id, prompt, plan, done });
      if (turn) desk.queue(queue.map((one) => one.prompt));
      else next();
    });
  }

  async function next(): Promise<void> {
    const one = queue.shift();
    desk.queue(queue.map(({ prompt }) => prompt));
    if (!one) return;
    promptId = one.id;
    await run(one.prompt, one.plan);
    one.done();
    return next();
  }

  async function run(prompt: string, plan: Plan) {
    const mine = new AbortController();
    turn = mine;
    desk.say((cols) => ["", ...laid("❯ ", prompt, cols, (row) => sgr("48;5;237", row))]);
    desk.busy(true);
    records.status("busy");
    records.user(prompt, { promptId, permissionMode: permission.mode });
    const last_assistant_message = await follow(plan, mine);
    if (mine.signal.aborted) interrupted();
    else await hook("Stop", { stop_hook_active: false, last_assistant_message }).done;
    turn = null;
    desk.busy(false);
    records.status("idle");
  }

  /** The steps in order; returns what was said last. */
  async function follow({ steps, parallel }: Plan, mine: AbortController): Promise<string> {
    const tools = parallel ? steps.filter((step) => step.type === "tool") : [];
    let outcome = await together(tools, mine);
    let last = "";
    for (const step of steps) {
      if (mine.signal.aborted) return last;
      if (step.type === "tool") outcome = parallel ? outcome : await use(called(step), mine);
      else if (step.type === "wait") await pause(step.ms, mine.signal);
      else if (step.type === "exit") options.onExit(step.code);
      else last = answer(typeof step.text === "string" ? step.text : step.text(outcome));
    }
    const silent = steps.at(-1)?.type === "tool" && !mine.signal.aborted;
    return silent ? answer(`Done: ${outcome?.text}`) : last;
  }

  /** Several calls of one message: what only reads is asked for at once, the rest one after another. */
  async function together(steps: ToolStep[], mine: AbortController): Promise<Outcome | null> {
    const all = steps.map(called);
    const reads = all.filter(({ name }) => name === "Read").map((call) => use(call, mine));
    let last: Outcome | null = null;
    for (const call of all) if (call.name !== "Read" && !mine.signal.aborted) last = await use(call, mine);
    return (await Promise.all(reads)).at(-1) ?? last;
  }

  function answer(text: string): string {
    records.assistant({ type: "text", text });
    desk.say((cols) => ["", ...laid("● ", text, cols)]);
    return text;
  }

  function interrupted() {
    records.user([{ type: "text", text: "[Request interrupted by user]" }]);
    under("Interrupted · What should Claude do instead?");
    if (!options.real) desk.say((cols) => ["", ...laid("  ", STOPPED, cols, dim)]);
  }

  function called({ name, input }: ToolStep): Call {
    const id = `toolu_demo_${process.pid}_${++calls}`;
    records.assistant({ type: "tool_use", id, name, input });
    return { id, name, input };
  }

  /** Asks, carries out, and tells everybody. */
  async function use(call: Call, mine: AbortController): Promise<Outcome> {
    desk.say((cols) => ["", ...laid("● ", shown(call).heading, cols)]);
    const decision = await permission.decide(call, mine);
    const byHook = permission.byHook(call);
    if (decision.behavior === "deny") {
      const text = decision.interrupt ? REJECTED : (decision.message ?? "Permission denied by hook");
      record(call, failure(text), byHook ? "deny" : null);
      if (!decision.interrupt) under(text);
      return { text, denied: true };
    }
    const begunAt = Date.now();
    const input = decision.updatedInput ?? call.input;
    const result = await carriedOut(call.name, input, mine.signal);
    record(call, result, byHook ? "allow" : null);
    under(result.text);
    const fields = {
      tool_name: call.name,
      tool_input: input,
      tool_use_id: call.id,
      duration_ms: Date.now() - begunAt,
    };
    if (!result.failed) await hook("PostToolUse", { ...fields, tool_response: result.response }).done;
    else
      await hook("PostToolUseFailure", { ...fields, error: result.text, is_interrupt: mine.signal.aborted })
        .done;
    return { text: result.text, denied: false };
  }

  /** As claude does: what a hook decided stands before the result, and both are written when that is there. */
  function record({ id }: Call, { text, failed, response }: Result, byHook: "allow" | "deny" | null) {
    if (byHook) records.hookDecided(id, byHook);
    const part = { type: "tool_result", content: text, is_error: failed, tool_use_id: id };
    records.user([part], { promptId, toolUseResult: response });
  }

  function under(text: string) {
    const rows = text.trimEnd().split("\n");
    const more = rows.length > SHOWN_ROWS ? [`… +${rows.length - SHOWN_ROWS} lines`] : [];
    desk.say((cols) => laid("  ⎿  ", [...rows.slice(0, SHOWN_ROWS), ...more].join("\n"), cols, dim));
  }

  async function carriedOut(name: string, input: Input, signal: AbortSignal): Promise<Result> {
    const harmless = name === "AskUserQuestion" || name === "ExitPlanMode";
    if (!options.real && !harmless) return { text: NOT_DONE, failed: false, response: { stdout: NOT_DONE } };
    try {
      return await carryOut(name, input, { cwd, env: options.env, signal });
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    hook,
    play,
    said: (prompt: string) => play(prompt, planFor(prompt, cwd)),
    interrupt: () => turn?.abort(),
    /** Stops what goes on; nothing begins any more. */
    end() {
      over = true;
      queue.splice(0);
      turn?.abort();
    },
  };
}

/** Waits, unless interrupted. */
const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    setTimeout(done, ms).unref();
    signal.addEventListener("abort", () => done());
  });
