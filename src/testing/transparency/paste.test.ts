// A paste arrives whole, however large it is and however slowly it is read.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Rig, type Side, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const READER = [process.execPath, join(import.meta.dir, "testdata/count-input.ts")];
const SIZE = 1024 * 1024;
/** Every byte there is, Ctrl-C and Ctrl-Z among them, in lines as a paste has them. */
const PASTE = Uint8Array.from({ length: SIZE }, (_, i) => (i % 97 === 96 ? 13 : (i * 31) & 0xff));
const WANTED = `[${SIZE} ${new Bun.CryptoHasher("sha256").update(PASTE).digest("hex")}]`;

const rig = new Rig();
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

async function pasted(side: Side, chunk: number, pauseMs: number) {
  await using outer = side.outer([...READER, String(SIZE), String(chunk), String(pauseMs)]);
  await outer.seen("[ready]");
  const begunAt = performance.now();
  outer.write(PASTE);
  await outer.exited;
  const took = Math.round(performance.now() - begunAt);
  console.log(`paste: 1 MB, ${chunk} bytes a read, ${pauseMs} ms between, ${side.name}: ${took} ms`);
  return outer.text().split("[ready]")[1];
}

test.each([
  ["as fast as it can be read", 65_536, 0],
  ["by a slow reader", 4_096, 3],
] as const)("a paste of 1 MB arrives whole, %s", async (_, chunk, pauseMs) => {
  expect(await rig.same((side) => pasted(side, chunk, pauseMs))).toBe(WANTED);
});
