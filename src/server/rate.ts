// Counts what each caller asks for, for everything that is limited by time (RATES in limits.ts).
import { limited } from "./errors.ts";
import { LIMITS, RATES, type RateName } from "./limits.ts";

/** One more request of that kind by that caller. Throws `rate_limited` where that is more than the kind allows. */
export type Count = (kind: RateName, caller: string) => void;

/** A counter by this clock: each caller's span begins with its first request and ends by itself. */
export function counter(now: () => number): Count {
  const spans = new Map<string, { kind: RateName; since: number; count: number }>();
  const over = (kind: RateName, since: number) => now() - since >= RATES[kind].withinMs || now() < since; // The clock was put back: begin anew.
  return (kind, caller) => {
    const key = `${kind} ${caller}`;
    if (spans.size >= LIMITS.countedCallers)
      for (const [old, { kind, since }] of spans) if (over(kind, since)) spans.delete(old);
    const known = spans.get(key);
    const span = known && !over(kind, known.since) ? known : { kind, since: now(), count: 0 };
    spans.set(key, span);
    span.count++;
    const { most, withinMs } = RATES[kind];
    if (span.count <= most) return;
    throw limited(
      `That is more than ${most} ${kind} in ${withinMs / 1_000} s.`,
      span.since + withinMs - now(),
    );
  };
}
