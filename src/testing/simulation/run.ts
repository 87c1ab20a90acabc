// Runs seeds: `bun run.ts <first> [count]` shows what broke, `bun run.ts --json` takes a list of seeds from stdin and says
// on stdout what came of them (see seeds.ts).
import { report } from "./report.ts";
import { simulate } from "./simulate.ts";

export type Failure = { seed: number; promise: string; what: string };
export type Result = { counts: Record<string, number>; hashes: Record<number, string>; failures: Failure[] };

/** Runs these, one after another; `stop`: until the first that fails. */
export async function run(seeds: readonly number[], stop = false): Promise<Result> {
  const result: Result = { counts: {}, hashes: {}, failures: [] };
  for (const seed of seeds) {
    const { violations, history, hash } = await simulate(seed);
    result.hashes[seed] = hash;
    for (const [what, times] of history.counts) result.counts[what] = (result.counts[what] ?? 0) + times;
    const [first] = violations;
    if (first) result.failures.push({ seed, promise: first.promise, what: first.what });
    if (first && stop) break;
  }
  return result;
}

async function show(first: number, count: number) {
  const begun = process.cpuUsage();
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const { failures, counts } = await run(seeds);
  const { user, system } = process.cpuUsage(begun);
  for (const { seed } of failures.slice(0, 5))
    console.log(await report(await simulate(seed), count === 1 ? 1_000 : 40));
  for (const { seed, promise, what } of failures.slice(5)) console.log(`seed ${seed}: ${promise} ${what}`);
  console.log(
    `${count} seeds, ${failures.length} failed, ${((user + system) / 1_000 / count).toFixed(0)} ms each`,
  );
  console.log(counts);
}

if (import.meta.main) {
  const [first = "1", count = "1"] = process.argv.slice(2);
  if (first === "--json") {
    const { seeds, stop } = (await Bun.stdin.json()) as { seeds: number[]; stop?: boolean };
    process.stdout.write(JSON.stringify(await run(seeds, stop)));
  } else await show(Number(first), Number(count));
}
