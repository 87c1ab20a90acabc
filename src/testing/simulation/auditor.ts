// Holds the promises of the design against what really happened. Knows the truth from the claudes, never from the code
// that is examined.
import type { PromptId } from "../../protocol.ts";
import { auditDisk } from "./disk.ts";
import type { Say, Violation, Vow } from "./rules.ts";
import { auditPhone, ids } from "./shown.ts";
import type { Tap } from "./stage.ts";
import { mistakable, rulesOf, told, wrongEnd } from "./verdict.ts";
import type { World } from "./world.ts";
import type { WrapperProcess } from "./wrapper.ts";

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
