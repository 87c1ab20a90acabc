// The file that everything is kept in: private, brought up to date when it is opened, asked by statement.
import { Database } from "bun:sqlite";
import { privateFile } from "../private-file.ts";
import { keepCopy } from "./kept-copy.ts";

export type Named = Record<string, string | number | null>;
export type Row = { [column: string]: string | number | null };

/** A backup holds the log of writes open for as long as it reads; once that is over, the log gives back what is beyond this. */
const MOST_LOG_BYTES = 16 * 1024 * 1024;

/** The database was written by a newer program. */
export class NewerSchemaError extends Error {
  override name = "NewerSchemaError";
}

/** An open database. What each method does is committed when it returns, or with the transaction that it is part of. */
export class Db implements Disposable {
  /** For what keeps tables of its own beside the core's. */
  readonly raw: Database;

  /** Opens or makes the database, 0600. Throws NewerSchemaError, or what SQLite says of a broken file. */
  constructor(file: string, migrations: readonly string[]) {
    privateFile(file);
    this.raw = new Database(file, { strict: true });
    this.raw.run("PRAGMA journal_mode = WAL");
    this.raw.run("PRAGMA synchronous = FULL");
    this.raw.run("PRAGMA secure_delete = ON");
    this.raw.run("PRAGMA busy_timeout = 5000");
    this.raw.run(`PRAGMA journal_size_limit = ${MOST_LOG_BYTES}`);
    this.#migrate(file, migrations);
  }

  #migrate(file: string, migrations: readonly string[]) {
    const { user_version: version } = this.raw.query("PRAGMA user_version").get() as { user_version: number };
    if (version > migrations.length) {
      this.raw.close();
      throw new NewerSchemaError(
        `The database has version ${version}, this claude-remote knows up to ${migrations.length}. Update claude-remote, or restore a backup of that version.`,
      );
    }
    if (version === migrations.length) return;
    if (version > 0) keepCopy(this.raw, file, version);
    this.tx(() => {
      for (const sql of migrations.slice(version)) this.raw.run(sql);
      this.raw.run(`PRAGMA user_version = ${migrations.length}`);
    });
  }

  /** The work as one transaction: whole and on disk when it returns, or not done at all where it throws. */
  tx<T>(work: () => T): T {
    return this.raw.transaction(work).immediate();
  }

  all(sql: string, values: Named = {}): Row[] {
    return this.raw.query<Row, [Named]>(sql).all(values);
  }

  get(sql: string, values: Named = {}): Row | null {
    return this.raw.query<Row, [Named]>(sql).get(values);
  }

  each(sql: string, values: Named): Iterable<Row> {
    return this.raw.query<Row, [Named]>(sql).iterate(values);
  }

  /** True if it changed anything. */
  run(sql: string, values: Named): boolean {
    return this.raw.query<Row, [Named]>(sql).run(values).changes > 0;
  }

  [Symbol.dispose]() {
    try {
      this.raw.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // On a full disk everything stays in the log, and is read from there at the next start.
    }
    this.raw.close();
  }
}
