// One server a data folder. The lock is the system's, so it ends with the process, however that ends.
import { Database, SQLiteError } from "bun:sqlite";
import { join } from "node:path";
import { privateFile } from "./private-file.ts";

/** A server that was just killed holds its files until its last thread has ended. */
const WAIT_MS = 2_000;

/** Another server owns the folder. */
export class AlreadyRunningError extends Error {
  override name = "AlreadyRunningError";
}

/**
 * Takes the folder, waiting up to 2 s for it; the returned function gives it back. Throws AlreadyRunningError, and what the
 * disk says where it is that which refuses.
 */
export function lockFolder(data: string): () => void {
  const file = join(data, "server.lock");
  privateFile(file);
  const database = new Database(file);
  try {
    database.run(`PRAGMA busy_timeout = ${WAIT_MS}`);
    database.run("PRAGMA journal_mode = DELETE");
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!(error instanceof SQLiteError) || !error.code?.startsWith("SQLITE_BUSY")) throw error;
    throw new AlreadyRunningError(
      `A server is running in ${data} already. Stop it first, or use it as it is.`,
    );
  }
  return () => database.close();
}
