// What a search found, as the page needs it.
import type { MessagePart, SearchHit, Session } from "../src/protocol.ts";

/** `next`: where more begins. `reached`: how far back it looked where the time did not allow for all. */
export type Found = {
  hits: SearchHit[];
  next: number | null;
  reached: number | null;
  many: boolean;
  sessions: Session[];
};

/** An answer of the server; nothing of it is taken for granted. */
export function foundIn(value: unknown): Found {
  const { hits, next, reached, many, sessions } = (value ?? {}) as Partial<Found>;
  return {
    hits: Array.isArray(hits) ? hits : [],
    next: next ?? null,
    reached: reached ?? null,
    many: many === true,
    sessions: Array.isArray(sessions) ? sessions : [],
  };
}

/** The number where a further search goes on from; logs are counted by session, or all together. */
export function placeOf(hit: SearchHit, within: boolean): number {
  return within && hit.in === "lines" ? hit.line_no : hit.id;
}

/** The texts that were found, each once. */
export function wordsOf({ text, marks }: SearchHit): string[] {
  return [...new Set(marks.map(([from, to]) => text.slice(from, to)))];
}

const KINDS: Partial<Record<MessagePart["type"], string>> = {
  call: "What Claude did",
  result: "Result",
  thinking: "Claude's thoughts",
  summary: "Claude's summary",
  command: "You ran",
  output: "Output of what you ran",
};

/** Who said it, or what it is. */
export function sayerOf(hit: SearchHit): string {
  if (hit.in === "lines") return `Line ${(hit.line_no + 1).toLocaleString("en")}`;
  const kind = hit.part === null ? undefined : KINDS[hit.part];
  return kind ?? { user: "You", assistant: "Claude", system: "Claude Code" }[hit.role] ?? "Claude";
}

/** Where in the page it leads. */
export function linkTo(hit: SearchHit, q: string): string {
  const query = new URLSearchParams({ find: q, in: hit.in, at: String(placeOf(hit, true)) });
  return `/s/${encodeURIComponent(hit.session)}?${query}`;
}
