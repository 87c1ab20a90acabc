// What a wrapper is given: claude and where it runs, the way to the server, and what it needs of the rooms above it.
import type { DeviceId, SessionId } from "../protocol.ts";
import type { HookCommand } from "./hooks.ts";
import type { TranscriptEvents, TranscriptFollower } from "./late-follower.ts";
import type { Connect } from "./link.ts";
import type { Log } from "./log-file.ts";
import type { PtyEngine } from "./pty.ts";
import type { Runs } from "./runs.ts";
import type { Size } from "./terminals.ts";

export type WrapperOptions = {
  /** The words that start claude; the plugin folder and `args` follow them. */
  claude: readonly string[];
  args: string[];
  cwd: string;
  env: Record<string, string>;
  engine: PtyEngine;
  onHangup: "detach" | "end";
  keepAwake: boolean;
  device: DeviceId;
  secret: () => Uint8Array;
  connect: Connect;
  hookCommand: HookCommand;
  /** Tools that ask whatever claude's mode. */
  ask: readonly string[];
  runFolder: string;
  runs: Runs;
  log: (session: SessionId) => Log;
  /** Nobody sits here: claude's size until somebody attaches, and what began this session. */
  hosted?: Hosted;
  /** Loads what follows claude's transcript. */
  transcript: (events: TranscriptEvents) => Promise<TranscriptFollower>;
};

export type Hosted = {
  size: Size;
  /** The launch that began it, by the id its launcher made. */
  launch: string;
  /** Typed once claude is idle for the first time. */
  prompt: string | null;
  /** How long its end waits for the server's word, ms. */
  farewellMs: number;
  /** claude runs. */
  onBegun: (session: SessionId) => void;
};
