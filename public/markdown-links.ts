// Where links and addresses in a paragraph end.

/** Characters of a link's target, and parentheses inside it. */
export const MAX_TARGET_CHARS = 2_000;
const MAX_PARENTHESES = 8;

/** The target in `(…)`, without its title. */
export function targetAt(text: string, at: number): { target: string; next: number } | null {
  let depth = 0;
  const most = Math.min(text.length, at + MAX_TARGET_CHARS);
  for (let end = at; end < most; end++) {
    const character = text[end] ?? "";
    if (character === "\n" || character === "<" || depth > MAX_PARENTHESES) return null;
    if (character === "(") depth++;
    if (character === ")" && depth-- === 0) {
      const inner = text.slice(at, end).trim();
      const titled = inner.search(/\s/);
      return { target: titled < 0 ? inner : inner.slice(0, titled), next: end + 1 };
    }
  }
  return null;
}

/** Where an address in running text ends: what closes the sentence is not part of it. */
export function endOfAddress(text: string, from: number): number {
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
