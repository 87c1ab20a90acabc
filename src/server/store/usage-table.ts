// What was used: a row for each thing that is counted, by claude's own id of it.
import type { Json, Message, SessionId, WrapperMessage } from "../../protocol.ts";
import type { ConversationTable } from "./conversation-table.ts";
import { countedOf, usageIn } from "./counted.ts";
import type { Db } from "./database.ts";

export type CostMessage = Omit<Extract<WrapperMessage, { type: "cost" }>, "type">;
export type UsedMessage = Omit<Extract<WrapperMessage, { type: "used" }>, "type">;

/** A hundredth of what the shortest request costs. */
const SMALLEST_USD = 1e-7;

const SQL = {
  // Several records of one answer say what is known by then: the most of it is what it was.
  add: `INSERT INTO usage (id, session_id, conversation_id, at, model, input, output, cache_read, cache_write, worked_ms)
    VALUES ($id, $session, $conversation, $at, $model, $input, $output, $cache_read, $cache_write, $worked_ms)
    ON CONFLICT (id) DO UPDATE SET input = max(input, $input), output = max(output, $output),
      cache_read = max(cache_read, $cache_read), cache_write = max(cache_write, $cache_write)`,
  costOf: "SELECT total(cost_usd) AS usd FROM usage WHERE id > $id || ' ' AND id < $id || '!'",
  addCost: `INSERT OR IGNORE INTO usage (id, session_id, conversation_id, at, model, input, output, cache_read, cache_write,
      cost_usd, worked_ms) VALUES ($id, $session, $conversation, $at, '', 0, 0, 0, 0, $usd, 0)`,
} as const;

export class UsageTable {
  readonly #db: Db;
  readonly #conversations: ConversationTable;

  constructor(db: Db, conversations: ConversationTable) {
    this.#db = db;
    this.#conversations = conversations;
  }

  /** What the message says that it cost. claude writes one answer as several records, each with what is known by then. */
  count(session: SessionId, message: Message, at: number): void {
    const used = usageIn(message);
    if (used) this.#db.run(SQL.add, { ...used, session, conversation: message.conversation, at });
  }

  /** What an answer took that is no message of the conversation. */
  countAnswer(session: SessionId, { conversation, usage, age_ms = 0 }: UsedMessage, now: number): void {
    this.#db.tx(() => {
      this.#conversations.join(session, conversation, now);
      const used = countedOf(usage as Json);
      if (used) this.#db.run(SQL.add, { ...used, session, conversation, at: now - age_ms });
    });
  }

  /** What claude says that a chain of conversations has cost so far: what is new of it counts. */
  addCost(session: SessionId, { conversation, chain, usd, age_ms = 0 }: CostMessage, now: number): void {
    this.#db.tx(() => {
      this.#conversations.join(session, conversation, now);
      const id = `cost ${chain}`;
      const before = Number(this.#db.get(SQL.costOf, { id })?.usd ?? 0);
      const row = { session, conversation, at: now - age_ms, id: `${id} ${usd}`, usd: usd - before };
      // A rounding of sums is no cost.
      if (usd - before > SMALLEST_USD) this.#db.run(SQL.addCost, row);
    });
  }
}
