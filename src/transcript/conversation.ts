// Sends a conversation's messages as fast as the server stores them. The transcript itself is the buffer: a message's
// number is where its line begins in the file, so the server's last word is the place to go on from, whoever asks.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ConversationId, Json, Message, WrapperMessage } from "../protocol.ts";
import { costOf, messageOf } from "./message.ts";

/** Of an older conversation that the server does not know, the last part; what is before it is rarely read on a phone. */
const MAX_BACK_BYTES = 64 * 1024 * 1024;
/** Read in pieces, and not many at once, so that a long transcript stalls nobody. */
const PIECE_BYTES = 256 * 1024;
const PIECES_A_TURN = 4;
/** A line longer than this is no message: an image, or what claude keeps of its own requests. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** Messages that may wait for the server's word; the next batch follows that, and not sooner than BATCH_MS. */
const BATCH = 50;
const BATCH_MS = 50;
/** Batches at the end, which wait for nobody. */
const LAST_TURNS = 20;
/** A full network is looked at again after that. */
const FULL_MS = 50;
const NEWLINE = 10;

/** What was spent so far. Nobody says that it arrived: it stands behind the last message, and is read with that again. */
export type Cost = Omit<Extract<WrapperMessage, { type: "cost" }>, "type">;

export type ConversationOptions = {
  /** False where nobody listens; what was not taken is read again after the next `acked`. */
  send: (message: Message) => boolean;
  /** The same. */
  cost?: ((cost: Cost) => boolean) | undefined;
  /** The network does not take more now. */
  full: () => boolean;
  now?: () => number;
};

export class Conversation implements Disposable {
  readonly #options: ConversationOptions;
  #id: ConversationId | null = null;
  #path = "";
  #file: number | null = null;
  /** Where the first byte of `rest` stands in the file; null until the server has said what it holds. */
  #at: number | null = null;
  #rest: Buffer = Buffer.alloc(0);
  /** Added to each place: the file is not the one that the server's last word was about. */
  #base = 0;
  /** The end of a line that is too long is passed over. */
  #skipping = false;
  #waiting = 0;
  #upto: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** The transcript that a hook of the main conversation named. */
  follow(path: string, id: ConversationId) {
    if (path === "" || (path === this.#path && id === this.#id)) return;
    const acked = id === this.#id ? this.#upto : null;
    this.#close();
    this.#path = path;
    this.#id = id;
    if (acked !== null) this.acked(id, acked);
  }

  /** The server holds that conversation up to there (-1: nothing of it). Each message is answered by one such word. */
  acked(id: ConversationId, upto: number) {
    if (id !== this.#id) return;
    const first = this.#upto === null;
    this.#upto = upto;
    if (first) return this.grew();
    this.#waiting = Math.max(0, this.#waiting - 1);
    if (this.#waiting === 0) this.#soon(BATCH_MS);
  }

  /** There may be more in the file. */
  grew() {
    if (this.#path === "" || this.#upto === null || this.#timer || this.#waiting >= BATCH) return;
    if (this.#file === null) this.#open();
    if (this.#file === null) return;
    if (this.#at !== null && !this.#isAsRead(this.#file, this.#at)) this.#anew();
    this.#at ??= this.#begin(this.#file, this.#upto);
    this.#pump(this.#file);
  }

  /** claude has ended, and nobody will read on: what is left goes now. */
  last() {
    for (let turns = 0; turns < LAST_TURNS; turns++) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#waiting = 0;
      this.grew();
      if (this.#waiting < BATCH) return;
    }
  }

  /** The connection is gone, and with it what was under way. */
  offline() {
    this.#forget();
    this.#upto = null;
  }

  #open() {
    try {
      this.#file = openSync(this.#path, "r");
    } catch {
      this.#file = null; // It appears with the first prompt.
    }
  }

  /** The place to read from: behind what the server holds, or the last part of what it does not know. */
  #begin(file: number, upto: number): number {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - MAX_BACK_BYTES);
    this.#base = 0;
    this.#skipping = from > 0;
    if (upto < 0) return from;
    if (this.#isLineStart(file, upto, size)) {
      this.#skipping = true; // The record there is the one it holds.
      return upto;
    }
    this.#base = upto + 1; // Another file of that name: by their uuids nothing is stored twice.
    return from;
  }

  /** What was read still stands there: the file was not cut short, nor written anew. */
  #isAsRead(file: number, at: number): boolean {
    if (fstatSync(file).size < at + this.#rest.length) return false;
    return this.#skipping || this.#follows(file, at);
  }

  /** Another file, as far as we know: by their uuids nothing is stored twice. */
  #anew() {
    this.#at = null;
    this.#rest = Buffer.alloc(0);
  }

  #isLineStart(file: number, at: number, size: number): boolean {
    return at < size && this.#follows(file, at);
  }

  /** A line ends before that place. */
  #follows(file: number, at: number): boolean {
    if (at === 0) return true;
    const before = Buffer.alloc(1);
    return readSync(file, before, 0, 1, at - 1) === 1 && before[0] === NEWLINE;
  }

  #pump(file: number) {
    for (let pieces = 0; pieces < PIECES_A_TURN; ) {
      if (this.#waiting >= BATCH) return; // The server's word comes first.
      if (this.#options.full()) return this.#soon(FULL_MS);
      const line = this.#line();
      if (line) {
        if (!this.#send(line)) return this.offline();
      } else if (this.#read(file)) pieces++;
      else return;
    }
    this.#soon(0);
  }

  /** The next whole line and its place, or null. */
  #line(): { place: number; bytes: Buffer } | null {
    const end = this.#rest.indexOf(NEWLINE);
    if (end < 0 || this.#at === null) return null;
    const line = { place: this.#at, bytes: this.#skipping ? Buffer.alloc(0) : this.#rest.subarray(0, end) };
    this.#skipping = false;
    this.#rest = this.#rest.subarray(end + 1);
    this.#at += end + 1;
    return line;
  }

  /** False: there is nothing more. */
  #read(file: number): boolean {
    if (this.#at === null) return false;
    if (this.#rest.length > MAX_LINE_BYTES) {
      this.#at += this.#rest.length;
      this.#rest = Buffer.alloc(0);
      this.#skipping = true;
    }
    const piece = Buffer.alloc(PIECE_BYTES);
    const count = readSync(file, piece, 0, PIECE_BYTES, this.#at + this.#rest.length);
    if (count > 0) this.#rest = Buffer.concat([this.#rest, piece.subarray(0, count)]);
    return count > 0;
  }

  #send({ place, bytes }: { place: number; bytes: Buffer }): boolean {
    const line = bytes.toString("utf8");
    const cost = costOf(line);
    if (cost && this.#id) return this.#options.cost?.({ conversation: this.#id, ...cost }) ?? true;
    const recorded = bytes.length > 0 ? messageOf(line) : null;
    if (!recorded || !this.#id) return true;
    const { uuid, role, time, body } = recorded;
    const seq = this.#base + place;
    const age = (this.#options.now ?? Date.now)() - time;
    // It is JSON by what it is made of.
    const message = { conversation: this.#id, uuid, seq, role, body: body as Json };
    if (!this.#options.send(time > 0 ? { ...message, age_ms: Math.max(0, age) } : message)) return false;
    this.#waiting++;
    return true;
  }

  #soon(ms: number) {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.grew();
    }, ms);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = null;
    this.#rest = Buffer.alloc(0);
    this.#waiting = 0;
    this.#base = 0;
  }

  #close() {
    this.offline();
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  [Symbol.dispose]() {
    this.#close();
  }
}
