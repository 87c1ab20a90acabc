// Holds the promises of the design against what really happened. Knows the truth from the claudes, never from the code
// that is examined.
import type { PromptId, PromptState, Session } from "../../protocol.ts";
import { rowText } from "../../screen.ts";
import type { Question } from "./claude.ts";
import type { Phone, Tap } from "./phone.ts";
import type { World } from "./world.ts";
import type { WrapperProcess } from "./wrapper.ts";

export type Vow = "P2" | "P3" | "P4" | "P5" | "P7" | "liveness";
export type Violation = { promise: Vow; what: string; about: string[] };

/** Desk and phone so close to one another that evidence has to say who was first, ms; and how long that may take. */
const CONTESTED_MS = 3_000;
const EVIDENCE_MS = 5_000;
/** A call that is read about so long after its question, ms, is taken for another one. */
const CALLED_WITHIN_MS = 5_000;
/** An answer that comes so long after the question, ms, where claude's state never said that it waits. */
const UNSEEN_MS = 2_000;
/** Of what claude did in its last moments there may be no sign, ms; a wrapper takes up to a second for its farewell. */
const EXIT_MS = 2_500;

/** What is held against the truth; a rule that no run ever comes to says nothing. */
export const RULES = [
  "P2 an answer is handed over once, to the prompt it was given to",
  "P2 claude took the phone's answer",
  "P2 claude took the phone's no",
  "P2 the desk decided, and nobody answered",
  "P2 the desk was first",
  "P2 the desk was first, within 30 ms",
  "P2 the phone was first, within 30 ms",
  "P2 what the desk chose is known",
  "P2 claude exited",
  "P2 nobody is named",
  "P2 claude still asks",
  "P2 of twins one was answered",
  "P2 a phone shows the end of what it answered",
  "P2 a phone says that its answer was accepted",
  "P3 a retry is the same answer",
  "P3 a lost race is told",
  "P3 not confirmed is said within 10 s",
  "P3 a text is typed once",
  "P4 what is open is open everywhere",
  "P4 an ended session has ended",
  "P4 the log is whole",
  "P4 a phone shows the screen",
  "P4 a phone shows the log",
  "P4 an answer to a session out of reach is refused",
  "P5 an answer outlives a restart",
  "P5 a fact outlives a restart",
  "P5 a line outlives a restart",
  "P5 an end outlives a restart",
  "P7 a wrong answer is refused",
  "P7 an intruder is refused",
] as const;
export type Rule = (typeof RULES)[number];

/** Desk and phone that close are at the same time, ms. */
const SAME_MOMENT_MS = 30;

/** What a server that has just come back must still hold. */
export function auditDisk(world: World): Violation[] {
  const held = (rule: Rule, times = 1) => world.history.rule(rule, times);
  const found: Violation[] = [];
  const lost = (what: string, ...about: string[]) => found.push({ promise: "P5", what, about });
  const { store } = world.server;
  for (const tap of world.taps.values()) {
    if (!tap.replies.includes(200)) continue;
    const prompt = store.prompts.get(tap.prompt);
    held("P5 an answer outlives a restart");
    if (prompt?.answer_id !== tap.answer && !world.aDayPassed)
      lost(`${tap.answer} was answered with 200, and the disk has ${prompt?.answer_id}`, tap.prompt);
  }
  for (const wrapper of world.wrappers) {
    const { acknowledged, id } = wrapper;
    for (const { size } of acknowledged.prompts.values()) held("P5 a fact outlives a restart", size);
    if (acknowledged.lines >= 0) held("P5 a line outlives a restart");
    if (acknowledged.left) held("P5 an end outlives a restart");
    for (const [prompt, facts] of acknowledged.prompts)
      for (const fact of facts)
        if (!holds(store.prompts.get(prompt), fact))
          lost(`the acknowledged ${fact} of ${prompt} is gone`, prompt);
    if (store.lines.cursor(id) < acknowledged.lines)
      lost(`lines to ${acknowledged.lines} were acknowledged, the disk has ${store.lines.cursor(id)}`, id);
    if (acknowledged.left && store.sessions.get(id)?.ended_at === null)
      lost("an acknowledged exit is gone", id);
  }
  return found;
}

/** Whether the row says at least that. A fact about a prompt that nobody ever heard of is acknowledged, and is nothing. */
function holds(prompt: PromptState | null, fact: string): boolean {
  if (!prompt) return fact !== "prompt";
  if (fact === "delivered") return prompt.delivered_at !== null;
  if (fact === "accepted") return prompt.outcome === "accepted";
  if (fact === "withdrawn" || fact === "too_late")
    return prompt.stage !== "open" && prompt.stage !== "answered";
  return true;
}

/** Everything, once all is quiet. */
export function audit(world: World): Violation[] {
  if (!world.server.up) return [{ promise: "liveness", what: "the server is not back", about: [] }];
  const found = auditDisk(world);
  const say = (promise: Vow, what: string, ...about: string[]) => found.push({ promise, what, about });
  for (const wrapper of world.wrappers) auditWrapper(world, wrapper, say);
  auditTaps(world, say);
  for (const phone of world.phones) if (!phone.revoked) auditPhone(world, phone, say);
  return found;
}

type Say = (promise: Vow, what: string, ...about: string[]) => void;

function auditWrapper(world: World, wrapper: WrapperProcess, say: Say) {
  const { store } = world.server;
  auditHanded(world, wrapper, say);
  for (const question of wrapper.claude.questions) {
    if (!question.prompt) continue;
    const prompt = store.prompts.get(question.prompt);
    const wrong = wrongEnd(prompt, question, wrapper);
    if (mistakable(question, wrapper)) world.history.count("questions like a call that nobody asked about");
    for (const rule of rulesOf(prompt, question, wrapper)) world.history.rule(rule);
    if (wrong)
      say(
        wrong.promise,
        `${question.prompt}: ${wrong.what}; ${told(prompt)}`,
        question.prompt,
        question.call,
      );
  }
  if (wrapper.claude.strayed.length > 0)
    say("P2", "a text from a phone answered a dialog", wrapper.owner.name);
  world.history.rule("P3 a text is typed once", wrapper.claude.submitted.length);
  const twice = wrapper.claude.submitted.filter((text, i, all) => all.indexOf(text) !== i);
  if (twice.length > 0) say("P3", `a text was typed twice: ${twice[0]}`, wrapper.owner.name);
  auditSession(world, wrapper, say);
}

/** P2, P7: what was handed to claude is one viewer's answer to this very prompt, once. */
function auditHanded(world: World, { handed }: WrapperProcess, say: Say) {
  const seen = new Set<PromptId>();
  for (const { prompt, output, answer } of handed) {
    world.history.rule("P2 an answer is handed over once, to the prompt it was given to");
    if (seen.has(prompt)) say("P2", `${prompt} was answered twice`, prompt);
    seen.add(prompt);
    const tap = [...world.taps.values()].find((one) => one.answer === answer);
    if (!tap) say("P7", `${prompt} was answered by nobody`, prompt);
    else if (tap.wrong)
      say("P7", `${prompt} was answered by ${tap.answer}, which is no right answer`, prompt);
    else if (tap.prompt !== prompt)
      say("P2", `${prompt} got the answer to ${tap.prompt}`, prompt, tap.prompt);
    else if (world.server.store.prompts.get(prompt)?.digest !== tap.digest)
      say("P2", `${prompt} changed`, prompt);
    else if (!means(output, tap))
      say("P2", `${prompt}: ${JSON.stringify(output)} is not ${tap.option}`, prompt);
  }
}

/** Whether claude was told what was tapped. */
function means(output: object, { option, text }: Tap): boolean {
  const told = JSON.stringify(output);
  if (option !== "reject") return told.includes('"behavior":"allow"');
  return told.includes('"behavior":"deny"') && (text === null || told.includes(JSON.stringify(text)));
}

type Wrong = { promise: Vow; what: string } | null;

/** Whether what the server says of a question is not what claude did with it. */
function wrongEnd(prompt: PromptState | null, question: Question, wrapper: WrapperProcess): Wrong {
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
function rulesOf(prompt: PromptState | null, question: Question, wrapper: WrapperProcess): Rule[] {
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
function mistakable({ tool, input, agent }: Question, { claude }: WrapperProcess): boolean {
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

const told = (prompt: PromptState | null) =>
  prompt
    ? `the server says ${prompt.stage} by ${prompt.withdrawn_by} (${prompt.outcome}), ${prompt.answer_id}`
    : "";

function auditSession(world: World, wrapper: WrapperProcess, say: Say) {
  const { store, parts } = world.server;
  const session = store.sessions.get(wrapper.id);
  if (!session) return wrapper.gone ? null : say("P4", `${wrapper.id} is not known`, wrapper.id);
  if (wrapper.gone) {
    world.history.rule("P4 an ended session has ended");
    if (session.ended_at === null) say("P4", `${wrapper.id} has ended`, wrapper.id);
    return;
  }
  if (!wrapper.link.up) say("liveness", `${wrapper.owner.name} is not connected`, wrapper.owner.name);
  if (session.ended_at !== null) say("P4", `${wrapper.id} has not ended`, wrapper.id);
  const open = parts.store.prompts.list("open").filter(({ session_id }) => session_id === wrapper.id);
  const [there, here] = [ids(open), [...wrapper.prompts.open()].sort().join(" ")];
  if (there !== here) say("P4", `open at the server: ${there}; at the wrapper: ${here}`, wrapper.id);
  if (session.status !== wrapper.status) say("P4", `${wrapper.id} is ${wrapper.status}`, wrapper.id);
  auditLog(world, wrapper, say);
}

/** The log is what was printed, each line once, in order; what had to be dropped is a gap. */
function auditLog(world: World, { id }: WrapperProcess, say: Say) {
  world.history.rule("P4 the log is whole");
  let next = 1;
  let printed: number | null = null;
  for (const line of world.server.store.lines.page(id, { after: 0, limit: 100_000 })) {
    if (line.line_no !== next) return say("P4", `${id}: line ${next} is missing`, id);
    next += line.count ?? 1;
    if (line.source === "gap") {
      printed = null;
      continue;
    }
    const number = Number(/^\d+/.exec(line.text)?.[0]);
    if (printed !== null && number !== printed + 1)
      return say("P4", `${id}: after ${printed} comes "${line.text}"`, id);
    printed = number;
  }
}

/** P3, P5, P7: each reply was right, and stayed right. */
function auditTaps(world: World, say: Say) {
  for (const tap of world.taps.values()) {
    const yes = tap.replies.includes(200);
    const no = tap.replies.some((status) => status === 409 || status === 410);
    const { history } = world;
    if (tap.wrong && tap.replies.length > 0)
      history.rule(tap.phone === "intruder" ? "P7 an intruder is refused" : "P7 a wrong answer is refused");
    if (tap.replies.filter((status) => status === 200).length > 1)
      history.rule("P3 a retry is the same answer");
    if (no && !tap.wrong) history.rule("P3 a lost race is told");
    if (yes && tap.wrong) say("P7", `${tap.answer} was let in`, tap.prompt);
    const prompt = world.server.store.prompts.get(tap.prompt);
    // What somebody else withdrew in its wrapper's name is open again when the wrapper itself says so.
    const doubled = world.wrappers.some(({ id, doubled: twice }) => twice && id === prompt?.session_id);
    if (yes && no && !doubled) say("P3", `${tap.answer} was told both yes and no`, tap.prompt);
    if (no && !yes && prompt?.answer_id === tap.answer)
      say("P3", `${tap.answer} won, and was told no`, tap.prompt);
    const known = world.phones.some((phone) => phone.owner.name === prompt?.responded_by);
    if (prompt?.responded_by && !known) say("P7", `${prompt.responded_by} is no viewer`, tap.prompt);
  }
}

function auditPhone(world: World, phone: Phone, say: Say) {
  const { store, parts } = world.server;
  const { name } = phone.owner;
  if (phone.model.connection.kind !== "live")
    return say("liveness", `${name} is ${phone.model.connection.kind}`, name);
  const [there, here] = [ids(store.prompts.list("open")), ids(phone.model.open())];
  world.history.rule("P4 what is open is open everywhere");
  if (there !== here)
    say("P4", `open at the server: ${there}; on ${name}: ${here}`, name, ...there.split(" "));
  for (const session of parts.sessions.open()) {
    const shown = phone.model.session(session.id);
    if (!shown || !same(session, shown)) say("P4", `${name} shows ${session.id} otherwise`, name, session.id);
  }
  for (const id of phone.answered()) {
    const prompt = store.prompts.get(id);
    const status = phone.status(id);
    world.history.rule("P2 a phone shows the end of what it answered");
    if (status?.kind === "accepted") world.history.rule("P2 a phone says that its answer was accepted");
    const over = status?.kind === "accepted" || status?.kind === "over";
    if (!prompt || !over)
      say("P3", `${name} still waits for ${id}: ${status?.kind}; ${told(prompt)}`, name, id);
    const known = phone.model.prompt(id);
    if (prompt && known && !sameEnd(prompt, known))
      say("P2", `${name} has another end of ${id}: ${told(known)}; ${told(prompt)}`, name, id);
    if (status?.kind === "accepted" && prompt?.stage !== "accepted")
      say("P2", `${name} says that ${id} was accepted; ${told(prompt)}`, name, id);
  }
  for (const session of phone.model.ordered())
    for (const sent of phone.outbox.shown(session.id)) {
      const { stage } = phone.outbox.stageOf(sent);
      if (["queued", "sending", "sent", "unconfirmed"].includes(stage))
        say("P3", `${name}: "${sent.text}" is ${stage}`, name);
    }
  auditWatched(world, phone, say);
}

/** What a phone shows of the session it looks at. */
function auditWatched(world: World, { model, owner: { name } }: Phone, say: Say) {
  const wrapper = world.wrappers.find(({ id }) => id === model.watched);
  if (!wrapper || wrapper.gone) return;
  const [here, there] = [model.screen, wrapper.view.screen()];
  world.history.rule("P4 a phone shows the screen");
  const text = (screen: typeof there | null) => screen?.lines.map(rowText).join("\n");
  if (text(here) !== text(there))
    say(
      "P4",
      `${name} shows another screen of ${wrapper.id}:\n${text(here)}\n instead of\n${text(there)}`,
      name,
    );
  const lines = model.lines();
  const [first] = lines;
  if (!first) return;
  world.history.rule("P4 a phone shows the log");
  const all = world.server.store.lines.page(wrapper.id, { after: first.line_no - 1, limit: 100_000 });
  const numbers = (of: readonly { line_no: number; text: string }[]) =>
    of.map(({ line_no, text: one }) => `${line_no} ${one}`).join("\n");
  if (numbers(lines) !== numbers(all))
    say("P4", `${name} has another log of ${wrapper.id}`, name, wrapper.id);
}

const ids = (prompts: readonly { id: PromptId }[]) =>
  prompts
    .map(({ id }) => id)
    .sort()
    .join(" ");

const same = (a: Session, b: Session) =>
  a.status === b.status && a.connected === b.connected && a.ended_at === b.ended_at && a.title === b.title;

/** What the desk chose may be told so late that a phone that slept missed it; what it does say must be true. */
const sameEnd = (truth: PromptState, said: PromptState) => {
  const vague = said.outcome === null || said.outcome === "too_late";
  const by = said.withdrawn_by === truth.withdrawn_by || (vague && said.withdrawn_by === "unknown");
  const outcome = said.outcome === truth.outcome || (vague && truth.outcome !== "accepted");
  return said.stage === truth.stage && by && outcome && said.answer_id === truth.answer_id;
};
