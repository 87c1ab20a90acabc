// A clock that stands still until it is told how much time has passed.
import type { Clock } from "../server/clock.ts";

export type FakeClock = Clock & {
  /** Lets time pass; what was due in it happens, in its order. */
  advance(ms: number): void;
};

/** Begins at the real time. */
export function fakeClock(): FakeClock {
  let now = Date.now();
  let due: { at: number; every: number | null; task: () => void }[] = [];
  const plan = (ms: number, every: number | null, task: () => void) => {
    const entry = { at: now + ms, every, task };
    due.push(entry);
    return () => {
      due = due.filter((one) => one !== entry);
    };
  };
  return {
    now: () => now,
    after: (ms, task) => plan(ms, null, task),
    every: (ms, task) => plan(ms, ms, task),
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = due.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        now = Math.max(now, next.at);
        if (next.every === null) due = due.filter((one) => one !== next);
        else next.at += next.every;
        next.task();
      }
      now = end;
    },
  };
}
