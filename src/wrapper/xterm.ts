// xterm's headless terminal with bounds on what one sequence may cost, and the parts of it that are not public. They are
// those of 6.0.0, which is pinned exactly for that.
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { Terminal } from "@xterm/headless";

/** Characters of an OSC that are kept; titles and colour queries need fewer. xterm's own limit is 10 MB. */
const OSC_LIMIT = 1024;
/** UTF-16 units of one cell, at least; the longest emoji has 15. xterm has no limit. */
const GRAPHEME_LIMIT = 32;

export type Line = {
  _data: Uint32Array;
  isWrapped: boolean;
  getWidth(x: number): number;
  getCodePoint(x: number): number;
  translateToString(trimRight: boolean): string;
};
export type Grid = {
  lines: { get(y: number): Line | undefined; trimStart(count: number): void };
  ybase: number;
  ydisp: number;
  scrollTop: number;
};
type LineClass = Line & {
  isCombined(x: number): number;
  getString(x: number): string;
  addCodepointToCell(x: number, code: number, width: number): void;
};
type OscHandler = {
  start(): void;
  put(codes: Uint32Array, from: number, to: number): void;
  end(finished: boolean): boolean;
};
type Csi = { prefix?: string; final: string };
type Core = {
  _inputHandler: {
    parse(bytes: Uint8Array): void;
    _parser: {
      clearOscHandler(id: number): void;
      registerOscHandler(id: number, handler: OscHandler): void;
      clearDcsHandler(id: { intermediates: string; final: string }): void;
      registerCsiHandler(id: Csi, handler: (params: { params: number[] }) => boolean): void;
    };
  };
  _bufferService: { onScroll(listener: () => void): void };
  buffers: { active: Grid; normal: Grid };
  coreService: { isCursorHidden: boolean };
  coreMouseService: { activeEncoding: string };
};

/** A terminal without scrollback to speak of: `onScroll` must take away the row that enters it. */
export function createTerminal(cols: number, rows: number, onScroll: () => void) {
  const terminal = new Terminal({ cols, rows, scrollback: 1, allowProposedApi: true, logLevel: "off" });
  const core = (terminal as unknown as { _core: Core })._core;
  core._bufferService.onScroll(onScroll);
  // Typed for the browser's Terminal, of which it uses what both have.
  terminal.loadAddon(new UnicodeGraphemesAddon() as unknown as Parameters<Terminal["loadAddon"]>[0]);
  boundGraphemes(core);
  boundStrings(core);
  boundRepeats(terminal, core);
  mendErase(terminal, core);
  return { terminal, core };
}

export type Xterm = ReturnType<typeof createTerminal>;

/** Handles an OSC by the first characters of its text. */
export function onOsc(core: Core, id: number, handle: (text: string) => void) {
  let text = "";
  core._inputHandler._parser.registerOscHandler(id, {
    start() {
      text = "";
    },
    put(codes, from, to) {
      const end = Math.min(to, from + OSC_LIMIT - text.length);
      if (end > from) text += String.fromCodePoint(...codes.subarray(from, end));
    },
    end(finished) {
      if (finished) handle(text);
      text = "";
      return true;
    },
  });
}

/** Cells that already hold the limit take no more. There is no public way to it, hence the class itself is changed. */
function boundGraphemes(core: Core) {
  const line = core.buffers.normal.lines.get(0);
  const lines: LineClass = Object.getPrototypeOf(line);
  if (bounded.has(lines)) return;
  bounded.add(lines);
  const add = lines.addCodepointToCell;
  lines.addCodepointToCell = function (x, code, width) {
    if (this.isCombined(x) && this.getString(x).length >= GRAPHEME_LIMIT) return;
    add.call(this, x, code, width);
    this.getString(x).charCodeAt(0); // Makes one string of what would stay a chain of concatenations.
  };
}

const bounded = new WeakSet<LineClass>();

/** No handler of xterm's that collects a string is left: titles, links and colours would be kept up to 10 MB each. */
function boundStrings(core: Core) {
  const parser = core._inputHandler._parser;
  for (const id of [0, 1, 2, 4, 8, 10, 11, 12, 104, 110, 111, 112]) parser.clearOscHandler(id);
  parser.clearDcsHandler({ intermediates: "$", final: "q" });
}

/** Counts beyond the screen do no more than the screen's size does, but take minutes at 2³¹ (or 8 GB: REP). */
function boundRepeats(terminal: Terminal, core: Core) {
  const most = (final: string, limit: () => number) =>
    core._inputHandler._parser.registerCsiHandler({ final }, ({ params }) => {
      params[0] = Math.min(params[0] ?? 0, limit());
      return false;
    });
  for (const final of "LMST") most(final, () => terminal.rows);
  for (const final of "IZ") most(final, () => terminal.cols);
  most("b", () => terminal.cols * terminal.rows);
}

/** xterm throws where "erase to the cursor" meets the last cell. That is to erase all. */
function mendErase(terminal: Terminal, core: Core) {
  for (const id of [{ final: "J" }, { prefix: "?", final: "J" }]) {
    core._inputHandler._parser.registerCsiHandler(id, ({ params }) => {
      const { cursorX, cursorY } = terminal.buffer.active;
      if (params[0] === 1 && cursorY === terminal.rows - 1 && cursorX >= terminal.cols - 1) params[0] = 2;
      return false;
    });
  }
}
