// Every message between wrapper and server, WebSocket /ws, after the handshake.
import type { Frame } from "../screen.ts";
import type { Command } from "./command.ts";
import type { DeskKeys, DeskSize } from "./desk.ts";
import type { FileRefusal } from "./file.ts";
import type { Refused } from "./handshake.ts";
import type {
  AnswerId,
  ConversationId,
  DeskId,
  Digest,
  FileId,
  InputId,
  PromptId,
  SessionId,
} from "./ids.ts";
import type { InputMode, InputRefusal, Key, PermissionMode } from "./input.ts";
import type { LogLine } from "./log.ts";
import type { Message, MessageUsage } from "./message.ts";
import type { Answer, Decider, Prompt } from "./prompt.ts";
import type { EndReason, SessionState, SessionStatement } from "./session.ts";

export type WrapperMessage =
  /** Everything about a session; first after `welcome`, and again whenever the constant part changes. */
  | { type: "session"; session: SessionStatement }
  | { type: "status"; state: SessionState }
  /** What changed on the screen since the last frame sent on this connection. */
  | { type: "output"; frame: Frame }
  | { type: "lines"; lines: LogLine[] }
  | { type: "message"; message: Message }
  /** What has been spent so far, in US dollars, by claude's own word, which goes on where it resumes or forks: a `chain`. */
  | { type: "cost"; conversation: ConversationId; chain: string; usd: number; age_ms?: number }
  /** What an answer of a subagent took, which is no message of the conversation: again and again, and more each time. */
  | { type: "used"; conversation: ConversationId; usage: MessageUsage; age_ms?: number }
  /** A prompt is open. Said again after each `welcome` while it is. */
  | { type: "prompt"; prompt: Prompt }
  /** It ended without an answer of ours. `chosen` only where evidence says what. */
  | { type: "withdrawn"; prompt: PromptId; by: Decider; chosen: "approved" | "rejected" | null }
  /** The answer reached the wrapper and was handed to claude. */
  | { type: "delivered"; prompt: PromptId; answer_id: AnswerId }
  /** The dialog is gone and nothing says that somebody else closed it. */
  | { type: "accepted"; prompt: PromptId }
  /** Somebody else had decided before the answer came. */
  | { type: "too_late"; prompt: PromptId; by: Decider; chosen: "approved" | "rejected" | null }
  /** That answer could not be given to claude, and the question still stands: it is open as before. `reason` is for people. */
  | { type: "not_applied"; prompt: PromptId; answer_id: AnswerId; reason: string }
  | { type: "input_delivered"; id: InputId }
  /** claude took it up as a prompt of its own. */
  | { type: "input_seen"; id: InputId }
  | { type: "input_refused"; id: InputId; reason: InputRefusal }
  /** Every slash command that can be typed now; whole, after `welcome` and at each change. */
  | { type: "commands"; commands: Command[] }
  /** So many bytes of the file are on disk. `path`: it is whole, and that is where claude finds it. */
  | { type: "file_taken"; id: FileId; upto: number; path: string | null }
  | { type: "file_refused"; id: FileId; reason: FileRefusal }
  /** What was typed at that attached desk is written up to here. */
  | { type: "desk_taken"; desk: DeskId; upto: number }
  | { type: "exit"; code: number | null; signal: string | null; reason: EndReason }
  /** An earlier run of this machine ended without being able to say so; nor what became of its last questions: `facts`. */
  | {
      type: "left";
      session: SessionId;
      code: number | null;
      signal: string | null;
      reason: EndReason;
      facts?: UnheardFact[];
    }
  | { type: "ping" };

/** The prompt facts that the server acknowledges one by one; the wrapper repeats them after each `welcome` until then. */
export type PromptFact = "withdrawn" | "delivered" | "accepted" | "too_late";
/** One that was not acknowledged while its run lasted. */
export type UnheardFact = Extract<WrapperMessage, { type: PromptFact }>;

export type ServerMessage =
  /** Everything up to and including this number is on disk (-1: nothing). Also sent right after `session`: where to go on from. */
  | { type: "ack"; stream: "lines"; upto: number }
  | { type: "ack"; stream: "messages"; conversation: ConversationId; upto: number }
  | { type: "ack"; stream: "prompts"; prompt: PromptId; fact: PromptFact | "prompt" }
  /** `exit` and `left` are on disk. */
  | { type: "ack"; stream: "exit"; session: SessionId }
  /** Repeated until `delivered`, `too_late` or `not_applied`. */
  | { type: "answer"; prompt: PromptId; digest: Digest; answer_id: AnswerId; answer: Answer }
  | { type: "input"; id: InputId; text: string; mode: InputMode }
  | { type: "key"; id: InputId; key: Key }
  /** Shift-Tab until claude is in that mode; told as an input is: `input_delivered`, `input_refused`. */
  | { type: "mode"; id: InputId; mode: PermissionMode }
  /** A piece of a file that a viewer hands over: `bytes` in base64, from `at` on. `name` is what the viewer calls it. */
  | { type: "file"; id: FileId; name: string; size: number; at: number; bytes: string }
  /** The viewer does not want it any more. */
  | { type: "file_gone"; id: FileId }
  /** A viewer's wish; ignored while a desk is attached. */
  | { type: "resize"; cols: number; rows: number }
  /** An attached desk is there, of this size. Said again at each change, and by a server that the wrapper comes back to. */
  | ({ type: "desk"; desk: DeskId } & DeskSize)
  | ({ type: "desk_keys"; desk: DeskId } & DeskKeys)
  | { type: "desk_gone"; desk: DeskId }
  /** How many watch this session's screen, the most frames a second they want, and whether any phone is paired at all. */
  | { type: "watch"; viewers: number; rate: number; paired: boolean }
  /** Interrupt claude, as Esc does. */
  | { type: "interrupt" }
  | { type: "stop" }
  | { type: "ping" }
  | Refused;
