// What to show of a run that broke a promise: the smallest set of faults that still breaks it, and the lines about it.
import { shown } from "./history.ts";
import { type Outcome, simulate } from "./simulate.ts";

/** Runs of one seed that the search for a smaller one may take. */
const MOST_TRIES = 120;

/** Leaves out faults, one by one, as long as the same promise is still broken. */
async function shrunk(outcome: Outcome): Promise<Outcome> {
  const promise = outcome.violations[0]?.promise;
  const skip = new Set<number>();
  let smallest = outcome;
  let tries = 0;
  for (let i = outcome.faults.length - 1; i >= 0 && tries < MOST_TRIES; i--, tries++) {
    skip.add(i);
    const smaller = await simulate(outcome.seed, skip);
    if (smaller.violations[0]?.promise === promise) smallest = smaller;
    else skip.delete(i);
  }
  return smallest;
}

/** A page about one failed run, its trace of at most so many lines. */
export async function report(failed: Outcome, most = 60): Promise<string> {
  const { seed, violations, history } = await shrunk(failed);
  const about = new Set(violations.flatMap((violation) => violation.about));
  const mentions = (what: string) => [...about].some((name) => new RegExp(`\\b${name}\\b`).test(what));
  const lines = history.lines.filter(
    ({ who, what }) =>
      who === "FAULT" ||
      (who === "server" && what.length < 200) ||
      about.size === 0 ||
      mentions(what) ||
      about.has(who),
  );
  return [
    `seed ${seed} breaks a promise:`,
    ...violations.map(({ promise, what }) => `  ${promise}  ${what}`),
    ...lines.slice(-most).map(shown),
    "",
  ].join("\n");
}
