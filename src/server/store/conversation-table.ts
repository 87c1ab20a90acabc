// The conversations, and which sessions have passed through them.
import type { ConversationId, Message, SessionId } from "../../protocol.ts";
import { openingIn } from "./counted.ts";
import type { Db } from "./database.ts";

const SQL = {
  add: "INSERT OR IGNORE INTO conversations (id, created_at) VALUES ($id, $now)",
  join: "INSERT OR IGNORE INTO session_conversations VALUES ($session, $id)",
  open: "UPDATE conversations SET opening = $opening WHERE id = $id AND opening IS NULL",
  of: `SELECT conversation_id AS id FROM session_conversations WHERE session_id = $session ORDER BY rowid`,
} as const;

export class ConversationTable {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Notes, within the caller's transaction, that a session is in it; null: it is in none. */
  join(session: SessionId, conversation: ConversationId | null, now: number): void {
    if (conversation === null) return;
    this.#db.run(SQL.add, { id: conversation, now });
    this.#db.run(SQL.join, { session, id: conversation });
  }

  /** Keeps the first words of a conversation, if the message has them; true: it had. */
  open(message: Message): boolean {
    const opening = openingIn(message);
    return opening !== null && this.#db.run(SQL.open, { id: message.conversation, opening });
  }

  /** Those that session has passed through, in the order in which it first met them. */
  of(session: SessionId): ConversationId[] {
    return this.#db.all(SQL.of, { session }).map(({ id }) => id as ConversationId);
  }
}
