// A session's screen as a terminal of another size shows it, with a line of our own above it where there is something to say.
import type { Row, Screen } from "../screen.ts";

export type Size = { cols: number; rows: number };

const EMPTY_ROW: Row = [];

/** Cut at the right; of what is too high, the part that holds the cursor. `notice` hides the first line. */
export function fit(screen: Screen, { cols, rows }: Size, notice: string | null): Screen {
  const { cursor } = screen;
  const top = Math.max(0, Math.min(screen.rows - rows, cursor.y - rows + 1));
  const lines = Array.from({ length: rows }, (_, y) => screen.lines[top + y] ?? EMPTY_ROW);
  if (notice !== null) lines[0] = bar(notice, cols);
  const y = cursor.y - top;
  const visible = cursor.visible && cursor.x < cols && y < rows && !(notice !== null && y === 0);
  const place = { x: Math.min(cursor.x, cols - 1), y: Math.min(y, rows - 1), visible };
  return { ...screen, cols, rows, lines, cursor: place };
}

const bar = (text: string, cols: number): Row => [
  { text: ` ${text}`.slice(0, cols).padEnd(cols), style: { inverse: true } },
];
