// The prompts of this run: what is open, what was answered, how each ended. Decides whether a question still stands.
// No I/O: it is told what happened (hooks, claude's state, answers) and tells the server through `tell`.
import type {
  Answer,
  AnswerId,
  Decider,
  Digest,
  Prompt,
  PromptFact,
  PromptId,
  WrapperMessage,
} from "../protocol.ts";
import { decisionFor, type PermissionInput } from "./claude-hooks.ts";
import type { Dialog } from "./dialogs/dialog.ts";
import { withOptions } from "./dialogs/screen-prompt.ts";
import { covers, promptOf } from "./hook-prompt.ts";

/** claude asks for these one after another; the next question of the same agent means that the one before has ended. */
const asksInTurn = (tool: string) => !/^(Read|Glob|Grep|WebFetch|WebSearch|Agent|Task)$/.test(tool);
/** claude lets go of its hooks just before it exits: wait that long before blaming the desk. */
const EXIT_FOLLOWS_MS = 150;
/** An answered dialog that claude never said it waits on counts as gone after that. */
const SETTLE_MS = 400;
/** A key at the desk this long before an answer may have come first: claude takes some 50 ms for it, on a busy machine 1 s. */
const CONTESTED_MS = 3_000;
/** Before our own key we see the dialog stand there: only a key at the desk that claude has not read yet was sooner. */
const SEEN_MS = 1_000;
/** A question's hook reaches us this long after its dialog is drawn: a key before that was for something else. */
const DRAWN_MS = 500;
/** The transcript tells of a decision within some 200 ms; on a busy machine, or after a lost event, within 2 s. */
const EVIDENCE_MS = 5_000;
/** A call stands in the transcript before claude asks about it, or as long after as evidence may take. */
const CALLED_WITHIN_MS = 5_000;
/** claude says that it waits within some 100 ms of a question, on a busy machine 1 s. */
const UNSEEN_MS = 2_000;
/** A question that claude never says it waits on does not stand. */
const NEVER_WAITED_MS = 10_000;
/**
 * A hook may be so slow to start that its question has been decided at the desk before it asks us. The call of one that
 * stands is in the transcript by then.
 */
const LATE_HOOK_MS = 2_000;
/** Calls without a prompt, and agents that have stopped, that are remembered; a turn has a handful. */
const MAX_CALLS = 200;

type Fact = Extract<WrapperMessage, { type: PromptFact }>;
type Chosen = "approved" | "rejected" | null;
/** How a call of a tool ended, as the transcript has it. `byHook`: a hook decided, not the desk. */
export type CallEnd = { chosen: "approved" | "rejected"; byHook: boolean };
/** `end`: it has ended, before any hook asked about it. */
type Call = { tool: string; input: Record<string, unknown>; end?: CallEnd & { at: number } };

/** A fact, and how many acknowledgements will come for its kind on this connection: the last one is this one's. */
type Unacked = { fact: Fact; due: number };

type Held = {
  prompt: Prompt;
  /** What a hook told of it; null: nothing but the screen did. */
  request: PermissionInput | null;
  /** It is answered by keys to this dialog, not through a hook. */
  dialog: Dialog | null;
  openedAt: number;
  decide: (output: object | null) => void;
  /** claude said that it waits while this was open. */
  waitedOn: boolean;
  answer: {
    id: AnswerId;
    at: number;
    chosen: "approved" | "rejected";
    handed: boolean;
    unseen: boolean;
  } | null;
  /** claude let go of the hook: an answer would not arrive any more. */
  released: boolean;
  /** Desk and phone both acted, and the dialog is gone: evidence decides until this runs out. */
  contest: ReturnType<typeof setTimeout> | null;
  /** claude's name of the call it asks about, once the transcript has told it. */
  call: string | null;
  /** How that call ended, where that was known before we were asked. */
  evidence: CallEnd | null;
  /** Its agent had stopped before we were asked. */
  late: boolean;
  /** A key at the desk came while others were open: it may have decided this one, and claude waits for the others. */
  touched: boolean;
  ended: boolean;
  /** The last word on how it ended, and what is known of the desk's choice. */
  last: Fact | null;
  chosen: Chosen;
  /** Facts the server has not acknowledged, in order. */
  unacked: Unacked[];
};

export type NewPrompt = { id: PromptId; request: PermissionInput; decide: (output: object | null) => void };

/** An answer to be given by keys; `pressed`, `notApplied` or `left` tells how it went. */
export type ByKeys = { prompt: PromptId; answer_id: AnswerId; dialog: Dialog; answer: Answer };

/** claude's screen, as far as prompts care: which dialog stands for a question, and whoever presses keys. */
export type ScreenSide = {
  standsFor: (request: PermissionInput) => Dialog | null;
  press: (answer: ByKeys) => void;
  /** A prompt ended while claude still waits: whatever stands there may need another. */
  freed: () => void;
};
const NO_SCREEN: ScreenSide = { standsFor: () => null, press: () => {}, freed: () => {} };

/** Ended prompts are kept until their facts are acknowledged, and at most this many. */
const MAX_ENDED = 500;

/** The prompts of one run. `tell` may lose a message: `restate` says everything again after a reconnect. */
export function prompts(tell: (message: WrapperMessage) => void, screen: ScreenSide = NO_SCREEN) {
  const held = new Map<PromptId, Held>();
  /** Calls in the transcript that nobody was asked about, or not yet. */
  const calls = new Map<string, Call>();
  /** Agents (null: the main conversation) that have stopped in a turn, and when: their hooks may come later still. */
  const stopped = new Map<string, number>();
  let waits = false;
  /** claude tells its state at all. */
  let telling = false;
  let touchedAt = Number.NEGATIVE_INFINITY;
  const open = () => [...held.values()].filter((one) => !one.ended);

  function say(one: Held, fact: Fact) {
    one.last = fact;
    const before = one.unacked.find((known) => known.fact.type === fact.type);
    one.unacked = [...one.unacked.filter((known) => known !== before), { fact, due: (before?.due ?? 0) + 1 }];
    tell(fact);
  }

  function repeat(one: Held) {
    for (const known of one.unacked) {
      known.due++;
      tell(known.fact);
    }
  }

  /** Ends a prompt, whoever ended it; a losing hook is released. */
  function end(one: Held, by: Decider, chosen: Chosen) {
    if (one.ended) return;
    one.ended = true;
    clearTimeout(one.contest ?? undefined);
    one.chosen = chosen;
    const prompt = one.prompt.id;
    if (!one.answer) say(one, { type: "withdrawn", prompt, by, chosen });
    else if (by === "viewer") say(one, { type: "accepted", prompt });
    else say(one, { type: "too_late", prompt, by, chosen });
    one.decide(null);
    forget();
  }

  /** Somebody may have decided at the desk before our answer came, or in the same moment. */
  const contested = ({ answer, touched, openedAt, dialog }: Held) =>
    answer !== null &&
    (answer.unseen ||
      touched ||
      touchedAt >= Math.max(answer.at - (dialog ? SEEN_MS : CONTESTED_MS), openedAt - DRAWN_MS));

  /** A key just now, or just before the newest of them was told of, is for one of those that are open. */
  function touchedAll() {
    const all = open();
    if (all.length > 1)
      for (const one of all) if (!one.answer && touchedAt >= one.openedAt - DRAWN_MS) one.touched = true;
  }

  /** It has been open for a while and claude waits for nothing: the dialog may have been closed before we were asked. */
  const unseen = (one: Held) => telling && !waits && !one.waitedOn && age(one) > UNSEEN_MS;

  /** The dialog is gone: the desk closed it, or our answer; where it may be either, evidence says which. */
  function gone(one: Held, chosen: Chosen) {
    if (one.evidence) end(one, one.evidence.byHook ? "unknown" : "desk", one.evidence.chosen);
    else if (!one.answer?.handed) end(one, "desk", chosen);
    else if (!contested(one)) end(one, "viewer", null);
    else one.contest ??= setTimeout(() => noEvidence(one), EVIDENCE_MS);
  }

  /**
   * claude writes a no down at once, and a yes when its tool has ended: a call that still runs was approved, by one or the
   * other. Of a call that we do not read about, as a subagent's, nothing is known.
   */
  function noEvidence(one: Held) {
    const runs = one.call !== null && one.answer?.chosen === "approved";
    end(one, runs ? "viewer" : "unknown", null);
  }

  /** Who decided, by the transcript. A hook's decision that is not ours is that of a hook of the user's own. */
  function decider(one: Held, { chosen, byHook }: CallEnd): Decider {
    if (byHook) return one.answer?.chosen === chosen ? "viewer" : "unknown";
    return one.answer && !contested(one) ? "viewer" : "desk";
  }

  /** Evidence after the end: what was not known of it is told late. */
  function complete(one: Held, by: Decider, chosen: "approved" | "rejected") {
    const fact = lastFact(one);
    if (!fact || one.chosen || (fact.by !== by && fact.by !== "unknown")) return;
    one.chosen = chosen;
    say(one, by === "viewer" ? { type: "accepted", prompt: one.prompt.id } : { ...fact, by, chosen });
  }

  /** Joins a call with the prompt about it: the same question, the first one that has no call yet. */
  const joins = (one: Held, { tool, input, end: ended }: Call) =>
    (!ended || one.openedAt - ended.at <= LATE_HOOK_MS) &&
    (one.call === null || (one.evidence !== null && !one.ended)) &&
    one.request !== null &&
    one.prompt.agent === null &&
    one.prompt.tool === tool &&
    performance.now() - one.openedAt <= CALLED_WITHIN_MS &&
    covers(one.request, input);

  function forget() {
    const ended = [...held.values()].filter((one) => one.ended);
    const spare = ended.filter((one) => one.unacked.length === 0);
    for (const one of spare.slice(0, Math.max(0, ended.length - MAX_ENDED))) held.delete(one.prompt.id);
  }

  /** `follows`: what its agent asked before it is over, unless its own question was over before it came. */
  function begin(
    born: Pick<Held, "prompt" | "request" | "dialog" | "decide" | "waitedOn">,
    follows: (entry: Held) => void = () => {},
  ) {
    const entry: Held = {
      ...born,
      openedAt: performance.now(),
      answer: null,
      released: false,
      contest: null,
      call: null,
      evidence: null,
      late: false,
      touched: false,
      ended: false,
      last: null,
      chosen: null,
      unacked: [],
    };
    join(entry, true);
    const stoppedAt = stopped.get(agentOf(born.request?.prompt_id, born.prompt.agent));
    const over = entry.evidence !== null || (stoppedAt !== undefined && entry.prompt.agent === null);
    if (!over) follows(entry);
    held.set(born.prompt.id, entry);
    if (touchedAt >= entry.openedAt - DRAWN_MS) touchedAll();
    tell({ type: "prompt", prompt: born.prompt });
    if (entry.evidence) setTimeout(() => late(entry), LATE_HOOK_MS);
    if (born.request) setTimeout(() => neverStood(entry), NEVER_WAITED_MS);
    const justStopped = stoppedAt !== undefined && entry.openedAt - stoppedAt <= LATE_HOOK_MS;
    entry.late = justStopped && entry.prompt.agent !== null;
    if (entry.late) setTimeout(() => outlived(entry), LATE_HOOK_MS);
  }

  /** The next question of the same agent means that the ones before it have ended. */
  function overtake(next: Held) {
    for (const one of open()) {
      const inTurn = asksInTurn(one.prompt.tool) && asksInTurn(next.prompt.tool);
      const before = one !== next && one.openedAt <= next.openedAt;
      if (one.request && before && inTurn && one.prompt.agent === next.prompt.agent) gone(one, null);
    }
  }

  /** Finds the call that it is about: the first that fits, since claude asks in their order. */
  function join(one: Held, ended: boolean) {
    const [name, call] = [...calls].find(([, known]) => (ended || !known.end) && joins(one, known)) ?? [];
    if (name === undefined) return false;
    calls.delete(name);
    Object.assign(one, { call: name, evidence: call?.end ?? null });
    return true;
  }

  /** The call that fitted had ended before: unless another does by now, it was its own. */
  function late(one: Held) {
    if (one.ended || !one.evidence) return;
    if (join(one, false)) overtake(one);
    else gone(one, null);
  }

  /** Its agent had stopped before its hook asked us: unless its dialog stands there, it was closed at the desk. */
  function outlived(one: Held) {
    if (one.ended || !one.request || screen.standsFor(one.request)) return;
    if (one.answer) end(one, "unknown", null);
    else gone(one, null);
  }

  /** Its dialog was closed at the desk before its hook could ask us. */
  function neverStood(one: Held) {
    if (telling && !waits && !one.waitedOn && !one.answer) gone(one, null);
  }

  /** Its hook is gone, but claude still asks: from now on it is answered by keys, with the options that stand there. */
  function byKeys(one: Held, dialog: Dialog) {
    one.released = false;
    one.dialog = dialog;
    one.decide = () => {};
    one.prompt = withOptions(one.prompt, dialog);
    tell({ type: "prompt", prompt: { ...one.prompt, age_ms: performance.now() - one.openedAt } });
  }

  function released(one: Held) {
    const dialog = waits && !one.answer && one.request ? screen.standsFor(one.request) : null;
    if (one.ended) return;
    if (dialog) byKeys(one, dialog);
    else if (waits) end(one, "unknown", null);
    else gone(one, one.call === null ? "rejected" : null); // The transcript says it of a call that we read about.
    if (waits && !dialog) screen.freed();
  }

  return {
    /** A hook asks. */
    opened({ id, request, decide }: NewPrompt) {
      const prompt = promptOf(id, request);
      begin({ prompt, request, dialog: null, decide, waitedOn: false }, overtake);
    },

    /** A dialog stands on the screen that is answered by keys. `request`: what a hook told of it that did not wait. */
    raised({ prompt, request, dialog }: { prompt: Prompt; request: PermissionInput | null; dialog: Dialog }) {
      begin({ prompt, request, dialog, decide: () => {}, waitedOn: waits });
    },

    /** The dialog of a prompt that is answered by keys is not there any more. */
    left(id: PromptId) {
      const one = held.get(id);
      if (one && !one.ended) gone(one, null);
    },

    /** It was gone before the key that decides was pressed; nobody knows by whom. */
    missed(id: PromptId, answer_id: AnswerId) {
      const one = held.get(id);
      if (one && !one.ended && one.answer?.id === answer_id) end(one, "unknown", null);
    },

    /** What is asked now, and by what it is answered. */
    asking: () => open().map(({ prompt, request, dialog }) => ({ id: prompt.id, request, dialog })),

    /** The key that decides is pressed: the answer is claude's. */
    pressed(id: PromptId, answer_id: AnswerId) {
      const one = held.get(id);
      if (!one || one.ended || one.answer?.id !== answer_id) return;
      one.answer = { ...one.answer, at: performance.now(), handed: true };
      say(one, { type: "delivered", prompt: id, answer_id });
    },

    /** The keys could not be pressed, or had no effect: the question is open as before. */
    notApplied(id: PromptId, answer_id: AnswerId, reason: string) {
      const one = held.get(id);
      if (!one || one.ended || one.answer?.id !== answer_id) return;
      one.answer = null;
      one.unacked = one.unacked.filter(({ fact }) => fact.type !== "delivered");
      tell({ type: "not_applied", prompt: id, answer_id, reason });
    },

    /**
     * claude let go of the hook: Esc, a plain No or an interrupt at the desk, unless claude itself is about to exit. A
     * hook that was ended by something else leaves claude waiting; then evidence tells later.
     */
    hookGone(id: PromptId) {
      const one = held.get(id);
      if (!one) return;
      one.released = true;
      setTimeout(() => released(one), EXIT_FOLLOWS_MS);
    },

    /** Somebody pressed a key that claude got: at the desk, or from a phone's key bar. */
    touched() {
      touchedAt = performance.now();
      touchedAll();
    },

    /** The transcript shows a call of a tool, by claude's own name for it. */
    toolCalled(call: string, tool: string, input: Record<string, unknown>) {
      const asked = [...held.values()].find((one) => joins(one, { tool, input }));
      // One that was joined with a call that has ended is about an earlier one that has not, if there is one.
      const earlier = asked?.evidence ? join(asked, false) : false;
      const anew = asked?.evidence ? asked : null;
      if (asked && !earlier) Object.assign(asked, { call, evidence: null });
      else calls.set(call, { tool, input });
      const [oldest] = calls.keys();
      if (calls.size > MAX_CALLS && oldest !== undefined) calls.delete(oldest);
      if (anew) overtake(anew); // It has not ended, so it is the newest.
    },

    /** The transcript shows how it ended: the question about it is over, and this is the evidence of who decided. */
    toolEnded(call: string, how: CallEnd) {
      const early = calls.get(call);
      if (early) calls.set(call, { ...early, end: { ...how, at: performance.now() } });
      const one = [...held.values()].find((asked) => asked.call === call);
      if (!one) return;
      const by = decider(one, how);
      if (one.ended) complete(one, by, how.chosen);
      else end(one, by, how.chosen);
    },

    /** A turn of this agent (null: the main conversation) ended: nothing that it asked can still be open. */
    turnEnded(turn: string | undefined, agent: string | null) {
      const its = (one: Held) => one.request?.prompt_id === turn && one.prompt.agent === agent;
      for (const one of open()) if (turn !== undefined && its(one)) gone(one, null);
      if (agent !== null || turn !== undefined) stopped.set(agentOf(turn, agent), performance.now());
      const [oldest] = stopped.keys();
      if (stopped.size > MAX_CALLS && oldest !== undefined) stopped.delete(oldest);
    },

    /** claude's own word on whether it waits for somebody. Called at each change. */
    claudeWaits(waiting: boolean) {
      waits = waiting;
      telling = true;
      for (const one of open()) {
        if (waiting) one.waitedOn = true;
        else if (one.waitedOn || settled(one) || (one.request && age(one) >= NEVER_WAITED_MS))
          gone(one, null);
      }
    },

    /** claude has exited. Whether it took an answer just before, nobody knows. */
    exited() {
      for (const one of open())
        if (one.evidence || (!one.answer && unseen(one))) gone(one, null);
        else end(one, one.answer || one.touched ? "unknown" : "exited", null);
    },

    /** An answer arrived. Repeated ones are the same answer; one that comes too late is told how the prompt ended. */
    answer(
      message: { prompt: PromptId; digest: Digest; answer_id: AnswerId; answer: Answer },
      suspended: boolean,
    ) {
      const { prompt, digest, answer_id, answer } = message;
      const one = held.get(prompt);
      if (!one) return tell({ type: "too_late", prompt, by: "unknown", chosen: null });
      if (one.answer?.id === answer_id) return repeat(one);
      if (one.ended)
        return say(one, { type: "too_late", prompt, by: lastFact(one)?.by ?? "unknown", chosen: one.chosen });
      const offered = one.prompt.options.some((option) => option.id === answer.option);
      if (one.answer || one.released || suspended || digest !== one.prompt.digest || !offered) return;
      const chosen = answer.option === "reject" ? "rejected" : "approved";
      const handed = one.dialog === null;
      one.answer = { id: answer_id, at: performance.now(), chosen, handed, unseen: one.late || unseen(one) };
      if (one.dialog) return screen.press({ prompt, answer_id, dialog: one.dialog, answer });
      if (one.request) one.decide(decisionFor(one.request, answer));
      say(one, { type: "delivered", prompt, answer_id });
      setTimeout(() => !waits && gone(one, null), SETTLE_MS);
    },

    /** The server has this on disk. */
    acked(prompt: PromptId, fact: PromptFact | "prompt") {
      const one = held.get(prompt);
      for (const known of one?.unacked ?? []) if (known.fact.type === fact) known.due--;
      if (one) one.unacked = one.unacked.filter(({ due }) => due > 0);
      forget();
    },

    /** What the server has not acknowledged, in order. */
    unacked: () => [...held.values()].flatMap((one) => one.unacked.map(({ fact }) => fact)),

    /** Ids of what is open now. */
    open: () => open().map((one) => one.prompt.id),

    /** Everything the server may not know: facts first, then what is open. */
    restate() {
      for (const one of held.values()) {
        for (const known of one.unacked) known.due = 0;
        repeat(one);
      }
      for (const one of open())
        tell({ type: "prompt", prompt: { ...one.prompt, age_ms: performance.now() - one.openedAt } });
    },
  };
}

export type Prompts = ReturnType<typeof prompts>;

const age = ({ openedAt }: Held) => performance.now() - openedAt;

/** One name for an agent of a turn. */
const agentOf = (turn: string | undefined, agent: string | null) => `${turn} ${agent}`;

/** It was answered so long ago that claude would say so if it still waited. */
const settled = ({ answer }: Held) => answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;

/** How it ended, if it ended otherwise than by an answer that was accepted. */
const lastFact = (one: Held) =>
  one.last?.type === "withdrawn" || one.last?.type === "too_late" ? one.last : null;
