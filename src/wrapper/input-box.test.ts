import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { blank } from "../screen.ts";
import { Emulator } from "./emulator.ts";
import { inputBoxEmpty, inputBoxEndsWith } from "./input-box.ts";

const folder = join(import.meta.dir, "testdata");
const sizes = ["100x40", "40x30"];

async function look(version: string, name: string, size: string) {
  const [cols = 0, rows = 0] = size.split("x").map(Number);
  const emulator = new Emulator({ cols, rows });
  emulator.write(readFileSync(join(folder, version, `${name}.${size}.bin`)));
  await emulator.settled();
  const empty = inputBoxEmpty(emulator.screen());
  emulator.close();
  return empty;
}

const EXPECTED: Record<string, boolean | null> = {
  ready: true,
  done: true,
  "busy-run": true,
  "busy-think": true,
  queued: true,
  pasted: false,
  tall: false,
  bash: null,
  edit: null,
  "ask-single": null,
  plan: null,
  trust: null,
};

for (const version of ["2.1.197", "2.1.329"]) {
  for (const size of sizes) {
    test(`claude ${version} at ${size}: the input box is told empty, typed into or not there`, async () => {
      const seen: Record<string, boolean | null> = {};
      for (const name of Object.keys(EXPECTED)) seen[name] = await look(version, name, size);
      expect(seen).toEqual(EXPECTED);
    });
  }
}

test("a shell command in the box is a text like any other", () => {
  const [rule, cursor] = ["─".repeat(40), { text: " ", style: { inverse: true } }];
  const footer = [{ text: "  ! for shell mode" }];
  const lines = [
    [],
    [{ text: rule }],
    [{ text: "! " }, { text: "npm te" }, cursor],
    [{ text: rule }],
    footer,
  ];
  const screen = { ...blank(40, 5), lines };
  expect(inputBoxEmpty(screen)).toBe(false);
  expect(inputBoxEndsWith(screen, "!npm te")).toBe(true);
  expect(inputBoxEndsWith(screen, "!npm test")).toBe(false);
  expect(inputBoxEndsWith({ ...screen, lines: [] }, "")).toBeNull();
});

test("a box higher than the screen shows the end of its text; a dialog below the same words does not", () => {
  const row = (text: string) => [{ text }];
  const rule = row("─".repeat(40));
  const screen = (...rows: string[]) => ({
    ...blank(40, 6),
    lines: [...rows.map(row), rule, row("  a footer")],
  });
  const dialog = {
    ...blank(40, 6),
    lines: [row("the very end"), rule, row(" Bash command"), row(" ❯ 1. Yes")],
  };
  expect(
    inputBoxEndsWith(
      screen("─── ↑ 46 more ────", "  of many", "  the very end"),
      "one of many\nthe very end",
    ),
  ).toBe(true);
  expect(inputBoxEndsWith(screen("  of many", "  the very"), "one of many\nthe very end")).toBeNull();
  expect(inputBoxEndsWith(screen("  of many", "  👋"), "👋")).toBeNull();
  expect(inputBoxEndsWith(dialog, "the very end")).toBeNull();
});
