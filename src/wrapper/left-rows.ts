// Rows that leave the top of the main screen, each once, joined to the lines that they were wrapped from.
import type { Line, Xterm } from "./xterm.ts";

/** Characters of a joined line; a longer one is delivered in pieces. */
const LINE_LIMIT = 16_384;

/** The rows of one terminal; each line is given to `onLine`. */
export class LeftRows {
  readonly #xterm: Xterm;
  readonly #onLine: (text: string) => void;
  /** The beginning of a line whose rest has not left yet. */
  #line = "";

  constructor(xterm: Xterm, onLine: (text: string) => void) {
    this.#xterm = xterm;
    this.#onLine = onLine;
  }

  /** Every row above the screen leaves: nothing is kept, so nothing can come back and leave twice. */
  take() {
    const grid = this.#xterm.core.buffers.normal;
    for (; grid.ybase > 0; grid.ybase--) {
      this.#takeRow(grid.lines.get(0), grid.lines.get(1));
      grid.lines.trimStart(1);
    }
    grid.ydisp = 0;
  }

  /** So many rows that SU scrolls out of the top leave like others; xterm itself would delete them. */
  scrollUp(rows: number) {
    const grid = this.#xterm.core.buffers.normal;
    if (grid.scrollTop > 0) return;
    for (let y = 0; y < Math.min(rows, this.#xterm.terminal.rows); y++) {
      this.#takeRow(grid.lines.get(y), grid.lines.get(y + 1));
    }
  }

  /** What has left so far is a line; `evenEmpty`: also if there is nothing of it. */
  endLine(evenEmpty: boolean) {
    const line = this.#line;
    this.#line = "";
    if (line || evenEmpty) this.#onLine(line);
  }

  #takeRow(row: Line | undefined, next: Line | undefined) {
    if (!row) return;
    const goesOn = next?.isWrapped ?? false;
    const text = row.translateToString(!goesOn);
    // A wide character that did not fit has left a cell empty that is no blank of the line.
    const gap = goesOn && next?.getWidth(0) === 2 && row.getCodePoint(this.#xterm.terminal.cols - 1) === 0;
    this.#line += gap ? text.slice(0, -1) : text;
    if (!goesOn || this.#line.length >= LINE_LIMIT) this.endLine(!goesOn);
  }
}
