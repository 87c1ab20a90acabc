// The log lines of the watched session that the page holds, by their numbers.
import type { LogLine } from "../src/protocol.ts";

/** Log lines kept of the watched session: what arrives pushes out the oldest; whoever reads back keeps what they read. */
const MAX_LINES = 5_000;
export const MAX_LINES_BACK = 20_000;

/** Of one session at a time. */
export function logLines() {
  const byNumber = new Map<number, LogLine>();
  let sorted: readonly LogLine[] | null = null;
  let most = MAX_LINES;

  function put(more: readonly LogLine[]) {
    const first = lines()[0]?.line_no ?? -1;
    for (const line of more) byNumber.set(line.line_no, line);
    sorted = null;
    const back = more.some(({ line_no }) => line_no < first);
    if (back) most = Math.min(MAX_LINES_BACK, Math.max(most, byNumber.size));
    for (const { line_no } of lines().slice(0, Math.max(0, byNumber.size - most))) byNumber.delete(line_no);
    sorted = null;
  }

  function lines(): readonly LogLine[] {
    sorted ??= [...byNumber.values()].sort((a, b) => a.line_no - b.line_no);
    return sorted;
  }

  return {
    put,
    /** Oldest first; the same array until it changes. */
    lines,
    clear() {
      byNumber.clear();
      sorted = null;
      most = MAX_LINES;
    },
  };
}
