// From one screen to another in the bytes that a terminal understands. Nothing that a screen holds can be a command to it.
import { blank, diff, type Modes, type Row, type Run, type Screen, type Style } from "../screen.ts";

/** Nothing is shown, and no mode is on. */
const NOTHING: Screen = blank(0, 0);
/** The terminal keeps its title, for the end. */
export const KEEP_TITLE = "\x1b[22;2t";
const OLD_TITLE = "\x1b[23;2t";
/** Between these a terminal that knows them shows nothing half done. */
const BEGIN = "\x1b[?2026h\x1b[?25l";
const END = "\x1b[?2026l";
/** Plain text, the usual characters, no line that goes on below. */
const PLAIN = "\x1b[0m\x1b(B\x0f\x1b[?7l";
const CLEAR = "\x1b[0m\x1b[H\x1b[J";
const MOUSE = { x10: "9", vt200: "1000", drag: "1002", any: "1003" } as const;
const ENCODING = { sgr: "1006", sgr_pixels: "1016" } as const;
/** What a cell may hold, and no terminal takes for a command. */
const PRINTABLE = /^[ -~]*$/;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * The bytes that make a terminal which shows `before` show `after`, both of its size; "" if it does already. `before` null:
 * it shows something else. Rows that leave the top of the main screen go where its terminal keeps them.
 */
export function painted(before: Screen | null, after: Screen): string {
  const from = before ?? NOTHING;
  const another = before === null || from.modes.alternate !== after.modes.alternate;
  const anew = another || from.cols !== after.cols || from.rows !== after.rows;
  const shown = anew ? { ...blank(after.cols, after.rows), modes: after.modes, title: from.title } : from;
  const frame = diff(shown, after);
  const modes = switches(from.modes, after.modes);
  if (!frame && !anew && !modes) return "";
  const lines = (frame?.lines ?? []).map(({ y, row }) => at(0, y) + rowBytes(row, after.cols));
  return [
    ...[BEGIN, modes, anew ? PLAIN + CLEAR : ""],
    frame?.scroll ? `\x1b[0m${at(0, after.rows - 1)}${"\n".repeat(frame.scroll)}` : "",
    ...lines,
    frame?.title === undefined ? "" : `\x1b]2;${clean(frame.title)}\x07`,
    at(after.cursor.x, after.cursor.y),
    ...[END, after.cursor.visible ? "\x1b[?25h" : ""],
  ].join("");
}

/** Switches off what `painted` switched on, and leaves the cursor below what is shown. */
export function unpainted(shown: Screen): string {
  const last = shown.modes.alternate ? -1 : shown.lines.findLastIndex((row) => row.length > 0);
  const below = shown.modes.alternate ? "" : `${at(0, Math.max(last, 0))}\r\n\x1b[J`;
  return `\x1b[0m${below}${switches(shown.modes, NOTHING.modes)}\x1b[?7h\x1b[?25h${OLD_TITLE}`;
}

const at = (x: number, y: number) => `\x1b[${y + 1};${x + 1}H`;
const clean = (text: string) => text.replace(UNPRINTABLE, " ");

/** The other screen first, since some terminals keep modes for each. */
function switches(from: Modes, to: Modes): string {
  const on = (mode: string, wanted: boolean) => `\x1b[?${mode}${wanted ? "h" : "l"}`;
  let out = from.alternate === to.alternate ? "" : on("1049", to.alternate);
  if (from.bracketed_paste !== to.bracketed_paste) out += on("2004", to.bracketed_paste);
  if (from.application_cursor !== to.application_cursor) out += on("1", to.application_cursor);
  if (from.application_keypad !== to.application_keypad) out += to.application_keypad ? "\x1b=" : "\x1b>";
  if (from.focus !== to.focus) out += on("1004", to.focus);
  if (from.mouse_encoding !== to.mouse_encoding) {
    if (from.mouse_encoding) out += on(ENCODING[from.mouse_encoding], false);
    if (to.mouse_encoding) out += on(ENCODING[to.mouse_encoding], true);
  }
  if (from.mouse !== to.mouse) {
    if (from.mouse !== "none") out += on(MOUSE[from.mouse], false);
    if (to.mouse !== "none") out += on(MOUSE[to.mouse], true);
  }
  return out;
}

/** The whole line, from its first cell on, no further than `cols`. */
function rowBytes(row: Row, cols: number): string {
  let out = "";
  let x = 0;
  for (const run of row) {
    if (x >= cols) break;
    const { bytes, width } = runBytes(run, x, cols);
    out += sgr(run.style) + bytes;
    x += width;
  }
  return x < cols ? `${out}\x1b[0m\x1b[K` : out;
}

/** Where a terminal may think otherwise of a character's width, it is told where the next one stands. */
function runBytes({ text, wide }: Run, x: number, cols: number): { bytes: string; width: number } {
  if (!wide && PRINTABLE.test(text)) {
    const shown = text.slice(0, cols - x);
    return { bytes: shown, width: shown.length };
  }
  if (wide) {
    if (x + 2 > cols) return { bytes: " ", width: 1 };
    return { bytes: `  ${at1(x)}${clean(text)}${x + 2 < cols ? at1(x + 2) : ""}`, width: 2 };
  }
  const cells = [...graphemes.segment(clean(text))].slice(0, cols - x).map(({ segment }) => segment);
  const next = x + cells.length;
  return { bytes: cells.join("") + (next < cols ? at1(next) : ""), width: cells.length };
}

const at1 = (x: number) => `\x1b[${x + 1}G`;

function sgr(style: Style | undefined): string {
  if (!style) return "\x1b[0m";
  const codes = ["0"];
  if (style.bold) codes.push("1");
  if (style.dim) codes.push("2");
  if (style.italic) codes.push("3");
  if (style.underline) codes.push("4");
  if (style.inverse) codes.push("7");
  if (style.hidden) codes.push("8");
  if (style.strike) codes.push("9");
  codes.push(...color(style.fg, 30), ...color(style.bg, 40));
  return `\x1b[${codes.join(";")}m`;
}

/** The first sixteen as what they are, so that they follow the terminal's own palette. */
function color(value: Style["fg"], base: 30 | 40): string[] {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || value < 0 || value > 255) return [];
    if (value < 8) return [String(base + value)];
    return value < 16 ? [String(base + 60 + value - 8)] : [`${base + 8};5;${value}`];
  }
  const [, r = "", g = "", b = ""] = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(value ?? "") ?? [];
  return r === "" ? [] : [`${base + 8};2;${[r, g, b].map((part) => Number.parseInt(part, 16)).join(";")}`];
}
