// Conversations that a devbox's sessions passed through, for whoever wants to go on with one.
import type { Database } from "bun:sqlite";
import type { ConversationId, DeviceId, EarlierConversation } from "../protocol.ts";

/** Conversations offered to be gone on with. */
const MOST_CONVERSATIONS = 50;

const CONVERSED = `SELECT s.id FROM session_conversations c JOIN sessions s ON s.id = c.session_id
  WHERE c.conversation_id = ? AND s.device_id = ? AND s.deleted_at IS NULL`;

// Of the sessions that passed through it, the one that was heard last says what it is called and where it is.
const CONVERSATIONS = `SELECT c.conversation_id AS id, s.cwd AS dir, max(s.heard_at) AS last_at,
    coalesce(s.name, nullif(s.title, ''), t.opening, '') AS title,
    (SELECT o.id FROM sessions o WHERE o.conversation = c.conversation_id AND o.ended_at IS NULL LIMIT 1) AS alive_in
  FROM session_conversations c JOIN sessions s ON s.id = c.session_id
    JOIN conversations t ON t.id = c.conversation_id
  WHERE s.device_id = $device AND s.deleted_at IS NULL GROUP BY c.conversation_id ORDER BY last_at DESC LIMIT $limit`;

/** Those of that device, the one heard last first. */
export const earlier = (tables: Database, device: DeviceId): EarlierConversation[] =>
  tables
    .query<EarlierConversation, [Record<string, string | number>]>(CONVERSATIONS)
    .all({ device, limit: MOST_CONVERSATIONS });

/** Whether a session of that device passed through it. */
export const wasThere = (tables: Database, conversation: ConversationId, device: DeviceId): boolean =>
  tables.query<{ id: string }, [string, string]>(CONVERSED).get(conversation, device) !== null;
