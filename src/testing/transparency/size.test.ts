// The window's size is claude's size, also after a storm of changes.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Rig, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const rig = new Rig();
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

const CHANGES = 500;
const TELLS = [process.execPath, join(import.meta.dir, "testdata/tell-size.ts")];

test.each([
  [100, 40],
  [40, 30],
  [300, 90],
  [20, 5],
] as const)("claude's terminal is %i by %i like the one around us", async (cols, rows) => {
  const seen = await rig.same(async (side) => {
    await using outer = side.outer(["stty", "size"], { cols, rows });
    await outer.exited;
    return outer.text().split("\n").at(-2);
  });
  expect(seen).toBe(`${rows} ${cols}\r`);
});

test(`a storm of ${CHANGES} sizes ends on the last one, of which claude was told`, async () => {
  const last = await rig.same(async (side) => {
    await using outer = side.outer(TELLS);
    await outer.seen("[ready 40 100]");
    for (let i = 0; i < CHANGES; i++) {
      outer.resize(20 + ((i * 37) % 180), 5 + ((i * 17) % 80));
      if (i % 10 === 0) await Bun.sleep(1);
    }
    const begunAt = performance.now();
    outer.resize(91, 33);
    await outer.seen("[winch 33 91]");
    const took = Math.round(performance.now() - begunAt);
    console.log(`size: ${CHANGES} changes, ${side.name}: the last one known after ${took} ms`);
    outer.write("q");
    await outer.exited;
    return outer.text().match(/\[last .*\]/)?.[0];
  });
  expect(last).toBe("[last 33 91]");
});

test("one change is told once, and at the right size", async () => {
  const told = await rig.same(async (side) => {
    await using outer = side.outer(TELLS);
    await outer.seen("[ready 40 100]");
    outer.resize(120, 50);
    await outer.seen("[winch 50 120]");
    outer.write("q");
    await outer.exited;
    return outer.text().match(/\[winch .*?\]/g);
  });
  expect(told).toEqual(["[winch 50 120]"]);
});
