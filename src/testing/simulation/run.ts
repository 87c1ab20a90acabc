// `bun src/testing/simulation/run.ts seed [count]` runs seeds, and shows what went wrong in the first that failed.
import { report } from "./report.ts";
import { simulate } from "./world.ts";

const [seed = 1, count = 1] = process.argv.slice(2).map(Number);
const begunAt = process.cpuUsage();
const totals = new Map<string, number>();
let bad = 0;
/** Ms of this processor a seed. */
const used = () => (process.cpuUsage(begunAt).user + process.cpuUsage(begunAt).system) / 1_000 / count;
for (let i = seed; i < seed + count; i++) {
  const outcome = await simulate(i);
  for (const [what, times] of outcome.history.counts) totals.set(what, (totals.get(what) ?? 0) + times);
  if (outcome.violations.length > 0) {
    bad++;
    if (bad <= 5) console.log(await report(outcome, count === 1 ? 1_000 : 60));
    else
      console.log(
        `seed ${i}: ${outcome.violations
          .map(({ promise, what }) => `${promise} ${what}`)
          .join(" · ")
          .slice(0, 200)}`,
      );
  }
}
console.log(`${count} seeds, ${bad} failed, ${used().toFixed(1)} ms each`);
console.log([...totals].map(([what, times]) => `${what} ${times}`).join(" · "));
process.exit(bad > 0 ? 1 : 0);
