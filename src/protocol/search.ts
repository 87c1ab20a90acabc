// What a search finds.
import type { ConversationId, SessionId } from "./ids.ts";
import type { LogLine } from "./log.ts";
import type { Message, MessagePart } from "./message.ts";

/** A place where something that was searched for stands. `marks`: places in `text`, [from, to). */
export type SearchHit = {
  /** Grows with each message, or with each line of all logs: where a page goes on from. */
  id: number;
  session: SessionId;
  /** When it was said, ms since 1970. */
  at: number;
  text: string;
  marks: [from: number, to: number][];
  /** There is more of the text on that side. */
  before: boolean;
  after: boolean;
} & (
  | {
      in: "messages";
      conversation: ConversationId;
      uuid: string;
      seq: number;
      role: Message["role"];
      /** What kind of part the text is of; null where that is not known. */
      part: MessagePart["type"] | null;
    }
  | { in: "lines"; line_no: number; source: LogLine["source"] }
);
