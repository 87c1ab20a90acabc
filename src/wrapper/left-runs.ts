// Tells the server of runs on this machine that ended without being able to say so themselves.
import type { Link } from "./link.ts";
import type { Runs } from "./runs.ts";

/** A run that was killed, or that ended while its own link was down, is reported by another one within this. */
const LEFT_MS = 5_000;

/** Looks every few seconds; `report` looks now. */
export function leftRuns(runs: Pick<Runs, "left">, link: () => Pick<Link, "up" | "tell">) {
  function report() {
    if (!link().up) return;
    for (const run of runs.left()) link().tell({ type: "left", ...run });
  }
  const timer = setInterval(report, LEFT_MS);
  return {
    report,
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
