// The table of docs/testing.md says which point of the acceptance list is shown in which engine: it is held to the tests' names.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POINTS } from "./engines/points.ts";

const root = join(import.meta.dir, "..", "..");
/** How many points the list has. */
const LAST = 12;
const ENGINES = ["Chromium", "Firefox", "WebKit"] as const;

/** The points that tests of the page in Chromium have in their names. */
function inChromium(): Set<number> {
  const files = ["public/*.test.ts", "src/testing/push/*.test.ts"].flatMap((glob) => [
    ...new Bun.Glob(glob).scanSync(root),
  ]);
  const names = files.flatMap((file) => [
    ...readFileSync(join(root, file), "utf8").matchAll(
      /^(?:test|inLong)[^"]*"acceptance ([\d, ]+):|^ {2}"acceptance ([\d, ]+):/gm,
    ),
  ]);
  return new Set(names.flatMap(([, one, other]) => (one ?? other ?? "").split(",").map(Number)));
}

const tested = {
  Chromium: inChromium(),
  Firefox: new Set(POINTS.flatMap(({ numbers }) => numbers)),
  WebKit: new Set(POINTS.flatMap(({ numbers }) => numbers)),
};

const rows = [
  ...readFileSync(join(root, "docs", "testing.md"), "utf8").matchAll(
    /^\| (\d+) [^|]+ \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm,
  ),
].map(([, number, ...cells]) => ({ number: Number(number), cells }));

test("the table of engines has every point of the list once", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: LAST }, (_, i) => i + 1));
});

test.each([...ENGINES.entries()])("column %d says what the tests in %s show", (column, engine) => {
  const said = rows.map(({ number, cells }) => [number, /^(yes|in part)\b/.test(cells[column] ?? "")]);
  expect(said).toEqual(rows.map(({ number }) => [number, tested[engine].has(number)]));
});

test("what is shown in part, or not at all, has its reason beside it", () => {
  const bare = rows
    .flatMap(({ cells }) => cells)
    .filter((cell) => !/^(yes(: .+)?|(in part|no): .+)$/.test(cell));
  expect(bare).toEqual([]);
});
