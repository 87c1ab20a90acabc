// What is too old, or was deleted, is forgotten: step by step, so that everybody has a turn between two.
import { LIMITS } from "../limits.ts";
import type { AuditTable } from "./audit-table.ts";
import type { Db } from "./database.ts";

const SQL = {
  deleted: "SELECT id FROM sessions WHERE deleted_at IS NOT NULL LIMIT 1",
  expired: "SELECT id FROM sessions WHERE ended_at < $before ORDER BY ended_at LIMIT 1",
  // Numbers alone, for the sums of the days.
  unlinkUsage: "UPDATE usage SET session_id = NULL WHERE session_id = $id",
  oldUsage: "DELETE FROM usage WHERE at < $before",
  oldViewers: "DELETE FROM viewers WHERE revoked_at < $before OR created_at < $lifetime",
  oldTokens: "DELETE FROM tokens WHERE revoked_at < $before OR expires_at < $before",
  dropSession: "DELETE FROM sessions WHERE id = $id",
  dropPrompts: "DELETE FROM prompts WHERE session_id = $id",
  dropLines: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id LIMIT $rows)`,
  dropMessages: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id LIMIT $rows)`,
  dropJoins: "DELETE FROM session_conversations WHERE session_id = $id",
  inUse: "SELECT 1 FROM session_conversations WHERE conversation_id = $id LIMIT 1",
  orphan: `SELECT id FROM conversations WHERE id NOT IN (SELECT conversation_id FROM session_conversations) LIMIT 1`,
  dropConversation: "DELETE FROM conversations WHERE id = $id",
} as const;

export class Retention {
  readonly #db: Db;
  readonly #audit: AuditTable;
  readonly #keepMs: number;
  /** The conversation that is being dropped, so many messages at a time: to find one all of them are looked at. */
  #orphan: string | null = null;

  /** `keepMs`: how long an ended session is kept. */
  constructor(db: Db, audit: AuditTable, keepMs: number) {
    this.#db = db;
    this.#audit = audit;
    this.#keepMs = keepMs;
  }

  /** One step of forgetting what is too old, a few milliseconds long. True: there is more to do. */
  sweep(now: number): boolean {
    return this.#db.tx(() => {
      if (this.#audit.forget(LIMITS.sweepRows, now)) return true;
      this.#forgetOld(now);
      const session = (this.#db.get(SQL.deleted) ?? this.#db.get(SQL.expired, { before: now - this.#keepMs }))
        ?.id;
      if (typeof session === "string") return this.#dropSession(session);
      this.#orphan = this.#nextOrphan();
      return this.#orphan !== null && this.#dropConversation(this.#orphan);
    });
  }

  /** The same as before, unless it is gone or somebody went on with it. */
  #nextOrphan(): string | null {
    const id = this.#orphan;
    if (id !== null && !this.#db.get(SQL.inUse, { id })) return id;
    return (this.#db.get(SQL.orphan)?.id as string | undefined) ?? null;
  }

  /** What there is little of goes at once. */
  #forgetOld(now: number) {
    const before = now - LIMITS.keepMs;
    this.#db.run(SQL.oldViewers, { before, lifetime: before - LIMITS.loginMs });
    this.#db.run(SQL.oldTokens, { before });
    this.#db.run(SQL.oldUsage, { before: now - LIMITS.usageMs });
  }

  #dropSession(id: string): true {
    if (this.#db.run(SQL.dropLines, { id, rows: LIMITS.sweepRows })) return true;
    for (const statement of ["dropPrompts", "dropJoins", "unlinkUsage", "dropSession"] as const)
      this.#db.run(SQL[statement], { id });
    return true;
  }

  #dropConversation(id: string): true {
    if (this.#db.run(SQL.dropMessages, { id, rows: LIMITS.sweepMessages })) return true;
    this.#db.run(SQL.dropConversation, { id });
    this.#orphan = null;
    return true;
  }
}
