// What a conversation is, read from the first and the last records of its file. Seen on 2.1.197 and 2.1.329.
import type { ConversationId } from "../protocol.ts";
import { messageOf } from "../transcript/message.ts";

/** A file of `projects/<folder>/`. */
export type Conversation = {
  id: ConversationId;
  folder: string;
  bytes: number;
  /** When something was said last, ms since 1970, by that machine's clock. */
  at: number;
  /** Every directory that the read records name, in their order. */
  directories: string[];
  /** What its user or claude called it. */
  title: string | null;
  /** The beginning of the first prompt. */
  first: string;
};

/** What stands in one file: its place, and its first and last bytes as text. They may be the same. */
export type Ends = {
  id: ConversationId;
  folder: string;
  bytes: number;
  modifiedAt: number;
  head: string;
  tail: string;
};

/** Bytes read of each end. The first prompt comes within a kilobyte; of the last records one may be long. */
export const HEAD_BYTES = 16 * 1024;
export const TAIL_BYTES = 32 * 1024;
/** Characters of the first words, and of a title; a terminal has room for fewer. */
const MAX_WORDS = 200;
/** Directories that the records name; a conversation is in one or two. */
const MAX_DIRECTORIES = 8;
const MAX_PATH = 4096;

/** claude's own names of conversations, in lower case; anything else is not one. */
export const isConversationId = (id: string): id is ConversationId =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

/** What the ends of a file tell; null where nothing was said in it. */
export function conversationOf({ id, folder, bytes, modifiedAt, head, tail }: Ends): Conversation | null {
  const lines = [...wholeLines(head, true), ...wholeLines(tail, false)];
  const records = lines.map(parse).filter((record) => record !== null);
  const directories = distinct(records.map(({ cwd }) => cwd)).slice(0, MAX_DIRECTORIES);
  const first = firstWords(lines) || words(lastOf(records, "lastPrompt"));
  if (directories.length === 0) return null; // A claude that ended at once may leave no more than its state; it resumes none.
  const times = records.map(({ timestamp }) => Date.parse(String(timestamp))).filter((time) => time > 0);
  const at = times.length > 0 ? Math.max(...times) : modifiedAt;
  const title = words(lastOf(records, "customTitle")) || words(lastOf(records, "aiTitle"));
  return { id, folder, bytes, at, directories, title: title || null, first };
}

/** A file's head ends in the middle of a line, its tail begins so. */
function wholeLines(text: string, head: boolean): string[] {
  const lines = text.split("\n");
  return (head ? lines : lines.slice(1)).filter((line) => line.startsWith("{"));
}

function firstWords(lines: readonly string[]): string {
  for (const line of lines) {
    if (!line.includes('"type":"user"')) continue;
    const part = messageOf(line)?.body.parts[0];
    if (part?.type === "text" && part.text !== "") return words(part.text);
  }
  return "";
}

type Fields = Record<string, unknown>;

function lastOf(records: readonly Fields[], name: string): unknown {
  return records.findLast((record) => typeof record[name] === "string")?.[name];
}

const words = (value: unknown) =>
  typeof value === "string" ? value.replace(/\s+/g, " ").trim().slice(0, MAX_WORDS) : "";

const distinct = (values: readonly unknown[]) => [
  ...new Set(values.filter((value): value is string => typeof value === "string" && isPath(value))),
];
const isPath = (value: string) => value.startsWith("/") && value.length <= MAX_PATH && !/\p{Cc}/u.test(value);

function parse(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null; // Cut by where we stopped to read.
  }
}
