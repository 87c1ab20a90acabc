// A message of a conversation: one record of claude's transcript.
import type { ConversationId } from "./ids.ts";
import type { Json } from "./json.ts";

/** One record of claude's transcript. `seq` grows along the conversation, with gaps; `uuid` is the record's own. */
export type Message = {
  conversation: ConversationId;
  uuid: string;
  seq: number;
  role: "user" | "assistant" | "system";
  /** A MessageBody; viewers take nothing of it for granted. */
  body: Json;
  /** ms ago, from the wrapper; `at` in what viewers get. */
  age_ms?: number;
  at?: number;
};

/** What a record shows. `time`: when it was written, by claude's own clock; good only for the time between two of them. */
export type MessageBody = { time: number; parts: MessagePart[]; usage?: MessageUsage };

/** Tokens of one answer of the API, by claude's own id for it: several records share one, each with what was known then. */
export type MessageUsage = {
  id: string;
  model: string;
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
};

/** `cut`: so many characters at its end were left out. `call` ties a tool's result to what it was called with. */
export type MessagePart =
  | { type: "text" | "thinking" | "output" | "command" | "summary"; text: string; cut?: number }
  | { type: "call"; call: string; tool: string; input: Json; cut?: number }
  | {
      type: "result";
      call: string;
      text: string;
      cut?: number;
      failed?: "error" | "rejected";
      /** Edits: what changed in the file, as claude recorded it. */
      patch?: PatchHunk[];
      /** A subagent's work, which has a transcript of its own. */
      agent?: { tools: number; ms: number };
    }
  | { type: "image"; media_type: string; bytes: number }
  /** Something that happened rather than was said. */
  | {
      type: "event";
      event: "interrupted" | "compacted" | "turn" | "task" | "error";
      text: string;
      ms?: number;
    };

/** Lines begin with their sign: a blank, `-` or `+`. Line numbers count from 1. */
export type PatchHunk = { old_start: number; new_start: number; lines: string[] };
