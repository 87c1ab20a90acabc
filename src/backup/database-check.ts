// Whether a database that came in an archive is one of ours, before anything of it is used.
import { Database, SQLiteError } from "bun:sqlite";
import { MIGRATIONS } from "../server/store/schema.ts";
import { ArchiveError } from "./tar.ts";

type Thing = { type: string; name: string; tbl_name: string; sql: string | null };

/** Throws ArchiveError where the schema is not exactly that of our version `schema`, or the content is damaged. */
export function checkDatabase(path: string, schema: number): void {
  try {
    using db = new Database(path, { readwrite: true, create: false });
    db.run("PRAGMA trusted_schema = OFF");
    db.run("PRAGMA cell_size_check = ON");
    const { user_version: version } = db.query("PRAGMA user_version").get() as { user_version: number };
    if (version !== schema)
      throw new ArchiveError(`its database has version ${version}, its manifest says ${schema}`);
    const [ours, theirs] = [thingsOf(reference(schema)), thingsOf(db)];
    const odd = theirs.find((one, at) => !Bun.deepEquals(one, ours[at])) ?? ours[theirs.length];
    if (odd)
      throw new ArchiveError(
        `its database is not as ours is: ${odd.type} ${JSON.stringify(odd.name).slice(0, 80)}`,
      );
    // Only now: it computes what the schema says.
    const found = db.query("PRAGMA integrity_check(1)").get() as { integrity_check: string };
    if (found.integrity_check !== "ok")
      throw new ArchiveError(`its database is damaged: ${found.integrity_check.slice(0, 200)}`);
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    throw new ArchiveError(`its database cannot be read: ${error.message}`);
  }
}

/** Refuses what a newer program made. */
export function checkVersion(schema: number, madeBy: string): void {
  if (schema <= MIGRATIONS.length) return;
  throw new ArchiveError(
    `its database has version ${schema} (of claude-remote ${madeBy}), this claude-remote knows up to ${MIGRATIONS.length}; update claude-remote`,
  );
}

function reference(schema: number): Database {
  const db = new Database(":memory:");
  for (const sql of MIGRATIONS.slice(0, schema)) db.run(sql);
  return db;
}

function thingsOf(db: Database): Thing[] {
  const rows = db.query(
    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name, sql",
  );
  return rows.all() as Thing[];
}
