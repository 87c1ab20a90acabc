// What a server that has just come back must still hold.
import type { PromptState } from "../../protocol.ts";
import type { Rule, Violation } from "./rules.ts";
import type { World } from "./world.ts";

/** What was acknowledged, and is not there. */
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
