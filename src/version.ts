// Which claude-remote this is.
import { version } from "../package.json" with { type: "json" };

export const VERSION = version;

export async function printVersion(): Promise<number> {
  console.log(`claude-remote ${VERSION}`);
  return 0;
}
