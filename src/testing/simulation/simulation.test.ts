// The life of prompts under everything that can go wrong, many times over; see docs/testing.md for what is promised.
import { expect, test } from "bun:test";
import { kinds } from "./faults.ts";
import { report } from "./report.ts";
import { RULES } from "./rules.ts";
import { keep, keptSeeds, runSeeds, table } from "./seeds.ts";
import { simulate } from "./simulate.ts";

const all = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
const FIXED = all ? 10_000 : 1_000;
const OF_TODAY = 200;
const DAY_MS = 86_400_000;
/** Each day has seeds that no day had before. */
const base = 1_000_000 + Math.floor(Date.now() / DAY_MS) * OF_TODAY;
/** Some 30 ms of one processor a seed, which a machine full of other work gives in half an hour; the number tells only a hang. */
const PATIENCE_MS = all ? 3_600_000 : 1_800_000;

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

test(
  `${FIXED} seeds, ${OF_TODAY} more from ${base} on, and those that ever failed, keep every promise`,
  async () => {
    const kept = keptSeeds().map(({ seed }) => seed);
    const seeds = [...new Set([...kept, ...from(1, FIXED), ...from(base, OF_TODAY)])];
    const { failures, counts } = await runSeeds(seeds);
    console.log(`the simulation, with ${OF_TODAY} seeds from ${base} on:\n${table(seeds.length, counts)}`);
    keep(failures);
    for (const { seed } of failures.slice(0, 3)) console.log(await report(await simulate(seed)));
    expect(failures).toEqual([]);
    const never = [...kinds().map((kind) => `fault: ${kind}`), ...RULES.map((rule) => `rule: ${rule}`)];
    expect(never.filter((what) => !counts[what])).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  "a seed is the same run every time, also in another process",
  async () => {
    const seeds = from(1, 10);
    const { hashes } = await runSeeds(seeds);
    for (const seed of seeds) {
      const [once, again] = [await simulate(seed), await simulate(seed)];
      expect([once.hash, again.hash]).toEqual([hashes[seed] ?? "", hashes[seed] ?? ""]);
    }
  },
  PATIENCE_MS,
);
