// Processes and files of a story, as the system shows them.
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** How often what announces itself by no event is looked at. */
const LOOK_MS = 25;
/** What takes a moment, on a machine that does other things too. */
const PATIENCE_MS = 30_000;

/** Waits for what nothing announces (a file, a process); rejects naming `what` after `timeout` ms. */
export async function until<T>(
  what: string,
  look: () => T | null | undefined | false,
  timeout = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`never came within ${timeout} ms: ${what}`);
    await Bun.sleep(LOOK_MS);
  }
}

/** A file's text, "" where there is none (any more). */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Every path below a folder, from there; none where there is no folder. */
export const filesBelow = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];

/** The processes that a process started, as long as it lives. */
export const childrenOf = (pid: number): number[] =>
  textOf(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);

/** Every process that was started with this HOME, whoever its parent is now. */
export function processesOf(home: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => `\0${textOf(`/proc/${pid}/environ`)}`.includes(`\0HOME=${home}\0`));
}

/** Its id and its words, for people. */
export const nameOf = (pid: number) =>
  `${pid} ${textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 100)}`;

/** Sends a signal to a process. False: it has ended already, be it that nobody has asked how. Signal 0 only asks. */
export function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  if (/\) [ZX] [^)]*$/.test(textOf(`/proc/${pid}/stat`))) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
