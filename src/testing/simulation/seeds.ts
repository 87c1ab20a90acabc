// Many seeds, on every processor there is; those that ever failed are kept and run first for ever.
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Failure, Result } from "./run.ts";

const KEPT = join(import.meta.dir, "seeds.json");
/** Processes at a time: each is one processor's work. */
const PROCESSES = Math.max(1, Math.min(4, availableParallelism()));

/** Seeds that failed once, each with what it broke then. */
export function keptSeeds(): Failure[] {
  return JSON.parse(readFileSync(KEPT, "utf8")) as Failure[];
}

/** Keeps the seeds of these failures. */
export function keep(failures: readonly Failure[]) {
  const known = keptSeeds();
  const news = failures.filter(({ seed }) => !known.some((one) => one.seed === seed));
  if (news.length > 0) writeFileSync(KEPT, `${JSON.stringify([...known, ...news], null, 2)}\n`);
}

/** Runs them in processes of their own. Rejects if one of these fails in another way than by a broken promise. */
export async function runSeeds(seeds: readonly number[]): Promise<Result> {
  const parts = Array.from({ length: PROCESSES }, (_, i) => seeds.filter((_, at) => at % PROCESSES === i));
  const results = await Promise.all(parts.map(runApart));
  const counts: Record<string, number> = {};
  for (const part of results)
    for (const [what, times] of Object.entries(part.counts)) counts[what] = (counts[what] ?? 0) + times;
  return {
    counts,
    hashes: Object.assign({}, ...results.map(({ hashes }) => hashes)),
    failures: results.flatMap(({ failures }) => failures).sort((a, b) => a.seed - b.seed),
  };
}

async function runApart(seeds: readonly number[]): Promise<Result> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), "--json"], {
    stdin: new Blob([JSON.stringify({ seeds })]),
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the simulation ended with ${child.exitCode}`);
  return JSON.parse(text) as Result;
}

/** What happened how often, as a table. */
export function table(seeds: number, counts: Record<string, number>): string {
  const rows = Object.entries({ seeds, ...counts }).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([what]) => what.length));
  return rows.map(([what, times]) => `  ${what.padEnd(width)}  ${String(times).padStart(7)}`).join("\n");
}

/** First what was run, then what people did, then what went wrong. */
function rank(what: string): number {
  const first = [
    "seeds",
    "prompts",
    "answers",
    "answers applied",
    "races of desk and phone",
    "races of two phones",
  ];
  const at = first.indexOf(what);
  return at < 0 ? (what.startsWith("fault: ") ? first.length + 1 : first.length) : at;
}
