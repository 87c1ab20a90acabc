// What a phone shows, held against what is true.
import type { PromptId, PromptState, Session } from "../../protocol.ts";
import { rowText } from "../../screen.ts";
import type { Phone } from "./phone.ts";
import type { Say } from "./rules.ts";
import { told } from "./verdict.ts";
import type { World } from "./world.ts";

/** P2, P3, P4: its prompts, its sessions, its texts, its screen and its log. */
export function auditPhone(world: World, phone: Phone, say: Say) {
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

/** In an order of their own. */
export const ids = (prompts: readonly { id: PromptId }[]) =>
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
