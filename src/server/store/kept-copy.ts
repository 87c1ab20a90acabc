// The copy of the database that a migration leaves: what was there before, for whoever has to go back. There is one.
import type { Database } from "bun:sqlite";
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { privateFile } from "../private-file.ts";
import { toDisk } from "../restored.ts";

/** Copies everything to `<file>.version-<version>`, consistent, 0600 and on the disk, and removes older copies. */
export function keepCopy(db: Database, file: string, version: number): void {
  const [folder, begin] = [dirname(file), `${basename(file)}.version-`];
  const kept = `${file}.version-${version}`;
  const earlier = readdirSync(folder).filter((name) => name.startsWith(begin));
  for (const name of earlier.filter((one) => one.endsWith(".new")))
    rmSync(join(folder, name), { force: true });
  // Made anew even where there is one: that may be of an earlier time at which this version was in use.
  privateFile(`${kept}.new`);
  db.run("VACUUM INTO ?", [`${kept}.new`]);
  const made = openSync(`${kept}.new`, "r+"); // SQLite leaves it to whoever asks to see that it is on the disk.
  fsyncSync(made);
  closeSync(made);
  renameSync(`${kept}.new`, kept);
  for (const name of earlier.filter((one) => join(folder, one) !== kept))
    rmSync(join(folder, name), { force: true });
  toDisk(folder);
}
