// Where a run keeps its database, and what it begins with.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../../server/store.ts";

/** A folder of its own. */
export const folderOf = (name: string) => mkdtempSync(join(shm(), `claude-remote-${name}-`));

/** Memory that looks like a disk, where there is one. */
function shm(): string {
  return process.platform === "linux" ? "/dev/shm" : tmpdir();
}

let made: string | null = null;

/** An empty database, made once: each run begins with a copy. */
export function template(): string {
  if (made) return made;
  const folder = folderOf("template");
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  made = join(folder, "empty.db");
  new Store(made)[Symbol.dispose]();
  return made;
}
