// What a conversation's subagents used. Each has a transcript of its own beside the conversation's, whose answers say it as
// any answer does; their messages are not shown. Seen on 2.1.197 and 2.1.329.
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import type { ConversationId, MessageUsage, WrapperMessage } from "../protocol.ts";
import { subagentUsageOf } from "./message.ts";

/** Nobody says that it arrived: everything is told again to a server that was away, which counts by claude's own ids. */
export type UsedBySubagent = Omit<Extract<WrapperMessage, { type: "used" }>, "type">;

export type SubagentsOptions = {
  /** False where nobody listens. */
  send: (used: UsedBySubagent) => boolean;
  /** The network does not take more now. */
  full: () => boolean;
  now?: () => number;
};

/** Subagents of one conversation that are followed, the first ones; a long day has some hundreds. */
const MAX_FILES = 2_000;
/** Read in pieces, so many at one look, since the transcripts of many subagents are many megabytes. */
const PIECE_BYTES = 256 * 1024;
const PIECES_A_LOOK = 8;
/** A line longer than this is no answer. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const FILE = /^agent-[\w-]{1,100}\.jsonl$/;
const NEWLINE = 10;

type Read = { at: number; rest: Buffer; skipping: boolean };

/** The subagents of one conversation at a time. */
export class Subagents {
  readonly #options: SubagentsOptions;
  readonly #files = new Map<string, Read>();
  /** What was told of each answer; its records say more of it each time. */
  readonly #told = new Map<string, number>();
  #folder = "";
  #id: ConversationId | null = null;
  #heard = false;

  constructor(options: SubagentsOptions) {
    this.#options = options;
  }

  /** The transcript that a hook of the main conversation named. */
  follow(path: string, id: ConversationId) {
    if (!path.endsWith(".jsonl") || id === this.#id) return;
    this.look(); // What the one before has said last.
    this.#forget();
    this.#folder = join(path.slice(0, -".jsonl".length), "subagents");
    this.#id = id;
    this.look();
  }

  /** A server is there, which knows this session. */
  online() {
    if (this.#heard) return;
    this.#heard = true;
    this.look();
  }

  /** What was under way is lost. */
  offline() {
    this.#heard = false;
    this.#forget();
  }

  /** Reads what was written since. */
  look() {
    if (!this.#heard || this.#folder === "") return;
    let pieces = PIECES_A_LOOK;
    for (const name of this.#names()) {
      const read = this.#files.get(name) ?? { at: 0, rest: Buffer.alloc(0), skipping: false };
      this.#files.set(name, read);
      pieces -= this.#follow(join(this.#folder, name), read, pieces);
      if (pieces <= 0 || !this.#heard || this.#options.full()) return;
    }
  }

  #names(): string[] {
    try {
      const found = readdirSync(this.#folder).filter((name) => FILE.test(name));
      return found.sort().slice(0, MAX_FILES);
    } catch {
      return []; // There are none yet.
    }
  }

  /** How many pieces it took, at most so many. */
  #follow(path: string, read: Read, most: number): number {
    let file: number | null = null;
    try {
      file = openSync(path, "r");
      for (let pieces = 1; pieces <= most; pieces++) if (!this.#piece(file, read)) return pieces;
      return most;
    } catch {
      return 1; // It was taken away.
    } finally {
      if (file !== null) closeSync(file);
    }
  }

  /** False: that was the last one, or the network takes no more. */
  #piece(file: number, read: Read): boolean {
    const piece = Buffer.alloc(PIECE_BYTES);
    const count = readSync(file, piece, 0, PIECE_BYTES, read.at);
    read.at += count;
    read.rest = Buffer.concat([read.rest, piece.subarray(0, count)]);
    for (let end = read.rest.indexOf(NEWLINE); end >= 0; end = read.rest.indexOf(NEWLINE)) {
      if (!read.skipping) this.#line(read.rest.subarray(0, end).toString("utf8"));
      read.skipping = false;
      read.rest = read.rest.subarray(end + 1);
    }
    if (read.rest.length > MAX_LINE_BYTES) Object.assign(read, { rest: Buffer.alloc(0), skipping: true });
    return count === PIECE_BYTES && this.#heard && !this.#options.full();
  }

  #line(line: string) {
    const found = subagentUsageOf(line);
    if (!found || !this.#id || !this.#heard) return;
    const { usage, time } = found;
    const sum = sumOf(usage);
    if ((this.#told.get(usage.id) ?? -1) >= sum) return;
    const age = Math.max(0, (this.#options.now ?? Date.now)() - time);
    const used = { conversation: this.#id, usage, ...(time > 0 && { age_ms: age }) };
    if (!this.#options.send(used)) return this.offline();
    this.#told.set(usage.id, sum);
  }

  #forget() {
    this.#files.clear();
    this.#told.clear();
  }
}

const sumOf = ({ input, output, cache_read, cache_write }: MessageUsage) =>
  input + output + cache_read + cache_write;
