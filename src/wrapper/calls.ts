// Calls of tools that the transcript shows and nobody was asked about, or not yet; and which question is about which.
import type { CallEnd, HeldPrompt } from "./held-prompt.ts";
import { covers } from "./hook-prompt.ts";

/** A call stands in the transcript before claude asks about it, or as long after as evidence may take. */
const CALLED_WITHIN_MS = 5_000;
/**
 * A hook may be so slow to start that its question has been decided at the desk before it asks us. The call of one that
 * stands is in the transcript by then.
 */
export const LATE_HOOK_MS = 2_000;
/** Calls without a prompt that are remembered; a turn has a handful. */
const MAX_CALLS = 200;

/** `end`: it has ended, before any hook asked about it. */
type Call = { tool: string; input: Record<string, unknown>; end?: CallEnd & { at: number } };

/** Joins a call with the prompt about it: the same question, the first one that has no call yet. */
export const joins = (one: HeldPrompt, { tool, input, end: ended }: Call) =>
  (!ended || one.openedAt - ended.at <= LATE_HOOK_MS) &&
  (one.call === null || (one.evidence !== null && !one.ended)) &&
  one.request !== null &&
  one.prompt.agent === null &&
  one.prompt.tool === tool &&
  performance.now() - one.openedAt <= CALLED_WITHIN_MS &&
  covers(one.request, input);

/** The calls of one run, by claude's own names for them. */
export function calls() {
  const known = new Map<string, Call>();
  return {
    /** One that no question is about so far. */
    add(name: string, call: Call) {
      known.set(name, call);
      const [oldest] = known.keys();
      if (known.size > MAX_CALLS && oldest !== undefined) known.delete(oldest);
    },
    /** It has its result. */
    end(name: string, how: CallEnd) {
      const early = known.get(name);
      if (early) known.set(name, { ...early, end: { ...how, at: performance.now() } });
    },
    /** Takes the call that it is about: the first that fits, since claude asks in their order. `ended`: or has ended. */
    take(one: HeldPrompt, ended: boolean): Pick<HeldPrompt, "call" | "evidence"> | null {
      const [name, call] = [...known].find(([, its]) => (ended || !its.end) && joins(one, its)) ?? [];
      if (name === undefined) return null;
      known.delete(name);
      return { call: name, evidence: call?.end ?? null };
    },
  };
}
