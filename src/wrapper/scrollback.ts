// The log of one run: numbers its lines, once and for ever, and keeps those the server has not acknowledged.
import type { LogLine } from "../protocol.ts";

/** Lines kept for a server that is away; what is older becomes one gap. */
const MOST_LINES = 5_000;
/** Bytes kept so, each line counted with LINE_COST beside its text. */
const MOST_BYTES = 2 * 1024 * 1024;
const LINE_COST = 64;
/** Lines dropped at a time, so that a flood does not move the whole array for each. */
const DROP = 500;
/** Characters of one line; the rest of a longer one is cut. */
const LINE_LIMIT = 16_384;

/** Without `age_ms`, since only whoever sends it knows when. */
type Kept = Omit<LogLine, "age_ms" | "at"> & { at: number };

/** `now` is a clock in ms. */
export function scrollback(now: () => number = () => performance.now()) {
  const kept: Kept[] = [];
  let bytes = 0;
  let epoch = 0;
  let next = 1;
  /** The lines dropped here, up to the oldest kept. */
  let lost: Kept | null = null;

  const keep = (line: Pick<Kept, "source" | "text" | "count">) => {
    kept.push({ line_no: next, epoch, ...line, at: now() });
    next += line.count ?? 1;
    bytes += cost(line);
    while (kept.length > MOST_LINES || bytes > MOST_BYTES) drop();
  };
  const free = (count: number) => {
    const freed = kept.splice(0, count);
    for (const line of freed) bytes -= cost(line);
    return freed;
  };
  const drop = () => {
    const dropped = free(DROP);
    const first = lost ?? dropped[0];
    const last = dropped.at(-1);
    if (!first || !last) return;
    lost = { ...last, source: "gap", text: "", line_no: first.line_no, count: end(last) - first.line_no + 1 };
  };

  return {
    add(source: "screen" | "transcript", text: string) {
      keep({
        source,
        text: text.length > LINE_LIMIT ? `${text.slice(0, LINE_LIMIT).toWellFormed()}…` : text,
      });
    },
    /** So many lines there were that nobody saw. */
    gap(count: number) {
      keep({ source: "gap", text: "", count });
    },
    /** The scrollback was erased: what follows is another page of the same log. */
    newEpoch() {
      epoch++;
    },
    /** What follows that line, oldest first. */
    after(lineNo: number, most = Number.POSITIVE_INFINITY): LogLine[] {
      const from = kept.findLastIndex((line) => end(line) <= lineNo) + 1;
      const lines = kept.slice(from, from + most);
      if (lost && from === 0 && end(lost) > lineNo) lines.unshift(lost);
      return lines.slice(0, most).map((line) => sent(line, lineNo, now()));
    },
    /** The server holds everything up to that line. */
    acked(lineNo: number) {
      free(kept.findLastIndex((line) => end(line) <= lineNo) + 1);
      if (lost && end(lost) <= lineNo) lost = null;
    },
  };
}

/** The line as the wire has it; of a gap, only what follows `lineNo`. */
function sent({ at, ...line }: Kept, lineNo: number, now: number): LogLine {
  const aged = { ...line, age_ms: Math.max(0, Math.round(now - at)) };
  if (line.count === undefined || line.line_no > lineNo) return aged;
  return { ...aged, line_no: lineNo + 1, count: end({ at, ...line }) - lineNo };
}

/** The last number that a line, or a gap, takes. */
function end(line: Kept): number {
  return line.line_no + (line.count ?? 1) - 1;
}

function cost(line: Pick<Kept, "text">): number {
  return Buffer.byteLength(line.text) + LINE_COST;
}
