// What of a message is counted: the tokens that it says it took, how long a turn was, and its conversation's first words.
// Nothing of a message is taken for granted: it came from another machine.
import type { Json, Message, MessageUsage } from "../../protocol.ts";

export type Counted = MessageUsage & { worked_ms: number };

/** More tokens than any context holds, and more ms than any turn takes (a month). */
const MOST_TOKENS = 1e9;
const MOST_MS = 2_678_400_000;
const NAME_CHARS = 200;
const OPENING_CHARS = 200;

const NOTHING = { model: "", input: 0, output: 0, cache_read: 0, cache_write: 0, worked_ms: 0 };

/** What the message counts for, by the id of what it counts; null for most. */
export function usageIn({ uuid, role, body }: Message): Counted | null {
  const { usage, parts } = fields(body);
  const worked_ms = listOf(parts).reduce(
    (sum, part) => sum + (isTurn(part) ? number(part.ms, MOST_MS) : 0),
    0,
  );
  if (worked_ms > 0) return { ...NOTHING, id: uuid, worked_ms: Math.min(worked_ms, MOST_MS) };
  return role === "assistant" ? countedOf(usage) : null;
}

/** The tokens that an answer says it took; null where it has no id to count it by. */
export function countedOf(usage: Json | undefined): Counted | null {
  const { id, model, input, output, cache_read, cache_write } = fields(usage);
  if (typeof id !== "string" || id === "") return null;
  const tokens = { input, output, cache_read, cache_write };
  const counts = Object.entries(tokens).map(([name, value]) => [name, number(value, MOST_TOKENS)]);
  return { ...NOTHING, ...Object.fromEntries(counts), id: id.slice(0, NAME_CHARS), model: name(model) };
}

/** The first words that somebody said, on one line; null where this message says none. */
export function openingIn({ role, body }: Message): string | null {
  if (role !== "user") return null;
  const said = listOf(fields(body).parts).find(
    ({ type, text }) => type === "text" && typeof text === "string",
  );
  const words = String(said?.text ?? "")
    .slice(0, 4 * OPENING_CHARS)
    .replace(/\s+/g, " ")
    .trim();
  return words === "" ? null : words.slice(0, OPENING_CHARS);
}

const isTurn = ({ type, event }: Fields) => type === "event" && event === "turn";

type Fields = Record<string, Json | undefined>;
const fields = (value: Json | undefined): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
const listOf = (value: Json | undefined): Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const name = (value: Json | undefined) => (typeof value === "string" ? value.slice(0, NAME_CHARS) : "");

function number(value: Json | undefined, most: number): number {
  return typeof value === "number" && value > 0 ? Math.min(Math.round(value), most) : 0;
}
