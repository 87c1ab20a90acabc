// Writes recordings of claude's output to the terminal, in the pieces in which they came where these are known; then leaves no mode on.
import { existsSync, readFileSync, writeSync } from "node:fs";

const RESET = "\x1bc";
const [, , ...recordings] = process.argv;
Bun.spawnSync(["stty", "raw", "-echo"], { stdio: ["inherit", "ignore", "inherit"] });
for (const recording of recordings) {
  const bytes = readFileSync(recording);
  const pieces = recording.replace(/bin$/, "jsonl");
  const lines = existsSync(pieces) ? readFileSync(pieces, "utf8").trim().split("\n") : [];
  let at = 0;
  for (const line of lines) {
    const [, size] = JSON.parse(line) as [number, number];
    put(bytes.subarray(at, at + size));
    at += size;
  }
  put(bytes.subarray(at));
}
put(Buffer.from(RESET));

function put(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}
