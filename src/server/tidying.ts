// What can wait: written down now and then, and forgotten step by step once it is too old or was deleted.
import type { Clock } from "./clock.ts";
import { guarded, type Logger } from "./log.ts";
import type { Logins } from "./logins.ts";
import type { Sessions } from "./sessions.ts";
import type { Retention } from "./store/retention.ts";
import type { Tokens } from "./tokens.ts";

export type TidyingOptions = {
  retention: Retention;
  clock: Clock;
  log: Logger;
  sessions: Sessions;
  logins: Logins;
  tokens: Tokens;
};

/** What can wait is written down this often, and what is too old forgotten. */
const TIDY_MS = 60_000;
/** Steps of forgetting in one go: a second's worth at most. */
const SWEEP_STEPS = 20;
/** Between two steps of what goes at once. */
const SWEEP_AGAIN_MS = 20;

/** Begins to tidy. `stop` ends that; what is known is written down by a last `tidy`. */
export function tidying({ retention, clock, log, sessions, logins, tokens }: TidyingOptions) {
  const tidy = guarded(log, "tidying", () => {
    sessions.tidy();
    logins.flush();
    tokens.flush();
    for (let step = 0; step < SWEEP_STEPS && retention.sweep(clock.now()); step++);
  });
  /** Forgets step by step what was deleted; everybody has a turn between two steps. */
  const sweep = guarded(log, "sweeping", () => {
    stopSweeping();
    if (retention.sweep(clock.now())) stopSweeping = clock.after(SWEEP_AGAIN_MS, sweep);
  });
  let stopSweeping = () => {};
  const stopTidying = clock.every(TIDY_MS, tidy);
  const stop = () => {
    stopTidying();
    stopSweeping();
  };
  return { tidy, sweepSoon: sweep, stop };
}
