// At the end: what every prompt was told to be, against what really ran. Every finding is a broken promise.
import type { Entry, Evidence, PromptRow, Truth } from "./evidence.ts";
import type { Said } from "./phone.ts";
import { command } from "./place.ts";
import { messageFor, type Told } from "./workload.ts";

/** The kinds of broken promises. */
export const PROMISES = {
  lost: "lost",
  twice: "applied twice",
  another: "applied to another prompt",
  unknown: "left without a known outcome",
  otherwise: "told otherwise than it really was",
} as const;
export type Broken = keyof typeof PROMISES;
export type Finding = { promise: Broken; token: string; fault: string; why: string };

/** claude's own words for a No or an Esc at the desk. */
const DESK_NO = /^The user doesn't want to (proceed with|take) this/;
/** And for a command that SIGTERM ended. */
const ENDED = /^Exit code 143/;
const ENDS = ["accepted", "too_late", "withdrawn"];

/** One prompt with everything about it. */
type Case = {
  one: Told;
  row: PromptRow;
  stage: string;
  /** What is stored as the answer, and who gave it. */
  response: { option: string; text?: string } | null;
  winner: Said | null;
  truth: Truth;
  /** What the audit log says of it. */
  entries: readonly Entry[];
  /** claude heard the very words that belong to a no to this prompt. */
  heard: boolean;
  /** Other prompts that hold the same answer. */
  doubles: number;
};

/** Holds every prompt against what claude did, what the phones were told, and what the audit log says. */
export function judge(evidence: Evidence): Finding[] {
  const asked = new Set(evidence.told.map(({ token }) => command(token)));
  const strays = evidence.rows.filter(({ prompt_text }) => !asked.has(prompt_text));
  return [
    ...evidence.told.flatMap((one) => judged(one, evidence)),
    ...strays.map(({ prompt_text }) => ({
      ...{ promise: "unknown" as const, token: prompt_text, fault: "", why: "nobody asked for it" },
    })),
  ];
}

function judged(one: Told, evidence: Evidence): Finding[] {
  const { token, fault } = one;
  const its = evidence.rows.filter(({ prompt_text }) => prompt_text === command(token));
  const [row] = its;
  const about = { token, fault: fault.name };
  if (!row || its.length > 1)
    return [{ ...about, promise: row ? "twice" : "unknown", why: `the server has ${its.length} of it` }];
  const known = caseOf(one, row, evidence);
  const { said, desk, stages } = one;
  const all = JSON.stringify({ said, desk, stages, row, truth: known.truth, entries: known.entries });
  return (Object.keys(RULES) as Broken[]).flatMap((promise) =>
    [...RULES[promise](known)].map((why) => ({ ...about, promise, why: `${why}: ${all}` })),
  );
}

function caseOf(one: Told, row: PromptRow, { rows, entries, truths }: Evidence): Case {
  const truth = truths.get(one.token) ?? { ran: 0, result: null };
  return {
    ...{ one, row, truth },
    stage: stageOf(row),
    response: JSON.parse(row.response ?? "null"),
    winner: one.said.find(({ answerId }) => answerId === row.answer_id) ?? null,
    entries: entries.filter(({ subject }) => subject === row.id),
    heard: truth.result === messageFor(one.token),
    doubles: rows.filter(({ answer_id, id }) => answer_id && answer_id === row.answer_id && id !== row.id)
      .length,
  };
}

export function stageOf(row: PromptRow): string {
  if (row.withdrawn_at !== null) return "withdrawn";
  if (row.responded_at === null) return "open";
  if (row.outcome === "accepted") return "accepted";
  if (row.outcome !== null) return "too_late";
  return row.delivered_at === null ? "answered" : "delivered";
}

type Rule = (known: Case) => Generator<string>;
const rejects = ({ response }: Case) => response?.option === "reject";
/**
 * claude took the phone's yes, and the desk's Esc in the same moment stopped what it had begun: either it ran, and claude
 * calls that a rejection at the desk, or it was ended before it could do anything.
 */
export const stoppedByDesk = ({ said, desk }: Told, { ran, result }: Truth) =>
  desk.includes("no") &&
  said.some(({ verb }) => verb === "approve") &&
  (ran > 0 ? DESK_NO : ENDED).test(result ?? "");
const of = ({ entries }: Case, action: string) => entries.filter((entry) => entry.action === action);

const RULES: Record<Broken, Rule> = { lost, twice, another, unknown, otherwise };

/** Somebody was told that an answer counts, and it has no effect. */
function* lost(known: Case): Generator<string> {
  const { one, row, stage, truth, heard } = known;
  for (const { phone, won, answerId } of one.said) {
    if (!won) continue;
    if (row.answer_id !== answerId) yield `${phone} was told that its answer counts, and it is not stored`;
    if (!of(known, "answer").some(({ detail }) => detail.answer_id === answerId))
      yield `${phone} was told that its answer counts, and the audit log has no word of it`;
    if (!ENDS.includes(stage)) yield `${phone} was told that its answer counts, and nothing became of it`;
  }
  // A claude that was killed may have taken an answer, and not lived to act on it.
  if (stage !== "accepted" || one.ended) return;
  if (!rejects(known) && truth.ran === 0 && !stoppedByDesk(one, truth))
    yield "a yes was accepted, and it did not run";
  if (rejects(known) && !heard) yield "a no was accepted, and claude did not hear its words";
}

function* twice(known: Case): Generator<string> {
  const { row, truth, doubles } = known;
  const answers = of(known, "answer").length;
  if (truth.ran > 1) yield `it ran ${truth.ran} times`;
  if (answers > 1) yield `the audit log has ${answers} answers`;
  if (doubles > 0) yield `its answer stands at ${doubles} other prompts too`;
  if (of(known, "delivered").some(({ detail }) => detail.answer_id !== row.answer_id))
    yield "another answer than the one that counts was delivered";
}

function* another(known: Case): Generator<string> {
  const { one, row, response, winner, truth, heard } = known;
  const says = (verb: string) => one.said.some((said) => said.verb === verb);
  if (truth.ran > 0 && !says("approve") && !one.desk.includes("yes"))
    yield "it ran, and nobody had approved it";
  if (truth.result?.startsWith("Not ") && !heard) yield "claude heard the words for another prompt";
  if (heard && !says("reject")) yield "claude heard a no that nobody said";
  if (row.answer_id && !winner) yield "an answer counts that nobody gave to it";
  if (rejects(known) && response?.text !== messageFor(one.token)) yield "the words of another no are stored";
  const shown = known.entries.flatMap(({ asked }) => asked ?? []);
  if (shown.some(({ prompt_text, digest }) => prompt_text !== row.prompt_text || digest !== row.digest))
    yield "the audit log says that something else was asked";
  if (of(known, "answer").some(({ detail }) => detail.digest !== row.digest))
    yield "something else was answered";
}

function* unknown(known: Case): Generator<string> {
  const { one, row, stage, truth } = known;
  if (!ENDS.includes(stage)) yield `it is ${stage}`;
  for (const { phone, won, refused } of one.said)
    if (!won && refused === null && !one.ended) yield `${phone} never learnt what became of its answer`;
  if (one.stages.length === 0) yield "no phone was asked";
  for (const [i, seen] of one.stages.entries()) if (seen === null) yield `phone ${i} knows no end of it`;
  if (!of(known, "prompt").length) yield "the audit log does not know it";
  if (!known.entries.some(({ action }) => ENDS.includes(action))) yield "the audit log knows no end of it";
  if (one.ended) return;
  // What claude has not written down when it is killed is gone; that it ran is known all the same.
  if (truth.result === null && truth.ran === 0) yield "claude does not say how its call ended";
  if (row.withdrawn_by === "unknown" && one.desk.length === 0) yield "it is not said who decided";
}

function* otherwise(known: Case): Generator<string> {
  const { one, row, stage, winner, truth, heard } = known;
  const yes = one.desk.includes("yes");
  const stopped = stoppedByDesk(one, truth);
  for (const [i, seen] of one.stages.entries())
    if (seen !== null && seen !== stage) yield `phone ${i} shows ${seen}`;
  for (const { phone, refused, answerId } of one.said) {
    if (refused !== null && answerId === row.answer_id) yield `${phone} was refused, and its answer counts`;
    const noted = of(known, "answer refused").some(({ detail }) => detail.answer_id === answerId);
    if (refused !== null && !noted) yield `${phone} was refused, and the audit log has no word of it`;
  }
  if (winner && rejects(known) !== (winner.verb === "reject")) yield "another answer is stored";
  for (const { name, detail } of of(known, "answer"))
    if (name !== winner?.phone || (detail.option === "reject") !== (winner.verb === "reject"))
      yield `the audit log says that ${name} said ${detail.option}`;
  const last = known.entries.findLast(({ action }) => ENDS.includes(action));
  if (last && last.action !== stage) yield `the audit log ends with ${last.action}`;
  if (stage === "accepted" && rejects(known) && truth.ran > 0) yield "a no was accepted, and it ran";
  if (stage !== "accepted" && heard && !one.ended) yield `${stage}, and claude heard the phone's no`;
  if (stage !== "accepted" && truth.ran > 0 && !yes && !one.ended && !stopped)
    yield `${stage}, and it ran by the phone`;
  if (row.outcome === "approved" && truth.ran === 0) yield "the desk approved, and it did not run";
  if (row.outcome === "rejected" && truth.ran > 0 && !stopped) yield "the desk rejected, and it ran";
  if (row.outcome === "rejected" && truth.result !== null && !DESK_NO.test(truth.result))
    yield "the desk rejected, and claude says otherwise";
  if (row.withdrawn_by === "desk" && one.desk.length === 0) yield "the desk is named, and pressed nothing";
  if (row.withdrawn_by === "exited" && !one.ended) yield "claude is said to have exited";
}
