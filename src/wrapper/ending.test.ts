// When a session that nobody looks at ends by itself.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { SessionId } from "../protocol.ts";
import { Ending } from "./ending.ts";

const HOUR = 60 * 60 * 1_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A session without a terminal; `killed`: what claude was sent; `asked.open`: a question of its stands open. */
function seatless() {
  const killed: string[] = [];
  const asked = { open: false };
  const ending = new Ending({
    ...{ id: "s1" as SessionId, onHangup: "detach", runs: { ended() {} }, log() {}, patience: 0 },
    link: () => ({ up: true, refused: null, tell: () => true }),
    kill: (signal) => void killed.push(signal),
    asks: () => asked.open,
  });
  ending.seated(false);
  return { ending, killed, asked };
}

test("a session ends after a day in which nobody looked and claude printed nothing", () => {
  const { killed } = seatless();
  jest.advanceTimersByTime(24 * HOUR - 1);
  expect(killed).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(killed).toEqual(["SIGHUP"]);
});

test("a claude that works for days alone goes on, and ends a day after its last word at the earliest", () => {
  const { ending, killed } = seatless();
  for (let day = 0; day < 3; day++) {
    jest.advanceTimersByTime(23 * HOUR);
    ending.printed();
    jest.advanceTimersByTime(HOUR);
  }
  expect(killed).toEqual([]);
  jest.advanceTimersByTime(24 * HOUR);
  expect(killed).toEqual(["SIGHUP"]);
});

test("whoever looks, or sits before it, keeps it", () => {
  const { ending, killed } = seatless();
  ending.watched({ type: "watch", viewers: 1, rate: 1, paired: true });
  jest.advanceTimersByTime(72 * HOUR);
  ending.watched({ type: "watch", viewers: 0, rate: 0, paired: true });
  ending.seated(true);
  jest.advanceTimersByTime(72 * HOUR);
  expect(killed).toEqual([]);
});

test("a question that is open keeps its session for a week in which nobody looked", () => {
  const { killed, asked } = seatless();
  asked.open = true;
  jest.advanceTimersByTime(7 * 24 * HOUR - 1);
  expect(killed).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(killed).toEqual(["SIGHUP"]);
});

test("a session whose question is over ends with the next day, and one whose claude went on begins to count anew", () => {
  const over = seatless();
  const onward = seatless();
  for (const { asked } of [over, onward]) asked.open = true;
  jest.advanceTimersByTime(72 * HOUR - 1);
  for (const { asked } of [over, onward]) asked.open = false;
  onward.ending.printed();
  jest.advanceTimersByTime(1);
  expect([over.killed, onward.killed]).toEqual([["SIGHUP"], []]);
  jest.advanceTimersByTime(24 * HOUR);
  expect(onward.killed).toEqual(["SIGHUP"]);
});
