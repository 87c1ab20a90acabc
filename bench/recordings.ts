// The recordings of claude's own output that the wrapper's tests use: what it wrote, and when.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `at` in milliseconds from the first write. */
export type Write = { at: number; bytes: Uint8Array };
/** `path` is without its ending; the bytes are in `.bin`, moments and lengths in `.jsonl`. */
export type Recording = { version: string; name: string; cols: number; rows: number; path: string };

const TESTDATA = join(import.meta.dir, "..", "src", "wrapper", "testdata");
/** A pause longer than this is as good as this long: nothing of the last change is still on its way. */
const LONGEST_PAUSE_MS = 300;

/** All of them, a folder for each version of claude. */
export function recordings(): Recording[] {
  const versions = readdirSync(TESTDATA).filter((name) => /^\d/.test(name));
  return versions.flatMap((version) => {
    const files = readdirSync(join(TESTDATA, version)).filter((file) => file.endsWith(".bin"));
    return files.map((file) => {
      const [, base = "", name = "", cols, rows] = /^((.*)\.(\d+)x(\d+))\.bin$/.exec(file) ?? [];
      const path = join(TESTDATA, version, base);
      return { version, name, cols: Number(cols), rows: Number(rows), path };
    });
  });
}

/** Its writes at their own times, long pauses made shorter. */
export function writesOf(path: string): Write[] {
  const all = readFileSync(`${path}.bin`);
  const lines = readFileSync(`${path}.jsonl`, "utf8").trim().split("\n");
  let from = 0;
  let at = 0;
  let recordedAt: number | null = null;
  return lines.map((line) => {
    const [recorded, length] = JSON.parse(line) as [number, number];
    at += recordedAt === null ? 0 : Math.min(recorded - recordedAt, LONGEST_PAUSE_MS);
    recordedAt = recorded;
    from += length;
    return { at, bytes: all.subarray(from - length, from) };
  });
}
