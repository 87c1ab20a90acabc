// `just mutations [part of a name…]`: takes away one guard after another and tells what notices. Ends with 1 if something
// that could be noticed is not, or cannot be, though the list says so.
import { availableParallelism } from "node:os";
import type { Result } from "../simulation/run.ts";
import { Copy } from "./copy.ts";
import { MUTATIONS, type Mutation } from "./list.ts";

/** Seeds for what the unit tests do not notice, and for what they do: of those it is only told whether it would. */
const SEEDS = 300;
const SEEDS_MORE = 60;

type Verdict = { mutation: Mutation; unit: string | null; seeds: number | null; promise: string | null };

/** The name of the first unit test that fails, or null. */
async function unitTests(copy: Copy, { tests }: Mutation): Promise<string | null> {
  const { code, out } = await copy.run([
    "test",
    "--timeout=30000",
    "--bail=1",
    ...tests.map((path) => `./${path}`),
  ]);
  if (code === 0) return null;
  const named = /^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/m.exec(out)?.[1];
  return named ?? (code === null ? "(never ends)" : `(${/^error: .*$/m.exec(out)?.[0] ?? "does not run"})`);
}

/** The promise that the simulation finds broken first, and after how many seeds. */
async function simulation(copy: Copy, count: number): Promise<Pick<Verdict, "seeds" | "promise">> {
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const words = ["src/testing/simulation/run.ts", "--json"];
  const { code, out } = await copy.run(words, JSON.stringify({ seeds, stop: true }));
  if (code !== 0) return { seeds: 1, promise: code === null ? "never ends" : "does not run" };
  const { failures, hashes } = JSON.parse(out.slice(out.indexOf('{"counts"'))) as Result;
  const [first] = failures;
  return first
    ? { seeds: Object.keys(hashes).length, promise: first.promise }
    : { seeds: null, promise: null };
}

async function judge(copy: Copy, mutation: Mutation): Promise<Verdict> {
  using _ = copy.changed(mutation.file, mutation.text, mutation.instead);
  const unit = await unitTests(copy, mutation);
  const none = { seeds: null, promise: null };
  return {
    mutation,
    unit,
    ...(mutation.simulated ? await simulation(copy, unit ? SEEDS_MORE : SEEDS) : none),
  };
}

function row({ mutation, unit, seeds, promise }: Verdict): string {
  const simulated = mutation.simulated ? (promise ? `${promise} after ${seeds}` : "-") : "outside";
  const survived = mutation.equivalent ? "equivalent" : "SURVIVED";
  const caught = unit ?? (promise ? "-" : survived);
  return `${mutation.name.padEnd(50)}  ${simulated.padEnd(18)}  ${caught}`;
}

const survived = ({ unit, promise }: Verdict) => unit === null && promise === null;

function summary(verdicts: Verdict[]): string {
  const seeds = verdicts.flatMap((one) => (one.seeds === null ? [] : [one.seeds])).sort((a, b) => a - b);
  const count = (which: (one: Verdict) => boolean) => verdicts.filter(which).length;
  return [
    `${verdicts.length} mutations: ${count((one) => one.unit !== null)} caught by unit tests,`,
    `${count((one) => one.promise !== null)} of ${count((one) => one.mutation.simulated)} by the simulation`,
    `(after ${seeds[seeds.length >> 1] ?? 0} seeds at median, ${seeds.at(-1) ?? 0} at worst),`,
    `${count((one) => one.unit === null && one.promise !== null)} by the simulation alone;`,
    `${count((one) => survived(one) && one.mutation.equivalent !== undefined)} make no difference,`,
    `${count((one) => survived(one) && one.mutation.equivalent === undefined)} survived`,
  ].join(" ");
}

/** Each processor takes the next one that is left. */
async function runAll(mutations: readonly Mutation[]): Promise<Verdict[]> {
  const left = [...mutations];
  const verdicts: Verdict[] = [];
  const work = async () => {
    using copy = new Copy();
    for (let next = left.shift(); next; next = left.shift()) {
      const verdict = await judge(copy, next);
      verdicts.push(verdict);
      console.log(row(verdict));
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return verdicts;
}

const wanted = process.argv.slice(2);
const mutations = MUTATIONS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
const verdicts = await runAll(mutations);
const bad = verdicts.filter((one) => survived(one) !== (one.mutation.equivalent !== undefined));
console.log(`\n${summary(verdicts)}`);
for (const one of bad) {
  const { name, promise } = one.mutation;
  console.log(survived(one) ? `SURVIVED: ${name} (${promise})` : `not equivalent after all: ${name}`);
}
process.exitCode = bad.length === 0 && verdicts.length > 0 ? 0 : 1;
