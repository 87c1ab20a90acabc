// The messages of the conversations, each stored once and never changed.
import type { ConversationId, Message, SessionId } from "../../protocol.ts";
import { LIMITS } from "../limits.ts";
import { grow, ROW_BYTES } from "./bounded.ts";
import type { ConversationTable } from "./conversation-table.ts";
import type { Db, Row } from "./database.ts";
import type { Page } from "./page.ts";
import type { UsageTable } from "./usage-table.ts";

const SQL = {
  add: `INSERT OR IGNORE INTO messages (conversation_id, uuid, seq, role, body, created_at)
    VALUES ($conversation, $uuid, $seq, $role, $body, $at)`,
  grew: "UPDATE conversations SET bytes = bytes + $bytes WHERE id = $id RETURNING bytes",
  trim: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id
    AND seq < (SELECT max(seq) FROM messages WHERE conversation_id = $id) ORDER BY seq LIMIT $rows)
    RETURNING length(body) AS bytes`,
  cursor: "SELECT max(seq) AS upto FROM messages WHERE conversation_id = $id",
  after: `SELECT * FROM messages WHERE conversation_id = $id AND seq > $after ORDER BY seq LIMIT $limit`,
  before: `SELECT * FROM messages WHERE conversation_id = $id AND seq < $before ORDER BY seq DESC LIMIT $limit`,
} as const;

export class MessageTable {
  readonly #db: Db;
  readonly #conversations: ConversationTable;
  readonly #usage: UsageTable;
  readonly #mostBytes: number;

  /** `mostBytes`: of one conversation. */
  constructor(db: Db, conversations: ConversationTable, usage: UsageTable, mostBytes: number) {
    this.#db = db;
    this.#conversations = conversations;
    this.#usage = usage;
    this.#mostBytes = mostBytes;
  }

  /** Stores a record of a transcript, once. `opened`: it has the first words of its conversation. */
  add(session: SessionId, message: Message, now: number): { upto: number; opened: boolean } {
    return this.#db.tx(() => {
      let opened = false;
      const { conversation, uuid, seq, role, age_ms = 0 } = message;
      const body = JSON.stringify(message.body);
      this.#conversations.join(session, conversation, now);
      const bytes = Buffer.byteLength(body) + ROW_BYTES;
      if (this.#db.run(SQL.add, { conversation, uuid, seq, role, body, at: now - age_ms })) {
        grow(this.#db, { count: SQL.grew, drop: SQL.trim }, conversation, bytes, this.#mostBytes);
        this.#usage.count(session, message, now - age_ms);
        opened = this.#conversations.open(message);
      }
      return { upto: this.cursor(conversation), opened };
    });
  }

  /** The last record on disk of a conversation, or -1. */
  cursor(conversation: ConversationId): number {
    return Number(this.#db.get(SQL.cursor, { id: conversation })?.upto ?? -1);
  }

  /** Messages by their number, ascending: after one, or the last ones before one. `more`: there are others beyond them. */
  page(conversation: ConversationId, { after, before = Number.MAX_SAFE_INTEGER, limit }: Page) {
    const back = after === undefined;
    const rows = back
      ? this.#db.each(SQL.before, { id: conversation, before, limit: limit + 1 })
      : this.#db.each(SQL.after, { id: conversation, after, limit: limit + 1 });
    const messages: Message[] = [];
    let bytes = 0;
    let more = false;
    for (const row of rows) {
      bytes += Buffer.byteLength(String(row.body)) + ROW_BYTES;
      more = messages.length === limit || (messages.length > 0 && bytes > LIMITS.pageBytes);
      if (more) break;
      messages.push(toMessage(row));
    }
    return { messages: back ? messages.reverse() : messages, more };
  }
}

export function toMessage(row: Row): Message {
  const { conversation_id, uuid, seq, role, body, created_at } = row;
  return {
    conversation: conversation_id,
    uuid,
    seq,
    role,
    body: JSON.parse(String(body)),
    at: created_at,
  } as Message;
}
