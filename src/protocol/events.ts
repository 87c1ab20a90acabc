// What the server tells viewers, SSE /events.
import type { Frame } from "../screen.ts";
import type { InputId, SessionId, ViewerId } from "./ids.ts";
import type { InputRefusal, InputStage } from "./input.ts";
import type { Launch } from "./launch.ts";
import type { LogLine } from "./log.ts";
import type { Message } from "./message.ts";
import type { PromptState } from "./prompt.ts";
import type { Session } from "./session.ts";
import type { Viewer } from "./viewer.ts";

/** Data of each SSE event, by its name. Every one says what a thing is now, so that hearing it twice does no harm. */
export type ViewerEvents = {
  /** First on each connection, and again where the stream could not be resumed. */
  state: {
    now: number;
    protocol: number;
    version: string;
    viewer: { id: ViewerId; name: string };
    /** The page travels in clear text beyond this machine. */
    insecure: boolean;
    /** Open sessions, then the 50 newest ended. */
    sessions: Session[];
    /** Open prompts, and those answered whose end is not known yet. */
    prompts: PromptState[];
    /** Of the last hour, the newest first; those under way have no `ended_at`. */
    launches?: Launch[];
  };
  /** A session began or changed. */
  session_start: { session: Session };
  session_end: { session: Session };
  /** A viewer deleted it. */
  session_gone: { session: SessionId };
  /** Only with ?session=<id>: a first frame with `size`, then differences. */
  output: { session: SessionId; frame: Frame };
  lines: { session: SessionId; lines: LogLine[] };
  message: { session: SessionId; message: Message };
  prompt: { prompt: PromptState };
  /** The prompt was answered, delivered, accepted, withdrawn … */
  prompt_response: { prompt: PromptState };
  input: { session: SessionId; id: InputId; stage: InputStage; reason: InputRefusal | null };
  /** A session that a viewer started on a devbox is on its way, is there, or failed. */
  launch: { launch: Launch };
  /** Somebody paired or was revoked. */
  viewers: { viewers: Viewer[] };
  heartbeat: { now: number };
};
