import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { line, stores } from "../../testing/store.ts";
import { LIMITS } from "../limits.ts";
import type { Store } from "../store.ts";

const { now, withSession } = stores();

test("lines are stored once, counted with their gaps, and read page by page", () => {
  const { store, id } = withSession();
  expect(store.lines.cursor(id)).toBe(-1);
  expect(store.lines.add(id, [line(0), line(1)], now)).toBe(1);
  expect(store.lines.add(id, [line(1, "another"), { ...line(2, ""), source: "gap", count: 10 }], now)).toBe(
    11,
  );
  expect(store.lines.add(id, [line(12)], now)).toBe(12);
  const numbers = (page: Parameters<Store["lines"]["page"]>[1]) =>
    store.lines.page(id, page).map((one) => one.line_no);
  expect(numbers({ limit: 2 })).toEqual([2, 12]);
  expect(numbers({ before: 2, limit: 10 })).toEqual([0, 1]);
  expect(numbers({ after: 0, limit: 2 })).toEqual([1, 2]);
  expect(store.lines.page(id, { after: 0, limit: 1 })[0]).toMatchObject({ text: "line 1", at: now });
});

test("SEC-077 the log of one session has a limit, past which its oldest lines go", () => {
  const { store, file, id } = withSession();
  const text = "x".repeat(60_000);
  const raw = new Database(file);
  // As if nearly 200 MB were there already, in a few lines.
  store.lines.add(
    id,
    Array.from({ length: 10 }, (_, i) => line(i, text)),
    now,
  );
  raw.run("UPDATE sessions SET log_bytes = ? WHERE id = ?", [LIMITS.logBytes - 1_000, id]);
  expect(store.lines.add(id, [line(10, text)], now)).toBe(10);
  expect(store.lines.page(id, { limit: 20 }).map((one) => one.line_no)).toEqual([10]);
  raw.close();
});
