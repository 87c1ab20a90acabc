// Markdown as claude writes it, to tokens. Time grows with the text's length alone, whatever the text is; HTML is text.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "strike"; children: Inline[] }
  | { kind: "link"; target: string; image: boolean; children: Inline[] };

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

/** Quotes and lists inside one another, and emphasis inside emphasis; deeper ones are text. */
const MAX_DEPTH = 8;
const MAX_NESTED = 16;
/** Columns of a table; the cells past them are dropped. */
const MAX_COLUMNS = 30;
/** Characters of a link's target, and parentheses inside it. */
const MAX_TARGET_CHARS = 2_000;
const MAX_PARENTHESES = 8;

/** Characters that are read as markdown: no message has more. What is beyond them is shown as it is. */
const MAX_CHARS = 70_000;

/** The blocks of a text, in order. */
export function markdown(text: string): MarkdownBlock[] {
  const lines = text.slice(0, MAX_CHARS).replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
  const blocks = blocksIn(lines, 0);
  if (text.length > MAX_CHARS) blocks.push({ kind: "code", lang: "", text: text.slice(MAX_CHARS) });
  return blocks;
}

// ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── inlines ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A run of `*`, `_` or `~`: what it closes stands before what is left of it, what it opens behind. */
type Run = {
  kind: "run";
  sign: string;
  length: number;
  left: number;
  /** It might open as well as close. */
  both: boolean;
  closes: number;
  opens: Emphasis[];
};
type Emphasis = "strong" | "em" | "strike";
type Token =
  | Extract<Inline, { kind: "text" | "break" | "code" }>
  | Run
  | { kind: "open"; target: string; image: boolean }
  | { kind: "close" };

type Bracket = { token: Extract<Token, { kind: "text" }>; at: number; runs: number; image: boolean };

const SPECIAL = /[\\`*_~[\]!<&\n:]/g;
const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** Emphasis, code, links and breaks of one paragraph. */
export function inlines(text: string): Inline[] {
  const tokens: Token[] = [];
  const runs: Run[] = [];
  /** For each sign: up to here in `runs` nothing opens what it closes. */
  const bottoms = new Map<string, number>();
  let brackets: Bracket[] = [];
  let ticks: Map<number, number[]> | null = null;
  let from = 0;
  let at = 0;

  const flush = (to: number) => {
    if (to > from) tokens.push({ kind: "text", text: text.slice(from, to) });
  };
  const put = (token: Token, next: number, start = at) => {
    flush(start);
    tokens.push(token);
    from = next;
    at = next;
  };

  for (;;) {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(text);
    if (!found) break;
    at = found.index;
    const sign = found[0];
    if (sign === "\n") put({ kind: "break" }, at + 1);
    else if (sign === "\\") backslash();
    else if (sign === "`") code();
    else if (sign === "*" || sign === "_" || sign === "~") emphasis(sign);
    else if (sign === "[") bracket(false);
    else if (sign === "!" && text[at + 1] === "[") bracket(true);
    else if (sign === "]") unbracket();
    else if (sign === ":") address();
    else if (sign === "<") angle();
    else if (sign === "&") entity();
    else at++;
  }
  flush(text.length);
  return tree(tokens);

  function backslash() {
    const next = text[at + 1] ?? "";
    if (next === "\n") put({ kind: "break" }, at + 2);
    else if (/[!-/:-@[-`{-~]/.test(next)) put({ kind: "text", text: next }, at + 2);
    else at++;
  }

  function code() {
    const length = lengthOfRun(text, at);
    const start = at + length;
    ticks ??= runsOfTicks(text);
    const places = ticks.get(length) ?? [];
    while ((places.at(-1) ?? start) < start) places.pop();
    const end = places.at(-1);
    if (end === undefined) {
      at = start;
      return;
    }
    const inner = text.slice(start, end).replaceAll("\n", " ");
    const padded = inner.length > 2 && inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    put({ kind: "code", text: padded ? inner.slice(1, -1) : inner }, end + length);
  }

  function emphasis(sign: string) {
    const length = lengthOfRun(text, at);
    const [before, after] = [text[at - 1] ?? " ", text[at + length] ?? " "];
    const [opens, closes] = flanks(sign, before, after);
    const run: Run = { kind: "run", sign, length, left: length, both: opens && closes, closes: 0, opens: [] };
    put(run, at + length);
    if (sign === "~" && length !== 2) return;
    if (closes) close(run);
    if (opens && run.left > 0) runs.push(run);
  }

  /** Finds what the run closes, nearest first; what was opened in between stays text. */
  function close(run: Run) {
    const key = `${run.sign}${run.both}${run.length % 3}`;
    while (run.left > 0) {
      const bottom = Math.min(bottoms.get(key) ?? 0, runs.length);
      let i = runs.length - 1;
      while (i >= bottom && !pairs(runs[i], run)) i--;
      const opener = i >= bottom ? runs[i] : undefined;
      if (!opener) {
        bottoms.set(key, runs.length);
        return;
      }
      const two = run.left >= 2 && opener.left >= 2;
      opener.opens.unshift(run.sign === "~" ? "strike" : two ? "strong" : "em");
      opener.left -= two ? 2 : 1;
      run.left -= two ? 2 : 1;
      run.closes++;
      runs.length = opener.left > 0 ? i + 1 : i;
    }
  }

  function bracket(image: boolean) {
    const token = { kind: "text" as const, text: image ? "![" : "[" };
    put(token, at + token.text.length);
    brackets.push({ token, at: tokens.length - 1, runs: runs.length, image });
  }

  function unbracket() {
    const opened = brackets.pop();
    const target = opened && text[at + 1] === "(" ? targetAt(text, at + 2) : null;
    if (!opened || !target) {
      at++;
      return;
    }
    put({ kind: "close" }, target.next);
    tokens[opened.at] = { kind: "open", target: target.value, image: opened.image };
    runs.length = Math.min(runs.length, opened.runs);
    if (!opened.image) brackets = []; // No link inside a link.
  }

  /** `https://…` as it stands. */
  function address() {
    const scheme = text.startsWith("://", at)
      ? /(?:^|[^\p{L}\p{N}])(https?)$/u.exec(text.slice(Math.max(from, at - 6), at))?.[1]
      : null;
    if (!scheme) {
      at++;
      return;
    }
    const end = endOfAddress(text, at + 3);
    if (end === at + 3) at = end;
    else link(at - scheme.length, end);
  }

  function link(start: number, end: number, next = end) {
    const target = text.slice(start, end);
    put({ kind: "open", target, image: false }, end, start);
    tokens.push({ kind: "text", text: target }, { kind: "close" });
    from = next;
    at = next;
  }

  /** `<https://…>`; any other `<` is text. */
  function angle() {
    const inner = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/.exec(
      text.slice(at, at + MAX_TARGET_CHARS + 20),
    )?.[1];
    if (!inner) {
      at++;
      return;
    }
    const start = at + 1;
    flush(at);
    from = start;
    link(start, start + inner.length, start + inner.length + 1);
  }

  function entity() {
    const name = /^&(?:amp|lt|gt|quot|nbsp|#39);/.exec(text.slice(at, at + 6))?.[0];
    if (name) put({ kind: "text", text: ENTITIES[name] ?? name }, at + name.length);
    else at++;
  }
}

function lengthOfRun(text: string, at: number): number {
  let end = at;
  while (text[end] === text[at]) end++;
  return end - at;
}

/** Where runs of so many backticks begin, the last place first. */
function runsOfTicks(text: string): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (let at = text.indexOf("`"); at >= 0; ) {
    const length = lengthOfRun(text, at);
    const known = places.get(length);
    if (known) known.push(at);
    else places.set(length, [at]);
    at = text.indexOf("`", at + length);
  }
  for (const list of places.values()) list.reverse();
  return places;
}

/** Whether a run opens and closes emphasis, by what stands around it. */
function flanks(sign: string, before: string, after: string): [opens: boolean, closes: boolean] {
  const left = !isSpace(after) && (!isMark(after) || isSpace(before) || isMark(before));
  const right = !isSpace(before) && (!isMark(before) || isSpace(after) || isMark(after));
  if (sign !== "_") return [left, right];
  return [left && (!right || isMark(before)), right && (!left || isMark(after))];
}

const isSpace = (character: string) => /\s/.test(character);
/** Of ASCII by a simple look: there are many. */
const isMark = (character: string) =>
  character < "\x80" ? !/[\sA-Za-z0-9]/.test(character) : /[\p{P}\p{S}]/u.test(character);

/** CommonMark's rule of three: what might do both does not meet what it would leave a rest of. */
function pairs(opener: Run | undefined, closer: Run): boolean {
  if (opener?.sign !== closer.sign) return false;
  const thirds = opener.length % 3 !== 0 || closer.length % 3 !== 0;
  return !((opener.both || closer.both) && (opener.length + closer.length) % 3 === 0 && thirds);
}

/** The target in `(…)`, without its title. */
function targetAt(text: string, at: number): Read<string> | null {
  let depth = 0;
  const most = Math.min(text.length, at + MAX_TARGET_CHARS);
  for (let end = at; end < most; end++) {
    const character = text[end] ?? "";
    if (character === "\n" || character === "<" || depth > MAX_PARENTHESES) return null;
    if (character === "(") depth++;
    if (character === ")" && depth-- === 0) {
      const inner = text.slice(at, end).trim();
      const titled = inner.search(/\s/);
      return { value: titled < 0 ? inner : inner.slice(0, titled), next: end + 1 };
    }
  }
  return null;
}

/** Where an address in running text ends: what closes the sentence is not part of it. */
function endOfAddress(text: string, from: number): number {
  const stop = /[\s<>"`|]/g;
  stop.lastIndex = from;
  let end = Math.min(stop.exec(text)?.index ?? text.length, from + MAX_TARGET_CHARS);
  let opened = 0;
  for (let at = from; at < end; at++) {
    if (text[at] === "(") opened++;
    if (text[at] === ")" && opened-- === 0) end = at;
  }
  while (end > from && /[.,;:!?'*_~\])]/.test(text[end - 1] ?? "") && text[end - 1] !== ")") end--;
  return end;
}

/** Opens and closes are in pairs by now, but for what was cut off. */
function tree(tokens: readonly Token[]): Inline[] {
  const root: Inline[] = [];
  const stack: { children: Inline[] }[] = [{ children: root }];
  let ignored = 0;
  const top = () => stack.at(-1)?.children ?? root;
  const open = (node: Inline & { children: Inline[] }) => {
    if (stack.length > MAX_NESTED) {
      ignored++;
      return;
    }
    top().push(node);
    stack.push(node);
  };
  const close = () => {
    if (ignored > 0) ignored--;
    else if (stack.length > 1) stack.pop();
  };
  const say = (text: string) => {
    const last = top().at(-1);
    if (last?.kind === "text") last.text += text;
    else if (text !== "") top().push({ kind: "text", text });
  };
  for (const token of tokens) {
    switch (token.kind) {
      case "text":
        say(token.text);
        break;
      case "run":
        for (let i = 0; i < token.closes; i++) close();
        say(token.sign.repeat(token.left));
        for (const kind of token.opens) open({ kind, children: [] });
        break;
      case "open":
        open({ kind: "link", target: token.target, image: token.image, children: [] });
        break;
      case "close":
        close();
        break;
      default:
        top().push(token);
    }
  }
  return root;
}
