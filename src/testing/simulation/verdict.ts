// One question of claude's: what the server says of its end, held against what claude did with it.
import type { PromptState } from "../../protocol.ts";
import type { Question } from "./question.ts";
import type { Rule, Vow } from "./rules.ts";
import type { WrapperProcess } from "./wrapper.ts";

/** Desk and phone so close to one another that evidence has to say who was first, ms; and how long that may take. */
const CONTESTED_MS = 3_000;
const EVIDENCE_MS = 5_000;
/** A call that is read about so long after its question, ms, is taken for another one. */
const CALLED_WITHIN_MS = 5_000;
/** An answer that comes so long after the question, ms, where claude's state never said that it waits. */
const UNSEEN_MS = 2_000;
/** Of what claude did in its last moments there may be no sign, ms; a wrapper takes up to a second for its farewell. */
const EXIT_MS = 2_500;

/** Desk and phone that close are at the same time, ms. */
const SAME_MOMENT_MS = 30;

type Wrong = { promise: Vow; what: string } | null;

/** Whether what the server says of a question is not what claude did with it. */
export function wrongEnd(prompt: PromptState | null, question: Question, wrapper: WrapperProcess): Wrong {
  const { decision } = question;
  // It may have died, or ended without a connection, before it could say anything.
  const silenced = wrapper.gone !== null && !wrapper.acknowledged.exit;
  if (!prompt) {
    const over = decision !== null || wrapper.gone !== null || question.hook === "gone";
    return over ? null : { promise: "P4", what: "the server has never heard of it" };
  }
  const { stage, withdrawn_by: by, outcome } = prompt;
  if (stage === "answered" || stage === "delivered")
    return decision || wrapper.gone ? { promise: "P3", what: "the end of an answer is not known" } : null;
  const handed = wrapper.handed.find((one) => one.prompt === prompt.id);
  if (stage === "accepted" && saysTheSame(question, handed)) return null;
  if (stage === "accepted" && (decision?.by !== "hook" || handed?.answer !== prompt.answer_id))
    return { promise: "P2", what: `claude took no answer, ${decision?.by ?? "nobody"} decided` };
  if (mistakable(question, wrapper)) return null;
  const nameless = by === "unknown" && (silenced || wrapper.doubled || mayBeUnknown(question, wrapper));
  switch (decision?.by) {
    case "hook":
      if (stage === "accepted" || nameless || (by === "unknown" && unseenEnd(question, wrapper))) return null;
      if (question.stopped && by === "desk") return null;
      return { promise: "P2", what: "claude took the phone's answer" };
    case "desk":
      if (stage !== "withdrawn" && stage !== "too_late")
        return { promise: "P4", what: "the desk has decided" };
      if (nameless) return null;
      if (by === "exited" && unseenEnd(question, wrapper)) return null;
      if (by !== "desk") return { promise: "P2", what: "the desk decided" };
      if (outcome !== "too_late" && outcome !== null && outcome !== decision.chosen && !question.stopped)
        return { promise: "P2", what: `the desk ${decision.chosen}` };
      if (known(question) && !silenced && outcome !== decision.chosen && !question.stopped)
        return { promise: "P2", what: `what the desk chose is known: ${decision.chosen}` };
      return null;
    case "exited":
      if (by === "exited" || by === "unknown") return null;
      // It was let go of just before the end, and the wrapper could not know why.
      return { promise: "P2", what: "claude exited" };
    default:
      if (wrapper.gone) return null;
      if (question.hook === "gone")
        return stage === "withdrawn" ? null : { promise: "P4", what: "nothing can answer it" };
      return stage === "open" ? null : { promise: "P4", what: "claude still asks" };
  }
}

/** What the end of this question is an example of. */
export function rulesOf(prompt: PromptState | null, question: Question, wrapper: WrapperProcess): Rule[] {
  const { decision, keys, tool, input } = question;
  if (!prompt) return [];
  if (!decision) return prompt.stage === "open" ? ["P2 claude still asks"] : [];
  if (prompt.withdrawn_by === "unknown") return ["P2 nobody is named"];
  if (decision.by === "exited") return ["P2 claude exited"];
  const handedAt = wrapper.handed.find((one) => one.prompt === prompt.id)?.at;
  const close = handedAt !== undefined && keys.some((at) => Math.abs(at - handedAt) <= SAME_MOMENT_MS);
  const isTwin = (one: Question) => one.tool === tool && JSON.stringify(one.input) === JSON.stringify(input);
  const twins =
    wrapper.claude.questions.filter((one) => one.turn === question.turn && isTwin(one)).length > 1;
  const rules: Rule[] = known(question) && decision.by === "desk" ? ["P2 what the desk chose is known"] : [];
  if (decision.by === "desk") {
    rules.push(
      prompt.stage === "withdrawn" ? "P2 the desk decided, and nobody answered" : "P2 the desk was first",
    );
    if (close) rules.push("P2 the desk was first, within 30 ms");
    return rules;
  }
  if (close) rules.push("P2 the phone was first, within 30 ms");
  if (twins) rules.push("P2 of twins one was answered");
  return [
    ...rules,
    decision.chosen === "rejected" ? "P2 claude took the phone's no" : "P2 claude took the phone's answer",
  ];
}

/** Desk and phone both said yes: what runs is what both wanted, whichever yes claude took. */
function saysTheSame({ decision }: Question, handed: WrapperProcess["handed"][number] | undefined) {
  const yes = handed !== undefined && JSON.stringify(handed.output).includes('"behavior":"allow"');
  return yes && decision?.by === "desk" && decision.chosen === "approved";
}

/**
 * The wrapper has read how it ended. A no that it read before it was asked may be about another call; so may a call that
 * it read of long after it was asked.
 */
function known({ evidenceAt, calledAt, openedAt, decision }: Question) {
  if (calledAt !== null && openedAt !== null && calledAt - openedAt > CALLED_WITHIN_MS) return false;
  const early = evidenceAt !== null && openedAt !== null && evidenceAt < openedAt;
  return evidenceAt !== null && !(early && decision?.chosen === "rejected");
}

/** It was decided, and claude exited before anybody could see that. */
function unseenEnd({ decision, evidenceAt }: Question, { goneAt }: WrapperProcess) {
  return goneAt !== null && evidenceAt === null && decision !== null && goneAt - decision.at < EXIT_MS;
}

/** Whether not even the wrapper can know who decided. */
function mayBeUnknown(question: Question, wrapper: WrapperProcess): boolean {
  const { keys, decision, evidenceAt, hook, prompt, openedAt } = question;
  if (hook === "gone" && !known(question)) return true;
  if (!decision) return false;
  const several = wrapper.claude.questions.filter((one) => one.turn === question.turn).length > 1;
  const presses = [...keys, ...wrapper.touches];
  if (several && !known(question) && presses.some((at) => at >= question.askedAt)) return true;
  const answeredAt = wrapper.handed.find((one) => one.prompt === prompt)?.at ?? null;
  if (answeredAt === null) return false;
  const touched = presses.some((at) => at >= answeredAt - CONTESTED_MS);
  const unseen = openedAt !== null && answeredAt - openedAt > UNSEEN_MS;
  return (touched || unseen) && (!known(question) || Number(evidenceAt) > decision.at + EVIDENCE_MS);
}

/**
 * A hook does not name its call: a call with the same input that nobody asked about, and that is read about only after
 * this question's hook, cannot be told from it.
 */
export function mistakable({ tool, input, agent }: Question, { claude }: WrapperProcess): boolean {
  const isTwin = (one: Question) =>
    agent === null &&
    one.agent === null &&
    one.tool === tool &&
    JSON.stringify(one.input) === JSON.stringify(input);
  const twins = claude.calls.filter(isTwin);
  const unasked = twins.filter(({ prompt, calledAt }) => prompt === null && calledAt !== null);
  return unasked.some((one) =>
    twins.some(({ openedAt }) => openedAt !== null && Number(one.calledAt) >= openedAt),
  );
}

/** What the server says of it. */
export const told = (prompt: PromptState | null) =>
  prompt
    ? `the server says ${prompt.stage} by ${prompt.withdrawn_by} (${prompt.outcome}), ${prompt.answer_id}`
    : "";
