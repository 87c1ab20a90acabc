// The logs of the sessions, line by line.
import type { LogLine, SessionId } from "../../protocol.ts";
import { grow, ROW_BYTES } from "./bounded.ts";
import type { Db, Row } from "./database.ts";
import type { Page } from "./page.ts";

const SQL = {
  add: `INSERT OR IGNORE INTO output_log (session_id, line_no, epoch, source, timestamp, line, count)
    VALUES ($session, $line_no, $epoch, $source, $timestamp, $line, $count)`,
  grew: "UPDATE sessions SET log_bytes = log_bytes + $bytes WHERE id = $id RETURNING log_bytes AS bytes",
  trim: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id
    AND line_no < (SELECT max(line_no) FROM output_log WHERE session_id = $id) ORDER BY line_no LIMIT $rows)
    RETURNING length(line) AS bytes`,
  cursor:
    "SELECT line_no + coalesce(count, 1) - 1 AS upto FROM output_log WHERE session_id = $id ORDER BY line_no DESC LIMIT 1",
  after: `SELECT * FROM output_log WHERE session_id = $session AND line_no > $after ORDER BY line_no LIMIT $limit`,
  before: `SELECT * FROM output_log WHERE session_id = $session AND line_no < $before ORDER BY line_no DESC
    LIMIT $limit`,
} as const;

export class LineTable {
  readonly #db: Db;
  readonly #mostBytes: number;

  /** `mostBytes`: of the log of one session. */
  constructor(db: Db, mostBytes: number) {
    this.#db = db;
    this.#mostBytes = mostBytes;
  }

  /** Stores what is new of these lines; returns the number up to which everything is on disk. */
  add(session: SessionId, lines: LogLine[], now: number): number {
    return this.#db.tx(() => {
      let bytes = 0;
      for (const { line_no, epoch, source, text, count, age_ms } of lines) {
        const row = { session, line_no, epoch, source, line: text, count: count ?? null };
        const added = this.#db.run(SQL.add, { ...row, timestamp: now - (age_ms ?? 0) });
        if (added) bytes += Buffer.byteLength(text) + ROW_BYTES;
      }
      grow(this.#db, { count: SQL.grew, drop: SQL.trim }, session, bytes, this.#mostBytes);
      return this.cursor(session);
    });
  }

  /** The last line on disk, or -1. */
  cursor(session: SessionId): number {
    return Number(this.#db.get(SQL.cursor, { id: session })?.upto ?? -1);
  }

  /** Lines by their number, ascending: after one, or the last ones before one. */
  page(session: SessionId, { after, before = Number.MAX_SAFE_INTEGER, limit }: Page): LogLine[] {
    if (after !== undefined) return this.#db.all(SQL.after, { session, after, limit }).map(toLine);
    return this.#db.all(SQL.before, { session, before, limit }).map(toLine).reverse();
  }
}

export function toLine(row: Row): LogLine {
  const { line_no, epoch, source, line, count, timestamp } = row;
  return {
    line_no,
    epoch,
    source,
    text: line,
    at: timestamp,
    ...(count === null ? {} : { count }),
  } as LogLine;
}
