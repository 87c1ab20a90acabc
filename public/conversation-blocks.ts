// From messages to what is drawn: a tool's result joins its call, and every block has a key that stays.
import type { Json, Message, MessageBody, MessagePart, PatchHunk } from "../src/protocol.ts";

export type Result = {
  text: string;
  cut: number;
  failed: "error" | "rejected" | null;
  patch: PatchHunk[] | null;
  agent: { tools: number; ms: number } | null;
};

export type Call = {
  kind: "call";
  tool: string;
  input: Json;
  cut: number;
  /** Null while it runs, and where it never came: then it is over. */
  result: Result | null;
  over: boolean;
  /** From the call to its result, ms; asking for leave is part of that. */
  ms: number | null;
};

/** `rev` changes when the block has to be drawn anew. `at`: ms since 1970. */
export type Block = { key: string; rev: number; at: number | null } & (
  | { kind: "user"; text: string; cut: number }
  | { kind: "answer" | "thinking" | "output" | "command" | "summary"; text: string; cut: number }
  | Call
  | { kind: "image"; text: string }
  | { kind: "event"; event: "interrupted" | "compacted" | "task" | "error"; text: string }
  | { kind: "turn"; ms: number }
  | { kind: "begins"; text: string }
);

type ResultPart = Extract<MessagePart, { type: "result" }>;
/** A result that stands for itself, since its call is further up than what is here. */
type Orphan = { block: Block; part: ResultPart; time: number };

export type ConversationBlocks = {
  readonly blocks: readonly Block[];
  /** The next message. */
  add(message: Message): void;
  /** What was said before all that is here, in its order. */
  prepend(messages: readonly Message[]): void;
};

/** The blocks of one conversation's messages. */
export function conversationBlocks(): ConversationBlocks {
  return builder();
}

function builder() {
  const blocks: Block[] = [];
  const calls = new Map<string, { call: Call & Block; time: number }>();
  const orphans = new Map<string, Orphan>();
  let ended = false;

  function add(message: Message) {
    const { time, parts } = bodyOf(message.body);
    parts.forEach((part, i) => {
      if (part.type === "result" && join(part, time)) return;
      const block = blockOf(part, message, `${message.conversation}/${message.uuid}/${i}`);
      if (!block) return;
      blocks.push(block);
      if (block.kind === "turn" || (block.kind === "event" && block.event === "interrupted")) end();
      if (block.kind === "call" && part.type === "call") calls.set(part.call, { call: block, time });
      if (part.type === "result") orphans.set(part.call, { block, part, time });
    });
  }

  /** What has no result when the turn ends gets none. */
  function end() {
    ended = true;
    for (const { call } of calls.values()) {
      call.over = true;
      call.rev++;
    }
    calls.clear();
  }

  function join(part: ResultPart, time: number): boolean {
    const known = calls.get(part.call);
    if (!known) return false;
    const { call } = known;
    call.result = resultOf(part);
    call.ms = part.agent?.ms ?? (known.time > 0 && time >= known.time ? time - known.time : null);
    call.rev++;
    calls.delete(part.call);
    return true;
  }

  function prepend(messages: readonly Message[]) {
    const earlier = builder();
    messages.forEach(earlier.add);
    for (const [id, { block, part, time }] of orphans) {
      if (!earlier.join(part, time)) continue;
      orphans.delete(id);
      blocks.splice(blocks.indexOf(block), 1);
    }
    if (ended) earlier.end();
    ended ||= earlier.hasEnded();
    for (const [id, call] of earlier.calls) calls.set(id, call);
    for (const [id, orphan] of earlier.orphans) orphans.set(id, orphan);
    blocks.unshift(...earlier.blocks);
  }

  return { blocks, calls, orphans, add, prepend, join, end, hasEnded: () => ended };
}

/** Nothing of it is taken for granted: it came from another machine. */
function bodyOf(body: Json): MessageBody {
  const { time, parts } = fields(body);
  return {
    time: typeof time === "number" ? time : 0,
    parts: (Array.isArray(parts) ? parts.map(fields) : []) as unknown as MessagePart[],
  };
}

function blockOf(part: MessagePart, { role, at }: Message, key: string): Block | null {
  const base = { key, rev: 0, at: at ?? null };
  switch (part.type) {
    case "text": {
      const kind = role === "user" ? "user" : "answer";
      return { ...base, kind, text: text(part.text), cut: count(part.cut) };
    }
    case "command":
      if (part.text === "/clear") return null; // A line between two conversations says so.
      return { ...base, kind: part.type, text: text(part.text), cut: count(part.cut) };
    case "thinking":
    case "output":
    case "summary":
      return { ...base, kind: part.type, text: text(part.text), cut: count(part.cut) };
    case "call": {
      const call = { kind: "call" as const, tool: text(part.tool), input: part.input ?? null };
      return { ...base, ...call, cut: count(part.cut), result: null, over: false, ms: null };
    }
    case "result":
      // Its call is further up than anything loaded.
      return {
        ...base,
        kind: "call",
        tool: "",
        input: null,
        cut: 0,
        result: resultOf(part),
        over: true,
        ms: null,
      };
    case "image":
      return { ...base, kind: "image", text: `${text(part.media_type)}, ${sizeWords(count(part.bytes))}` };
    case "event":
      if (part.event === "turn") return { ...base, kind: "turn", ms: count(part.ms) };
      if (!EVENTS.includes(part.event)) return null;
      return { ...base, kind: "event", event: part.event, text: text(part.text) };
    default:
      return null; // Of a later version.
  }
}

const EVENTS = ["interrupted", "compacted", "task", "error"];

function resultOf(part: ResultPart): Result {
  const { tools, ms } = fields(part.agent);
  return {
    text: text(part.text),
    cut: count(part.cut),
    failed: part.failed === "error" || part.failed === "rejected" ? part.failed : null,
    patch: Array.isArray(part.patch) ? part.patch.flatMap(hunkOf) : null,
    agent: typeof tools === "number" ? { tools, ms: count(ms) } : null,
  };
}

function hunkOf(hunk: unknown): PatchHunk[] {
  const { old_start, new_start, lines } = fields(hunk);
  if (!Array.isArray(lines)) return [];
  return [{ old_start: count(old_start), new_start: count(new_start), lines: lines.map(text) }];
}

/** "812 bytes", "34 KB", "1.2 MB". */
export function sizeWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kilobytes = bytes / 1024;
  return kilobytes < 1024
    ? `${kilobytes.toFixed(kilobytes < 10 ? 1 : 0)} KB`
    : `${(kilobytes / 1024).toFixed(1)} MB`;
}

/** "0.4 s", "12 s", "3 min 5 s". */
export function durationWords(ms: number): string {
  if (ms < 10_000) return `${Math.max(0.1, ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const count = (value: unknown) => (typeof value === "number" && value >= 0 ? value : 0);
const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
