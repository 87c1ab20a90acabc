// A process told apart from a later one that got its number.
import { readFileSync } from "node:fs";

/**
 * When a process began, in the system's own words, so that a reused pid is not taken for the old process. `ended` of one
 * that has, and whose parent has not asked how: in a container that may be for ever.
 */
export function bornAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, state = "", ...fields] = stat.slice(stat.lastIndexOf(")")).split(" ");
    return "ZX".includes(state) ? "ended" : (fields[18] ?? "");
  } catch {
    return "";
  }
}

/** Whether the process that began then still runs. */
export function alive(pid: number, born: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return bornAt(pid) === born;
}
