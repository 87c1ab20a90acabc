// The server's own log: JSON lines to stderr or to a file that is turned over. Never a code, cookie, key or text of a user.
import { appendFileSync, renameSync, statSync } from "node:fs";
import pino, { type Logger } from "pino";
import { LIMITS } from "./limits.ts";
import { privateFile } from "./private-file.ts";

export type { Logger };

/** Fields that could hold a secret; blanked wherever they stand, in case one is ever logged by mistake. */
const SECRET = ["cookie", "code", "secret", "key", "mac", "claim", "token", "authorization", "text", "input"];

/** A log at this level, to stderr, or to `file` (0600; turned over to `<file>.1`). */
export function openLog({ level, file }: { level: string; file?: string }): Logger {
  const redact = SECRET.flatMap((name) => [name, `*.${name}`]);
  return pino({ level, redact, base: null }, file ? rotated(file) : stderr);
}

const stderr = { write: (line: string) => void process.stderr.write(line) };

function rotated(file: string) {
  privateFile(file);
  let bytes = statSync(file).size;
  return {
    write(line: string) {
      try {
        if (bytes > LIMITS.logFileBytes) {
          bytes = 0; // First of all: what fails is not tried again at each line.
          renameSync(file, `${file}.1`);
        }
        appendFileSync(file, line, { mode: 0o600 });
        bytes += Buffer.byteLength(line);
      } catch {
        // A full or read-only disk loses lines of the log, and nothing else.
      }
    },
  };
}

/** The same task, whose failure (a full disk, say) is logged and ends nothing else. */
export function guarded(log: Logger, what: string, task: () => void): () => void {
  return () => {
    try {
      task();
    } catch (error) {
      log.error({ error: String(error) }, `${what} failed`);
    }
  };
}
