// Follows claude's transcript, a file of JSON lines that only grows. Seen on 2.1.197 and 2.1.329.
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { type Block, blocksOf } from "./blocks.ts";

/** The watch tells at once; the look, should an event be lost or the file not exist yet, by then. */
const LOOK_MS = 1_000;
/** Read in pieces, so that a resumed conversation of many megabytes stalls nobody. */
const PIECE_BYTES = 256 * 1024;
/** A record longer than this (an image, a huge tool result) is passed over. */
const MAX_RECORD_CHARS = 8 * 1024 * 1024;

export type TranscriptEvents = {
  block: (text: string) => void;
  toolEnded: (tool: string, input: Record<string, unknown>, chosen: "approved" | "rejected") => void;
};

/** Calls whose result has not come; a turn has a handful, so an older one was forgotten by claude too. */
const MAX_CALLS = 200;

/** A follower that tells the text of each block, and how each call of a tool ended. */
export function follow(events: TranscriptEvents): Transcript {
  const calls = new Map<string, { tool: string; input: Record<string, unknown> }>();
  return new Transcript((block) => {
    events.block(block.text);
    if (block.kind === "tool_input") {
      calls.set(block.call, block);
      const [oldest] = calls.keys();
      if (calls.size > MAX_CALLS && oldest !== undefined) calls.delete(oldest);
    }
    if (block.kind !== "tool_output") return;
    const call = calls.get(block.call);
    calls.delete(block.call);
    if (call) events.toolEnded(call.tool, call.input, block.rejected ? "rejected" : "approved");
  });
}

/** Follows one file at a time; `onBlock` gets each completed block in order, from where following began. */
export class Transcript implements Disposable {
  readonly #onBlock: (block: Block) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #path = "";
  #file: number | null = null;
  #watcher: FSWatcher | null = null;
  #at = 0;
  #rest = "";
  #decoder = new StringDecoder("utf8");

  constructor(onBlock: (block: Block) => void) {
    this.#onBlock = onBlock;
    this.#timer = setInterval(() => this.#read(), LOOK_MS);
  }

  /** The path a hook named. The first file is followed from its end if it holds an older conversation; later ones whole. */
  follow(path: string, fromEnd: boolean) {
    if (path === this.#path || path === "") return;
    this.#close();
    this.#path = path;
    this.#at = 0;
    this.#rest = "";
    this.#decoder = new StringDecoder("utf8");
    this.#open();
    if (fromEnd && this.#file !== null) this.#at = fstatSync(this.#file).size;
    this.#read();
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
    const buffer = Buffer.alloc(PIECE_BYTES);
    const count = readSync(this.#file, buffer, 0, PIECE_BYTES, this.#at);
    if (count === 0) return;
    this.#at += count;
    this.#take(this.#decoder.write(buffer.subarray(0, count)));
    if (count === PIECE_BYTES) setImmediate(() => this.#read());
  }

  #take(text: string) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_RECORD_CHARS) this.#rest = "{"; // What follows is no longer JSON, and so passed over.
    for (const line of lines) for (const block of blocksOf(line)) this.#onBlock(block);
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
