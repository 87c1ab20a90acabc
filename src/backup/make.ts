// Makes a backup while the server runs: a consistent copy of the database, its sums, and the keys where they are wanted.
import { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { privateFile } from "../server/private-file.ts";
import { toDisk } from "../server/restored.ts";
import { MIGRATIONS } from "../server/store/schema.ts";
import { DATABASE, KEYS, MANIFEST, type Manifest, type ManifestFile } from "./manifest.ts";
import { ArchiveError, writeTar } from "./tar.ts";

export type MakeOptions = {
  /** The data folder. */
  data: string;
  /** Where the archive goes; must not be there. */
  file: string;
  withKeys: boolean;
  /** Of this program. */
  version: string;
  now: number;
  /** Ends it between two steps, with nothing left behind. */
  signal?: AbortSignal | undefined;
};

const CHUNK = 1024 * 1024;

/**
 * Writes the archive, 0600, whole or not at all. The copy is one read transaction of SQLite: what was committed before is
 * in it, what is written meanwhile is not, and nobody waits. Rejects with ArchiveError, the reason of `signal`, or what the
 * system says.
 */
export async function makeBackup({
  data,
  file,
  withKeys,
  version,
  now,
  signal,
}: MakeOptions): Promise<Manifest> {
  const source = join(data, DATABASE);
  if (!existsSync(source)) throw new ArchiveError(`there is no database in ${data}: nothing to back up`);
  if (existsSync(file)) throw new ArchiveError(`${file} is there already; name another, or remove it`);
  // Beside the archive: there must be room for it there anyhow, and a rename stays on one disk.
  const folder = mkdtempSync(join(dirname(file), ".claude-remote-backup-")); // 0700
  try {
    const copy = join(folder, DATABASE);
    const schema = copyDatabase(source, copy);
    await turn(signal);
    const keys = withKeys ? KEYS.filter((name) => existsSync(join(data, name))) : [];
    const sources = [
      { name: DATABASE, path: copy },
      ...keys.map((name) => ({ name, path: join(data, name) })),
    ];
    const files = sources.map(({ name, path }): ManifestFile => {
      return { name: name as ManifestFile["name"], bytes: statSync(path).size, sha256: sha256(path) };
    });
    await turn(signal);
    const manifest: Manifest = { format: 1, version, schema, created_at: now, files };
    const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    const whole = join(folder, "backup.tar");
    writeTar(whole, [{ name: MANIFEST, content }, ...sources], now);
    await turn(signal);
    renameSync(whole, file);
    toDisk(dirname(file));
    return manifest;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets a signal come through, between steps that cannot be cut short. */
async function turn(signal: AbortSignal | undefined) {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/** A consistent copy, 0600. Returns the database's version. */
function copyDatabase(source: string, copy: string): number {
  const db = new Database(source, { readwrite: true, create: false }); // Read-only cannot read a WAL that nobody has open.
  try {
    db.run("PRAGMA busy_timeout = 5000");
    privateFile(copy);
    db.run("VACUUM INTO ?", [copy]);
    // Of the copy itself: the server may have been updated a moment ago.
    const copied = new Database(copy, { readonly: true });
    const { user_version: version } = copied.query("PRAGMA user_version").get() as { user_version: number };
    copied.close();
    if (version <= MIGRATIONS.length) return version;
    throw new ArchiveError(
      `the database has version ${version}, this claude-remote knows up to ${MIGRATIONS.length}; use the newer one`,
    );
  } finally {
    db.close();
  }
}

/** The sum of a file, read piece by piece. */
export function sha256(path: string): string {
  const hash = createHash("sha256");
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(CHUNK);
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, CHUNK, null);
      if (read === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
