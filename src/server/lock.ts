// One server a data folder. The lock is the system's, so it ends with the process, however that ends.
import { Database, SQLiteError } from "bun:sqlite";
import { join } from "node:path";
import { privateFile } from "./private-file.ts";

/** Another server owns the folder. */
export class AlreadyRunningError extends Error {
  override name = "AlreadyRunningError";
}

/**
 * Takes the folder; the returned function gives it back. Throws AlreadyRunningError, and what the disk says where it is
 * that which refuses.
 */
export function lockFolder(data: string): () => void {
  const file = join(data, "server.lock");
  privateFile(file);
  const database = new Database(file);
  try {
    database.run("PRAGMA busy_timeout = 0"); // Of many that start at once one wins; none waits to be the next.
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
