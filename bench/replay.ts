// A program in claude's place that writes one recording, named by its last argument, at the recorded times. It waits for
// a byte before it begins, and then for its end.
import { writeSync } from "node:fs";
import { writesOf } from "./recordings.ts";

const writes = writesOf(process.argv.at(-1) ?? "");
process.stdin.setRawMode(true);
writeSync(1, "READY\r\x1b[K");
await new Promise((resolve) => process.stdin.once("data", resolve));
const start = performance.now();
for (const { at, bytes } of writes) {
  await Bun.sleep(Math.max(0, start + at - performance.now()));
  for (let from = 0; from < bytes.length; ) from += writeSync(1, bytes, from);
}
