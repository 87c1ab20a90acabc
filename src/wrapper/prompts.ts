// The prompts of this run: what is open, what was answered, how each ended. Decides whether a question still stands.
// No I/O: it is told what happened (hooks, claude's state, answers) and tells the server through `tell`.
import { resolve } from "node:path";
import { canonical, digestOf } from "../digest.ts";
import type {
  Answer,
  AnswerId,
  Decider,
  Digest,
  Json,
  Prompt,
  PromptFact,
  PromptId,
  WrapperMessage,
} from "../protocol.ts";
import { decisionFor, headlineOf, optionsFor, type PermissionInput, questionsOf } from "./claude-hooks.ts";
import { editDiff } from "./edit-diff.ts";

/** claude asks for these one after another; the next question of the same agent means that the one before has ended. */
const asksInTurn = (tool: string) => !/^(Read|Glob|Grep|WebFetch|WebSearch|Agent|Task)$/.test(tool);
/** claude lets go of its hooks just before it exits: wait that long before blaming the desk. */
const EXIT_FOLLOWS_MS = 150;
/** An answered dialog that claude never said it waits on counts as gone after that. */
const SETTLE_MS = 400;

type Fact = Extract<WrapperMessage, { type: PromptFact }>;
type Chosen = "approved" | "rejected" | null;

type Held = {
  prompt: Prompt;
  request: PermissionInput;
  openedAt: number;
  decide: (output: object | null) => void;
  /** claude said that it waits while this was open. */
  waitedOn: boolean;
  answer: { id: AnswerId; at: number } | null;
  ended: boolean;
  /** The last word on how it ended, and what is known of the desk's choice. */
  last: Fact | null;
  chosen: Chosen;
  /** Facts the server has not acknowledged, in order. */
  unacked: Fact[];
};

export type NewPrompt = { id: PromptId; request: PermissionInput; decide: (output: object | null) => void };

/** Ended prompts are kept until their facts are acknowledged, and at most this many. */
const MAX_ENDED = 500;

/** The prompts of one run. `tell` may lose a message: `restate` says everything again after a reconnect. */
export function prompts(tell: (message: WrapperMessage) => void) {
  const held = new Map<PromptId, Held>();
  const open = () => [...held.values()].filter((one) => !one.ended);

  function say(one: Held, fact: Fact) {
    one.last = fact;
    one.unacked = [...one.unacked.filter((known) => known.type !== fact.type), fact];
    tell(fact);
  }

  /** Ends a prompt, whoever ended it; a losing hook is released. */
  function end(one: Held, by: Decider, chosen: Chosen) {
    if (one.ended) return;
    one.ended = true;
    one.chosen = chosen;
    const prompt = one.prompt.id;
    if (!one.answer) say(one, { type: "withdrawn", prompt, by, chosen });
    else if (by === "viewer") say(one, { type: "accepted", prompt });
    else say(one, { type: "too_late", prompt, by, chosen });
    one.decide(null);
    forget();
  }

  /** The dialog is gone: our answer closed it, if there was one; else the desk did. */
  const gone = (one: Held, chosen: Chosen) =>
    end(one, one.answer ? "viewer" : "desk", one.answer ? null : chosen);

  function forget() {
    const ended = [...held.values()].filter((one) => one.ended);
    const spare = ended.filter((one) => one.unacked.length === 0);
    for (const one of spare.slice(0, Math.max(0, ended.length - MAX_ENDED))) held.delete(one.prompt.id);
  }

  return {
    /** A hook asks. */
    opened({ id, request, decide }: NewPrompt) {
      const agent = request.agent_id ?? null;
      for (const one of open()) {
        const earlier =
          one.prompt.agent === agent && asksInTurn(one.prompt.tool) && asksInTurn(request.tool_name);
        if (earlier) gone(one, null);
      }
      const prompt = promptOf(id, request);
      const entry = {
        prompt,
        request,
        decide,
        openedAt: Date.now(),
        waitedOn: false,
        answer: null,
        ended: false,
        last: null,
        chosen: null,
        unacked: [],
      };
      held.set(id, entry);
      tell({ type: "prompt", prompt });
    },

    /** claude let go of the hook: Esc, a plain No or an interrupt at the desk, unless claude itself is about to exit. */
    hookGone(id: PromptId) {
      setTimeout(() => {
        const one = held.get(id);
        if (one) gone(one, "rejected");
      }, EXIT_FOLLOWS_MS);
    },

    /**
     * The transcript shows how a call of a tool ended: the question about it is over, and this is the evidence. A desk's
     * choice that was not known yet is told late.
     */
    toolEnded(tool: string, input: Record<string, unknown>, chosen: "approved" | "rejected") {
      const of = (one: Held) => one.prompt.tool === tool && covers(one, input);
      const asked = open().find(of);
      if (asked) return gone(asked, chosen);
      const past = [...held.values()].findLast((one) => one.ended && of(one));
      const fact = past && lastFact(past);
      if (!past || fact?.type !== "withdrawn" || fact.by !== "desk" || past.chosen) return;
      past.chosen = chosen;
      say(past, { ...fact, chosen });
    },

    /** A turn ended: nothing that it asked can still be open. */
    turnEnded(turn: string | undefined) {
      for (const one of open()) if (turn !== undefined && one.request.prompt_id === turn) gone(one, null);
    },

    /** claude's own word on whether it waits for somebody. Called at each change, and now and then. */
    claudeWaits(waiting: boolean, now = Date.now()) {
      for (const one of open()) {
        if (waiting) one.waitedOn = true;
        else if (one.waitedOn || (one.answer && now - one.answer.at > SETTLE_MS)) gone(one, null);
      }
    },

    exited() {
      for (const one of open()) end(one, "exited", null);
    },

    /** An answer arrived. Repeated ones are the same answer; one that comes too late is told how the prompt ended. */
    answer(
      message: { prompt: PromptId; digest: Digest; answer_id: AnswerId; answer: Answer },
      suspended: boolean,
    ) {
      const { prompt, digest, answer_id, answer } = message;
      const one = held.get(prompt);
      if (!one) return tell({ type: "too_late", prompt, by: "unknown", chosen: null });
      if (one.answer?.id === answer_id) return one.unacked.forEach(tell);
      if (one.ended)
        return say(one, { type: "too_late", prompt, by: lastFact(one)?.by ?? "unknown", chosen: one.chosen });
      const offered = one.prompt.options.some((option) => option.id === answer.option);
      if (one.answer || suspended || digest !== one.prompt.digest || !offered) return;
      one.answer = { id: answer_id, at: Date.now() };
      one.decide(decisionFor(one.request, answer));
      say(one, { type: "delivered", prompt, answer_id });
    },

    /** The server has this on disk. */
    acked(prompt: PromptId, fact: PromptFact | "prompt") {
      const one = held.get(prompt);
      if (one) one.unacked = one.unacked.filter((x) => x.type !== fact);
      forget();
    },

    /** Ids of what is open now. */
    open: () => open().map((one) => one.prompt.id),

    /** Everything the server may not know: facts first, then what is open. */
    restate() {
      for (const one of held.values()) for (const fact of one.unacked) tell(fact);
      for (const one of open())
        tell({ type: "prompt", prompt: { ...one.prompt, age_ms: Date.now() - one.openedAt } });
    },
  };
}

export type Prompts = ReturnType<typeof prompts>;

/** How it ended, if it ended otherwise than by an answer that was accepted. */
const lastFact = (one: Held) =>
  one.last?.type === "withdrawn" || one.last?.type === "too_late" ? one.last : null;

/** The transcript holds the input as the model gave it; the hook's has defaults added and paths made absolute. */
function covers({ request }: Held, input: Record<string, unknown>): boolean {
  return Object.entries(input).every(([key, value]) => {
    const asked = request.tool_input[key];
    if (typeof value === "string" && key.endsWith("_path")) return asked === resolve(request.cwd, value);
    return asked !== undefined && canonical(asked as Json) === canonical(value as Json);
  });
}

/** The prompt that a PermissionRequest raises. The digest covers exactly what is shown and offered. */
function promptOf(id: PromptId, request: PermissionInput): Prompt {
  const { tool_name: tool, tool_input } = request;
  const input = tool_input as { [key: string]: Json };
  const scope = new Bun.CryptoHasher("sha256")
    .update(JSON.stringify(request.permission_suggestions))
    .digest("hex");
  const options = optionsFor(request, scope.slice(0, 12));
  const kind = tool === "AskUserQuestion" ? "question" : tool === "ExitPlanMode" ? "plan" : "permission";
  const digest = digestOf({ prompt: id, kind, tool, input, options: options.map((option) => option.id) });
  return {
    id,
    kind,
    tool,
    input,
    prompt_text: headlineOf(tool, tool_input),
    cwd: request.cwd,
    agent: request.agent_id ?? null,
    diff: editDiff(tool, tool_input),
    questions: questionsOf(request),
    options,
    digest,
    age_ms: 0,
  };
}
