// The audit log: rows are only ever added, and only the oldest go.
import type { AuditEntry, SessionId } from "../../protocol.ts";
import type { Entry } from "../audit.ts";
import { LIMITS } from "../limits.ts";
import type { Db, Named, Row } from "./database.ts";

/** Bytes a row costs beside its text. */
const ROW_BYTES = 300;

/** With what the prompt it is about asked at that moment, if it is about one. */
const AUDIT = `SELECT a.*, coalesce(a.asked, CASE WHEN a.action IN ('answer', 'answer refused', 'delivered', 'accepted',
    'too_late', 'withdrawn', 'not_applied') THEN (SELECT p.asked FROM audit_log p
      WHERE p.subject = a.subject AND p.asked IS NOT NULL AND p.id < a.id ORDER BY p.id DESC LIMIT 1) END) AS asked
  FROM audit_log a`;

const SQL = {
  add: `INSERT INTO audit_log (at, actor, name, address, session_id, action, subject, detail, asked, total)
    VALUES ($now, $actor, $name, $address, $session, $action, $subject, $detail, $asked,
      $bytes + coalesce((SELECT total FROM audit_log ORDER BY id DESC LIMIT 1), 0))`,
  before: `${AUDIT} WHERE id < $before ORDER BY id DESC LIMIT $limit`,
  after: `${AUDIT} WHERE id > $after AND id <= $upto ORDER BY id LIMIT $limit`,
  end: "SELECT coalesce(max(id), 0) AS id FROM audit_log",
  // The oldest rows up to the first one that has to stay.
  forget: `DELETE FROM audit_log WHERE id < (
    SELECT coalesce(min(oldest.id) FILTER (WHERE oldest.at >= $before AND oldest.id > newest.id - $most
      AND oldest.total > newest.total - $bytes), max(oldest.id) + 1)
    FROM (SELECT id, at, total FROM audit_log ORDER BY id LIMIT $rows) AS oldest,
      (SELECT id, total FROM audit_log ORDER BY id DESC LIMIT 1) AS newest)`,
} as const;

export class AuditTable {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Appends one row. Nothing takes it away before it is too old, or the oldest of too many (see schema.ts). */
  add(entry: Entry, now: number): void {
    const { actor, action, subject, name = null, address = null, session = null } = entry;
    const detail = JSON.stringify(entry.detail);
    const asked = entry.asked ? JSON.stringify(entry.asked) : null;
    const bytes = Buffer.byteLength(detail) + Buffer.byteLength(asked ?? "") + ROW_BYTES;
    this.#db.run(SQL.add, { actor, action, subject, name, address, session, detail, asked, bytes, now });
    this.forget(LIMITS.auditDrops, now);
  }

  /** Drops the oldest rows, as far as they are too old or too many. The database's own clock lags by up to a second. */
  forget(rows: number, now: number): boolean {
    const before = now - LIMITS.auditMs - 1_000;
    return this.#db.run(SQL.forget, { before, rows, most: LIMITS.auditRows, bytes: LIMITS.auditBytes });
  }

  /** The newest rows before one, newest first. */
  before(before: number, limit: number): AuditEntry[] {
    return this.#page(SQL.before, { before, limit });
  }

  /** The oldest rows after one, oldest first. */
  after(after = 0, upto = this.end(), limit: number = LIMITS.auditPageRows): AuditEntry[] {
    return this.#page(SQL.after, { after, upto, limit });
  }

  /** The newest row's id, 0 where there is none. */
  end(): number {
    return Number(this.#db.get(SQL.end)?.id);
  }

  /** As many as fit into a page; at least one, if there is one. */
  #page(sql: string, values: Named): AuditEntry[] {
    const entries: AuditEntry[] = [];
    let bytes = 0;
    for (const row of this.#db.each(sql, values)) {
      bytes += String(row.detail).length + String(row.asked).length + ROW_BYTES;
      if (entries.length > 0 && bytes > LIMITS.auditPageBytes) break;
      entries.push(toEntry(row));
    }
    return entries;
  }
}

function toEntry({ session_id, total, ...row }: Row): AuditEntry {
  const parsed = { detail: JSON.parse(String(row.detail)), asked: JSON.parse(String(row.asked)) };
  return { ...row, ...parsed, session: session_id as SessionId | null } as AuditEntry;
}
