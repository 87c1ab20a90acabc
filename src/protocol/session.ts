// A session: as its wrapper states it, and as viewers see it.
import type { DevboxError } from "./devbox.ts";
import type { ConversationId, DeviceId, PromptId, SessionId } from "./ids.ts";

/** `waiting`: claude is stopped on a question. `suspended`: Ctrl-Z at the desk; nothing can be answered from afar. */
export type SessionStatus = "starting" | "working" | "waiting" | "idle" | "suspended" | "ended";

/** `dead`: claude runs, but its hooks do not reach us (disabled by a setting): no cards, only screen and keys. */
export type HookHealth = "unknown" | "alive" | "dead";

/** What changes while a session runs; always said whole. */
export type SessionState = {
  status: SessionStatus;
  /** What claude says it waits for, in its own words, or null. */
  waiting_for: string | null;
  hooks: HookHealth;
  /** A desk is attached and decides the size. */
  terminal: boolean;
  title: string;
  cols: number;
  rows: number;
  /** claude's own permission mode as its hooks name it, or null before the first hook. */
  permission_mode: string | null;
  conversation: ConversationId | null;
};

/** A session as its wrapper states it. */
export type SessionStatement = SessionState & {
  id: SessionId;
  cwd: string;
  /** argv as typed, program first, for people to read. */
  command: string[];
  claude_version: string | null;
  /** How long ago it began, in ms: wrappers send ages, since their clock may be wrong. */
  age_ms: number;
  /** Every prompt that is open now; the server withdraws what is not named. */
  open: PromptId[];
  /** The launch on a devbox that began it, by the id its launcher made. */
  launch?: string;
};

export type EndReason = "exit" | "signal" | "lost" | "hangup" | "stopped";

/** A session as viewers see it. Times are the server's, ms since 1970. */
export type Session = SessionState & {
  id: SessionId;
  device_id: DeviceId;
  device_name: string;
  devbox: string | null;
  cwd: string;
  command: string[];
  claude_version: string | null;
  started_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  exit_code: number | null;
  signal: string | null;
  /** The launch on a devbox that began it. */
  launch?: string | null;
  /** The wrapper is connected now. */
  connected: boolean;
  /** How many terminals `claude-remote attach` has on it now; absent: none. */
  attached?: number;
  /** Other open sessions with the same conversation, which all write to claude's one file; absent: none. */
  also_open?: SessionId[];
  /** Of one on a devbox: its conversation's files on the server's machine; absent: nothing was fetched yet. */
  copy?: SessionCopy;
  /** When the wrapper was last heard. */
  heard_at: number;
  /** What a viewer called it; wins over claude's title. */
  name?: string | null;
  /** The first words of its conversation. */
  opening?: string | null;
  /** When an ended one will be forgotten. */
  kept_until?: number | null;
};

/** `at`: when the copy was last made whole, or null. `problem`: since then it may be stale. */
export type SessionCopy = { at: number | null; problem: DevboxError | null };
