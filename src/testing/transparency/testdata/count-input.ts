// Reads as many bytes from a raw terminal as it is told, as slowly as it is told, and says what they were.
import { readSync } from "node:fs";

const [wanted = 0, chunk = 0, pauseMs = 0] = process.argv.slice(2).map(Number);
Bun.spawnSync(["stty", "raw", "-echo"], { stdio: ["inherit", "ignore", "inherit"] });
process.stdout.write("[ready]");
const hash = new Bun.CryptoHasher("sha256");
const buffer = new Uint8Array(chunk);
let count = 0;
while (count < wanted) {
  const read = readSync(0, buffer);
  if (read === 0) break;
  hash.update(buffer.subarray(0, read));
  count += read;
  if (pauseMs > 0) Bun.sleepSync(pauseMs);
}
process.stdout.write(`[${count} ${hash.digest("hex")}]`);
