// What viewers see of this run: emulator, frames and log joined. Loaded after claude runs; what it wrote before is kept.

import type { LogLine, WrapperMessage } from "../protocol.ts";
import { type Frame, mirror, rowText, type Screen } from "../screen.ts";
import { Emulator } from "./emulator.ts";
import { pacer } from "./pacer.ts";
import { scrollback } from "./scrollback.ts";

export type ViewOptions = {
  cols: number;
  rows: number;
  tell: (message: WrapperMessage) => boolean;
  /** The network does not take more now. */
  full: () => boolean;
  onTitle: (title: string) => void;
  /** Answers to claude's terminal queries, where no real terminal gives them. */
  onReply: (bytes: Uint8Array) => void;
  /** Output was skipped: claude must paint anew. */
  onSkip: () => void;
};

/** A full network is looked at again after that; the last screen always arrives. */
const DRAIN_MS = 50;
/** A program that leaves the alternate screen to end writes a few last words: how to come back. */
const LAST_WORDS_ROWS = 6;
/** Log lines a message. */
const LINES_A_MESSAGE = 200;

export class View implements Disposable {
  readonly #options: ViewOptions;
  readonly #emulator: Emulator;
  readonly #log = scrollback();
  readonly #mirror: ReturnType<typeof mirror>;
  readonly #pacer: ReturnType<typeof pacer>;
  #title = "";
  #sentLine = 0;
  #online = false;
  /** What the alternate screen showed when it was last left. */
  #left: Screen | null = null;
  #ended = false;
  #drain: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#emulator = new Emulator({
      cols: options.cols,
      rows: options.rows,
      onChange: () => this.#changed(),
      onLine: (text) => this.#log.add("screen", text),
      onErase: () => this.#log.newEpoch(),
      onGap: (count) => this.#log.gap(count),
      onLeave: (screen) => {
        this.#left = screen;
      },
      onReply: options.onReply,
      onSkip: options.onSkip,
    });
    this.#mirror = mirror((frame) => this.#send(frame));
    this.#pacer = pacer(() => this.#mirror.show(this.#shown()));
  }

  write(bytes: Uint8Array) {
    this.#emulator.write(bytes);
  }

  resize(cols: number, rows: number) {
    this.#emulator.resize(cols, rows);
  }

  screen(): Screen {
    return this.#emulator.screen();
  }

  set answering(on: boolean) {
    this.#emulator.answering = on;
  }

  /** So many watch, and want at most so many frames a second. The first is a whole one. */
  watched(viewers: number, rate: number) {
    this.#pacer.rate(viewers > 0 ? rate : 0);
    if (viewers === 0) return;
    this.#mirror.reset();
    this.flush();
  }

  /** All that was written is on the screen. */
  settled(): Promise<void> {
    return this.#emulator.settled();
  }

  /** A frame now, watched or not: at each change of status and at the end, it is the session's last screen. */
  async flush(): Promise<void> {
    await this.#emulator.settled();
    this.#pacer.flushNow();
  }

  /** The program has ended: the last screen that it showed is sent, and stays. */
  async ended(): Promise<void> {
    this.#ended = true;
    await this.flush();
  }

  /**
   * A full-screen program gives the terminal back before it ends, and what is left there are a few last words: its last
   * screen is the one before.
   */
  #shown(): Screen {
    const now = this.#emulator.screen();
    const before = this.#left;
    if (!this.#ended || !before || now.modes.alternate || before.cols !== now.cols) return now;
    const words = now.lines.filter((row) => rowText(row).trim() !== "").length;
    if (words > LAST_WORDS_ROWS) return now;
    return { ...before, cursor: { ...before.cursor, visible: false }, modes: now.modes, title: now.title };
  }

  /** A new connection knows nothing. */
  online() {
    this.#online = true;
    this.#sentLine = Number.POSITIVE_INFINITY; // Until the server has said what it holds.
    this.#mirror.reset();
    this.flush();
  }

  offline() {
    this.#online = false;
    this.#pacer.rate(0);
  }

  /** The server holds the log up to here. */
  acked(lineNo: number) {
    this.#log.acked(lineNo);
    if (this.#sentLine === Number.POSITIVE_INFINITY) this.#sentLine = lineNo;
    this.#sendLines();
  }

  /** A completed block of the transcript; kept in the log while the alternate screen hides what scrolls away. */
  block(text: string) {
    if (!this.screen().modes.alternate) return;
    for (const line of text.split("\n")) this.#log.add("transcript", line);
    this.#sendLines();
  }

  #sendLines() {
    while (this.#online && !this.#options.full()) {
      const lines: LogLine[] = this.#log.after(this.#sentLine, LINES_A_MESSAGE);
      const last = lines.at(-1);
      if (!last || !this.#options.tell({ type: "lines", lines })) return;
      this.#sentLine = last.line_no + (last.count ?? 1) - 1;
    }
    if (this.#online) this.#later();
  }

  #changed() {
    const { title } = this.#emulator;
    if (title !== this.#title) this.#options.onTitle(title);
    this.#title = title;
    this.#pacer.changed();
    this.#sendLines();
  }

  #send(frame: Frame): boolean {
    if (this.#options.full()) {
      this.#later();
      return false;
    }
    return this.#options.tell({ type: "output", frame });
  }

  #later() {
    this.#drain ??= setTimeout(() => {
      this.#drain = undefined;
      this.#mirror.drain();
      this.#sendLines();
    }, DRAIN_MS);
  }

  [Symbol.dispose]() {
    clearTimeout(this.#drain);
    this.#pacer.rate(0);
    this.#emulator.close();
  }
}
