// What follows claude's transcript: it is handed to us, and loaded while claude starts already. What hooks and the server
// say of the transcript before that is kept for it.
import type { ConversationId, Message, ServerMessage, WrapperMessage } from "../protocol.ts";
import type { CallEnd } from "./held-prompt.ts";
import type { Link } from "./link.ts";
import type { Prompts } from "./prompts.ts";

export type TranscriptEvents = {
  /** The text of a completed block: message, tool input, tool output. */
  block: (text: string) => void;
  /** claude calls a tool; `call` is its own name for that. */
  toolCalled: (call: string, tool: string, input: Record<string, unknown>) => void;
  /** The call has its result. */
  toolEnded: (call: string, how: CallEnd) => void;
  /** A message for the server; false where it cannot be told now. */
  message: (message: Message) => boolean;
  /** The same of what was spent so far. */
  cost: (cost: Omit<Extract<WrapperMessage, { type: "cost" }>, "type">) => boolean;
  /** The same of what an answer of a subagent took. */
  used: (used: Omit<Extract<WrapperMessage, { type: "used" }>, "type">) => boolean;
  /** The network does not take more now. */
  full: () => boolean;
};

export type TranscriptFollower = Disposable & {
  follow(path: string, fromEnd: boolean, conversation: ConversationId): void;
  look(): void;
  /** The server holds that conversation up to there. */
  acked(conversation: ConversationId, upto: number): void;
  offline(): void;
};

export type LateFollower = ReturnType<typeof lateFollower>;

type Held = Pick<Extract<ServerMessage, { type: "ack"; stream: "messages" }>, "conversation" | "upto">;

/** Who hears of what stands in the transcript. */
type Heard = Pick<TranscriptEvents, "block"> & {
  prompts: Pick<Prompts, "toolCalled" | "toolEnded">;
  link: Pick<Link, "tell" | "full">;
};

/** The follower of one run; it is there once `load` has resolved. */
export function lateFollower() {
  let follower: TranscriptFollower | null = null;
  /** What hooks said of the transcript before that. */
  let named: { path: string; fromEnd: boolean; id: ConversationId } | null = null;
  /** What the server holds of the conversation, if it said so before that. */
  let held: Held | null = null;

  return {
    async load(
      open: (events: TranscriptEvents) => Promise<TranscriptFollower>,
      { prompts, block, link }: Heard,
    ) {
      follower = await open({
        ...{ block, toolCalled: prompts.toolCalled, toolEnded: prompts.toolEnded },
        message: (message) => link.tell({ type: "message", message }),
        cost: (cost) => link.tell({ type: "cost", ...cost }),
        used: (used) => link.tell({ type: "used", ...used }),
        full: () => link.full,
      });
      if (named) follower.follow(named.path, named.fromEnd, named.id);
      if (held) follower.acked(held.conversation, held.upto);
    },
    /** A hook names the transcript. `fromEnd`: what stands in it already is of an older conversation. */
    follow(path: string, fromEnd: boolean, id: ConversationId) {
      if (follower) follower.follow(path, fromEnd, id);
      else if (path !== named?.path) named = { path, fromEnd, id };
    },
    acked({ conversation, upto }: Held) {
      if (follower) follower.acked(conversation, upto);
      else held = { conversation, upto };
    },
    offline() {
      held = null;
      follower?.offline();
    },
    /** Reads what was written last, now. */
    look: () => follower?.look(),
    [Symbol.dispose]() {
      follower?.[Symbol.dispose]();
    },
  };
}
