// What a viewer of a session has not seen yet of its log and its conversations.
import type { SessionId } from "../../protocol.ts";
import { LIMITS } from "../limits.ts";
import type { Db } from "./database.ts";
import { toLine } from "./line-table.ts";
import { toMessage } from "./message-table.ts";

/** Where a viewer stands in the log and in the conversations: row ids, which only grow. */
export type Cursor = { line: number; message: number };

const SQL = {
  lines: "SELECT * FROM output_log WHERE session_id = $session AND id > $after ORDER BY id LIMIT $limit",
  messages: `SELECT m.* FROM messages m JOIN session_conversations c USING (conversation_id)
    WHERE c.session_id = $session AND m.id > $after ORDER BY m.id LIMIT $limit`,
  newest: `SELECT (SELECT coalesce(max(id), 0) FROM output_log) AS line, (SELECT coalesce(max(id), 0) FROM messages)
    AS message`,
} as const;

export class CatchUp {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A part of it; `line` is where it stands in the log then. */
  since(session: SessionId, cursor: Cursor) {
    const { catchUpLines, catchUpMessages } = LIMITS;
    const lines = this.#db.all(SQL.lines, { session, after: cursor.line, limit: catchUpLines });
    const messages = this.#db.all(SQL.messages, { session, after: cursor.message, limit: catchUpMessages });
    return {
      lines: lines.map(toLine),
      line: Number(lines.at(-1)?.id ?? cursor.line),
      messages: messages.map((row) => ({ id: Number(row.id), message: toMessage(row) })),
      more: lines.length === catchUpLines || messages.length === catchUpMessages,
    };
  }

  /** The end of both, where a new viewer begins. */
  newest(): Cursor {
    return this.#db.get(SQL.newest) as Cursor;
  }
}
