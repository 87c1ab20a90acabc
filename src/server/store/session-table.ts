// The sessions, as their wrappers state them. One that has ended takes no state, unless it was given up as lost.
import type {
  DeviceId,
  EndReason,
  PromptState,
  Session,
  SessionId,
  SessionState,
  SessionStatement,
} from "../../protocol.ts";
import type { Screen } from "../../screen.ts";
import { type By, whoIn } from "../audit.ts";
import { LIMITS } from "../limits.ts";
import type { AuditTable } from "./audit-table.ts";
import type { ConversationTable } from "./conversation-table.ts";
import type { Db, Row } from "./database.ts";
import type { PromptTable } from "./prompt-table.ts";

/** Where a page of ended sessions goes on: before one of them. */
export type Ended = { before: number; id: string };
export type Exit = { code: number | null; signal: string | null; reason: EndReason };

/** Before this one are all of them. */
const NEVER_ENDED: Ended = { before: Number.MAX_SAFE_INTEGER, id: "" };

/** A session comes with the name of its machine. */
const SESSION = `SELECT s.id, device_id, d.name AS device_name, devbox, started_at, ended_at, end_reason, exit_code, signal,
    heard_at, cwd, command, claude_version, title, status, waiting_for, hooks, terminal, cols, rows, permission_mode,
    conversation, launch, s.name, (SELECT opening FROM conversations c WHERE c.id = s.conversation) AS opening
  FROM sessions s JOIN devices d ON d.id = s.device_id AND s.deleted_at IS NULL`;

const SQL = {
  get: `${SESSION} WHERE s.id = $id`,
  open: `${SESSION} WHERE ended_at IS NULL ORDER BY started_at DESC`,
  ended: `${SESSION} WHERE ended_at IS NOT NULL AND (ended_at, s.id) < ($before, $id)
    ORDER BY ended_at DESC, s.id DESC LIMIT $limit`,
  // One that is being deleted is not there any more, but it is still somebody's.
  ownerOf: "SELECT device_id FROM sessions WHERE id = $id",
  rename: "UPDATE sessions SET name = $name WHERE id = $id AND deleted_at IS NULL",
  delete:
    "UPDATE sessions SET deleted_at = $now WHERE id = $id AND ended_at IS NOT NULL AND deleted_at IS NULL",
  // A session that was given up as lost and speaks again has not ended.
  state: `INSERT INTO sessions (id, device_id, started_at, heard_at, cwd, command, claude_version, title, status,
      waiting_for, hooks, terminal, cols, rows, permission_mode, conversation, launch,
      devbox)
    VALUES ($id, $device_id, $started_at, $now, $cwd, $command, $claude_version, $title, $status,
      $waiting_for, $hooks, $terminal, $cols, $rows, $permission_mode, $conversation, $launch,
      (SELECT name FROM devboxes WHERE device_id = $device_id))
    ON CONFLICT (id) DO UPDATE SET heard_at = $now, cwd = $cwd, command = $command, claude_version = $claude_version,
      title = $title, status = iif(ended_at IS NULL OR end_reason = 'lost', $status, status),
      waiting_for = $waiting_for, hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows,
      permission_mode = $permission_mode, conversation = $conversation,
      ended_at = iif(end_reason = 'lost', NULL, ended_at), end_reason = iif(end_reason = 'lost', NULL, end_reason),
      deleted_at = NULL`,
  setState: `UPDATE sessions SET heard_at = $now, title = $title, status = $status, waiting_for = $waiting_for,
    hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows, permission_mode = $permission_mode,
    conversation = $conversation WHERE id = $id AND ended_at IS NULL`,
  end: `UPDATE sessions SET status = 'ended', ended_at = $now, end_reason = $reason, exit_code = $code,
    signal = $signal, waiting_for = NULL WHERE id = $id AND ended_at IS NULL`,
  heard: "UPDATE sessions SET heard_at = $at WHERE id = $id AND heard_at < $at",
  screen: "SELECT last_screen FROM sessions WHERE id = $id",
  saveScreen: "UPDATE sessions SET last_screen = $screen WHERE id = $id",
} as const;

export type SessionTableOptions = {
  db: Db;
  audit: AuditTable;
  conversations: ConversationTable;
  prompts: PromptTable;
  /** How long an ended one is kept. */
  keepMs: number;
};

export class SessionTable {
  readonly #db: Db;
  readonly #audit: AuditTable;
  readonly #conversations: ConversationTable;
  readonly #prompts: PromptTable;
  readonly #keepMs: number;

  constructor({ db, audit, conversations, prompts, keepMs }: SessionTableOptions) {
    this.#db = db;
    this.#audit = audit;
    this.#conversations = conversations;
    this.#prompts = prompts;
    this.#keepMs = keepMs;
  }

  get(id: string): Session | null {
    const row = this.#db.get(SQL.get, { id });
    return row && toSession(row, this.#keepMs);
  }

  open(): Session[] {
    return this.#db.all(SQL.open).map((row) => toSession(row, this.#keepMs));
  }

  /** Those that ended last, or last before one; the newest first. */
  ended(limit: number = LIMITS.endedSessions, before: Ended = NEVER_ENDED): Session[] {
    return this.#db.all(SQL.ended, { ...before, limit }).map((row) => toSession(row, this.#keepMs));
  }

  /** Gives a session a name of its own; null takes it away. False: there is no such session. */
  rename(id: string, name: string | null, by: By, now: number): boolean {
    return this.#db.tx(() => {
      const named = this.#db.run(SQL.rename, { id, name });
      const entry = { ...whoIn(by), session: id as SessionId, action: "session named", subject: id };
      if (named) this.#audit.add({ ...entry, detail: { name } }, now);
      return named;
    });
  }

  /** An ended session is not there any more; `sweep` takes away what belongs to it. False: there is none, or it is open. */
  delete(id: string, by: By, now: number): boolean {
    return this.#db.tx(() => {
      const session = this.get(id);
      const deleted = this.#db.run(SQL.delete, { id, now });
      const detail = { cwd: session?.cwd, started_at: session?.started_at };
      const entry = { ...whoIn(by), session: id as SessionId, action: "session deleted", subject: id };
      if (deleted) this.#audit.add({ ...entry, detail }, now);
      return deleted;
    });
  }

  /** A wrapper says what is true. Prompts it does not name have ended. Null: the session is another device's. */
  state(device: DeviceId, statement: SessionStatement, now: number) {
    return this.#db.tx(() => {
      const { id, age_ms, open, command, terminal, launch = null, ...facts } = statement;
      const owner = this.#db.get(SQL.ownerOf, { id })?.device_id;
      if (owner !== undefined && owner !== device) return null;
      const more = {
        ...{ command: JSON.stringify(command), terminal: Number(terminal), launch },
        started_at: now - age_ms,
      };
      this.#db.run(SQL.state, { ...facts, ...more, id, device_id: device, now });
      this.#conversations.join(id, facts.conversation, now);
      const withdrawn = this.#prompts.withdrawUnnamed(id, open, now);
      return { session: this.#known(id), withdrawn };
    });
  }

  setState(id: SessionId, state: SessionState, now: number): Session {
    return this.#db.tx(() => {
      this.#db.run(SQL.setState, { ...state, terminal: Number(state.terminal), id, now });
      this.#conversations.join(id, state.conversation, now);
      return this.#known(id);
    });
  }

  /** It ended. What was still open or under way ended with it; without its wrapper's word nobody knows how. */
  end(id: SessionId, exit: Exit, now: number): { session: Session; prompts: PromptState[] } {
    const by = exit.reason === "lost" ? "unknown" : "exited";
    return this.#db.tx(() => {
      const ended = this.#db.run(SQL.end, { id, ...exit, now });
      const prompts = ended ? this.#prompts.endWith(id, by, now) : [];
      return { session: this.#known(id), prompts };
    });
  }

  /** When the wrapper of each was last heard, and its screen where there is a newer one. */
  keep(known: readonly { id: SessionId; at: number; screen: Screen | null }[]): void {
    this.#db.tx(() => {
      for (const { id, at, screen } of known) {
        this.#db.run(SQL.heard, { id, at });
        if (screen) this.saveScreen(id, screen);
      }
    });
  }

  saveScreen(id: SessionId, screen: Screen): void {
    this.#db.run(SQL.saveScreen, { id, screen: JSON.stringify(screen) });
  }

  screen(id: string): Screen | null {
    const saved = this.#db.get(SQL.screen, { id })?.last_screen;
    return typeof saved === "string" ? JSON.parse(saved) : null;
  }

  #known(id: string): Session {
    const session = this.get(id);
    if (!session) throw new Error("the session is not there");
    return session;
  }
}

function toSession(row: Row, keepMs: number): Session {
  const command = JSON.parse(String(row.command));
  const kept_until = typeof row.ended_at === "number" ? row.ended_at + keepMs : null;
  return { ...row, command, kept_until, terminal: row.terminal === 1, connected: false } as Session;
}
