// Follows claude's transcript, a file of JSON lines that only grows. Seen on 2.1.197 and 2.1.329.
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { ConversationId, Message } from "../protocol.ts";
import { type Block, blocksOf, type HookDecision, hookDecisionOf } from "./blocks.ts";
import { Conversation, type Cost } from "./conversation.ts";
import { Subagents, type UsedBySubagent } from "./subagents.ts";

/** The watch tells at once; the look, should an event be lost or the file not exist yet, by then. */
const LOOK_MS = 1_000;
/** Read in pieces, so that a resumed conversation of many megabytes stalls nobody. */
const PIECE_BYTES = 256 * 1024;
/** A record longer than this (an image, a huge tool result) is passed over. */
const MAX_RECORD_CHARS = 8 * 1024 * 1024;

type Chosen = "approved" | "rejected";

export type TranscriptEvents = {
  block: (text: string) => void;
  /** claude calls a tool; `call` is its own name for that. */
  toolCalled: (call: string, tool: string, input: Record<string, unknown>) => void;
  /** The call has its result. `byHook`: a hook decided about it, not the desk. */
  toolEnded: (call: string, how: { chosen: Chosen; byHook: boolean }) => void;
  /** A message for the server; false where it cannot be told now. */
  message: (message: Message) => boolean;
  /** The same of what was spent. */
  cost?: (cost: Cost) => boolean;
  /** The same of what an answer of a subagent took. */
  used?: (used: UsedBySubagent) => boolean;
  /** The network does not take more now. */
  full: () => boolean;
};

/** Hooks' decisions whose result has not come; a turn has a handful, so an older one was forgotten by claude too. */
const MAX_DECISIONS = 200;

/** A follower that tells the text of each block, of each call of a tool how it ended, and the server every message. */
export function follow(events: TranscriptEvents): Follower {
  const conversation = new Conversation({ send: events.message, cost: events.cost, full: events.full });
  const subagents = new Subagents({ send: events.used ?? (() => true), full: events.full });
  const decisions = new Map<string, Chosen>();
  const transcript = new Transcript({
    onBlock(block) {
      events.block(block.text);
      if (block.kind === "tool_input") events.toolCalled(block.call, block.tool, block.input);
      if (block.kind !== "tool_output") return;
      const decided = decisions.get(block.call);
      decisions.delete(block.call);
      const seen = block.rejected ? "rejected" : "approved";
      events.toolEnded(block.call, { chosen: decided ?? seen, byHook: decided !== undefined });
    },
    onDecision({ call, chosen }) {
      decisions.set(call, chosen);
      const [oldest] = decisions.keys();
      if (decisions.size > MAX_DECISIONS && oldest !== undefined) decisions.delete(oldest);
    },
    onRead: () => conversation.grew(),
    onLook: () => subagents.look(),
  });
  return {
    follow(path, fromEnd, id) {
      transcript.follow(path, fromEnd);
      conversation.follow(path, id);
      subagents.follow(path, id);
    },
    look() {
      transcript.look();
      conversation.last();
      subagents.look();
    },
    acked(id, upto) {
      conversation.acked(id, upto);
      subagents.online();
    },
    offline() {
      conversation.offline();
      subagents.offline();
    },
    [Symbol.dispose]() {
      transcript[Symbol.dispose]();
      conversation[Symbol.dispose]();
    },
  };
}

/** `follow`: the path that a hook named, and its conversation. `look`: reads what was written last, now. */
export type Follower = Disposable & {
  follow(path: string, fromEnd: boolean, id: ConversationId): void;
  look(): void;
  /** The server holds that conversation up to there. */
  acked(id: ConversationId, upto: number): void;
  offline(): void;
};

type Listener = {
  onBlock: (block: Block) => void;
  onDecision: (decision: HookDecision) => void;
  onRead: () => void;
  /** Once a second, whether or not there was something to read. */
  onLook?: () => void;
};

/** Follows one file at a time; the listener gets each completed block in order, from where following began. */
export class Transcript implements Disposable {
  readonly #listener: Listener;
  readonly #timer: ReturnType<typeof setInterval>;
  #path = "";
  #file: number | null = null;
  #watcher: FSWatcher | null = null;
  #at = 0;
  #rest = "";
  #decoder = new StringDecoder("utf8");

  constructor(listener: Listener) {
    this.#listener = listener;
    this.#timer = setInterval(() => {
      this.#read();
      listener.onLook?.();
    }, LOOK_MS);
  }

  /** Reads what was written last, now. */
  look() {
    this.#read();
  }

  /** The path a hook named. The first file is followed from its end if it holds an older conversation; later ones whole. */
  follow(path: string, fromEnd: boolean) {
    if (path === this.#path || path === "") return;
    this.#close();
    this.#path = path;
    this.#goOnFrom(0);
    this.#open();
    if (fromEnd && this.#file !== null) this.#at = fstatSync(this.#file).size;
    this.#read();
  }

  /** What comes from there on is told; nothing that was told before is told again. */
  #goOnFrom(at: number) {
    this.#at = at;
    this.#rest = "";
    this.#decoder = new StringDecoder("utf8");
  }

  #open() {
    try {
      this.#file = openSync(this.#path, "r");
      this.#watcher = watch(this.#path, () => this.#read()).on("error", () => {});
    } catch {
      this.#file = null; // It appears with the first prompt.
    }
  }

  #read() {
    if (this.#path === "") return;
    if (this.#file === null) this.#open();
    if (this.#file === null) return;
    const { size } = fstatSync(this.#file);
    if (size < this.#at) {
      this.#goOnFrom(size); // It was cut short.
      this.#listener.onRead();
    }
    const buffer = Buffer.alloc(PIECE_BYTES);
    const count = readSync(this.#file, buffer, 0, PIECE_BYTES, this.#at);
    if (count === 0) return;
    this.#at += count;
    this.#take(this.#decoder.write(buffer.subarray(0, count)));
    this.#listener.onRead();
    if (count === PIECE_BYTES) setImmediate(() => this.#read());
  }

  #take(text: string) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_RECORD_CHARS) this.#rest = "{"; // What follows is no longer JSON, and so passed over.
    for (const line of lines) this.#line(line);
  }

  #line(line: string) {
    const decision = hookDecisionOf(line);
    if (decision) this.#listener.onDecision(decision);
    for (const block of blocksOf(line)) this.#listener.onBlock(block);
  }

  #close() {
    this.#watcher?.close();
    this.#watcher = null;
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer);
    this.#close();
  }
}
