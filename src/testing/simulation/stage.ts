// What everybody in a run stands on: one time, one network, one server, and what has happened.
import type { AnswerId, Digest, PromptId, PromptState, SessionId } from "../../protocol.ts";
import type { History } from "./history.ts";
import type { Network, Place } from "./network.ts";
import type { Random } from "./random.ts";
import type { Violation } from "./rules.ts";
import type { ServerProcess } from "./server.ts";
import type { Owner, Time } from "./time.ts";

/** One answer as it left a phone; several requests may carry it. */
export type Tap = {
  phone: string;
  prompt: PromptId;
  digest: Digest;
  answer: AnswerId;
  option: string;
  text: string | null;
  /** It must be refused: made of a wrong digest, an option nobody offers, or by somebody who is no viewer. */
  wrong: boolean;
  /** Statuses of the replies that arrived, in order. */
  replies: number[];
};

export type Stage = {
  readonly time: Time;
  readonly history: History;
  readonly chance: Random;
  readonly network: Network;
  readonly server: ServerProcess;
  readonly taps: Map<AnswerId, Tap>;
  readonly violations: Violation[];
  /** Chance of one's own, the same for the same name in every run of the seed. */
  random(name: string): Random;
  /** Nothing goes wrong any more. */
  calm(): boolean;
  /** Each number once. */
  serial(): number;
  nextPrompt(): PromptId;
  /** A phone was tapped. */
  tapped(by: { owner: Owner; place: Place }, prompt: PromptState): void;
  /** The server knows how that session's run ended. */
  told(session: SessionId): void;
};
