// The rows of the screen on which a dialog can stand: below the last rule of claude's own, down to the last text.
import { type Color, type Row, rowText, type Screen } from "../../screen.ts";

export type Line = { y: number; text: string; row: Row };

export type Block = {
  cols: number;
  rule: Line;
  /** Everything below the rule, blank rows too, down to the last text on the screen. */
  lines: Line[];
  /** Where the pointer stands; null where the dialog has none. */
  pointer: { x: number; y: number } | null;
  /** claude's own (hidden) cursor stands in a text and not on a pointer. */
  inText: boolean;
  /** The colour of hints and descriptions; undefined where there are no colours. */
  secondary: Color | undefined;
};

const RULE = /^( {0,2})(─+)$/;
const DASHES = /^( {0,2})(╌+)$/;
const POINTER = /^( {0,4})❯ /;
/** A rule inside of a dialog, by the row that follows it. */
const INNER = /^\s*(❯ )?(\d+\. ?)?Chat about this$|^\s*Claude has written up a plan/;

const lineAt = (screen: Screen, y: number): Line => {
  const row = screen.lines[y] ?? [];
  return { y, text: rowText(row).trimEnd(), row };
};

export const isBlank = ({ text }: Line) => text.trim() === "";

/** A line across the whole dialog: claude draws them itself, what it shows of others is indented or styled. */
function isAcross(pattern: RegExp, { text, row }: Line, cols: number): boolean {
  const found = pattern.exec(text);
  if (!found || row.some(({ style }) => style?.bold || style?.bg !== undefined)) return false;
  const margin = found[1]?.length ?? 0;
  return margin * 2 + (found[2]?.length ?? 0) === cols;
}

/** Whether it is a rule between a dialog and what is above it, or one inside of it. */
export const isRule = (line: Line, cols: number) => isAcross(RULE, line, cols);
/** Whether it is the dashed line above or below what a tool would do. */
export const isDashes = (line: Line, cols: number) => isAcross(DASHES, line, cols);

/** The style of the first character that shows. */
export const firstStyle = ({ row }: Line) => row.find(({ text }) => text.trim() !== "")?.style;

/**
 * The block in which a dialog would stand, or null. claude keeps its hidden cursor on the pointer of the dialog that takes
 * the keys, or in its text field, or at the end; a picture of a dialog has it nowhere near.
 */
export function blockOf(screen: Screen): Block | null {
  const { cols, cursor } = screen;
  if (cursor.visible) return null;
  const all = screen.lines.map((_, y) => lineAt(screen, y));
  const last = all.findLastIndex((line) => !isBlank(line));
  const parked = cursor.x === 0 && cursor.y >= last;
  const from = parked ? last : cursor.y;
  const rules = all.slice(0, from + 1).filter((line) => isRule(line, cols));
  const nearest = rules.at(-1);
  const next = nearest && all[nearest.y + 1];
  const rule = next && INNER.test(next.text) ? rules.at(-2) : nearest;
  if (!rule) return null;
  const lines = all.slice(rule.y + 1, last + 1);
  const pointed = parked ? lines.findLast(({ text }) => POINTER.test(text)) : pointedBy(lines, cursor);
  const x = pointed ? POINTER.exec(pointed.text)?.[1]?.length : undefined;
  if (!parked && (x === undefined || cursor.x < x)) return null;
  const secondary = lines.findLast((line) => !isBlank(line));
  return {
    cols,
    rule,
    lines,
    pointer: x === undefined || !pointed ? null : { x, y: pointed.y },
    inText: !parked && cursor.x !== x,
    secondary: secondary && firstStyle(secondary)?.fg,
  };
}

/** The row with the pointer: the cursor's, or the one above it that goes on in the cursor's row, if it stands in that text. */
function pointedBy(lines: Line[], cursor: { x: number; y: number }): Line | undefined {
  const at = lines.findIndex(({ y }) => y === cursor.y);
  const above = lines.slice(0, at + 1).findLast(({ text }) => POINTER.test(text));
  const begins = (above && POINTER.exec(above.text)?.[0].length) ?? 0;
  if (!above || above.y === cursor.y) return above;
  const between = lines.slice(lines.indexOf(above) + 1, at + 1);
  const goesOn = ({ text }: Line) => text.trim() !== "" && text.slice(0, begins + 1).trim() === "";
  return cursor.x > begins && between.every(goesOn) ? above : undefined;
}

/** A description or a hint, by its colour; never where there are no colours. */
export const isSecondary = (line: Line, { secondary }: Block) =>
  secondary !== undefined && firstStyle(line)?.fg === secondary;
