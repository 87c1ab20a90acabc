// A claude of tomorrow: a copy of a real one in which some words of its dialogs are others.
import { chmodSync, closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";

/** As many bytes each: the program is one file in which everything has its place. */
const OTHER_WORDS: Record<string, string> = {
  "Ready to code?": "Shall we code?",
  "Submit answers": "Submit replies",
};
/** Read at a time; a text that two pieces share is found too. */
const PIECE_BYTES = 32 * 1024 * 1024;

/** Makes the copy in `folder`, and returns its path. */
export function newerClaude(claude: string, folder: string): string {
  const path = join(folder, "claude-of-tomorrow");
  const source = openSync(claude, "r");
  const target = openSync(path, "w");
  const overlap = Math.max(...Object.keys(OTHER_WORDS).map((words) => words.length));
  let kept = Buffer.alloc(0);
  for (;;) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const size = readSync(source, piece);
    const bytes = Buffer.concat([kept, piece.subarray(0, size)]);
    for (const [before, after] of Object.entries(OTHER_WORDS)) replace(bytes, before, after);
    const done = size === 0 ? bytes.length : Math.max(0, bytes.length - overlap);
    writeSync(target, bytes.subarray(0, done));
    kept = bytes.subarray(done);
    if (size === 0) break;
  }
  closeSync(source);
  closeSync(target); // What somebody still writes to cannot be run.
  chmodSync(path, 0o755);
  return path;
}

function replace(bytes: Buffer, before: string, after: string) {
  if (Buffer.byteLength(before) !== Buffer.byteLength(after)) throw new Error(`${after} has another length`);
  for (let at = bytes.indexOf(before); at >= 0; at = bytes.indexOf(before, at + 1)) bytes.write(after, at);
}
