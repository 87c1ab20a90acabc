// What the server knows of conversations: through which machines they went, and where each was.
import type { ConversationId, DeviceId } from "../protocol.ts";
import type { Store } from "../server/store.ts";

/** One conversation on one machine, as its sessions there were last heard. */
export type Recorded = {
  id: ConversationId;
  device_id: DeviceId;
  device_name: string;
  directory: string;
  title: string;
  /** Its first words. */
  opening: string | null;
  at: number;
  /** The sessions that were in it last. */
  sessions: string[];
};

/** Rows at most; a person looks at a page of them. */
const MOST_RECORDED = 300;

// Of the sessions that passed through it, the one that was heard last says what it is called and where it is.
const SQL = `SELECT c.conversation_id AS id, s.device_id, d.name AS device_name, s.cwd AS directory,
    coalesce(s.name, s.title) AS title, o.opening, max(s.heard_at) AS at, group_concat(s.id) AS sessions
  FROM session_conversations c JOIN sessions s ON s.id = c.session_id JOIN devices d ON d.id = s.device_id
    LEFT JOIN conversations o ON o.id = c.conversation_id
  WHERE s.deleted_at IS NULL GROUP BY c.conversation_id, s.device_id ORDER BY at DESC LIMIT $most`;

type Row = Omit<Recorded, "sessions"> & { sessions: string };

/** Newest first. */
export function recorded(store: Pick<Store, "tables">): Recorded[] {
  const rows = store.tables.query<Row, [{ most: number }]>(SQL).all({ most: MOST_RECORDED });
  return rows.map((row) => ({ ...row, sessions: row.sessions.split(",") }));
}
