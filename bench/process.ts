// What a process costs, as Linux counts it.
import { readFileSync } from "node:fs";

export type Cost = {
  /** MB in memory, shared pages included. */
  rss: number;
  /** MB that are this process's alone and written to. */
  private: number;
  /** Milliseconds of CPU since its start. */
  cpuMs: number;
};

/** Linux counts CPU in hundredths of a second, whatever the kernel's own tick is. */
const TICK_MS = 10;
const KB_A_MB = 1_000_000 / 1_024;

export function costOf(pid: number): Cost {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const of = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(memory)?.[1] ?? 0) / KB_A_MB;
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rss: of("Rss"), private: of("Private_Dirty"), cpuMs: ticks * TICK_MS };
}

/** Per cent of one core that each process used over the next `ms`. */
export async function cpuOf<Name extends string>(
  pids: Record<Name, number>,
  ms: number,
): Promise<Record<Name, number>> {
  const names = Object.keys(pids) as Name[];
  const used = () => names.map((name) => costOf(pids[name]).cpuMs);
  const before = used();
  await Bun.sleep(ms);
  const after = used();
  const shares = names.map((name, i) => [name, (((after[i] ?? 0) - (before[i] ?? 0)) / ms) * 100]);
  return Object.fromEntries(shares);
}
