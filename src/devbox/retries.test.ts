import { expect, test } from "bun:test";
import { fakeClock } from "../testing/clock.ts";
import { Retries } from "./retries.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A lost way that never comes back, from now on: the ms, from the loss, at which it was tried. */
function gone(refused = false) {
  const awake = fakeClock();
  let slept = 0;
  const time = { now: () => awake.now() + slept, steady: awake.now, after: awake.after };
  const retries = new Retries(time);
  const began = awake.now();
  const tried: number[] = [];
  const ended = new AbortController();
  const settle = () => new Promise<void>((done) => setImmediate(done));
  const trying = (async () => {
    while (!ended.signal.aborted) {
      await retries.pause(refused, ended.signal);
      tried.push(awake.now() - began);
    }
  })();
  return {
    retries,
    tried,
    /** Lets time pass, a `step` at a time: what waits is told after each. */
    async pass(ms: number, step = 50) {
      for (let past = 0; past < ms; past += step) {
        awake.advance(step);
        await settle();
      }
    },
    /** The wall's clock goes on, and nothing that waits does. */
    sleep(ms: number) {
      slept += ms;
    },
    settle,
    async end() {
      const before = tried.length;
      ended.abort();
      await trying;
      expect(tried).toHaveLength(before + 1); // The pause ended at once.
    },
  };
}

/** The longest time without an attempt between two moments. */
function longest(tried: readonly number[], from: number, to: number): number {
  const inside = [from, ...tried.filter((at) => at > from && at <= to), to];
  return Math.max(...inside.slice(1).map((at, i) => at - (inside[i] ?? 0)));
}

test("a lost way is tried within a second for ten minutes, within five for an hour, then less and less, never not", async () => {
  const way = gone();
  await way.pass(10 * MINUTE);
  await way.pass(50 * MINUTE, SECOND);
  await way.pass(2 * DAY, 10 * SECOND);
  const { tried } = way;
  expect(tried.slice(0, 4)).toEqual([250, 500, 750, 1_000]);
  expect(longest(tried, 0, 5 * SECOND)).toBe(250);
  expect(longest(tried, 5 * SECOND, 10 * MINUTE)).toBe(SECOND);
  expect(longest(tried, 10 * MINUTE, HOUR)).toBe(5 * SECOND);
  expect(longest(tried, HOUR, 6 * HOUR)).toBe(30 * SECOND);
  expect(longest(tried, 6 * HOUR, DAY)).toBe(2 * MINUTE);
  expect(longest(tried, DAY, 2 * DAY)).toBe(10 * MINUTE);
  expect(tried.filter((at) => at > DAY && at <= 2 * DAY)).toHaveLength(144);
  await way.end();
});

test("somebody who asks, or a machine that answers, has it tried at once and often again", async () => {
  const way = gone();
  await way.pass(25 * HOUR, MINUTE);
  const before = way.tried.length;
  await way.pass(5 * SECOND, SECOND);
  expect(way.tried).toHaveLength(before);
  way.retries.hurry();
  await way.settle();
  expect(way.tried).toHaveLength(before + 1);
  await way.pass(SECOND);
  expect(way.tried).toHaveLength(before + 5);
  await way.end();
});

test("who asks while a refused way is being tried has it tried once more", async () => {
  const retries = new Retries();
  const { signal } = new AbortController();
  retries.hurry();
  await retries.pause(true, signal); // It ends, a quarter of an hour before its time.
  const next = retries.pause(true, signal);
  retries.hurry();
  await next;
});

test("a machine that slept tries at once when it is awake, and often again", async () => {
  const way = gone();
  await way.pass(25 * HOUR, MINUTE);
  const before = way.tried.length;
  way.sleep(8 * HOUR);
  await way.pass(5 * SECOND, SECOND); // So often a wait looks.
  expect(way.tried.length).toBeGreaterThan(before);
  await way.end();
});

test("a login that is refused is tried four times an hour, unless somebody asks", async () => {
  const way = gone(true);
  await way.pass(HOUR, SECOND);
  expect(way.tried).toEqual([15, 30, 45, 60].map((minutes) => minutes * MINUTE));
  way.retries.hurry();
  await way.settle();
  expect(way.tried).toHaveLength(5);
  await way.end();
});
