// Which process comes from which, as Linux tells it: whether somebody at our socket is of claude's own.
import { readFileSync } from "node:fs";

/** Deeper than any real tree of processes; a loop cannot be, but a reused number might look like one. */
const MAX_DEPTH = 64;

/**
 * Whether a process is `ancestor`, or was started by it, by however many in between. One whose parent has ended still
 * belongs to the session that `ancestor` leads: nobody can join that from outside. False for one that is gone.
 */
export function descends(pid: number, ancestor: number): boolean {
  let at = pid;
  for (let depth = 0; at > 1 && depth < MAX_DEPTH; depth++) {
    if (at === ancestor) return true;
    const found = statusOf(at);
    if (!found) return false;
    if (found.session === ancestor) return true;
    at = found.parent;
  }
  return false;
}

/** Of /proc/<pid>/stat; the name in it may hold anything, so what counts stands behind the last parenthesis. */
function statusOf(pid: number): { parent: number; session: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, parent, , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), session: Number(session) };
  } catch {
    return null;
  }
}
