// What passthrough.test.ts runs: the words after it, in its place.
import { passThrough } from "../passthrough.ts";

const [name = "", ...args] = process.argv.slice(2);
try {
  await passThrough([name, ...args]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
