// Bytes from the PTY to Screen, and the rows that leave the top. Import it lazily: it brings xterm along.
//
// xterm's public write() loses a character that a chunk ends in the middle of (its decoder takes the continuation byte
// 0x80 for "none", so every “…” is at risk) and throws in a timer where nobody catches. So whole characters go straight
// to its parser, from our own queue.
import type { Screen } from "../screen.ts";
import { LeftRows } from "./left-rows.ts";
import { ParseQueue, type Size } from "./parse-queue.ts";
import { ScreenReader } from "./screen-reader.ts";
import { createTerminal, onOsc, type Xterm } from "./xterm.ts";

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

const TITLE_LIMIT = 256;
/** Bytes of answers to one slice, so that a flood of queries is not a flood of answers. */
const REPLY_LIMIT = 4096;
/** Who answers to XTVERSION: a name that makes no program ask for more. */
const NAME = "claude-remote";
const FOREGROUND = "rgb:e6e6/e6e6/e6e6";
const BACKGROUND = "rgb:1010/1010/1010";

export class Emulator {
  /** Whether the program's queries are answered: only where no real terminal does. */
  answering = false;
  readonly #options: EmulatorOptions;
  readonly #xterm: Xterm;
  readonly #reader: ScreenReader;
  readonly #rows: LeftRows;
  readonly #queue: ParseQueue;
  #screen: Screen | undefined;
  #title = "";
  #replied = 0;
  #closed = false;

  constructor(options: EmulatorOptions) {
    this.#options = options;
    this.#xterm = createTerminal(options.cols, options.rows, () => this.#rows.take());
    this.#rows = new LeftRows(this.#xterm, (text) => options.onLine?.(text));
    this.#reader = new ScreenReader(this.#xterm);
    this.#queue = new ParseQueue({
      parse: (bytes) => this.#parse(bytes),
      resize: (size) => this.#setSize(size),
      onBurst: () => options.onChange?.(),
      onDrop: (bytes) => this.#dropped(bytes),
      onSkip: () => options.onSkip?.(),
    });
    this.#listen();
  }

  /** Takes bytes to be parsed soon. Never throws, never blocks; the bytes must not be changed afterwards. */
  write(bytes: Uint8Array) {
    this.#queue.write(bytes);
  }

  /** Takes a new size, in order with the bytes. */
  resize(cols: number, rows: number) {
    this.#queue.resize({ cols, rows });
  }

  /** What is shown now. Rows that are as they were are the same objects as before. */
  screen(): Screen {
    this.#screen ??= this.#reader.look(this.#title);
    return this.#screen;
  }

  /** The title alone, without looking at the screen. */
  get title(): string {
    return this.#title;
  }

  /** Everything written is on the screen. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  /** Parses no more and calls nobody. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#xterm.terminal.dispose();
    this.#queue.close();
  }

  [Symbol.dispose]() {
    this.close();
  }

  #parse(bytes: Uint8Array) {
    this.#screen = undefined;
    this.#replied = 0;
    this.#xterm.core._inputHandler.parse(bytes);
  }

  #setSize({ cols, rows }: Size) {
    this.#screen = undefined;
    const { terminal } = this.#xterm;
    // Room for every row that wrapping to fewer columns pushes out; they leave at once.
    terminal.options.scrollback = terminal.rows * Math.ceil(terminal.cols / (cols - 1)) + rows;
    terminal.resize(cols, rows);
    this.#rows.take();
    terminal.options.scrollback = 1;
    this.#reader.forget();
  }

  /** What these bytes would have shown was skipped. */
  #dropped(bytes: Buffer) {
    this.#rows.endLine(false);
    if (!this.#reader.alternate) this.#options.onGap?.(Math.max(1, count(bytes, 10)));
  }

  #listen() {
    const { terminal, core } = this.#xterm;
    for (const id of [0, 2]) onOsc(core, id, (text) => this.#setTitle(text));
    terminal.parser.registerCsiHandler({ final: "J" }, ([what]) =>
      this.#erased(what === 3 && !this.#reader.alternate),
    );
    terminal.parser.registerEscHandler({ final: "c" }, () => this.#erased(true));
    terminal.parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => this.#left(modes));
    core._inputHandler._parser.registerCsiHandler({ final: "S" }, ({ params }) => {
      if (!this.#reader.alternate) this.#rows.scrollUp(params[0] || 1);
      return false; // xterm does the rest.
    });
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
    const leaves =
      this.#reader.alternate && modes.some((mode) => mode === 47 || mode === 1047 || mode === 1049);
    if (leaves) this.#options.onLeave?.(this.#reader.look(this.#title));
    return false; // xterm does the rest.
  }

  #setTitle(text: string) {
    const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "");
    this.#title = [...plain].slice(0, TITLE_LIMIT).join("");
  }

  #erased(really: boolean): boolean {
    if (!really) return false;
    this.#rows.endLine(false);
    this.#options.onErase?.();
    return false; // xterm does the rest.
  }
}

function count(bytes: Uint8Array, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++;
  return found;
}
