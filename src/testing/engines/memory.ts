// What the processes keep for themselves that run a browser's pages, as the kernel counts it.
import { readdirSync, readFileSync } from "node:fs";

/** As engines call the processes that run pages; the kernel cuts names at 15 letters. */
const RUNS_PAGES = /^(Isolated Web Co|WebKitWebProces|MiniBrowser:Web)/;

/** Bytes of memory of their own of all page processes below that one. */
export function pageMemory(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc"))
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(fieldOf(Number(name), "PPid")));
  const below = (pid: number): boolean => pid === root || (pid > 1 && below(parents.get(pid) ?? 0));
  const pages = [...parents.keys()].filter((pid) => below(pid) && RUNS_PAGES.test(fieldOf(pid, "Name")));
  if (pages.length === 0) throw new Error(`no process of ${root} runs a page`);
  return pages.reduce((sum, pid) => sum + Number.parseInt(fieldOf(pid, "RssAnon"), 10) * 1_024, 0);
}

/** Empty where the process is gone. */
function fieldOf(pid: number, name: string): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  } catch {
    return "";
  }
}
