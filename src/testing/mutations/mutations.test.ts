// The list of mutations is about the program as it stands. What becomes of each is told by `just mutations`.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MUTATIONS } from "./list.ts";

const root = join(import.meta.dir, "..", "..", "..");
const occurrences = (text: string, of: string) => text.split(of).length - 1;

test("every mutation has a name of its own, and changes something", () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  expect(MUTATIONS.length).toBeGreaterThan(40);
  expect(MUTATIONS.filter(({ text, instead }) => text === instead)).toEqual([]);
});

test("the text of every guard stands exactly once in its file", () => {
  const wrong = MUTATIONS.map(({ name, file, text }) => ({
    name,
    times: occurrences(readFileSync(join(root, file), "utf8"), text),
  })).filter(({ times }) => times !== 1);
  expect(wrong).toEqual([]);
});

test("every mutation is still a program, and its tests exist", () => {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  for (const { file, text, instead, tests } of MUTATIONS) {
    transpiler.transformSync(readFileSync(join(root, file), "utf8").replace(text, () => instead));
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  }
});
