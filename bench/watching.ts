// Starts `watcher.ts` and ends it.
import { join } from "node:path";
import type { Rig, Viewer } from "./rig.ts";

export type Watcher = AsyncDisposable;

/** Somebody watches this session until the result is disposed. */
export async function watching(rig: Rig, { cookie }: Viewer, session: string): Promise<Watcher> {
  const url = `${rig.url}/events?session=${session}`;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "watcher.ts"), url, cookie], {
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read(); // "open"
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
