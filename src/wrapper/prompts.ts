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
import { calls, joins, LATE_HOOK_MS } from "./calls.ts";
import { decisionFor, type PermissionInput } from "./claude-hooks.ts";
import { contested, decider, deciderWithoutEvidence, mayBeFor } from "./decider.ts";
import type { Dialog } from "./dialogs/dialog.ts";
import { withOptions } from "./dialogs/screen-prompt.ts";
import {
  age,
  type Born,
  type CallEnd,
  type Chosen,
  type HeldPrompt,
  heldPrompt,
  SETTLE_MS,
  settled,
  told,
} from "./held-prompt.ts";
import { promptOf } from "./hook-prompt.ts";
import { NO_SCREEN, type ScreenSide } from "./screen-side.ts";
import { stoppedAgents } from "./stopped-agents.ts";

/** claude asks for these one after another; the next question of the same agent means that the one before has ended. */
const asksInTurn = (tool: string) => !/^(Read|Glob|Grep|WebFetch|WebSearch|Agent|Task)$/.test(tool);
/** claude lets go of its hooks just before it exits: wait that long before blaming the desk. */
const EXIT_FOLLOWS_MS = 150;
/** The transcript tells of a decision within some 200 ms; on a busy machine, or after a lost event, within 2 s. */
const EVIDENCE_MS = 5_000;
/** claude says that it waits within some 100 ms of a question, on a busy machine 1 s. */
const UNSEEN_MS = 2_000;
/** A question that claude never says it waits on does not stand. */
const NEVER_WAITED_MS = 10_000;
/** Ended prompts are kept until their facts are acknowledged, and at most this many. */
const MAX_ENDED = 500;

export type NewPrompt = { id: PromptId; request: PermissionInput; decide: (output: object | null) => void };

/** The prompts of one run. `tell` may lose a message: `restate` says everything again after a reconnect. */
export function prompts(tell: (message: WrapperMessage) => void, screen: ScreenSide = NO_SCREEN) {
  const held = new Map<PromptId, HeldPrompt>();
  const called = calls();
  const stopped = stoppedAgents();
  let waits = false;
  /** claude tells its state at all. */
  let telling = false;
  let touchedAt = Number.NEGATIVE_INFINITY;
  const open = () => [...held.values()].filter((one) => !one.ended);

  /** Ends a prompt, whoever ended it; a losing hook is released. */
  function end(one: HeldPrompt, by: Decider, chosen: Chosen) {
    if (one.ended) return;
    one.ended = true;
    clearTimeout(one.contest ?? undefined);
    one.chosen = chosen;
    const prompt = one.prompt.id;
    if (!one.answer) one.facts.say({ type: "withdrawn", prompt, by, chosen });
    else if (by === "viewer") one.facts.say({ type: "accepted", prompt });
    else one.facts.say({ type: "too_late", prompt, by, chosen });
    one.decide(null);
    forget();
  }

  /** A key just now, or just before the newest of them was told of, is for one of those that are open. */
  function touchedAll() {
    const all = open();
    if (all.length > 1)
      for (const one of all) if (!one.answer && mayBeFor(one, touchedAt)) one.touched = true;
  }

  /** It has been open for a while and claude waits for nothing: the dialog may have been closed before we were asked. */
  const unseen = (one: HeldPrompt) => telling && !waits && !one.waitedOn && age(one) > UNSEEN_MS;

  /** The dialog is gone: the desk closed it, or our answer; where it may be either, evidence says which. */
  function gone(one: HeldPrompt, chosen: Chosen) {
    if (one.evidence) end(one, one.evidence.byHook ? "unknown" : "desk", one.evidence.chosen);
    else if (!one.answer?.handed) end(one, "desk", chosen);
    else if (!contested(one, touchedAt)) end(one, "viewer", null);
    else one.contest ??= setTimeout(() => end(one, deciderWithoutEvidence(one), null), EVIDENCE_MS);
  }

  /** Evidence after the end: what was not known of it is told late. */
  function complete(one: HeldPrompt, by: Decider, chosen: "approved" | "rejected") {
    const fact = one.facts.ending();
    if (!fact || one.chosen || (fact.by !== by && fact.by !== "unknown")) return;
    one.chosen = chosen;
    one.facts.say(by === "viewer" ? { type: "accepted", prompt: one.prompt.id } : { ...fact, by, chosen });
  }

  /** An answer came after the end: it is told how that was. */
  function tooLate({ prompt, facts, chosen }: HeldPrompt) {
    facts.say({ type: "too_late", prompt: prompt.id, by: facts.ending()?.by ?? "unknown", chosen });
  }

  /** The question is open as before. */
  function notGiven({ prompt, refused }: HeldPrompt) {
    if (refused)
      tell({ type: "not_applied", prompt: prompt.id, answer_id: refused.id, reason: refused.reason });
  }

  function forget() {
    const ended = [...held.values()].filter((one) => one.ended);
    const spare = ended.filter((one) => one.facts.unacked().length === 0);
    for (const one of spare.slice(0, Math.max(0, ended.length - MAX_ENDED))) held.delete(one.prompt.id);
  }

  /** `follows`: what its agent asked before it is over, unless its own question was over before it came. */
  function begin(born: Born, follows: (entry: HeldPrompt) => void = () => {}) {
    const entry = heldPrompt(born, tell);
    join(entry, true);
    const stoppedAt = stopped.at(born.request?.prompt_id, born.prompt.agent);
    const over = entry.evidence !== null || (stoppedAt !== undefined && entry.prompt.agent === null);
    if (!over) follows(entry);
    held.set(born.prompt.id, entry);
    if (mayBeFor(entry, touchedAt)) touchedAll();
    tell({ type: "prompt", prompt: born.prompt });
    if (entry.evidence) setTimeout(() => late(entry), LATE_HOOK_MS);
    if (born.request) setTimeout(() => neverStood(entry), NEVER_WAITED_MS);
    const justStopped = stoppedAt !== undefined && entry.openedAt - stoppedAt <= LATE_HOOK_MS;
    entry.late = justStopped && entry.prompt.agent !== null;
    if (entry.late) setTimeout(() => outlived(entry), LATE_HOOK_MS);
  }

  /** The next question of the same agent means that the ones before it have ended. */
  function overtake(next: HeldPrompt) {
    for (const one of open()) {
      const inTurn = asksInTurn(one.prompt.tool) && asksInTurn(next.prompt.tool);
      const before = one !== next && one.openedAt <= next.openedAt;
      if (one.request && before && inTurn && one.prompt.agent === next.prompt.agent) gone(one, null);
    }
  }

  /** Finds the call that it is about; `ended`: which may have ended. */
  function join(one: HeldPrompt, ended: boolean) {
    const found = called.take(one, ended);
    Object.assign(one, found);
    return found !== null;
  }

  /** The call that fitted had ended before: unless another does by now, it was its own. */
  function late(one: HeldPrompt) {
    if (one.ended || !one.evidence) return;
    if (join(one, false)) overtake(one);
    else gone(one, null);
  }

  /** Its agent had stopped before its hook asked us: unless its dialog stands there, it was closed at the desk. */
  function outlived(one: HeldPrompt) {
    if (one.ended || !one.request || screen.standsFor(one.request)) return;
    if (one.answer) end(one, "unknown", null);
    else gone(one, null);
  }

  /** Its dialog was closed at the desk before its hook could ask us. */
  function neverStood(one: HeldPrompt) {
    if (telling && !waits && !one.waitedOn && !one.answer) gone(one, null);
  }

  /** Its hook is gone, but claude still asks: from now on it is answered by keys, with the options that stand there. */
  function byKeys(one: HeldPrompt, dialog: Dialog) {
    one.released = false;
    one.dialog = dialog;
    one.decide = () => {};
    one.prompt = withOptions(one.prompt, dialog);
    tell(told(one));
  }

  function released(one: HeldPrompt) {
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
      one.facts.say({ type: "delivered", prompt: id, answer_id });
    },

    /** The keys could not be pressed, or had no effect: the question is open as before. */
    notApplied(id: PromptId, answer_id: AnswerId, reason: string) {
      const one = held.get(id);
      if (!one || one.ended || one.answer?.id !== answer_id) return;
      one.answer = null;
      one.refused = { id: answer_id, reason };
      one.facts.takeBack("delivered");
      notGiven(one);
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
      else called.add(call, { tool, input });
      if (anew) overtake(anew); // It has not ended, so it is the newest.
    },

    /** The transcript shows how it ended: the question about it is over, and this is the evidence of who decided. */
    toolEnded(call: string, how: CallEnd) {
      called.end(call, how);
      const one = [...held.values()].find((asked) => asked.call === call);
      if (!one) return;
      const by = decider(one, how, touchedAt);
      if (one.ended) complete(one, by, how.chosen);
      else end(one, by, how.chosen);
    },

    /** A turn of this agent (null: the main conversation) ended: nothing that it asked can still be open. */
    turnEnded(turn: string | undefined, agent: string | null) {
      const its = (one: HeldPrompt) => one.request?.prompt_id === turn && one.prompt.agent === agent;
      for (const one of open()) if (turn !== undefined && its(one)) gone(one, null);
      if (agent !== null || turn !== undefined) stopped.add(turn, agent);
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
      if (one.answer?.id === answer_id) return one.facts.repeat();
      if (one.ended) return tooLate(one);
      // Sent again before the server heard that it could not be given: there it does not count any more.
      if (one.refused?.id === answer_id) return notGiven(one);
      const offered = one.prompt.options.some((option) => option.id === answer.option);
      if (one.answer || one.released || suspended || digest !== one.prompt.digest || !offered) return;
      const chosen = answer.option === "reject" ? "rejected" : "approved";
      const handed = one.dialog === null;
      one.answer = { id: answer_id, at: performance.now(), chosen, handed, unseen: one.late || unseen(one) };
      if (one.dialog) return screen.press({ prompt, answer_id, dialog: one.dialog, answer });
      if (one.request) one.decide(decisionFor(one.request, answer));
      one.facts.say({ type: "delivered", prompt, answer_id });
      setTimeout(() => !waits && gone(one, null), SETTLE_MS);
    },

    /** The server has this on disk. */
    acked(prompt: PromptId, fact: PromptFact | "prompt") {
      held.get(prompt)?.facts.acked(fact);
      forget();
    },

    /** What the server has not acknowledged, in order. */
    unacked: () => [...held.values()].flatMap(({ facts }) => facts.unacked()),

    /** Ids of what is open now. */
    open: () => open().map((one) => one.prompt.id),

    /** Everything the server may not know: facts first, then what is open. */
    restate() {
      for (const { facts } of held.values()) facts.restate();
      for (const one of open()) tell(told(one));
    },
  };
}

export type Prompts = ReturnType<typeof prompts>;
