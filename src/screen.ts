// What is visible on a terminal, the difference that makes one screen another, and the mirror that keeps a distant one
// true. Both hops use it: wrapper to server and server to each viewer.

/** A palette index (0–255) or "#rrggbb"; absent means the terminal's default colour. */
export type Color = number | string;

export type Style = {
  fg?: Color;
  bg?: Color;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strike?: true;
  hidden?: true;
};

/** Text of one style. A `wide` run is a single grapheme that fills two cells; any other run has one cell a grapheme. */
export type Run = { text: string; style?: Style; wide?: true };

/** One line of the screen, left to right; unstyled blanks at its end are left out. Never changed once made. */
export type Row = readonly Run[];

export type Cursor = { x: number; y: number; visible: boolean };

/** What decides how keys are encoded and how a viewer scrolls. */
export type Modes = {
  /** The alternate screen is shown: there is nothing to scroll back to. */
  alternate: boolean;
  bracketed_paste: boolean;
  application_cursor: boolean;
  application_keypad: boolean;
  /** Which mouse events the program wants. */
  mouse: "none" | "x10" | "vt200" | "drag" | "any";
  /** How these are written, where not in the oldest way. */
  mouse_encoding?: "sgr" | "sgr_pixels";
  focus: boolean;
};

/** A whole screen: `lines.length === rows`. Never changed once made. */
export type Screen = {
  readonly cols: number;
  readonly rows: number;
  readonly lines: readonly Row[];
  readonly cursor: Cursor;
  readonly modes: Modes;
  readonly title: string;
};

/**
 * The difference between two screens, applied in this order: `size` begins from an empty screen of that size; `scroll`
 * moves every line up by that many (blank lines enter below); `lines` replaces lines by their index. What is absent is
 * as it was.
 */
export type Frame = {
  size?: { cols: number; rows: number };
  scroll?: number;
  lines?: { y: number; row: Row }[];
  cursor?: Cursor;
  modes?: Modes;
  title?: string;
};

const EMPTY_ROW: Row = [];
const PLAIN_MODES: Modes = {
  alternate: false,
  bracketed_paste: false,
  application_cursor: false,
  application_keypad: false,
  mouse: "none",
  focus: false,
};

/** An empty screen of that size: cursor shown at the top left, no modes, no title. */
export function blank(cols: number, rows: number): Screen {
  const cursor = { x: 0, y: 0, visible: true };
  return { cols, rows, lines: Array(rows).fill(EMPTY_ROW), cursor, modes: PLAIN_MODES, title: "" };
}

/** What makes `a` into `b`, or null when they are equal: `apply(a, diff(a, b))` equals `b`. */
export function diff(a: Screen, b: Screen): Frame | null {
  const frame: Frame = {};
  const resized = a.cols !== b.cols || a.rows !== b.rows;
  if (resized) frame.size = { cols: b.cols, rows: b.rows };
  const from = resized ? blank(b.cols, b.rows) : a;
  if (from.lines !== b.lines) diffLines(from.lines, b.lines, frame);
  if (!same(from.cursor, b.cursor)) frame.cursor = b.cursor;
  if (!same(from.modes, b.modes)) frame.modes = b.modes;
  if (from.title !== b.title) frame.title = b.title;
  return Object.keys(frame).length > 0 ? frame : null;
}

/** The screen after the frame. Rows that the frame does not name are the same objects; lines out of range are ignored. */
export function apply(screen: Screen, frame: Frame): Screen {
  const from = frame.size ? blank(frame.size.cols, frame.size.rows) : screen;
  return {
    cols: from.cols,
    rows: from.rows,
    lines: applyLines(from.lines, frame),
    cursor: frame.cursor ?? from.cursor,
    modes: frame.modes ?? from.modes,
    title: frame.title ?? from.title,
  };
}

/**
 * Keeps a distant screen equal to the one last shown, by differences: what the other end could not take is never
 * queued, only what is true when it can. `send` returns false when the other end's buffer is full; call `drain` when it
 * has room again. `reset`: the other end is new and knows nothing, so the next frame is a whole one.
 */
export function mirror(send: (frame: Frame) => boolean) {
  const nothing = blank(0, 0);
  let sent = nothing;
  let latest = nothing;
  const flush = () => {
    const [before, now] = [sent, latest];
    const frame = diff(before, now);
    if (!frame) return;
    // Counted as sent before it is: whoever takes it may at once ask for more.
    sent = now;
    if (!send(frame)) sent = before;
  };
  return {
    show(screen: Screen) {
      latest = screen;
      flush();
    },
    drain: flush,
    reset() {
      sent = nothing;
    },
  };
}

function applyLines(lines: readonly Row[], frame: Frame): readonly Row[] {
  if (!frame.scroll && !frame.lines) return lines;
  const next = lines.slice(frame.scroll ?? 0);
  while (next.length < lines.length) next.push(EMPTY_ROW);
  for (const { y, row } of frame.lines ?? []) if (next[y]) next[y] = row;
  return next;
}

function diffLines(a: readonly Row[], b: readonly Row[], frame: Frame) {
  let changed = changedLines(a, b, 0);
  if (changed.length >= SCROLL_FROM) {
    const scroll = likelyScroll(a, b);
    const rest = scroll > 0 ? changedLines(a, b, scroll) : changed;
    if (rest.length < changed.length) {
      frame.scroll = scroll;
      changed = rest;
    }
  }
  if (changed.length > 0) frame.lines = changed;
}

const SCROLL_FROM = 3; // Fewer changed lines than this cost less than looking for a scroll.

/** The lines that `b` has otherwise than `a` moved up by `scroll`. */
function changedLines(a: readonly Row[], b: readonly Row[], scroll: number): { y: number; row: Row }[] {
  const changed: { y: number; row: Row }[] = [];
  b.forEach((row, y) => {
    if (!sameRow(a[y + scroll] ?? EMPTY_ROW, row)) changed.push({ y, row });
  });
  return changed;
}

/** By how many lines most of the texts of `b` stood lower in `a`; 0 when most did not. */
function likelyScroll(a: readonly Row[], b: readonly Row[]): number {
  const lineOf = new Map(a.map((row, y) => [rowText(row), y]));
  const votes = new Map<number, number>();
  b.forEach((row, y) => {
    const before = row.length > 0 ? lineOf.get(rowText(row)) : undefined;
    if (before !== undefined) votes.set(before - y, (votes.get(before - y) ?? 0) + 1);
  });
  let best = 0;
  for (const [scroll, count] of votes) if (scroll > 0 && count > (votes.get(best) ?? 0)) best = scroll;
  return best;
}

/** A row's characters without their styles. */
export function rowText(row: Row): string {
  let text = "";
  for (const run of row) text += run.text;
  return text;
}

/** Rows are compared as objects first: what has not changed is almost always the same object. */
export function sameRow(a: Row, b: Row): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((run, i) => sameRun(run, b[i]));
}

function sameRun(a: Run, b: Run | undefined): boolean {
  return b !== undefined && a.text === b.text && a.wide === b.wide && sameStyle(a.style, b.style);
}

/** Whether both look alike; absent is the terminal's default. */
export function sameStyle(a: Style | undefined, b: Style | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && same(a, b));
}

function same<T extends object>(a: T, b: T): boolean {
  if (a === b) return true;
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
