// Paints on the main screen as claude's classic renderer does: what was said scrolls up, a live part below is redrawn.

/** Rows for a width: what was said is laid out anew when the terminal changes its size. */
export type Entry = (cols: number) => string[];

/** Entries kept for a redraw; more than fit on any screen. */
const MAX_KEPT = 300;

export const sgr = (code: string, text: string) => `\x1b[${code}m${text}\x1b[0m`;
export const dim = (text: string) => sgr("38;5;246", text);

/** No control character of anybody's text reaches the terminal. */
const clean = (text: string) => text.replaceAll("\t", "    ").replace(/[^\P{Cc}\n]/gu, "");

/** `text` in rows of `cols`, the first behind `head`, the others as far in. */
export function laid(head: string, text: string, cols: number, style = (row: string) => row): string[] {
  const indent = Bun.stringWidth(head);
  const room = Math.max(1, cols - indent);
  const rows = clean(text)
    .split("\n")
    .flatMap((line) => {
      const [first = "", ...more] = Bun.wrapAnsi(line, room, { hard: true, trim: false }).split("\n");
      return [first, ...more.map((row) => row.trimStart())];
    });
  return rows.map((row, at) => (at === 0 ? head : " ".repeat(indent)) + style(row));
}

/** `write` gets the bytes for the terminal, `size` is asked before each painting. */
export function painter(write: (text: string) => void, size: () => { cols: number; rows: number }) {
  const said: Entry[] = [];
  let live: string[] = [];
  const clear = () => `\r${up(live.length - 1)}\x1b[J`;
  const fitting = (rows: string[]) => rows.slice(-size().rows);

  return {
    /** Adds to what was said, above the live part. */
    say(entry: Entry) {
      said.push(entry);
      said.splice(0, said.length - MAX_KEPT);
      const rows = entry(size().cols);
      write(`${clear()}${rows.map((row) => `${row}\r\n`).join("")}${live.join("\r\n")}`);
    },
    /** The live part is now this. Only rows that changed are written. */
    live(rows: string[]) {
      const next = fitting(rows);
      if (next.length !== live.length) write(clear() + next.join("\r\n"));
      else write(next.map((row, y) => (row === live[y] ? "" : replaced(row, next.length - 1 - y))).join(""));
      live = next;
    },
    /** Everything anew, after a resize or a suspension: the end of what was said, as far as it fits. */
    repaint(rows: string[]) {
      live = fitting(rows);
      const above = said.flatMap((entry) => entry(size().cols));
      const room = size().rows - live.length;
      write(`\x1b[2J\x1b[H${[...(room > 0 ? above.slice(-room) : []), ...live].join("\r\n")}`);
    },
  };
}

const up = (rows: number) => (rows > 0 ? `\x1b[${rows}A` : "");
const replaced = (row: string, above: number) =>
  `\r${up(above)}\x1b[2K${row}\r${above > 0 ? `\x1b[${above}B` : ""}`;
