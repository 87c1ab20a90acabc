import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { pacer } from "./pacer.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A pacer on the fake clock, and when it sent, in ms from its start. */
function testPacer() {
  const start = Date.now();
  const sent: number[] = [];
  return { sent, pacer: pacer(() => sent.push(Date.now() - start), Date.now) };
}

test("the first change after quiet goes after a few ms of collecting", () => {
  const { pacer, sent } = testPacer();
  pacer.rate(10);
  pacer.changed();
  pacer.changed();
  jest.advanceTimersByTime(3);
  expect(sent).toEqual([]);
  pacer.changed();
  jest.advanceTimersByTime(1);
  expect(sent).toEqual([4]);
  jest.advanceTimersByTime(10_000);
  pacer.changed();
  jest.advanceTimersByTime(4);
  expect(sent).toEqual([4, 10_008]);
});

for (const rate of [10, 30]) {
  test(`sustained change goes ${rate} times a second, and its end is not lost`, () => {
    const { pacer, sent } = testPacer();
    pacer.rate(rate);
    for (let ms = 0; ms < 2000; ms++) {
      pacer.changed();
      jest.advanceTimersByTime(1);
    }
    expect(sent.length).toBeGreaterThanOrEqual(2 * rate - 2);
    expect(sent.length).toBeLessThanOrEqual(2 * rate + 1);
    const before = sent.length;
    jest.advanceTimersByTime(1000);
    expect(sent.length).toBe(before + 1);
    expect(jest.getTimerCount()).toBe(0);
  });
}

test("nothing is scheduled while nobody watches, and what changed goes when somebody does", () => {
  const { pacer, sent } = testPacer();
  for (let i = 0; i < 100; i++) pacer.changed();
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(60_000);
  expect(sent).toEqual([]);
  pacer.rate(10);
  jest.advanceTimersByTime(4);
  expect(sent).toEqual([60_004]);
});

test("when the last one leaves, what was planned is not sent, and no timer is left", () => {
  const { pacer, sent } = testPacer();
  pacer.rate(10);
  pacer.changed();
  pacer.rate(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(1000);
  expect(sent).toEqual([]);
});

test("a quicker watcher does not wait for the interval of a slower one", () => {
  const { pacer, sent } = testPacer();
  pacer.rate(1);
  pacer.changed();
  jest.advanceTimersByTime(4);
  pacer.changed();
  jest.advanceTimersByTime(100);
  pacer.rate(30);
  jest.advanceTimersByTime(4);
  expect(sent).toEqual([4, 108]);
});

test("a frame now goes now, watched or not, in place of the one planned", () => {
  const { pacer, sent } = testPacer();
  pacer.flushNow();
  expect(sent).toEqual([0]);
  pacer.rate(10);
  jest.advanceTimersByTime(500);
  pacer.changed();
  pacer.flushNow();
  expect(sent).toEqual([0, 500]);
  expect(jest.getTimerCount()).toBe(0);
  pacer.changed();
  jest.advanceTimersByTime(99);
  expect(sent).toEqual([0, 500]);
  jest.advanceTimersByTime(1);
  expect(sent).toEqual([0, 500, 600]);
});
