// The list of guards is about the program as it stands. What becomes of each is told by `just guards`.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CASES, idOf } from "../security/cases.ts";
import { GUARDS } from "./list.ts";

const ROOT = join(import.meta.dir, "..", "..", "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const IDS = Object.values(CASES)
  .flat()
  .map((_, index) => idOf(index + 1));

test("the text of every guard stands exactly once in its file, and the change is one", () => {
  expect(GUARDS.length).toBeGreaterThan(80);
  const wrong = GUARDS.map(({ case: id, file, text }) => ({
    id,
    file,
    text,
    times: read(file).split(text).length - 1,
  }));
  expect(wrong.filter(({ times }) => times !== 1)).toEqual([]);
  expect(GUARDS.filter(({ text, instead }) => text === instead)).toEqual([]);
});

test("every guard is of a case, and its tests exist", () => {
  for (const { case: id, test: path, name } of GUARDS) {
    expect(IDS).toContain(id);
    expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(
      read(path).includes(name) || read(path).includes(name.split(" ")[0] ?? ""),
      `${path}: ${name}`,
    ).toBe(true);
  }
});

test("every changed file is still a program", () => {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  for (const { file, text, instead } of GUARDS)
    transpiler.transformSync(read(file).replace(text, () => instead));
});
