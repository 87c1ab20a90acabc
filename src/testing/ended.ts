// A program that was run to its end: what it said, and how it ended.
import type { Subprocess } from "bun";

export type Ended = { out: string; err: string; code: number };

/** Reads both of its pipes while it runs: one that is full would keep it from ending. */
export async function ended(child: Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">): Promise<Ended> {
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}
