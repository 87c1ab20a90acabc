// One line of xterm's buffer to a Row, by its public cell API.
import type { IBufferCell, IBufferLine } from "@xterm/headless";
import { type Color, type Row, type Run, type Style, sameStyle } from "../screen.ts";

/** First characters that a renderer would join to what stands before: marks, modifiers, joiners, flags, jamo. */
const JOINS =
  /^[\p{M}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Cf}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]/u;

/**
 * The row as it looks: blanks have no colour of letters, and those at the end that show nothing are left out. `combined`:
 * some cell holds more than one code point. Lines may be longer than the screen is wide. `cell` is scratch space.
 */
export function readRow(line: IBufferLine, cols: number, cell: IBufferCell): { row: Row; combined: boolean } {
  const runs: Run[] = [];
  let combined = false;
  let open = false; // The last run may be added to.
  for (let x = 0; x < cols; x++) {
    line.getCell(x, cell);
    const text = cell.getChars() || " ";
    const wide = cell.getWidth() === 2 && x + 1 < cols;
    const alone = wide || !oneCell(text);
    if (text.length > 1) combined = true;
    const style = styleOf(cell, text === " ");
    const last = runs.at(-1);
    if (last && open && !alone && fits(text, style, last.style)) last.text += text;
    else runs.push(newRun(text, style, wide));
    open = !alone;
    if (wide) x++; // Its second half.
  }
  trimEnd(runs);
  return { row: runs, combined };
}

/** Such text is one cell and stays so beside any other; what is not gets a run of its own. */
function oneCell(text: string): boolean {
  return text.length === 1 && (text < "\u0300" || !JOINS.test(text));
}

function fits(text: string, style: Style | undefined, last: Style | undefined): boolean {
  return sameStyle(style, last) || (text === " " && style === undefined && !showsOnBlank(last));
}

function newRun(text: string, style: Style | undefined, wide: boolean): Run {
  const run: Run = style ? { text, style } : { text };
  if (wide) run.wide = true;
  return run;
}

function trimEnd(runs: Run[]) {
  for (let last = runs.at(-1); last && !showsOnBlank(last.style); last = runs.at(-1)) {
    const text = last.text.replace(/ +$/, "");
    if (text === last.text) return;
    if (text) last.text = text;
    else runs.pop();
  }
}

function showsOnBlank(style: Style | undefined): boolean {
  return Boolean(style && (style.bg !== undefined || style.underline || style.inverse || style.strike));
}

function styleOf(cell: IBufferCell, isBlank: boolean): Style | undefined {
  if (cell.isAttributeDefault()) return undefined;
  const style: Style = {};
  if (!cell.isFgDefault()) style.fg = color(cell.isFgRGB(), cell.getFgColor());
  if (!cell.isBgDefault()) style.bg = color(cell.isBgRGB(), cell.getBgColor());
  if (cell.isBold()) style.bold = true;
  if (cell.isDim()) style.dim = true;
  if (cell.isItalic()) style.italic = true;
  if (cell.isUnderline()) style.underline = true;
  if (cell.isInverse()) style.inverse = true;
  if (cell.isStrikethrough()) style.strike = true;
  if (cell.isInvisible()) style.hidden = true;
  if (isBlank && !showsOnBlank(style)) return undefined;
  return Object.keys(style).length > 0 ? style : undefined;
}

function color(isRgb: boolean, value: number): Color {
  return isRgb ? `#${value.toString(16).padStart(6, "0")}` : value;
}
