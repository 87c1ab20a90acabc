import { expect, test } from "bun:test";
import { fakeClock } from "../testing/clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS, RATES, type RateName } from "./limits.ts";
import { counter } from "./rate.ts";

const KINDS = Object.keys(RATES) as RateName[];

/** How many of so many requests are let through. */
const passed = (count: ReturnType<typeof counter>, kind: RateName, caller: string, tries: number) =>
  Array.from({ length: tries }).filter(() => {
    try {
      count(kind, caller);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({
        code: "rate_limited",
        message: expect.stringMatching(/Try again in \d+ s/),
      });
      return false;
    }
  }).length;

test.each(KINDS)("SEC-016 of %s a caller has so many within so long, and nobody pays for another", (kind) => {
  const clock = fakeClock();
  const count = counter(clock.now);
  const { most, withinMs } = RATES[kind];
  expect(passed(count, kind, "one", most + 50)).toBe(most);
  expect(passed(count, kind, "other", 1)).toBe(1);
  for (const beside of KINDS) if (beside !== kind) expect(passed(count, beside, "one", 1)).toBe(1);
  clock.advance(withinMs - 1);
  expect(passed(count, kind, "one", 1)).toBe(0);
  clock.advance(1);
  expect(passed(count, kind, "one", most + 1)).toBe(most);
});

test("a refusal says when its time is over, to the second, in its words and for programs", () => {
  const clock = fakeClock();
  const count = counter(clock.now);
  passed(count, "tests", "one", RATES.tests.most);
  const refusal = () => {
    try {
      count("tests", "one");
    } catch (error) {
      if (error instanceof ApiError) return [error.retryAfter, error.message.split(". ")[1]];
    }
    return null;
  };
  expect(refusal()).toEqual([60, "Try again in 60 s."]);
  clock.advance(20_001);
  expect(refusal()).toEqual([40, "Try again in 40 s."]);
  clock.advance(39_998);
  expect(refusal()).toEqual([1, "Try again in 1 s."]);
  clock.advance(1);
  expect(refusal()).toBeNull();
});

test("a clock that was put back locks nobody out", () => {
  const clock = fakeClock();
  const count = counter(clock.now);
  passed(count, "tests", "one", RATES.tests.most + 1);
  clock.advance(-3_600_000);
  expect(passed(count, "tests", "one", 1)).toBe(1);
});

test("callers whose time is over are forgotten", () => {
  const clock = fakeClock();
  const count = counter(clock.now);
  for (let i = 0; i < LIMITS.countedCallers; i++) count("writes", `caller ${i}`);
  expect(passed(count, "writes", "caller 0", RATES.writes.most)).toBe(RATES.writes.most - 1);
  clock.advance(RATES.writes.withinMs);
  count("writes", "a new one"); // Sweeps.
  expect(passed(count, "writes", "caller 0", RATES.writes.most + 1)).toBe(RATES.writes.most);
});
