// The list of options in a dialog: rows with claude's pointer before one of them, numbered or not.
import { type Block, firstStyle, isBlank, isSecondary, type Line } from "./block.ts";
import type { DialogName } from "./dialog.ts";
import { knownOf } from "./meaning.ts";

export type Item = {
  /** Its words, without what claude adds about keys and modes. */
  label: string;
  selected: boolean;
  /** claude's cursor is in its text: a field of its own, or what Tab makes of any option. */
  field?: { kind: "own" | "amend"; empty: boolean };
};
/** `from` and `to`: its first and its last row among the block's lines. */
export type List = { items: Item[]; from: number; to: number };

/** An option's row from the pointer's column on. */
const NUMBERED = /^[❯ ] (\d{1,2})\. ?(.*)$/;
const PLAIN = /^[❯ ] (\S.*)$/;
/** claude's own additions to a label: a key, a word in praise of a mode. */
const ADDED = / ?\((shift\+tab|esc)\)$| ·( auto\b.*)?$/;
/** An unnumbered label takes so many rows at most. */
const MAX_ROWS = 3;

const joined = (parts: string[]) => parts.join(" ").replaceAll(/\s+/g, " ").trim().replace(ADDED, "");

/** The options around the pointer, or null where they are not wholly on the screen or not understood. */
export function listOf(block: Block, name: DialogName): List | null {
  return numbered(block) ?? unnumbered(block, name);
}

function numbered(block: Block): List | null {
  const { lines, pointer } = block;
  if (!pointer) return null;
  const numberAt = (i: number) => Number(NUMBERED.exec(fromPointer(block, i))?.[1] ?? 0);
  const first = firstOf(block, numberAt);
  if (first === null) return null;
  const items: Item[] = [];
  let i = first;
  for (; i < lines.length; i++) {
    const line = lines[i];
    if (!line) break;
    const label = NUMBERED.exec(fromPointer(block, i))?.[2];
    const last = items.at(-1);
    if (label !== undefined) {
      if (numberAt(i) !== items.length + 1) return null;
      items.push(itemOf(block, line, label));
    } else if (!goesOn(block, line)) break;
    else if (last && !last.field && !isSecondary(line, block)) last.label = joined([last.label, line.text]);
  }
  return { items: items.map((item) => ({ ...item, label: joined([item.label]) })), from: first, to: i - 1 };
}

/** While it is typed into, what claude wrote of the label has the pointer's colour, and a field's own hint is dim. */
function itemOf({ pointer, inText }: Block, line: Line, label: string): Item {
  const selected = line.y === pointer?.y;
  if (!selected || !inText) return { label, selected };
  const accent = firstStyle(line)?.fg;
  const runs = line.row.slice(line.row.findIndex(({ text }) => /\d\. ?$/.test(text)) + 1);
  const own = runs.filter(({ style }) => style?.fg === accent && !style?.dim && !style?.inverse);
  const fixed = own
    .map(({ text }) => text)
    .join("")
    .trim();
  const empty = runs.some(({ style }) => style?.dim);
  // "Yes, …" waits for words; a label that goes on otherwise has a value that can be changed, and stands as it is.
  if (fixed.endsWith(",")) return { label: fixed.slice(0, -1), selected, field: { kind: "amend", empty } };
  if (fixed !== "") return { label, selected };
  return { label: empty ? label : "", selected, field: { kind: "own", empty } };
}

/** Where number one stands, from the pointer up with no number missing. */
function firstOf(block: Block, numberAt: (i: number) => number): number | null {
  let i = block.lines.findIndex(({ y }) => y === block.pointer?.y);
  let number = numberAt(i);
  if (number === 0) return null;
  while (number > 1) {
    i--;
    const line = block.lines[i];
    if (!line) return null;
    const found = numberAt(i);
    if (found === number - 1) number = found;
    else if (found !== 0 || !goesOn(block, line)) return null;
  }
  return i;
}

/** A line from the pointer's column on; empty where something stands before it. */
function fromPointer({ lines, pointer }: Block, i: number): string {
  const text = lines[i]?.text ?? "";
  const x = pointer?.x ?? 0;
  return text.slice(0, x).trim() === "" ? text.slice(x) : "";
}

/** A row that belongs to the option above it. */
const goesOn = ({ pointer }: Block, line: Line) =>
  !isBlank(line) && line.text.slice(0, (pointer?.x ?? 0) + 3).trim() === "";

/** Without numbers a long label cannot be told from two: only those that are known, word by word. */
function unnumbered(block: Block, name: DialogName): List | null {
  const { lines, pointer } = block;
  const here = lines.findIndex(({ y }) => y === pointer?.y);
  const part = (i: number) => PLAIN.exec(fromPointer(block, i))?.[1] ?? "";
  if (!pointer || !part(here)) return null;
  let from = here;
  while (part(from - 1)) from--;
  let to = here;
  while (part(to + 1)) to++;
  const items: Item[] = [];
  for (let i = from; i <= to; ) {
    const rows = knownRows(name, i, to, part);
    if (!rows) return null;
    items.push({ label: joined(rows), selected: lines[i]?.y === pointer.y });
    i += rows.length;
  }
  return items.some(({ selected }) => selected) ? { items, from, to } : null;
}

/** The rows from `i` on that make up a known label. */
function knownRows(name: DialogName, i: number, to: number, part: (i: number) => string): string[] | null {
  for (let length = 1; length <= MAX_ROWS && i + length - 1 <= to; length++) {
    const rows = Array.from({ length }, (_, k) => part(i + k));
    if (knownOf(name).some(([words]) => words.test(joined(rows)))) return rows;
  }
  return null;
}
