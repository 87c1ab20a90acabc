// Bytes from the PTY to Screen, and the rows that leave the top. Import it lazily: it brings xterm along.
//
// xterm's public write() loses a character that a chunk ends in the middle of (its decoder takes the continuation byte
// 0x80 for "none", so every “…” is at risk) and throws in a timer where nobody catches. So whole characters go straight
// to its parser, from our own queue.
import { type Modes, type Row, type Screen, sameRow } from "../screen.ts";
import { readRow } from "./cells.ts";
import { createTerminal, type Line, onOsc } from "./xterm.ts";

export type EmulatorOptions = {
  cols: number;
  rows: number;
  /** The screen may be another. */
  onChange?: () => void;
  /** A line left the top of the main screen; the rows it was wrapped to are joined. */
  onLine?: (text: string) => void;
  /** The scrollback was erased. */
  onErase?: () => void;
  /** Here so many lines of the main screen were skipped. */
  onGap?: (lines: number) => void;
  /** The alternate screen is about to be left; this is what it shows. */
  onLeave?: (screen: Screen) => void;
  /** Output was skipped and what followed is parsed: the program must paint anew. */
  onSkip?: () => void;
  /** Answers to the program's queries, while `answering`. */
  onReply?: (bytes: Uint8Array) => void;
};

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
/** Characters of a joined line; a longer one is delivered in pieces. */
const LINE_LIMIT = 16_384;
const TITLE_LIMIT = 256;
/** Bytes of answers to one slice, so that a flood of queries is not a flood of answers. */
const REPLY_LIMIT = 4096;
/** Leaves any sequence that was cut, and undoes what shapes later output: style, region, insert, origin, charset. */
const RESUME = "\x18\x1b[m\x1b[r\x1b[4l\x1b[?6l\x1b[?7h\x0f\x1b(B";
/** Who answers to XTVERSION: a name that makes no program ask for more. */
const NAME = "claude-remote";
const FOREGROUND = "rgb:e6e6/e6e6/e6e6";
const BACKGROUND = "rgb:1010/1010/1010";

/** xterm's names of what Modes has. */
const MOUSE_ENCODINGS = new Map<string, "sgr" | "sgr_pixels">([
  ["SGR", "sgr"],
  ["SGR_PIXELS", "sgr_pixels"],
]);

/** Characters in which a sequence that sets modes must end to be kept when output is skipped. */
const MODES_LENGTH = 64;

type Size = { cols: number; rows: number };
type Entry = Uint8Array | Size;
/** A row as it was read from these cells. `combined`: the cells do not say all of the text. */
type Read = { cells: Uint32Array; row: Row; combined: boolean };

export class Emulator {
  /** Whether the program's queries are answered: only where no real terminal does. */
  answering = false;
  readonly #options: EmulatorOptions;
  readonly #xterm: ReturnType<typeof createTerminal>;
  #read = new WeakMap<Line, Read>();
  readonly #cell;
  #screen: Screen | undefined;
  #title = "";
  #line = "";
  /** What waits, newest last, and before it what waits in reverse: both ends of a queue for the price of a stack. */
  #queue: Entry[] = [];
  #next: Entry[] = [];
  #pending = 0;
  /** The beginning of a character, for the next slice. */
  #cut = new Uint8Array();
  #replied = 0;
  #skipped = false;
  #growing = false;
  #closed = false;
  #settled: PromiseWithResolvers<void> | undefined;

  constructor(options: EmulatorOptions) {
    this.#options = options;
    this.#xterm = createTerminal(options.cols, options.rows, () => this.#takeRows());
    this.#cell = this.#xterm.terminal.buffer.active.getNullCell();
    this.#listen();
  }

  /** Takes bytes to be parsed soon. Never throws, never blocks; the bytes must not be changed afterwards. */
  write(bytes: Uint8Array) {
    this.#growing = true;
    this.#put(bytes, bytes.length + ENTRY_COST);
    if (this.#pending > QUEUE_LIMIT) this.#skip();
  }

  /** Takes a new size, in order with the bytes. */
  resize(cols: number, rows: number) {
    this.#put({ cols, rows }, ENTRY_COST);
  }

  /** What is shown now. Rows that are as they were are the same objects as before. */
  screen(): Screen {
    this.#screen ??= this.#look();
    return this.#screen;
  }

  /** The title alone, without looking at the screen. */
  get title(): string {
    return this.#title;
  }

  /** Everything written is on the screen. */
  settled(): Promise<void> {
    return this.#settled?.promise ?? Promise.resolve();
  }

  /** Parses no more and calls nobody. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = this.#next = [];
    this.#xterm.terminal.dispose();
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  [Symbol.dispose]() {
    this.close();
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
    this.#options.onChange?.();
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
    this.#options.onSkip?.();
  }

  #take(): Entry | undefined {
    if (this.#next.length === 0) {
      this.#next = this.#queue.reverse();
      this.#queue = [];
    }
    return this.#next.pop();
  }

  #step(entry: Entry) {
    this.#screen = undefined;
    if (!(entry instanceof Uint8Array)) return this.#setSize(entry);
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
    this.#replied = 0;
    try {
      this.#xterm.core._inputHandler.parse(bytes);
    } catch {
      this.#skip(); // A fault of xterm's: begin again as after too much output.
    }
  }

  #setSize({ cols, rows }: Size) {
    this.#pending -= ENTRY_COST;
    const { terminal } = this.#xterm;
    // Room for every row that wrapping to fewer columns pushes out; they leave at once.
    terminal.options.scrollback = terminal.rows * Math.ceil(terminal.cols / (cols - 1)) + rows;
    terminal.resize(cols, rows);
    this.#takeRows();
    terminal.options.scrollback = 1;
    this.#read = new WeakMap(); // Lines of the alternate screen stay as long as they were.
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
    this.#endLine(false);
    if (!this.#alternate) this.#options.onGap?.(Math.max(1, count(bytes, 10)));
  }

  get #alternate(): boolean {
    return this.#xterm.terminal.buffer.active.type === "alternate";
  }

  #listen() {
    const { terminal, core } = this.#xterm;
    for (const id of [0, 2]) onOsc(core, id, (text) => this.#setTitle(text));
    terminal.parser.registerCsiHandler({ final: "J" }, ([what]) =>
      this.#erased(what === 3 && !this.#alternate),
    );
    terminal.parser.registerEscHandler({ final: "c" }, () => this.#erased(true));
    terminal.parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => this.#left(modes));
    core._inputHandler._parser.registerCsiHandler({ final: "S" }, ({ params }) =>
      this.#scrollUp(params[0] || 1),
    );
    terminal.onData((text) => this.#reply(text));
    terminal.parser.registerCsiHandler({ prefix: ">", final: "q" }, () =>
      this.#reply(`\x1bP>|${NAME}\x1b\\`),
    );
    for (const [id, color] of [
      [10, FOREGROUND],
      [11, BACKGROUND],
    ] as const) {
      onOsc(core, id, (text) => text === "?" && this.#reply(`\x1b]${id};${color}\x1b\\`));
    }
  }

  #reply(text: string): boolean {
    this.#replied += text.length;
    if (this.answering && !this.#closed && this.#replied <= REPLY_LIMIT)
      this.#options.onReply?.(Buffer.from(text));
    return true;
  }

  #left(modes: (number | number[])[]): boolean {
    const leaves = this.#alternate && modes.some((mode) => mode === 47 || mode === 1047 || mode === 1049);
    if (leaves) this.#options.onLeave?.(this.#look());
    return false; // xterm does the rest.
  }

  #setTitle(text: string) {
    const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "");
    this.#title = [...plain].slice(0, TITLE_LIMIT).join("");
  }

  #erased(really: boolean): boolean {
    if (!really) return false;
    this.#endLine(false);
    this.#options.onErase?.();
    return false; // xterm does the rest.
  }

  /** Rows that SU scrolls out of the top leave like others; xterm itself would delete them. */
  #scrollUp(rows: number): boolean {
    const grid = this.#xterm.core.buffers.normal;
    if (this.#alternate || grid.scrollTop > 0) return false;
    for (let y = 0; y < Math.min(rows, this.#xterm.terminal.rows); y++) {
      this.#takeRow(grid.lines.get(y), grid.lines.get(y + 1));
    }
    return false;
  }

  /** Every row above the screen leaves: nothing is kept, so nothing can come back and leave twice. */
  #takeRows() {
    const grid = this.#xterm.core.buffers.normal;
    for (; grid.ybase > 0; grid.ybase--) {
      this.#takeRow(grid.lines.get(0), grid.lines.get(1));
      grid.lines.trimStart(1);
    }
    grid.ydisp = 0;
  }

  #takeRow(row: Line | undefined, next: Line | undefined) {
    if (!row) return;
    const goesOn = next?.isWrapped ?? false;
    const text = row.translateToString(!goesOn);
    // A wide character that did not fit has left a cell empty that is no blank of the line.
    const gap = goesOn && next?.getWidth(0) === 2 && row.getCodePoint(this.#xterm.terminal.cols - 1) === 0;
    this.#line += gap ? text.slice(0, -1) : text;
    if (!goesOn || this.#line.length >= LINE_LIMIT) this.#endLine(!goesOn);
  }

  #endLine(evenEmpty: boolean) {
    const line = this.#line;
    this.#line = "";
    if (line || evenEmpty) this.#options.onLine?.(line);
  }

  #look(): Screen {
    const { terminal, core } = this.#xterm;
    const { active } = terminal.buffer;
    return {
      cols: terminal.cols,
      rows: terminal.rows,
      lines: Array.from({ length: terminal.rows }, (_, y) => this.#row(y)),
      cursor: {
        x: Math.min(active.cursorX, terminal.cols - 1),
        y: active.cursorY,
        visible: !core.coreService.isCursorHidden,
      },
      modes: this.#modes(),
      title: this.#title,
    };
  }

  #row(y: number): Row {
    const { active } = this.#xterm.terminal.buffer;
    const line = this.#xterm.core.buffers.active.lines.get(active.baseY + y);
    const view = active.getLine(active.baseY + y);
    if (!line || !view) return [];
    const before = this.#read.get(line);
    if (before && !before.combined && sameCells(before.cells, line._data)) return before.row;
    const { row, combined } = readRow(view, this.#xterm.terminal.cols, this.#cell);
    const kept = before && sameRow(before.row, row) ? before.row : row;
    this.#read.set(line, { cells: line._data.slice(), row: kept, combined });
    return kept;
  }

  #modes(): Modes {
    const modes = this.#xterm.terminal.modes;
    const encoding = MOUSE_ENCODINGS.get(this.#xterm.core.coreMouseService.activeEncoding);
    return {
      alternate: this.#alternate,
      bracketed_paste: modes.bracketedPasteMode,
      application_cursor: modes.applicationCursorKeysMode,
      application_keypad: modes.applicationKeypadMode,
      mouse: modes.mouseTrackingMode,
      ...(encoding ? { mouse_encoding: encoding } : {}),
      focus: modes.sendFocusMode,
    };
  }
}

function sameCells(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
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

function count(bytes: Uint8Array, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++;
  return found;
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
