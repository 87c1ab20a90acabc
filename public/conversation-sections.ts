// What the page holds of a session's conversations: messages and their blocks, in sections without gaps.
import type { ConversationId, Message } from "../src/protocol.ts";
import { type ConversationBlocks, conversationBlocks } from "./conversation-blocks.ts";

/** What the page holds: past that, what is furthest from the reader goes, and comes again when wanted. */
const MAX_MESSAGES = 60_000;
const MAX_CHARS = 24_000_000;
/** Messages let go of at once. */
const DROP = 200;

/** A part of what is known of one conversation, without gaps; there may be more on either side. */
export type Section = {
  id: ConversationId;
  messages: Message[];
  blocks: ConversationBlocks;
  older: boolean;
  newer: boolean;
};

/** In their order; the last one is the conversation that goes on. `nearEnd`: whether the reader is nearer to that end. */
export function conversationSections(nearEnd: () => boolean) {
  const sections: Section[] = [];
  let chars = 0;

  /** Puts messages in their place; one that is there stays. */
  function put(section: Section, more: readonly Message[]) {
    const first = section.messages[0]?.seq ?? 0;
    const last = section.messages.at(-1)?.seq ?? -1;
    const fresh = more.filter(({ seq }) => seq > last);
    const numbers = fresh.length < more.length ? new Set(section.messages.map(({ seq }) => seq)) : null;
    const older = numbers ? more.filter(({ seq }) => seq < last && !numbers.has(seq)) : [];
    if (older.length > 0 && older.every(({ seq }) => seq < first)) {
      section.messages = [...older, ...section.messages];
      section.blocks.prepend(older);
    } else if (older.length > 0) {
      section.messages = [...older, ...section.messages].sort((a, b) => a.seq - b.seq);
      rebuild(section);
    }
    for (const message of fresh) {
      section.messages.push(message);
      section.blocks.add(message);
    }
    chars += [...older, ...fresh].reduce((sum, message) => sum + sizeOf(message), 0);
    bound();
  }

  function rebuild(section: Section) {
    section.blocks = conversationBlocks();
    for (const message of section.messages) section.blocks.add(message);
  }

  /** Lets go of what is furthest away. */
  function bound() {
    const count = () => sections.reduce((sum, { messages }) => sum + messages.length, 0);
    while ((count() > MAX_MESSAGES || chars > MAX_CHARS) && count() > DROP) {
      const atEnd = nearEnd();
      const section = atEnd ? sections[0] : sections.at(-1);
      if (!section) return;
      const gone = atEnd ? section.messages.splice(0, DROP) : section.messages.splice(-DROP);
      forget(gone);
      if (atEnd) section.older = true;
      else section.newer = true;
      rebuild(section);
      if (section.messages.length > 0 || sections.length === 1) continue;
      sections.splice(sections.indexOf(section), 1);
      const last = sections.at(-1);
      if (last && !atEnd) last.newer = true;
    }
  }

  const forget = (gone: readonly Message[]) => {
    chars -= gone.reduce((sum, message) => sum + sizeOf(message), 0);
  };
  const take = (section: Section) => sections.splice(sections.indexOf(section), 1);

  return {
    all: sections as readonly Section[],
    /** That of a conversation; made at the end where there was none. */
    of(id: ConversationId): Section {
      const found = sections.find((one) => one.id === id);
      if (found) return found;
      const made: Section = { id, messages: [], blocks: conversationBlocks(), older: true, newer: false };
      sections.push(made);
      return made;
    },
    put,
    toFront: (section: Section) => void sections.unshift(...take(section)),
    toEnd: (section: Section) => void sections.push(...take(section)),
    /** Lets go of what stands before it. */
    dropBefore(section: Section) {
      for (const { messages } of sections.splice(0, sections.indexOf(section))) forget(messages);
    },
    clear() {
      sections.length = 0;
      chars = 0;
    },
  };
}

/** Characters of its texts; what they cost in memory follows from that. */
function sizeOf({ body }: Message): number {
  let sum = 0;
  const walk = (value: unknown) => {
    if (typeof value === "string") sum += value.length;
    else if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) walk(inner);
  };
  walk(body);
  return sum;
}
