// The statements of the search, and the rows they give: what was said, by the index or row by row, and what was logged.
import type { Message } from "../protocol.ts";

export type MessageRow = {
  id: number;
  conversation_id: string;
  uuid: string;
  seq: number;
  role: Message["role"];
  created_at: number;
  body: string;
  session: string | null;
};
export type LineRow = {
  id: number;
  session_id: string;
  line_no: number;
  source: "screen" | "transcript";
  timestamp: number;
  line: string;
};
export type Slice = { last: number | null; at: number | null };

/** The newest session with that conversation. */
const ITS_SESSION = `(SELECT s.id FROM session_conversations c JOIN sessions s ON s.id = c.session_id
  WHERE c.conversation_id = m.conversation_id AND s.deleted_at IS NULL AND s.id = coalesce($session, s.id)
  ORDER BY s.started_at DESC LIMIT 1)`;
const MESSAGE = `m.id, m.conversation_id, m.uuid, m.seq, m.role, m.created_at, ${ITS_SESSION} AS session`;
const LINE = "id, session_id, line_no, source, timestamp, line";
const ANY_LINE = `instr(lower(line), $key) > 0 AND session_id NOT IN (SELECT id FROM sessions WHERE deleted_at IS NOT NULL)`;

export const SQL = {
  // Both in one would look at every message.
  ends: `SELECT (SELECT coalesce(min(id), 0) FROM messages) AS first, (SELECT coalesce(max(id), 0) FROM messages) AS last`,
  word: "SELECT term FROM messages_words WHERE term >= $at LIMIT 1",
  indexBack: `SELECT ${MESSAGE}, m.body FROM messages_text t JOIN messages m ON m.id = t.rowid
    WHERE messages_text MATCH $match AND t.rowid BETWEEN $low AND $high AND session IS NOT NULL
    ORDER BY t.rowid DESC LIMIT $limit`,
  indexOn: `SELECT ${MESSAGE}, m.body FROM messages_text t JOIN messages m ON m.id = t.rowid
    WHERE messages_text MATCH $match AND t.rowid BETWEEN $low AND $high AND session IS NOT NULL
    ORDER BY t.rowid LIMIT $limit`,
  saidAt: "SELECT created_at AS at FROM messages WHERE id >= $low ORDER BY id LIMIT 1",
  messagesBack: `SELECT * FROM (SELECT ${MESSAGE}, m.body FROM messages m WHERE id < $from ORDER BY id DESC LIMIT $rows)
    WHERE octet_length(body) <= $bytes AND instr(lower(body), $key) > 0 AND session IS NOT NULL`,
  messagesOn: `SELECT * FROM (SELECT ${MESSAGE}, m.body FROM messages m WHERE id > $from ORDER BY id LIMIT $rows)
    WHERE octet_length(body) <= $bytes AND instr(lower(body), $key) > 0 AND session IS NOT NULL`,
  messagesSliceBack: `SELECT id AS last, created_at AS at FROM messages WHERE id < $from ORDER BY id DESC
    LIMIT 1 OFFSET $rows`,
  messagesSliceOn:
    "SELECT id AS last, created_at AS at FROM messages WHERE id > $from ORDER BY id LIMIT 1 OFFSET $rows",
  linesBack: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE id < $from ORDER BY id DESC LIMIT $rows)
    WHERE ${ANY_LINE}`,
  linesOn: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE id > $from ORDER BY id LIMIT $rows) WHERE ${ANY_LINE}`,
  linesSliceBack: `SELECT id AS last, timestamp AS at FROM output_log WHERE id < $from ORDER BY id DESC LIMIT 1 OFFSET $rows`,
  linesSliceOn:
    "SELECT id AS last, timestamp AS at FROM output_log WHERE id > $from ORDER BY id LIMIT 1 OFFSET $rows",
  // Of one session, by the number of its lines.
  ownBack: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE session_id = $session AND line_no < $from
    ORDER BY line_no DESC LIMIT $rows) WHERE instr(lower(line), $key) > 0`,
  ownOn: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE session_id = $session AND line_no > $from
    ORDER BY line_no LIMIT $rows) WHERE instr(lower(line), $key) > 0`,
  ownSliceBack: `SELECT line_no AS last, timestamp AS at FROM output_log WHERE session_id = $session AND line_no < $from
    ORDER BY line_no DESC LIMIT 1 OFFSET $rows`,
  ownSliceOn: `SELECT line_no AS last, timestamp AS at FROM output_log WHERE session_id = $session AND line_no > $from
    ORDER BY line_no LIMIT 1 OFFSET $rows`,
} as const;
