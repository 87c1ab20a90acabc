import { expect, test } from "bun:test";
import type { LogLine } from "../protocol.ts";
import { scrollback } from "./scrollback.ts";

const brief = (lines: LogLine[]) =>
  lines.map(({ line_no, text, count }) => (count ? `${line_no} gap ${count}` : `${line_no} ${text}`));

function filled(count: number, text = "x") {
  const log = scrollback();
  for (let i = 1; i <= count; i++) log.add("screen", `${text}${i}`);
  return log;
}

test("lines are numbered from 1 and say where they come from, in which epoch and how long ago", () => {
  let now = 1000;
  const log = scrollback(() => now);
  log.add("screen", "a");
  now = 1500;
  log.newEpoch();
  log.add("transcript", "b");
  now = 2000;
  expect(log.after(0)).toEqual([
    { line_no: 1, epoch: 0, source: "screen", text: "a", age_ms: 1000 },
    { line_no: 2, epoch: 1, source: "transcript", text: "b", age_ms: 500 },
  ]);
});

test("a server asks for what follows its cursor, as much as it can take", () => {
  const log = filled(10);
  expect(brief(log.after(7))).toEqual(["8 x8", "9 x9", "10 x10"]);
  expect(brief(log.after(2, 2))).toEqual(["3 x3", "4 x4"]);
  expect(log.after(10)).toEqual([]);
  expect(log.after(Number.POSITIVE_INFINITY)).toEqual([]);
});

test("what is acknowledged is freed and numbers go on", () => {
  const log = filled(5);
  log.acked(3);
  expect(brief(log.after(0))).toEqual(["4 x4", "5 x5"]);
  log.acked(99);
  expect(log.after(0)).toEqual([]);
  log.add("screen", "more");
  expect(brief(log.after(0))).toEqual(["6 more"]);
});

test("a log read in pieces, with acknowledgements lost and repeated, has every line once", () => {
  const log = filled(1234);
  const seen: number[] = [];
  for (let cursor = 0; ; ) {
    const lines = log.after(cursor, 100);
    const last = lines.at(-1);
    if (!last) break;
    seen.push(...lines.map(({ line_no }) => line_no));
    cursor = last.line_no;
    if (cursor % 3 > 0) log.acked(cursor - 50);
  }
  expect(seen).toEqual(Array.from({ length: 1234 }, (_, i) => i + 1));
});

test("beyond 5,000 waiting lines the oldest become one gap that grows", () => {
  const log = filled(30_000);
  const lines = log.after(0);
  expect(lines.length).toBeLessThanOrEqual(5_001);
  expect(lines.length).toBeGreaterThan(4_000);
  const [gap, first] = lines;
  expect(gap).toMatchObject({ line_no: 1, source: "gap", text: "" });
  expect(first?.line_no).toBe(1 + (gap?.count ?? 0));
  expect(lines.at(-1)?.line_no).toBe(30_000);
  expect(lines.filter(({ source }) => source === "gap")).toHaveLength(1);
});

test("beyond 2 MB the oldest become a gap too, and a line is cut at its limit", () => {
  const log = filled(1_000, "y".repeat(20_000));
  const lines = log.after(0);
  const bytes = lines.reduce((sum, { text }) => sum + text.length, 0);
  expect(bytes).toBeLessThan(2 * 1024 * 1024);
  expect(lines[0]?.source).toBe("gap");
  expect(lines.at(-1)?.text).toHaveLength(16_385);
  expect(lines.at(-1)?.text).toEndWith("…");
});

test("of a gap that a server knows in part it gets the rest", () => {
  const log = filled(20_000);
  const gap = log.after(0)[0];
  const end = gap?.count ?? 0;
  expect(brief(log.after(100, 1))).toEqual([`101 gap ${end - 100}`]);
  expect(brief(log.after(end, 1))).toEqual([`${end + 1} x${end + 1}`]);
  log.acked(100);
  expect(brief(log.after(100, 1))).toEqual([`101 gap ${end - 100}`]);
  log.acked(end);
  expect(log.after(0)[0]?.source).toBe("screen");
});

test("skipped lines take their numbers and stand where they were", () => {
  const log = filled(2);
  log.gap(10);
  log.add("screen", "after");
  expect(brief(log.after(0))).toEqual(["1 x1", "2 x2", "3 gap 10", "13 after"]);
  expect(brief(log.after(5))).toEqual(["6 gap 7", "13 after"]);
  log.acked(12);
  expect(brief(log.after(12))).toEqual(["13 after"]);
});

test("whatever is added, dropped and acknowledged, the numbers are without hole or overlap", () => {
  let seed = 1;
  const next = (most: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % most;
  };
  const log = scrollback();
  let cursor = 0;
  for (let step = 0; step < 200; step++) {
    for (let i = next(700); i > 0; i--) log.add("screen", "z".repeat(next(900)));
    if (next(4) === 0) log.gap(1 + next(50));
    if (next(5) === 0) log.newEpoch();
    if (next(3) > 0) continue;
    for (const line of log.after(cursor, 1 + next(3000))) {
      expect(line.line_no).toBe(cursor + 1);
      cursor += line.count ?? 1;
    }
    if (next(2) === 0) log.acked(cursor);
  }
  expect(cursor).toBeGreaterThan(1000);
});
