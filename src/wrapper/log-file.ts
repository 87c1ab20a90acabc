// The wrapper's log: a file, since the terminal belongs to claude.
import { appendFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { privateFolder } from "../paths.ts";

/** One old file is kept beside it: together they stay below twice this. */
const MAX_BYTES = 1024 * 1024;

export type Log = (event: string, detail?: Record<string, unknown>) => void;

/** The log of every wrapper of this user, each line with its session. */
export const logPath = (folder: string) => join(folder, "wrapper.log");

/** Appends one JSON line for each event to `<folder>/wrapper.log` (0600). A full disk loses the line and nothing else. */
export function logFile(folder: string, session: string): Log {
  const file = logPath(folder);
  return (event, detail = {}) => {
    try {
      privateFolder(folder);
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(file, `${file}.1`);
      const line = JSON.stringify({ time: new Date().toISOString(), session, event, ...detail });
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
    } catch {
      // Logging must never disturb claude.
    }
  };
}
