// Output that waits to be parsed: a little at a time, so that a key never waits, and never more than can be parsed soon.

/** Bytes waiting to be parsed, about 0.2 s of work; past it the queue is dropped and a repaint asked for. */
const QUEUE_LIMIT = 8 * 1024 * 1024;
/** What an entry of the queue costs beside its bytes, so that many tiny writes are bounded too. */
const ENTRY_COST = 128;
/** Bytes parsed between two looks at the clock: 0.3 ms of ordinary output. */
const SLICE = 16 * 1024;
/** How long parsing may hold the event loop at a time: no more than a key may wait. */
const BURST_MS = 1;
/** Beyond this waiting, while more comes in, output has the processor for so long between two bursts: most of a flood is never seen. */
const FLOOD = 256 * 1024;
const PAUSE_MS = 4;
/** Leaves any sequence that was cut, and undoes what shapes later output: style, region, insert, origin, charset. */
const RESUME = "\x18\x1b[m\x1b[r\x1b[4l\x1b[?6l\x1b[?7h\x0f\x1b(B";
/** Characters in which a sequence that sets modes must end to be kept when output is skipped. */
const MODES_LENGTH = 64;

export type Size = { cols: number; rows: number };
type Entry = Uint8Array | Size;

export type ParseQueueOptions = {
  /** Whole characters. May throw: then what waits is skipped. */
  parse: (bytes: Uint8Array) => void;
  resize: (size: Size) => void;
  /** Something was parsed. */
  onBurst: () => void;
  /** What waited was dropped: these bytes. */
  onDrop: (bytes: Buffer) => void;
  /** Output was dropped, and what followed is parsed. */
  onSkip: () => void;
};

/** One terminal's output and sizes in their order, parsed a little at a time. */
export class ParseQueue {
  readonly #options: ParseQueueOptions;
  /** What waits, newest last, and before it what waits in reverse: both ends of a queue for the price of a stack. */
  #queue: Entry[] = [];
  #next: Entry[] = [];
  #pending = 0;
  /** The beginning of a character, for the next slice. */
  #cut = new Uint8Array();
  #skipped = false;
  #growing = false;
  #closed = false;
  #settled: PromiseWithResolvers<void> | undefined;

  constructor(options: ParseQueueOptions) {
    this.#options = options;
  }

  /** Takes bytes to be parsed soon. Never throws, never blocks; the bytes must not be changed afterwards. */
  write(bytes: Uint8Array) {
    this.#growing = true;
    this.#put(bytes, bytes.length + ENTRY_COST);
    if (this.#pending > QUEUE_LIMIT) this.#skip();
  }

  /** Takes a new size, in order with the bytes. */
  resize(size: Size) {
    this.#put(size, ENTRY_COST);
  }

  /** Everything written is parsed. */
  settled(): Promise<void> {
    return this.#settled?.promise ?? Promise.resolve();
  }

  /** Parses no more and calls nobody. */
  close() {
    this.#closed = true;
    this.#queue = this.#next = [];
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  #put(entry: Entry, cost: number) {
    if (this.#closed) return;
    this.#queue.push(entry);
    this.#pending += cost;
    if (this.#settled) return;
    this.#settled = Promise.withResolvers();
    setImmediate(() => this.#burst());
  }

  #burst() {
    const end = performance.now() + BURST_MS;
    let entry = this.#take();
    for (; entry; entry = performance.now() < end ? this.#take() : undefined) this.#step(entry);
    if (this.#closed) return;
    if (this.#queue.length + this.#next.length > 0) this.#goOn();
    else this.#settle();
    this.#options.onBurst();
  }

  #goOn() {
    const flooded = this.#growing && this.#pending > FLOOD;
    this.#growing = false;
    if (flooded) setTimeout(() => this.#burst(), PAUSE_MS);
    else setImmediate(() => this.#burst());
  }

  #settle() {
    this.#pending = 0;
    this.#settled?.resolve();
    this.#settled = undefined;
    if (!this.#skipped) return;
    this.#skipped = false;
    this.#options.onSkip();
  }

  #take(): Entry | undefined {
    if (this.#next.length === 0) {
      this.#next = this.#queue.reverse();
      this.#queue = [];
    }
    return this.#next.pop();
  }

  #step(entry: Entry) {
    if (!(entry instanceof Uint8Array)) {
      this.#pending -= ENTRY_COST;
      return this.#options.resize(entry);
    }
    if (entry.length > SLICE) this.#next.push(entry.subarray(SLICE));
    else this.#pending -= ENTRY_COST;
    this.#pending -= Math.min(entry.length, SLICE);
    this.#parse(this.#wholeCharacters(entry.subarray(0, SLICE)));
  }

  #wholeCharacters(slice: Uint8Array): Uint8Array {
    const bytes = this.#cut.length > 0 ? Buffer.concat([this.#cut, slice]) : slice;
    const end = bytes.length - unfinished(bytes);
    this.#cut = bytes.slice(end);
    return bytes.subarray(0, end);
  }

  #parse(bytes: Uint8Array) {
    try {
      this.#options.parse(bytes);
    } catch {
      this.#skip(); // A fault of xterm's: begin again as after too much output.
    }
  }

  /** Drops what waits, but not its sizes and the modes it switches. */
  #skip() {
    const waiting = [...this.#next.reverse(), ...this.#queue];
    const bytes = Buffer.concat(waiting.filter((entry) => entry instanceof Uint8Array));
    const size = waiting.findLast((entry) => !(entry instanceof Uint8Array));
    const resume = Buffer.from(RESUME + lastModes(bytes));
    this.#next = [];
    this.#queue = size ? [size, resume] : [resume];
    this.#pending = resume.length + 2 * ENTRY_COST;
    this.#cut = new Uint8Array();
    this.#skipped = true;
    this.#options.onDrop(bytes);
  }
}

/** How many bytes at the end begin a character that is not complete. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes.at(-back) ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0xc0 || byte >= 0xf8 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}

/** The sequences that leave every private mode as these bytes leave it. */
function lastModes(bytes: Buffer): string {
  const last = new Map<string, string>();
  for (let at = bytes.indexOf("\x1b[?"); at >= 0; at = bytes.indexOf("\x1b[?", at + 3)) {
    const text = bytes.subarray(at + 3, at + 3 + MODES_LENGTH).toString("latin1");
    const [, modes = "", set = ""] = /^([0-9;]+)([hl])/.exec(text) ?? [];
    for (const mode of modes.split(";")) if (/^[0-9]{1,4}$/.test(mode)) last.set(mode, set);
  }
  return [...last].map(([mode, set]) => `\x1b[?${mode}${set}`).join("");
}
