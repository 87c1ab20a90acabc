// Everything that outlives the server: one database, each table by its own name. One call, one transaction, committed when
// it returns. Rows are snake_case and go out as they are.
import type { Database } from "bun:sqlite";
import { LIMITS } from "./limits.ts";
import { AuditTable } from "./store/audit-table.ts";
import { CatchUp } from "./store/catch-up.ts";
import { ConversationTable } from "./store/conversation-table.ts";
import { Db } from "./store/database.ts";
import { DeviceTable } from "./store/device-table.ts";
import { LineTable } from "./store/line-table.ts";
import { MessageTable } from "./store/message-table.ts";
import { PromptTable } from "./store/prompt-table.ts";
import { Retention } from "./store/retention.ts";
import { MIGRATIONS } from "./store/schema.ts";
import { SessionTable } from "./store/session-table.ts";
import { TokenTable } from "./store/token-table.ts";
import { UsageTable } from "./store/usage-table.ts";
import { ViewerTable } from "./store/viewer-table.ts";

/** How long what has ended is kept, and how many bytes of log and of each conversation. */
export type Keep = { ms: number; bytes: number };

export class Store implements Disposable {
  readonly #db: Db;
  readonly audit: AuditTable;
  readonly tokens: TokenTable;
  readonly devices: DeviceTable;
  readonly viewers: ViewerTable;
  readonly conversations: ConversationTable;
  readonly usage: UsageTable;
  readonly messages: MessageTable;
  readonly lines: LineTable;
  readonly catchUp: CatchUp;
  readonly prompts: PromptTable;
  readonly sessions: SessionTable;
  readonly retention: Retention;

  /** Opens or makes the database, 0600. Throws NewerSchemaError, or what SQLite says of a broken file. */
  constructor(file: string, migrations = MIGRATIONS, keep: Partial<Keep> = {}) {
    const { ms: keepMs = LIMITS.keepMs, bytes = LIMITS.logBytes } = keep;
    const db = new Db(file, migrations);
    this.#db = db;
    this.audit = new AuditTable(db);
    this.tokens = new TokenTable(db, this.audit);
    this.devices = new DeviceTable(db, this.audit, this.tokens);
    this.viewers = new ViewerTable(db, this.audit);
    this.conversations = new ConversationTable(db);
    this.usage = new UsageTable(db, this.conversations);
    this.messages = new MessageTable(db, this.conversations, this.usage, bytes);
    this.lines = new LineTable(db, bytes);
    this.catchUp = new CatchUp(db);
    this.prompts = new PromptTable(db, this.audit);
    const { audit, conversations, prompts } = this;
    this.sessions = new SessionTable({ db, audit, conversations, prompts, keepMs });
    this.retention = new Retention(db, audit, keepMs);
  }

  /** For what keeps tables of its own beside the core's, and is handed to nobody else. */
  get tables(): Database {
    return this.#db.raw;
  }

  /** The same, asked by statement. */
  get statements(): Db {
    return this.#db;
  }

  [Symbol.dispose]() {
    this.#db[Symbol.dispose]();
  }
}
