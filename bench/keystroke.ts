// What the wrapper adds to a keystroke: a key into the terminal, until the program's echo comes out of it.
import { Outer } from "./outer.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig } from "./rig.ts";
import { median, p99, shuffled } from "./samples.ts";
import { hasTmux, tmux } from "./tmux.ts";
import { watching } from "./watching.ts";

/** Echoes what it reads, byte for byte. */
const ECHO = "stty raw -echo\nprintf READY\nexec cat";
/** In no sequence that a terminal program writes beside the text itself. */
const KEYS = Buffer.from("@#=+*&!~");
/** Nobody types faster than the one or slower than the other without a pause. */
const TYPING_MS = { least: 10, most: 50 };
const ROUND = 50;
const LIMIT_MS = 0.2;

type Side = { name: string; outer: Outer; fast: number[]; slow: number[] };

async function key(outer: Outer): Promise<number> {
  const code = KEYS[Math.floor(Math.random() * KEYS.length)] ?? 0;
  const { promise, resolve } = Promise.withResolvers<number>();
  outer.onBytes = (bytes) => {
    if (bytes.includes(code)) resolve(performance.now());
  };
  const at = performance.now();
  outer.write(Uint8Array.of(code));
  return (await promise) - at;
}

async function measure(sides: readonly Side[], keys: number) {
  for (let done = 0; done < keys; done += ROUND) {
    for (const { outer, fast } of shuffled(sides)) {
      for (let i = 0; i < ROUND; i++) fast.push(await key(outer));
    }
  }
  const { least, most } = TYPING_MS;
  for (let i = 0; i < keys; i++) {
    for (const { outer, slow } of shuffled(sides)) {
      await Bun.sleep((least + Math.random() * (most - least)) / sides.length);
      slow.push(await key(outer));
    }
  }
}

export async function keystroke({ quick }: BenchOptions): Promise<Report> {
  await using rig = await Rig.open();
  await using open = new AsyncDisposableStack();
  const program = rig.script("echo", ECHO);
  const env = rig.env(program);
  const sides: Side[] = [];
  const add = async (name: string, command: string[]) => {
    const outer = open.use(new Outer(command, { env }));
    await outer.seen("READY");
    sides.push({ name, outer, fast: [], slow: [] });
  };
  const viewer = await rig.pair();
  await add("bare", [program]);
  await add("wrapped", [BINARY]);
  const unwatched = await rig.session(viewer);
  await add("wrapped, watched", [BINARY]);
  open.use(await watching(rig, viewer, await rig.session(viewer, [unwatched])));
  if (hasTmux) {
    const { command, end } = await tmux(rig, program);
    open.defer(end);
    await add("tmux", command);
  }
  await measure(sides, quick ? 200 : 2_000);
  return reportOf(sides);
}

function reportOf(sides: readonly Side[]): Report {
  const [bare] = sides;
  const row = (way: "fast" | "slow") => (side: Side) => {
    const [mine, plain] = [side[way], bare?.[way] ?? []];
    const added = median(mine) - median(plain);
    return [side.name, median(mine), p99(mine), added, median(mine) / median(plain), p99(mine) / p99(plain)];
  };
  const columns = ["ms", "p50", "p99", "p50 added", "p50 ratio", "p99 ratio"];
  const count = bare?.fast.length;
  const added = (way: "fast" | "slow", name: string) =>
    median(sides.find((side) => side.name === name)?.[way] ?? []) - median(bare?.[way] ?? []);
  const aim = (what: string, seen: number) => ({ what, seen, limit: LIMIT_MS, unit: "ms" });
  return {
    name: "keystroke",
    tables: [
      { title: `One key after the other, ${count} each`, columns, rows: sides.map(row("fast")) },
      { title: `A key every 10 to 50 ms, ${count} each`, columns, rows: sides.map(row("slow")) },
    ],
    aims: [
      aim("p50 added, one after the other", added("fast", "wrapped")),
      aim("p50 added, 10 to 50 ms apart", added("slow", "wrapped")),
      aim("p50 added while watched, 10 to 50 ms apart", added("slow", "wrapped, watched")),
    ],
  };
}

if (import.meta.main) await main(keystroke);
