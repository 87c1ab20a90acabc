// A launch on a devbox, /api/launches and POST /api/sessions, and what it could go on with.
import type { DevboxError } from "./devbox.ts";
import type { ConversationId, LaunchId, SessionId } from "./ids.ts";

export type LaunchStep = "connecting" | "checking" | "copying" | "tunnel" | "starting" | "started" | "failed";
export type Launch = {
  id: LaunchId;
  devbox: string;
  dir: string;
  /** Where it is; when it failed, `error` says where and why. */
  step: LaunchStep;
  /** Of `copying`, 0 to 100. */
  percent: number | null;
  began_at: number;
  ended_at: number | null;
  /** With `started`. */
  session: SessionId | null;
  error: DevboxError | null;
};

/** claude's own permission modes that a phone may start with, as far as the host allows them. */
export type LaunchMode = "default" | "plan" | "acceptEdits" | "auto";
/** POST /api/sessions. `resume`: a conversation of that devbox goes on. */
export type LaunchBody = {
  launch: LaunchId;
  devbox: string;
  dir: string;
  prompt?: string;
  mode?: LaunchMode;
  resume?: ConversationId;
  /** The conversation is alive elsewhere, and that is known to whoever asks. */
  anyway?: boolean;
};

/** What could be gone on with on a devbox. */
export type EarlierConversation = {
  id: ConversationId;
  dir: string;
  title: string;
  /** When something was last said in it. */
  last_at: number;
  /** The session it is alive in now. */
  alive_in: SessionId | null;
};
