// xterm's screen as a Screen. Rows that are as they were are the same objects as before.
import { type Modes, type Row, type Screen, sameRow } from "../screen.ts";
import { readRow } from "./cells.ts";
import type { Line, Xterm } from "./xterm.ts";

/** xterm's names of what Modes has. */
const MOUSE_ENCODINGS = new Map<string, "sgr" | "sgr_pixels">([
  ["SGR", "sgr"],
  ["SGR_PIXELS", "sgr_pixels"],
]);

/** A row as it was read from these cells. `combined`: the cells do not say all of the text. */
type Read = { cells: Uint32Array; row: Row; combined: boolean };

/** Reads one terminal. */
export class ScreenReader {
  readonly #xterm: Xterm;
  readonly #cell;
  #read = new WeakMap<Line, Read>();

  constructor(xterm: Xterm) {
    this.#xterm = xterm;
    this.#cell = xterm.terminal.buffer.active.getNullCell();
  }

  get alternate(): boolean {
    return this.#xterm.terminal.buffer.active.type === "alternate";
  }

  /** Reads every row anew: lines of the alternate screen stay as long as they were when the size changes. */
  forget() {
    this.#read = new WeakMap();
  }

  /** What is shown now. */
  look(title: string): Screen {
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
      title,
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
      alternate: this.alternate,
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
