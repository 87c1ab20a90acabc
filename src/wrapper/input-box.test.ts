import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Emulator } from "./emulator.ts";
import { inputBoxEmpty } from "./input-box.ts";

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
