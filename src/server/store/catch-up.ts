// What a viewer of a session has not seen yet of its log and its conversations. Rows come in the order of their numbers, so
// where a viewer stands is found by halving: nobody's question looks at all there is.
import type { SessionId } from "../../protocol.ts";
import { LIMITS } from "../limits.ts";
import type { Db, Row } from "./database.ts";
import { toLine } from "./line-table.ts";
import { toMessage } from "./message-table.ts";

/** Where a viewer stands in the log and in the conversations: row ids, which only grow. */
export type Cursor = { line: number; message: number };

const SQL = {
  conversations: "SELECT conversation_id AS id FROM session_conversations WHERE session_id = $session",
  newest: `SELECT (SELECT coalesce(max(id), 0) FROM output_log) AS line, (SELECT coalesce(max(id), 0) FROM messages)
    AS message`,
} as const;

/** The rows of one session's log, or of one conversation, by their number. */
type Numbered = { last: string; from: string; after: string };

const LINES: Numbered = {
  last: "SELECT id, line_no AS number FROM output_log WHERE session_id = $of ORDER BY line_no DESC LIMIT 1",
  from: `SELECT id, line_no AS number FROM output_log WHERE session_id = $of AND line_no >= $number
    ORDER BY line_no LIMIT 1`,
  after:
    "SELECT * FROM output_log WHERE session_id = $of AND line_no > $number ORDER BY line_no LIMIT $limit",
};
const MESSAGES: Numbered = {
  last: "SELECT id, seq AS number FROM messages WHERE conversation_id = $of ORDER BY seq DESC LIMIT 1",
  from: "SELECT id, seq AS number FROM messages WHERE conversation_id = $of AND seq >= $number ORDER BY seq LIMIT 1",
  after: "SELECT * FROM messages WHERE conversation_id = $of AND seq > $number ORDER BY seq LIMIT $limit",
};

export class CatchUp {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A part of it; `line` is where it stands in the log then. */
  since(session: SessionId, cursor: Cursor) {
    const { catchUpLines, catchUpMessages } = LIMITS;
    const lines = this.#after(LINES, session, cursor.line, catchUpLines);
    const messages = this.#db
      .all(SQL.conversations, { session })
      .flatMap(({ id }) => this.#after(MESSAGES, String(id), cursor.message, catchUpMessages))
      .sort((a, b) => Number(a.id) - Number(b.id))
      .slice(0, catchUpMessages);
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

  /** The first rows of it that came after that row, whosever that was. */
  #after({ last, from, after }: Numbered, of: string, row: number, limit: number): Row[] {
    const end = this.#db.get(last, { of });
    if (!end || Number(end.id) <= row) return [];
    let low = -1; // What has this number, or a smaller one, had come by then.
    for (let high = Number(end.number); low < high; ) {
      const middle = high - Math.floor((high - low - 1) / 2);
      const found = this.#db.get(from, { of, number: middle });
      if (found && Number(found.id) <= row) low = Math.max(middle, Number(found.number));
      else high = middle - 1;
    }
    return this.#db.all(after, { of, number: low, limit });
  }
}
