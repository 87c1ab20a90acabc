// How much of a terminal's speed is left with the wrapper in it, and what a flood does to the memory of both.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Outer } from "./outer.ts";
import { costOf } from "./process.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig } from "./rig.ts";
import { median, shuffled } from "./samples.ts";
import { hasTmux, tmux } from "./tmux.ts";
import { watching } from "./watching.ts";

const LEAST_RATIO = 0.8;
/** After the flood, when what could be given back has been. */
const LATER_MS = 10_000;
/** Even tmux on a busy machine reads 2 MB a second. */
const PATIENCE_MS = 100_000;
const MB = 1_000_000;

type Side = { name: string; outer: Outer; wrapper: boolean; rates: number[]; rss: number[] };

/** Coloured lines, as a build or a test run writes them. */
function flood(path: string, megabytes: number) {
  const line = (i: number) =>
    `\x1b[32m✓\x1b[0m test ${i} \x1b[2mreads the lines of a file as they are\x1b[0m ${(i * 7919) % 1000} ms\r\n`;
  const lines = Array.from({ length: 20_000 }, (_, i) => line(i)).join("");
  const block = Buffer.from(lines).subarray(0, MB);
  writeFileSync(path, "");
  for (let i = 0; i < megabytes; i++) appendFileSync(path, block);
}

async function once({ outer, rates, wrapper, rss }: Side, megabytes: number) {
  const done = outer.seen("ALL-READ", { timeout: PATIENCE_MS });
  const at = performance.now();
  outer.write("\n");
  rates.push((megabytes / ((await done) - at)) * 1000);
  if (wrapper) rss.push(costOf(outer.pid).rss);
}

export async function throughput({ quick }: BenchOptions): Promise<Report> {
  const megabytes = quick ? 20 : 200;
  await using rig = await Rig.open();
  await using open = new AsyncDisposableStack();
  const file = join(rig.folder, "flood.txt");
  flood(file, megabytes);
  const loop = `stty raw -echo\nprintf READY\nwhile read -r _; do cat '${file}'; printf ALL-READ; done`;
  const program = rig.script("flood", loop);
  const env = rig.env(program);
  const sides: Side[] = [];
  const add = async (name: string, command: string[]) => {
    const outer = open.use(new Outer(command, { env }));
    await outer.seen("READY");
    sides.push({ name, outer, wrapper: name.startsWith("wrapped"), rates: [], rss: [costOf(outer.pid).rss] });
  };
  const viewer = await rig.pair();
  await add("bare", [program]);
  await add("wrapped", [BINARY]);
  const unwatched = await rig.session(viewer);
  await add("wrapped, watched", [BINARY]);
  open.use(await watching(rig, viewer, await rig.session(viewer, [unwatched])));
  // No relay can be faster than one that does nothing but copy: what is lost to it, a second terminal costs.
  if (Bun.which("script")) await add("script, a bare relay", ["script", "-q", "-c", program, "/dev/null"]);
  if (hasTmux) {
    const { command, end } = await tmux(rig, program);
    open.defer(end);
    await add("tmux", command);
  }
  const server = [costOf(rig.serverPid).rss];
  for (let round = 0; round < (quick ? 2 : 3); round++) {
    for (const side of shuffled(sides)) await once(side, megabytes);
    server.push(costOf(rig.serverPid).rss);
  }
  await Bun.sleep(LATER_MS);
  for (const { wrapper, outer, rss } of sides) if (wrapper) rss.push(costOf(outer.pid).rss);
  server.push(costOf(rig.serverPid).rss);
  return reportOf(sides, server, megabytes);
}

function reportOf(sides: readonly Side[], server: number[], megabytes: number): Report {
  const bare = median(sides[0]?.rates ?? []);
  const ratio = (name: string) => median(sides.find((side) => side.name === name)?.rates ?? []) / bare;
  const wrappers = sides.filter(({ wrapper }) => wrapper);
  const memory = (name: string, rss: readonly number[]) => {
    const floods = rss.slice(1, -1);
    return [name, rss[0] ?? 0, floods[0] ?? 0, floods.at(-1) ?? 0, rss.at(-1) ?? 0];
  };
  return {
    name: "throughput",
    tables: [
      {
        title: `\`cat\` of ${megabytes} MB, ${sides[0]?.rates.length} rounds`,
        columns: ["MB/s", "p50", "worst", "best", "ratio to bare"],
        rows: sides.map(({ name, rates }) => [
          name,
          median(rates),
          Math.min(...rates),
          Math.max(...rates),
          median(rates) / bare,
        ]),
      },
      {
        title: "Memory (RSS)",
        columns: ["MB", "before", "after the first", "after the last", "10 s later"],
        rows: [...wrappers.map(({ name, rss }) => memory(name, rss)), memory("server", server)],
      },
    ],
    aims: ["wrapped", "wrapped, watched"].map((name) => ({
      what: `${name}, ratio to bare`,
      seen: ratio(name),
      limit: LEAST_RATIO,
      unit: "×",
      least: true,
    })),
  };
}

if (import.meta.main) await main(throughput);
