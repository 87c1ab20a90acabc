// claude's size while it is made to paint everything anew.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Terminals } from "./terminals.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function world(rows = 40) {
  const sizes: string[] = [];
  const terminals = new Terminals({
    hosted: { cols: 100, rows },
    claude: () => ({
      write() {},
      resize: (cols: number, rows: number) => void sizes.push(`${cols}x${rows}`),
      kill() {},
    }),
    tell() {},
    onTyped() {},
    onSize() {},
    onChange() {},
    onHangup: () => true,
  });
  return { sizes, terminals, paints: () => terminals.write(Buffer.from("x")) };
}

test("its size differs until claude has painted, however late on a busy machine, and a moment longer", () => {
  const { terminals, sizes, paints } = world();
  terminals.repaint();
  jest.advanceTimersByTime(1_500);
  expect(sizes).toEqual(["100x39"]);
  paints();
  jest.advanceTimersByTime(40);
  paints();
  expect(sizes).toEqual(["100x39"]);
  jest.advanceTimersByTime(10);
  expect(sizes).toEqual(["100x39", "100x40"]);
  terminals[Symbol.dispose]();
});

test("one that paints nothing has its size back after two seconds", () => {
  const { terminals, sizes } = world();
  terminals.repaint();
  jest.advanceTimersByTime(2_000);
  expect(sizes).toEqual(["100x39", "100x40"]);
  terminals[Symbol.dispose]();
});

test("a window that changes meanwhile is not put back to the size it had", () => {
  const { terminals, sizes, paints } = world();
  terminals.repaint();
  paints();
  terminals.resize({ cols: 80, rows: 24 });
  terminals.repaint();
  paints();
  jest.advanceTimersByTime(3_000);
  expect(sizes).toEqual(["100x39", "80x24", "80x23", "80x24"]);
  terminals[Symbol.dispose]();
});

test("a terminal of the fewest rows differs by one more", () => {
  const { terminals, sizes } = world(2);
  terminals.repaint();
  terminals[Symbol.dispose]();
  jest.advanceTimersByTime(3_000);
  expect(sizes).toEqual(["100x3"]);
});
