// The last step of a restore: what stands complete in <data>/restored takes its place. Under the folder's lock, and as
// often as it takes: a restore that was cut short is finished by whoever takes the folder next.
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Renaming a prepared folder to this name is what decides: from then on the restored data are the data. */
export const RESTORED = "restored";
/** Begins the name of a folder that is still being prepared; without its maker it is nothing. */
export const PREPARED = "restore.new-";
/** Begins the name of the folder with what was there before. */
export const BEFORE = "before-restore-";
/** A hash of the master key under which everybody was let in (key-change.ts). Where there is none, nobody is put out. */
export const KEY_MARK = "master.key.mark";
const DATABASE = "claude-remote.db";

/** Puts restored files in place, if there are any, and removes what an earlier restore left unfinished. */
export function finishRestore(data: string): void {
  for (const name of readdirSync(data).filter((one) => one.startsWith(PREPARED)))
    rmSync(join(data, name), { recursive: true, force: true });
  const restored = join(data, RESTORED);
  if (!existsSync(restored)) return;
  const names = readdirSync(restored);
  for (const name of names.filter((one) => one.startsWith(BEFORE)))
    renameSync(join(restored, name), join(data, name));
  // The log of the old database must never be read into the new one; what is in it stands beside by now.
  if (names.includes(DATABASE))
    for (const log of ["-wal", "-shm", "-journal"]) rmSync(join(data, `${DATABASE}${log}`), { force: true });
  // A key that comes with its database was not changed: nobody is put out for it.
  if (names.includes("master.key")) rmSync(join(data, KEY_MARK), { force: true });
  toDisk(data);
  for (const name of names.filter((one) => !one.startsWith(BEFORE)))
    renameSync(join(restored, name), join(data, name));
  toDisk(data);
  rmSync(restored, { recursive: true });
}

/** A folder's names are on the disk when this returns. */
export function toDisk(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
