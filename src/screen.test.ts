import { describe, expect, test } from "bun:test";
import { apply, blank, diff, type Frame, mirror, type Row, rowText, type Screen } from "./screen.ts";

const row = (text: string): Row => (text ? [{ text }] : []);
const screenOf = (lines: string[], cols = 100): Screen => ({
  ...blank(cols, lines.length),
  lines: lines.map(row),
});
const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => `line ${from + i}`);
/** What the other end gets: a frame crosses as JSON. */
const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** mulberry32: the same numbers in [0, 1) for the same seed. */
function random(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A screen some steps away from the one given, as programs make them: scrolled, overwritten, resized. */
function changed(screen: Screen, next: () => number): Screen {
  const pick = (most: number) => Math.floor(next() * most);
  const words = ["", "claude", "● Running", "│", "a much longer line of text", "漢字"];
  const styles = [undefined, { fg: 1 }, { fg: "#ff0000", bold: true } as const, { bg: 4 }];
  const someRow = (): Row =>
    Array.from({ length: pick(4) }, () => {
      const style = styles[pick(styles.length)];
      const text = words[1 + pick(words.length - 1)] ?? "";
      return style ? { text, style } : { text };
    });
  let after = screen;
  if (next() < 0.05)
    after = { ...blank(2 + pick(120), 1 + pick(50)), title: screen.title, modes: screen.modes };
  const lines = next() < 0.4 ? after.lines.slice(pick(after.rows)) : [...after.lines];
  while (lines.length < after.rows) lines.push(someRow());
  for (let edits = pick(4); edits > 0; edits--) lines[pick(after.rows)] = someRow();
  return {
    ...after,
    lines,
    cursor: { x: pick(after.cols), y: pick(after.rows), visible: next() < 0.5 },
    modes: { ...after.modes, alternate: next() < 0.1, mouse: next() < 0.1 ? "any" : "none" },
    title: next() < 0.1 ? `title ${pick(9)}` : after.title,
  };
}

describe("diff and apply", () => {
  test("equal screens have no difference, be they one object or two", () => {
    const screen = screenOf(["a", "b"]);
    expect(diff(screen, screen)).toBeNull();
    expect(diff(screen, sent(screen))).toBeNull();
    expect(diff(blank(80, 24), blank(80, 24))).toBeNull();
  });

  test("the difference applied gives the other screen, over thousands of random pairs", () => {
    const next = random(7);
    let screen = blank(80, 24);
    for (let i = 0; i < 3000; i++) {
      const other = changed(screen, next);
      const frame = diff(screen, other);
      const result = frame ? apply(screen, sent(frame)) : screen;
      expect(result).toEqual(other);
      expect(result.lines).toHaveLength(other.rows);
      screen = other;
    }
  });

  test("one changed row is one line, and only what changed is named", () => {
    const a = screenOf(numbered(1, 40));
    const b = { ...a, lines: a.lines.with(7, row("other")) };
    expect(diff(a, b)).toEqual({ lines: [{ y: 7, row: row("other") }] });
    expect(diff(a, { ...a, title: "t" })).toEqual({ title: "t" });
    expect(diff(a, { ...a, cursor: { x: 1, y: 0, visible: true } })).toEqual({
      cursor: { x: 1, y: 0, visible: true },
    });
  });

  test("rows that a frame does not name stay the same objects", () => {
    const a = screenOf(numbered(1, 40));
    const b = apply(a, { lines: [{ y: 0, row: row("x") }] });
    expect(b.lines[1]).toBe(a.lines[1] as Row);
    expect(apply(a, { title: "t" }).lines).toBe(a.lines);
  });

  test("a scrolled screen costs a scroll and the lines that are new", () => {
    const a = screenOf(numbered(1, 40));
    const frame = diff(a, sent(screenOf(numbered(4, 40))));
    expect(frame?.scroll).toBe(3);
    expect(frame?.lines?.map(({ y }) => y)).toEqual([37, 38, 39]);
  });

  test("a scroll above a box that stays costs the box, not the screen", () => {
    const box = ["────", "❯ text", "────", "? for shortcuts"];
    const a = screenOf([...numbered(1, 36), ...box]);
    const frame = diff(a, sent(screenOf([...numbered(6, 36), ...box])));
    expect(frame?.scroll).toBe(5);
    expect(frame?.lines?.length).toBeLessThan(12);
  });

  test("blank lines and repeated separators are no scroll", () => {
    const a = screenOf(["────", "", "────", "", "────", "", "────", ""]);
    const frame = diff(a, screenOf(["one", "", "two", "", "three", "", "four", ""]));
    expect(frame?.scroll).toBeUndefined();
    expect(frame?.lines).toHaveLength(4);
  });

  test("another size begins from an empty screen of that size", () => {
    const a = { ...screenOf(numbered(1, 40)), title: "kept" };
    const b = { ...screenOf(["only"], 40), title: "kept" };
    const frame = diff(a, b);
    expect(frame?.size).toEqual({ cols: 40, rows: 1 });
    expect(apply(screenOf(["else", "entirely"]), sent(frame as Frame))).toEqual(b);
  });

  test("a changed style or width is a changed row", () => {
    const a = { ...blank(10, 1), lines: [[{ text: "漢", wide: true as const }]] };
    const plain = { ...blank(10, 1), lines: [[{ text: "漢" }]] };
    const red = { ...blank(10, 1), lines: [[{ text: "漢", wide: true as const, style: { fg: 1 } }]] };
    for (const b of [plain, red]) expect(apply(a, diff(a, b) as Frame)).toEqual(b);
  });

  test("lines out of range are ignored", () => {
    const a = screenOf(["a", "b"]);
    const lines = [-1, 2, 0.5, 1e9].map((y) => ({ y, row: row("no") }));
    expect(apply(a, { lines })).toEqual(a);
    expect(apply(a, { scroll: 9 }).lines).toEqual([[], []]);
  });

  test("one changed row of 100x40 is found in less than 50 µs", () => {
    const a = screenOf(numbered(1, 40));
    const b = { ...a, lines: a.lines.with(20, row("other")) };
    for (let i = 0; i < 5_000; i++) diff(a, b);
    const times = Array.from({ length: 1_001 }, () => {
      const start = performance.now();
      diff(a, b);
      return performance.now() - start;
    });
    expect(times.sort((x, y) => x - y)[500]).toBeLessThan(0.05);
  });

  test("the text of a row is that of its runs", () => {
    expect(rowText([{ text: "a" }, { text: "漢", wide: true }, { text: " b", style: { fg: 1 } }])).toBe(
      "a漢 b",
    );
  });
});

describe("mirror", () => {
  /** The far end of a mirror; `room` is how many frames it takes before its buffer is full. */
  function farEnd() {
    const far = { screen: blank(0, 0), room: Number.POSITIVE_INFINITY, frames: [] as Frame[] };
    const take = (frame: Frame) => {
      if (far.room <= 0) return false;
      far.room--;
      far.frames.push(sent(frame));
      far.screen = apply(far.screen, sent(frame));
      return true;
    };
    return { far, near: mirror(take) };
  }

  test("the first frame is a whole one, and an equal screen is no frame", () => {
    const { far, near } = farEnd();
    near.show(blank(80, 24));
    near.show(blank(80, 24));
    expect(far.frames).toEqual([{ size: { cols: 80, rows: 24 } }]);
  });

  test("before anything is shown there is nothing to drain", () => {
    const { far, near } = farEnd();
    near.drain();
    near.reset();
    near.drain();
    expect(far.frames).toEqual([]);
  });

  test("a stall followed by silence still delivers the last screen", () => {
    const { far, near } = farEnd();
    near.show(screenOf(["one"]));
    far.room = 0;
    near.show(screenOf(["two"]));
    near.show(screenOf(["three"]));
    expect(far.screen.lines).toEqual([row("one")]);
    far.room = 9;
    near.drain();
    expect(far.screen).toEqual(screenOf(["three"]));
    expect(far.frames).toHaveLength(2);
    near.drain();
    expect(far.frames).toHaveLength(2);
  });

  test("after a reset the next frame is a whole one", () => {
    const { far, near } = farEnd();
    near.show(screenOf(["one", "two"]));
    near.reset();
    far.screen = screenOf(["what", "an", "earlier", "session", "left"]);
    near.drain();
    expect(far.frames.at(-1)?.size).toEqual({ cols: 100, rows: 2 });
    expect(far.screen).toEqual(screenOf(["one", "two"]));
  });

  test("whatever is skipped, stalled or reset, the far screen ends as the last one shown", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const next = random(seed);
      const { far, near } = farEnd();
      let screen = blank(80, 24);
      for (let step = 0; step < 60; step++) {
        screen = changed(screen, next);
        if (next() < 0.3) continue; // Never shown: the pacer skipped it.
        if (next() < 0.2) far.room = Math.floor(next() * 3);
        if (next() < 0.2) far.room = Number.POSITIVE_INFINITY;
        if (next() < 0.1) {
          near.reset();
          far.screen = changed(blank(30, 10), next);
        }
        near.show(screen);
        if (next() < 0.2) near.drain();
      }
      near.show(screen);
      far.room = Number.POSITIVE_INFINITY;
      near.drain();
      expect(far.screen).toEqual(screen);
    }
  });

  test("a far end that asks for more while it takes a frame gets no frame twice", () => {
    let screen = blank(0, 0);
    let frames = 0;
    const near = mirror((frame) => {
      screen = apply(screen, frame);
      if (++frames < 10) near.drain();
      return true;
    });
    for (const from of [0, 1, 2]) near.show(screenOf(numbered(from, 6)));
    expect(screen).toEqual(screenOf(numbered(2, 6)));
    expect(frames).toBe(3);
  });

  test("a far end that stalls for long gets one frame afterwards, not a backlog", () => {
    const { far, near } = farEnd();
    far.room = 0;
    for (let i = 0; i < 10_000; i++) near.show(screenOf(numbered(i, 3)));
    far.room = 9;
    near.drain();
    expect(far.frames).toHaveLength(1);
    expect(far.screen).toEqual(screenOf(numbered(9_999, 3)));
  });
});
