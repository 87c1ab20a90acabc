// Whose the folder of each run is: that of a killed one is removed by the next run, for nobody else would.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alive, bornAt } from "./birth.ts";

/** As a run names its own folder. */
const NAME = /^[0-9a-f]{8}$/;
/** A folder this young may be one that its run is only about to claim. */
const YOUNG_MS = 60_000;
/** Looked at in one go: a start must not become slow by what others left. */
const MOST = 64;

const claimIn = (folder: string) => join(folder, "run");

/** Says that this process made the folder. */
export function claimRunFolder(folder: string): void {
  writeFileSync(claimIn(folder), `${process.pid} ${bornAt(process.pid)}`, { mode: 0o600 });
}

/** Removes the folders below `runFolder` of runs that are no more; what cannot be removed stays. */
export function sweepRunFolders(runFolder: string, now = Date.now()): void {
  for (const name of namesIn(runFolder).slice(0, MOST)) {
    const folder = join(runFolder, name);
    try {
      if (now - statSync(folder).mtimeMs > YOUNG_MS && !isUsed(folder)) rmSync(folder, { recursive: true });
    } catch {
      // Gone meanwhile, or not ours.
    }
  }
}

function namesIn(runFolder: string): string[] {
  try {
    return readdirSync(runFolder).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

function isUsed(folder: string): boolean {
  try {
    const [pid, born = ""] = readFileSync(claimIn(folder), "utf8").split(" ");
    return alive(Number(pid), born);
  } catch {
    return false; // Nobody claimed it.
  }
}
