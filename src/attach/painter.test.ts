// What the painter writes, told by a terminal: it shows the other screen, cell for cell.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { blank, type Row, rowText, type Screen } from "../screen.ts";
import { Emulator } from "../wrapper/emulator.ts";
import { fit } from "./fit.ts";
import { painted, unpainted } from "./painter.ts";

const RECORDINGS = join(import.meta.dir, "..", "wrapper", "testdata");
const recordings = [...new Bun.Glob("2.1.*/*.bin").scanSync(RECORDINGS)].sort();
/** Pieces of a recording after each of which is painted. */
const PIECE = 700;

async function shown(emulator: Emulator, text: string): Promise<Screen> {
  emulator.write(Buffer.from(text));
  await emulator.settled();
  return emulator.screen();
}

/** A screen with these rows. */
const screenOf = (rows: Row[], change: Partial<Screen> = {}): Screen => ({
  ...blank(20, rows.length),
  lines: rows,
  ...change,
});

describe("a terminal that is painted on shows", () => {
  test.each(recordings)("every step of %s", async (name) => {
    const [, cols = 100, rows = 40] = /(\d+)x(\d+)/.exec(name)?.map(Number) ?? [];
    using original = new Emulator({ cols, rows });
    using copy = new Emulator({ cols, rows });
    const bytes = readFileSync(join(RECORDINGS, name));
    let before: Screen | null = null;
    for (let from = 0; from < bytes.length; from += PIECE) {
      original.write(bytes.subarray(from, from + PIECE));
      await original.settled();
      const now: Screen = original.screen();
      expect(await shown(copy, painted(before, now))).toEqual(now);
      expect(painted(now, now)).toBe("");
      before = now;
    }
  });

  test("styles, wide characters and marks in the last columns and next to each other", async () => {
    const rows: Row[] = [
      [{ text: "bold ", style: { bold: true } }, { text: "and plain" }],
      [{ text: "漢", wide: true }, { text: "x" }, { text: "🙂", wide: true }, { text: "y" }],
      [{ text: "é" }, { text: "e\u0301" }, { text: "z" }],
      [{ text: "123456789012345678" }, { text: "漢", wide: true, style: { bg: 4 } }],
      [{ text: "                    ", style: { bg: "#102030" } }],
      [{ text: "─".repeat(20), style: { fg: 200, dim: true } }],
      [{ text: "a", style: { fg: 9, bg: 12, italic: true, underline: true, inverse: true, strike: true } }],
    ];
    const cursor = { x: 19, y: 3, visible: false };
    const wanted = screenOf(rows, { cursor, title: "a title" });
    using emulator = new Emulator({ cols: 20, rows: rows.length });
    expect(await shown(emulator, painted(null, wanted))).toEqual(wanted);
  });

  test("nothing of what stood there before", async () => {
    using emulator = new Emulator({ cols: 20, rows: 3 });
    await shown(emulator, "\x1b[41mold old old old old old\r\nold\r\nold\x1b[2;1H漢漢漢");
    const wanted = screenOf([[{ text: "new" }], [], [{ text: "é" }]]);
    expect(await shown(emulator, painted(null, wanted))).toEqual(wanted);
  });
});

test("rows that leave the top of the main screen leave the terminal's too", async () => {
  const left: string[] = [];
  using emulator = new Emulator({ cols: 20, rows: 5, onLine: (text) => left.push(text) });
  const at = (first: number) =>
    screenOf(Array.from({ length: 5 }, (_, y) => [{ text: `line ${first + y}` }]));
  await shown(emulator, painted(null, at(1)));
  await shown(emulator, painted(at(1), at(3)));
  await shown(emulator, painted(at(3), at(4)));
  expect(left).toEqual(["line 1", "line 2", "line 3"]);
});

test("no command to a terminal gets through, whatever a session claims to show", async () => {
  const evil = "\x1b]0;pwned\x07\x9b2J\x1bc\r\n";
  const style = { fg: "1;5m\x1b]2;x\x07" as `#${string}`, bg: 999 };
  const screen = screenOf([[{ text: evil, style }], [{ text: evil, wide: true }], []], { title: evil });
  const bytes = painted(null, screen);
  const known = /\x1b(\[[?]?[\d;]*[HJKGmhl]|\]2;[^\x00-\x1f\x7f-\x9f]*\x07|\(B)/g;
  expect(bytes.replace(known, "").replace("\x0f", "")).toMatch(/^[^\x00-\x1f\x7f-\x9f]*$/);
});

test("what was switched on is off at the end, and a main screen stays with the cursor below it", async () => {
  using emulator = new Emulator({ cols: 20, rows: 5 });
  const before = await shown(emulator, "$ attach\r\n");
  const modes = {
    ...{ alternate: true, bracketed_paste: true, application_cursor: true, application_keypad: true },
    ...{ mouse: "any" as const, mouse_encoding: "sgr" as const, focus: true },
  };
  const full = screenOf([[{ text: "full" }], [], [], [], []], { modes });
  expect(await shown(emulator, painted(null, full))).toEqual(full);
  expect(await shown(emulator, unpainted(full))).toEqual(before);
  const plain = screenOf([[{ text: "one" }], [{ text: "two" }], [], [], []], {
    cursor: { x: 0, y: 0, visible: false },
  });
  await shown(emulator, painted(null, plain) + unpainted(plain));
  expect(emulator.screen()).toMatchObject({ cursor: { x: 0, y: 2, visible: true }, modes: before.modes });
  expect(emulator.screen().lines.map(rowText)).toEqual(["one", "two", "", "", ""]);
});

describe("a terminal of another size", () => {
  const rows = Array.from({ length: 6 }, (_, y) => [{ text: `row ${y} is long` }]);

  test("that is smaller shows the part with the cursor, cut at the right", async () => {
    using emulator = new Emulator({ cols: 5, rows: 3 });
    const screen = screenOf(rows, { cursor: { x: 1, y: 4, visible: true } });
    const seen = await shown(emulator, painted(null, fit(screen, { cols: 5, rows: 3 }, null)));
    expect(seen.lines.map(rowText)).toEqual(["row 2", "row 3", "row 4"]);
    expect(seen.cursor).toEqual({ x: 1, y: 2, visible: true });
  });

  test("that is larger shows all of it, and nothing beside it", async () => {
    using emulator = new Emulator({ cols: 30, rows: 8 });
    const seen = await shown(emulator, painted(null, fit(screenOf(rows), { cols: 30, rows: 8 }, null)));
    expect(seen.lines.map(rowText)).toEqual([...rows.map(([run]) => run?.text ?? ""), "", ""]);
  });

  test("has a notice in place of its first line, and the line back after it", async () => {
    using emulator = new Emulator({ cols: 20, rows: 6 });
    const size = { cols: 20, rows: 6 };
    const plain = fit(screenOf(rows), size, null);
    const told = fit(screenOf(rows), size, "no contact");
    expect(rowText((await shown(emulator, painted(null, told))).lines[0] ?? [])).toBe(" no contact         ");
    expect((await shown(emulator, painted(told, plain))).lines).toEqual(plain.lines);
  });
});
