// Files that only this user may read, whatever the umask says.

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";

/** Makes an empty file if there is none, and takes everybody else's rights from it. Refuses to follow a link. */
export function privateFile(path: string): void {
  closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, 0o600));
  chmodSync(path, 0o600);
}

/** Bytes of the master key, from which every device's secret is derived. */
const MASTER_KEY_BYTES = 32;

/** This server's master key, made at its first start. Throws if the file is not what it must be. */
export function masterKey(path: string): Uint8Array {
  if (!existsSync(path)) makeMasterKey(path);
  privateFile(path);
  const key = readFileSync(path);
  if (key.length === MASTER_KEY_BYTES) return new Uint8Array(key);
  throw new Error(
    `${path} is damaged: it has ${key.length} bytes instead of ${MASTER_KEY_BYTES}. Restore it from a backup, or remove it and enrol the machines again.`,
  );
}

/** Whole or not at all, whatever the disk does; of several that make it at once, the first wins. */
function makeMasterKey(path: string) {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, randomBytes(MASTER_KEY_BYTES), { mode: 0o600 });
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}
