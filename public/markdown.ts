// Markdown as claude writes it, to blocks. Time grows with the text's length alone, whatever the text is; HTML is text.
import { inlines } from "./markdown-inlines.ts";
import type { Inline } from "./markdown-tree.ts";

export type MarkdownBlock =
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "code"; lang: string; text: string }
  | { kind: "quote"; blocks: MarkdownBlock[] }
  | { kind: "list"; start: number | null; items: ListItem[] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** `done`: null where the item is not a task. */
export type ListItem = { done: boolean | null; blocks: MarkdownBlock[] };

/** Quotes and lists inside one another; deeper ones are text. */
const MAX_DEPTH = 8;
/** Columns of a table; the cells past them are dropped. */
const MAX_COLUMNS = 30;
/** Characters that are read as markdown: no message has more. What is beyond them is shown as it is. */
const MAX_CHARS = 70_000;

/** The blocks of a text, in order. */
export function markdown(text: string): MarkdownBlock[] {
  const lines = untabbed(text.slice(0, MAX_CHARS).replaceAll("\r\n", "\n").split("\n"));
  const blocks = blocksIn(lines, 0);
  if (text.length > MAX_CHARS) blocks.push({ kind: "code", lang: "", text: text.slice(MAX_CHARS) });
  return blocks;
}

/** What may stand before a fence: quotes, and marks of lists. */
const BEFORE_FENCE = /^(?: |>|(?:[-*+]|\d{1,9}[.)]) )*/;

/** Tabs as blanks, which tell blocks apart. Those of fenced code are its own: a Makefile without them is none. */
function untabbed(lines: readonly string[]): string[] {
  let fence: { mark: string; indent: number } | null = null;
  return lines.map((line) => {
    const plain = line.replaceAll("\t", "    ");
    const indent = BEFORE_FENCE.exec(plain)?.[0].length ?? 0;
    const mark = /^(?:`{3,}|~{3,})/.exec(plain.slice(indent))?.[0] ?? "";
    const info = plain.slice(indent + mark.length).trim();
    if (fence) {
      if (!mark.startsWith(fence.mark) || info !== "") return tabbedFrom(line, fence.indent);
      fence = null;
    } else if (mark !== "" && !(mark.startsWith("`") && info.includes("`"))) fence = { mark, indent };
    return plain;
  });
}

/** With blanks for the tabs that stand before that column. */
function tabbedFrom(line: string, column: number): string {
  let head = "";
  let at = 0;
  for (; head.length < column && (line[at] === " " || line[at] === "\t"); at++)
    head += line[at] === "\t" ? "    " : " ";
  return head + line.slice(at);
}

/** What was read, and the line after it. */
type Read<T> = { value: T; next: number };

function blocksIn(lines: readonly string[], depth: number): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }
    const read = blockAt(lines, at, depth);
    blocks.push(read.value);
    at = read.next;
  }
  return blocks;
}

function blockAt(lines: readonly string[], at: number, depth: number): Read<MarkdownBlock> {
  const line = lines[at] ?? "";
  return (
    fenceAt(lines, at) ??
    headingAt(line, at) ??
    (isRule(line) ? { value: { kind: "rule" }, next: at + 1 } : null) ??
    (depth < MAX_DEPTH ? (quoteAt(lines, at, depth) ?? listAt(lines, at, depth)) : null) ??
    tableAt(lines, at) ??
    indentedAt(lines, at) ??
    paragraphAt(lines, at)
  );
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

function fenceAt(lines: readonly string[], at: number): Read<MarkdownBlock> | null {
  const line = lines[at] ?? "";
  const mark = FENCE.exec(line)?.[1];
  if (!mark) return null;
  const indent = indentOf(line);
  const info = line.slice(indent + mark.length).trim();
  if (mark.startsWith("`") && info.includes("`")) return null;
  const text: string[] = [];
  let next = at + 1;
  for (; next < lines.length; next++) {
    const inner = lines[next] ?? "";
    const closing = FENCE.exec(inner)?.[1];
    if (closing?.startsWith(mark) && inner.trim() === closing) break;
    text.push(inner.slice(Math.min(indent, indentOf(inner))));
  }
  const lang = info.split(" ")[0]?.slice(0, 30) ?? "";
  return { value: { kind: "code", lang, text: text.join("\n") }, next: next + 1 };
}

function headingAt(line: string, at: number): Read<MarkdownBlock> | null {
  const marks = /^ {0,3}(#{1,6})(?= |$)/.exec(line)?.[1];
  if (!marks) return null;
  const words = line.trim().slice(marks.length).trim();
  const closed = /(?:^| )#+$/.exec(words.slice(-20));
  const text = closed ? words.slice(0, words.length - closed[0].length) : words;
  return { value: { kind: "heading", level: marks.length, children: inlines(text) }, next: at + 1 };
}

function isRule(line: string): boolean {
  const bare = line.replaceAll(" ", "");
  return bare.length >= 3 && indentOf(line) < 4 && /^(?:-+|\*+|_+)$/.test(bare);
}

function quoteAt(lines: readonly string[], at: number, depth: number): Read<MarkdownBlock> | null {
  const inner: string[] = [];
  let next = at;
  for (; /^ {0,3}>/.test(lines[next] ?? ""); next++) {
    const rest = (lines[next] ?? "").trimStart().slice(1);
    inner.push(rest.startsWith(" ") ? rest.slice(1) : rest);
  }
  if (next === at) return null;
  return { value: { kind: "quote", blocks: blocksIn(inner, depth + 1) }, next };
}

/** `content`: how far its text is from the left. */
type Marker = { ordered: boolean; number: number; indent: number; content: number };

function markerOf(line: string): Marker | null {
  const [, blank, mark, space] = /^( {0,30})([-*+]|\d{1,9}[.)])( {1,4}|$)/.exec(line) ?? [];
  if (blank === undefined || mark === undefined || space === undefined || isRule(line)) return null;
  const content = blank.length + mark.length + Math.max(1, space.length);
  const ordered = mark.length > 1;
  return { ordered, number: ordered ? Number.parseInt(mark, 10) : 0, indent: blank.length, content };
}

function listAt(lines: readonly string[], at: number, depth: number): Read<MarkdownBlock> | null {
  const first = markerOf(lines[at] ?? "");
  if (!first || first.indent > 3) return null;
  const items: ListItem[] = [];
  let next = at;
  for (;;) {
    const marker = markerOf(lines[next] ?? "");
    if (!marker || marker.ordered !== first.ordered || marker.indent > first.indent + 1) break;
    const item = itemAt(lines, next, marker);
    items.push(itemOf(item.value, depth));
    next = item.next;
  }
  return { value: { kind: "list", start: first.ordered ? first.number : null, items }, next };
}

/** The lines of one item, without its marker and its indent. */
function itemAt(lines: readonly string[], at: number, marker: Marker): Read<string[]> {
  const inner = [(lines[at] ?? "").slice(marker.content)];
  let next = at + 1;
  let blanks = 0;
  for (; next < lines.length; next++) {
    const line = lines[next] ?? "";
    if (isBlank(line)) {
      blanks++;
      continue;
    }
    const indent = indentOf(line);
    // claude indents what belongs to "10." by two or three, too.
    const inside = indent >= Math.min(marker.content, marker.indent + 2);
    const lazy = blanks === 0 && !inside && !startsBlock(line) && markerOf(line) === null;
    if (!inside && !lazy) break;
    for (; blanks > 0; blanks--) inner.push("");
    inner.push(line.slice(Math.min(indent, marker.content)));
  }
  return { value: inner, next };
}

function itemOf(lines: string[], depth: number): ListItem {
  const [first = "", ...rest] = lines;
  const task = /^\[([ xX])\] /.exec(first)?.[1];
  if (task === undefined) return { done: null, blocks: blocksIn(lines, depth + 1) };
  return { done: task !== " ", blocks: blocksIn([first.slice(4), ...rest], depth + 1) };
}

function tableAt(lines: readonly string[], at: number): Read<MarkdownBlock> | null {
  const [line = "", rule = ""] = lines.slice(at, at + 2);
  if (!line.includes("|") || !rule.includes("-") || !/^[ |:-]+$/.test(rule) || !rule.includes("|"))
    return null;
  const head = cellsIn(line);
  const rows: Inline[][][] = [];
  let next = at + 2;
  for (; next < lines.length && (lines[next] ?? "").includes("|"); next++)
    rows.push(cellsIn(lines[next] ?? "").slice(0, head.length));
  return { value: { kind: "table", head, rows }, next };
}

function cellsIn(line: string): Inline[][] {
  const cells: string[] = [];
  let cell = "";
  let code = false;
  for (const [i, character] of Array.from(line.trim().slice(0, 20_000)).entries()) {
    if (character === "`") code = !code;
    if (character !== "|" || code || cell.endsWith("\\")) cell += character;
    else {
      if (i > 0) cells.push(cell);
      cell = "";
    }
  }
  if (cell.trim() !== "") cells.push(cell);
  return cells.slice(0, MAX_COLUMNS).map((text) => inlines(text.trim().replaceAll("\\|", "|")));
}

function indentedAt(lines: readonly string[], at: number): Read<MarkdownBlock> | null {
  if (indentOf(lines[at] ?? "") < 4) return null;
  let next = at;
  let end = at;
  for (; next < lines.length && (isBlank(lines[next]) || indentOf(lines[next] ?? "") >= 4); next++)
    if (!isBlank(lines[next])) end = next + 1;
  const text = lines.slice(at, end).map((line) => line.slice(4));
  return { value: { kind: "code", lang: "", text: text.join("\n") }, next };
}

function paragraphAt(lines: readonly string[], at: number): Read<MarkdownBlock> {
  let next = at + 1;
  while (next < lines.length && !isBlank(lines[next]) && !startsBlock(lines[next] ?? "")) next++;
  const text = lines.slice(at, next).map((line) => line.trim());
  return { value: { kind: "paragraph", children: inlines(text.join("\n")) }, next };
}

/** Ends the paragraph before it. */
function startsBlock(line: string): boolean {
  if (/^ {0,3}(?:#{1,6} |>|`{3}|~{3})/.test(line) || isRule(line)) return true;
  const marker = markerOf(line);
  return marker !== null && (!marker.ordered || marker.number === 1) && line.length > marker.content;
}

const isBlank = (line: string | undefined) => line === undefined || line.trim() === "";

function indentOf(line: string): number {
  let at = 0;
  while (line[at] === " ") at++;
  return at;
}
