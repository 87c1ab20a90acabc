// A launch: from a devbox to a session that runs there, step by step.
import type { ConversationId, DeviceId, SessionId } from "../protocol.ts";
import type { Devbox } from "./devbox.ts";
import type { Connections } from "./ssh.ts";

/** Made by whoever launches, once per launch; the wrapper says it in its session statement (`launch`). */
export type LaunchId = string;

/** Modes that a launch may ask for; `bypassPermissions` and `dontAsk` are only ever typed at a terminal (SEC-064). */
export const PERMISSION_MODES = ["default", "plan", "acceptEdits", "auto"] as const;
export type PermissionMode = (typeof PERMISSION_MODES)[number];

export type LaunchRequest = {
  devbox: Devbox;
  /** Where claude starts; null: the devbox's own folder. */
  dir: string | null;
  /** claude's arguments as somebody typed them at a terminal. Never from a phone: what a phone says is `prompt`, text. */
  args: string[];
  /** Typed into claude once it is idle. */
  prompt: string | null;
  mode: PermissionMode | null;
  resume: ConversationId | null;
};

/** `percent`, of copying: how much of our binary is there. */
export type LaunchStep = {
  step: "connecting" | "checking" | "copying" | "tunnel" | "starting";
  percent?: number;
};

/** What lets a wrapper of a devbox in. */
export type Enrolled = {
  device: DeviceId;
  /** base64url, as `device add` gives it. */
  secret: string;
  /** Where the server's page is; a devbox that reaches it needs no tunnel. */
  url: string;
};

/**
 * What a launch needs of the server. In the server's own process the annex gives it; a command asks the owner's socket:
 * `POST /devboxes/:name/enrol` → Enrolled, and `GET /launches/:launch` → `{session: SessionId | null}`, again and again.
 */
export type LaunchContext = {
  /** The device of that devbox, made if there is none; the same one each time. */
  enrol(devbox: Devbox): Promise<Enrolled>;
  /** Resolves when the wrapper of that launch has stated its session. `signal` ends the waiting. */
  waitFor(launch: LaunchId, signal: AbortSignal): Promise<SessionId>;
  /** Connections to devboxes, which this launch shares with others. */
  connections: Connections;
  /** This server's socket for wrappers (`<data>/server.sock`): where a tunnel leads. */
  socket: string;
  /** The data folder, where tunnels are written down. */
  data: string;
  /** The id of this launch, if somebody has to know it before; made if not given. */
  launch?: LaunchId;
  /** Ends the launch. */
  signal?: AbortSignal;
};

/**
 * Starts a session on that devbox, and resolves when it is there. Throws LaunchError; then nothing is left there but our
 * binary. The session goes on whatever becomes of the connection.
 */
export async function launch(
  _request: LaunchRequest,
  _context: LaunchContext,
  _onStep: (step: LaunchStep) => void,
): Promise<{ session: SessionId }> {
  throw new Error("not yet");
}
