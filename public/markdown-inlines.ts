// The inside of a markdown paragraph: emphasis, code, links, breaks. Looks at each character a bounded number of times.
import { emphasis } from "./markdown-emphasis.ts";
import { endOfAddress, MAX_TARGET_CHARS, targetAt } from "./markdown-links.ts";
import { type Inline, type Token, tree } from "./markdown-tree.ts";

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
  const runs = emphasis();
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
    else if (sign === "*" || sign === "_" || sign === "~") run();
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

  function run() {
    const length = lengthOfRun(text, at);
    put(runs.meet(text, at, length), at + length);
  }

  function bracket(image: boolean) {
    const token = { kind: "text" as const, text: image ? "![" : "[" };
    put(token, at + token.text.length);
    brackets.push({ token, at: tokens.length - 1, runs: runs.open, image });
  }

  function unbracket() {
    const opened = brackets.pop();
    const target = opened && text[at + 1] === "(" ? targetAt(text, at + 2) : null;
    if (!opened || !target) {
      at++;
      return;
    }
    put({ kind: "close" }, target.next);
    tokens[opened.at] = { kind: "open", target: target.target, image: opened.image };
    runs.cut(opened.runs);
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
