// A program in claude's place that writes recordings, named by their paths, at the recorded times. Before each it waits
// for a byte.
import { writeSync } from "node:fs";
import { writesOf } from "./recordings.ts";

const paths = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const go = process.stdin[Symbol.asyncIterator]();
process.stdin.setRawMode(true);
writeSync(1, "READY\r\x1b[K");
for (const path of paths) {
  const writes = writesOf(path);
  await go.next();
  const start = performance.now();
  for (const { at, bytes } of writes) {
    await Bun.sleep(Math.max(0, start + at - performance.now()));
    for (let from = 0; from < bytes.length; ) from += writeSync(1, bytes, from);
  }
}
await go.next(); // The last word stays on the screen until this program is ended.
