// docs/security.md and docs/limits.md say what is so: every case has tests, every limit is named, and no table lies.
import { expect, test } from "bun:test";
import { LIMITS, RATES } from "./server/limits.ts";
import { CASES, idOf, testsById } from "./testing/security/cases.ts";
import { limits } from "./testing/security/limits.ts";
import { documentOf, TABLES } from "./testing/security/tables.ts";

const IDS = Object.values(CASES)
  .flatMap((cases) => [...cases])
  .map((_, index) => idOf(index + 1));

test("there are 93 cases, each with a test that has its id in its name, and no test names another", () => {
  expect(IDS).toHaveLength(93);
  const tests = testsById();
  expect(IDS.filter((id) => !tests.has(id))).toEqual([]);
  expect([...tests.keys()].filter((id) => !IDS.includes(id))).toEqual([]);
});

test("every limit has a value, a unit or a count, and words of its own beside it", () => {
  const named = limits();
  expect(named.map(({ name }) => name).sort()).toEqual(Object.keys(LIMITS).sort());
  for (const { name, value, about } of named) {
    expect(Number.isSafeInteger(value) && value > 0, name).toBe(true);
    expect(about.length, name).toBeGreaterThan(15);
  }
  for (const { most, withinMs } of Object.values(RATES)) expect(Math.min(most, withinMs)).toBeGreaterThan(0);
});

test.each(Object.keys(TABLES))(
  "docs/%s has the table that the tree gives (`just tables` writes it)",
  (name) => {
    const { is, should } = documentOf(name);
    expect(is).toBe(should);
  },
);
