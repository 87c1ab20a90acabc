// Every message between an attached desk and the server, WebSocket /attach on the owner's socket.
import type { Frame } from "../screen.ts";
import type { DeskId, SessionId } from "./ids.ts";
import type { Session } from "./session.ts";

/** `idle_ms`: since somebody typed there last; null if nobody did. Of several desks the newest decides the size. */
export type DeskSize = { cols: number; rows: number; idle_ms: number | null };
/**
 * What was typed, as bytes in base64. `no` grows by one; `first` is the oldest that the desk still holds. It says each
 * again until that is taken, and the wrapper writes each once.
 */
export type DeskKeys = { no: number; first: number; bytes: string };

export type DeskMessage =
  /** First on each connection. */
  | ({ type: "attach"; protocol: number; session: SessionId; desk: DeskId } & DeskSize)
  | ({ type: "size" } & DeskSize)
  | ({ type: "keys" } & DeskKeys);

export type ToDeskMessage =
  /** What the session is now; first, and at each change. */
  | { type: "session"; session: Session }
  /** A whole frame first, then differences. */
  | { type: "output"; frame: Frame }
  | { type: "taken"; upto: number }
  /** That session cannot be attached to; the connection closes. */
  | { type: "refused"; message: string }
  | { type: "ping" };
