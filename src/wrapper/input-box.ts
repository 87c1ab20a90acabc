// claude's input box on the screen: is somebody typing into it? Seen on 2.1.197 and 2.1.329.
import type { Row, Screen } from "../screen.ts";

const textOf = (row: Row) => row.map((run) => run.text).join("");
/** A newer claude says in the rule what of a high box it hides: `─── ↑ 45 more ───`. */
const HIDES = /^─{3} [↑↓] \d+ more ─/;
const isRule = (row: Row | undefined) =>
  row !== undefined && (/^─{10,}/.test(textOf(row)) || HIDES.test(textOf(row)));

/**
 * Whether the box is empty, or null where no box is shown (a dialog, a menu, not started). A hint in the box ("Press up
 * to edit …") is dim, its first letter under the drawn cursor inverse; what a person typed is neither.
 */
export function inputBoxEmpty(screen: Screen): boolean | null {
  const box = boxRows(screen);
  if (!box) return isHigher(screen) ? false : null;
  const runs = box.flat();
  const typed = runs.some((run) => !run.style?.dim && !run.style?.inverse && /[^\s❯]/.test(run.text));
  if (typed) return false;
  const underCursor = runs.some((run) => run.style?.inverse && run.text.trim() !== "");
  return !underCursor || runs.some((run) => run.style?.dim && run.text.trim() !== "");
}

/** Letters enough to tell the end of a text from any other. */
const TAIL_LETTERS = 16;
const lettersOf = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, "");

/**
 * Whether the box shows the end of `text`, so that claude has read all of it; null where no box is shown. Only letters and
 * digits count: a box wraps lines, and draws other characters as it likes. A box that is higher than the screen shows its
 * end, and below its last rule no choice that could be a dialog's.
 */
export function inputBoxEndsWith(screen: Screen, text: string): boolean | null {
  const { lines } = screen;
  const box = boxRows(screen);
  const bottom = lines.findLastIndex(isRule);
  const dialog = lines.slice(bottom + 1).some((row) => /^\s*❯/.test(textOf(row)));
  if (!box && (bottom < 0 || dialog)) return null;
  const tail = lettersOf(text).slice(-TAIL_LETTERS);
  const drawn = (box ?? lines.slice(0, bottom)).flat().filter((run) => !run.style?.dim);
  const shown = (box !== null || tail !== "") && lettersOf(textOf(drawn)).endsWith(tail);
  return shown || (box ? false : null);
}

/** A row that begins with the prompt sign, or that of a shell command; below the box stands "  ! for shell mode". */
const isPrompt = (row: Row | undefined) => row !== undefined && /^(\s*[❯>]|!)/.test(textOf(row));

/** The rows between the two rules, the first of which begins with a sign. */
function boxRows(screen: Screen): Row[] | null {
  const { lines } = screen;
  const begins = (row: Row, y: number) =>
    (isRule(row) && isPrompt(lines[y + 1])) || /^─{3} ↑/.test(textOf(row));
  const top = lines.findLastIndex(begins);
  if (top < 0) return null;
  const bottom = lines.findIndex((row, y) => y > top + 1 && isRule(row));
  return bottom < 0 ? null : lines.slice(top + 1, bottom);
}

/**
 * Whether the screen, down to the rule above the last rows, is one text with claude's drawn cursor in it: the end of a
 * box whose beginning an older claude has let scroll away. Every row of a box but its first is indented, and a dialog has
 * a sign before the option that takes the keys.
 */
function isHigher({ lines, cursor }: Screen): boolean {
  const bottom = lines.findIndex(isRule);
  if (bottom < 0 || lines.slice(bottom + 1).some((row) => isRule(row) || /^\s*❯/.test(textOf(row))))
    return false;
  const rows = lines.slice(0, bottom).map(textOf);
  const drawn = lines
    .slice(0, bottom)
    .flat()
    .filter(({ style }) => style?.inverse);
  return (
    drawn.length === 1 &&
    cursor.y < bottom &&
    rows.every((row) => /^( {2}|\s*$)/.test(row) && !/^\s*❯/.test(row))
  );
}
