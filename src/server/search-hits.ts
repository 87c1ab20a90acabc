// What a search shows of what it found: the text around it, and where it stands.
import type { Json, SearchHit } from "../protocol.ts";
import type { LineRow, MessageRow } from "./search-statements.ts";
import { snippetOf, type Wanted } from "./search-words.ts";

export function messageHit(row: MessageRow, wanted: Wanted): SearchHit {
  const { id, conversation_id: conversation, uuid, seq, role, created_at: at, session } = row;
  const texts = textsIn(row.body);
  const { which, ...snippet } = snippetOf(
    texts.map(({ text }) => text),
    wanted,
  );
  const part = texts[which]?.part ?? null;
  return { id, session, at, ...snippet, in: "messages", conversation, uuid, seq, role, part } as SearchHit;
}

export function lineHit(
  { id, session_id: session, line_no, source, timestamp: at, line }: LineRow,
  wanted: Wanted,
): SearchHit {
  const { which, ...snippet } = snippetOf([line], wanted);
  return { id, session, at, ...snippet, in: "lines", line_no, source } as SearchHit;
}

/**
 * Neighbours of one conversation in the order in which they were said: 2.1.197 writes an answer that comes at once before
 * the question, so that their places tell it the wrong way round. What was said at the same time goes by its place.
 */
export function asSaid(hits: readonly SearchHit[], back: boolean): SearchHit[] {
  const from = back ? -1 : 1;
  const runs: SearchHit[][] = [];
  for (const hit of hits) {
    const run = runs.at(-1);
    if (run?.[0] && conversationOf(run[0]) === conversationOf(hit)) run.push(hit);
    else runs.push([hit]);
  }
  return runs.flatMap((run) => run.sort((a, b) => from * (a.at - b.at || a.id - b.id)));
}

const conversationOf = (hit: SearchHit) => (hit.in === "messages" ? hit.conversation : null);

/** Not text that anybody reads: what the index leaves out as well. */
const NAMES = new Set(["type", "call", "event", "media_type"]);

type Text = { text: string; part: string | null };

/** Every text of a message, in its order. */
export function textsIn(body: string): Text[] {
  const texts: Text[] = [];
  const walk = (value: Json, key: string, part: string | null) => {
    if (typeof value === "string") {
      if (!NAMES.has(key)) texts.push({ text: value, part });
    } else if (Array.isArray(value)) for (const item of value) walk(item, "", part);
    else if (value !== null && typeof value === "object")
      for (const [name, item] of Object.entries(value)) walk(item, name, part);
  };
  const value: Json = JSON.parse(body);
  const { usage, parts, ...more } = isFields(value) ? value : { text: value };
  for (const one of Array.isArray(parts) ? parts : []) {
    walk(one, "", isFields(one) && typeof one.type === "string" ? one.type : null);
  }
  walk(more, "", null);
  return texts;
}

const isFields = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
