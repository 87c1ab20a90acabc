// The database: one function, one transaction, committed when it returns. Rows are snake_case and go out as they are.
import { Database } from "bun:sqlite";
import { existsSync, renameSync, rmSync } from "node:fs";
import type {
  Answer,
  AnswerId,
  ConversationId,
  DeviceId,
  EndReason,
  LogLine,
  Message,
  Prompt,
  PromptId,
  PromptStage,
  PromptState,
  Session,
  SessionId,
  SessionState,
  SessionStatement,
  Viewer,
  ViewerId,
  WrapperMessage,
} from "../protocol.ts";
import type { Screen } from "../screen.ts";
import { LIMITS } from "./limits.ts";
import { privateFile } from "./private-file.ts";
import { MIGRATIONS } from "./schema.ts";

const SESSION = `SELECT s.id, device_id, d.name AS device_name, devbox, started_at, ended_at, end_reason, exit_code, signal,
    heard_at, cwd, command, claude_version, title, status, waiting_for, hooks, terminal, cols, rows, permission_mode,
    conversation FROM sessions s JOIN devices d ON d.id = s.device_id`;

const SQL = {
  device: "SELECT * FROM devices WHERE id = $id",
  devices: "SELECT * FROM devices ORDER BY created_at",
  addDevice: "INSERT OR IGNORE INTO devices VALUES ($id, $name, $now, $now, NULL)",
  seenDevice: "UPDATE devices SET last_seen = $now WHERE id = $id",
  revokeDevice: "UPDATE devices SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",

  session: `${SESSION} WHERE s.id = $id`,
  openSessions: `${SESSION} WHERE ended_at IS NULL ORDER BY started_at DESC`,
  endedSessions: `${SESSION} WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT $limit`,
  // A session that was given up as lost and speaks again has not ended.
  stateSession: `INSERT INTO sessions (id, device_id, started_at, heard_at, cwd, command, claude_version, title, status,
      waiting_for, hooks, terminal, cols, rows, permission_mode, conversation)
    VALUES ($id, $device_id, $started_at, $now, $cwd, $command, $claude_version, $title, $status,
      $waiting_for, $hooks, $terminal, $cols, $rows, $permission_mode, $conversation)
    ON CONFLICT (id) DO UPDATE SET heard_at = $now, cwd = $cwd, command = $command, claude_version = $claude_version,
      title = $title, status = iif(ended_at IS NULL OR end_reason = 'lost', $status, status),
      waiting_for = $waiting_for, hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows,
      permission_mode = $permission_mode, conversation = $conversation,
      ended_at = iif(end_reason = 'lost', NULL, ended_at), end_reason = iif(end_reason = 'lost', NULL, end_reason)`,
  setState: `UPDATE sessions SET heard_at = $now, title = $title, status = $status, waiting_for = $waiting_for,
    hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows, permission_mode = $permission_mode,
    conversation = $conversation WHERE id = $id AND ended_at IS NULL`,
  endSession: `UPDATE sessions SET status = 'ended', ended_at = $now, end_reason = $reason, exit_code = $code,
    signal = $signal, waiting_for = NULL WHERE id = $id AND ended_at IS NULL`,
  silentSessions: "SELECT id FROM sessions WHERE ended_at IS NULL AND heard_at < $before",
  heard: "UPDATE sessions SET heard_at = $now WHERE id = $id",
  screen: "SELECT last_screen FROM sessions WHERE id = $id",
  saveScreen: "UPDATE sessions SET last_screen = $screen WHERE id = $id",

  addConversation: "INSERT OR IGNORE INTO conversations (id, created_at) VALUES ($id, $now)",
  joinConversation: "INSERT OR IGNORE INTO session_conversations VALUES ($session, $id)",
  addMessage: `INSERT OR IGNORE INTO messages (conversation_id, uuid, seq, role, body, created_at)
    VALUES ($conversation, $uuid, $seq, $role, $body, $now)`,
  grewConversation: "UPDATE conversations SET bytes = bytes + $bytes WHERE id = $id RETURNING bytes",
  messageCursor: "SELECT max(seq) AS upto FROM messages WHERE conversation_id = $id",
  messagesSince: `SELECT m.* FROM messages m JOIN session_conversations c USING (conversation_id)
    WHERE c.session_id = $session AND m.id > $after ORDER BY m.id LIMIT $limit`,
  messagesAfter: `SELECT * FROM messages WHERE conversation_id = $id AND seq > $after ORDER BY seq LIMIT $limit`,
  messagesBefore: `SELECT * FROM messages WHERE conversation_id = $id AND seq < $before ORDER BY seq DESC LIMIT $limit`,
  trimMessages: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id
    AND seq < (SELECT max(seq) FROM messages WHERE conversation_id = $id) ORDER BY seq LIMIT $rows)
    RETURNING length(body) AS bytes`,

  addLine: `INSERT OR IGNORE INTO output_log (session_id, line_no, epoch, source, timestamp, line, count)
    VALUES ($session, $line_no, $epoch, $source, $timestamp, $line, $count)`,
  grewLog: "UPDATE sessions SET log_bytes = log_bytes + $bytes WHERE id = $id RETURNING log_bytes AS bytes",
  lineCursor:
    "SELECT line_no + coalesce(count, 1) - 1 AS upto FROM output_log WHERE session_id = $id ORDER BY line_no DESC LIMIT 1",
  linesSince: "SELECT * FROM output_log WHERE session_id = $session AND id > $after ORDER BY id LIMIT $limit",
  linesAfter: `SELECT * FROM output_log WHERE session_id = $session AND line_no > $after ORDER BY line_no LIMIT $limit`,
  linesBefore: `SELECT * FROM output_log WHERE session_id = $session AND line_no < $before ORDER BY line_no DESC
    LIMIT $limit`,
  trimLines: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id
    AND line_no < (SELECT max(line_no) FROM output_log WHERE session_id = $id) ORDER BY line_no LIMIT $rows)
    RETURNING length(line) AS bytes`,
  newest: `SELECT (SELECT coalesce(max(id), 0) FROM output_log) AS line, (SELECT coalesce(max(id), 0) FROM messages)
    AS message`,

  prompt: "SELECT * FROM prompts WHERE id = $id",
  openPrompts:
    "SELECT * FROM prompts WHERE responded_at IS NULL AND withdrawn_at IS NULL ORDER BY created_at",
  unfinishedPrompts:
    "SELECT * FROM prompts WHERE withdrawn_at IS NULL AND outcome IS NULL ORDER BY created_at",
  prompts: "SELECT * FROM prompts ORDER BY created_at DESC LIMIT $limit",
  sessionPrompts: `SELECT * FROM prompts WHERE session_id = $session AND withdrawn_at IS NULL AND outcome IS NULL
    ORDER BY created_at`,
  addPrompt: `INSERT INTO prompts (id, session_id, created_at, kind, prompt_text, detail, options, digest)
    VALUES ($id, $session, $created_at, $kind, $prompt_text, $detail, $options, $digest)`,
  changePrompt: `UPDATE prompts SET kind = $kind, prompt_text = $prompt_text, detail = $detail, options = $options,
    digest = $digest WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL`,
  answerPrompt: `UPDATE prompts SET response = $response, answer_id = $answer_id, responded_at = $now, responded_by = $by
    WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`,
  delivered: `UPDATE prompts SET delivered_at = $now WHERE id = $id AND answer_id = $answer_id AND delivered_at IS NULL`,
  accepted: `UPDATE prompts SET outcome = 'accepted', outcome_at = $now, delivered_at = coalesce(delivered_at, $now)
    WHERE id = $id AND responded_at IS NOT NULL AND outcome IS NULL`,
  tooLate: `UPDATE prompts SET outcome = coalesce($chosen, 'too_late'), outcome_at = $now, withdrawn_by = $by
    WHERE id = $id AND responded_at IS NOT NULL AND outcome IS NULL`,
  // What was withdrawn only because nobody spoke of it any more may still learn who ended it, and any what was chosen.
  withdraw: `UPDATE prompts SET withdrawn_at = coalesce(withdrawn_at, $now), withdrawn_by = $by, outcome = $chosen,
      outcome_at = iif($chosen IS NULL, NULL, $now)
    WHERE id = $id AND responded_at IS NULL AND (withdrawn_at IS NULL OR (withdrawn_by IN ('unknown', $by)
      AND outcome IS NULL AND NOT (withdrawn_by = $by AND $chosen IS NULL)))`,

  addViewer: "INSERT INTO viewers VALUES ($id, $name, $address, $hash, $now, $now, NULL)",
  viewers: "SELECT * FROM viewers WHERE revoked_at IS NULL ORDER BY created_at",
  viewerOf: "SELECT * FROM viewers WHERE login_hash = $hash",
  seenViewer: "UPDATE viewers SET last_seen = max(last_seen, $now) WHERE id = $id",
  revokeViewer: "UPDATE viewers SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
  addToken: "INSERT INTO tokens VALUES ($id, $name, $hash, $scopes, $now, $now, NULL)",
  tokenOf: "SELECT * FROM tokens WHERE hash = $hash AND revoked_at IS NULL",

  audit:
    "INSERT INTO audit_log (at, actor, action, subject, detail) VALUES ($now, $actor, $action, $subject, $detail)",
  auditRows: "SELECT * FROM audit_log WHERE id > $after ORDER BY id LIMIT $limit",

  expired: "SELECT id FROM sessions WHERE ended_at < $before ORDER BY ended_at LIMIT 1",
  dropSession: "DELETE FROM sessions WHERE id = $id",
  dropPrompts: "DELETE FROM prompts WHERE session_id = $id",
  dropLines: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id LIMIT $rows)`,
  dropMessages: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id LIMIT $rows)`,
  dropJoins: "DELETE FROM session_conversations WHERE session_id = $id",
  orphan: `SELECT id FROM conversations WHERE id NOT IN (SELECT conversation_id FROM session_conversations) LIMIT 1`,
  dropConversation: "DELETE FROM conversations WHERE id = $id",
  oldAudit:
    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < $before ORDER BY id LIMIT $rows)",
  oldViewers: "DELETE FROM viewers WHERE revoked_at < $before OR created_at < $lifetime",
} as const;

/** Bytes a row costs beside its text. */
const ROW_BYTES = 64;

type Named = Record<string, string | number | null>;
type Row = { [column: string]: string | number | null };
export type Device = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};
export type LoggedIn = Viewer & { login_hash: string };
export type Token = { id: string; name: string; scopes: string[] };
export type Entry = { actor: string; action: string; subject: string; detail: object };
/** Where a viewer stands in the log and in the conversations: row ids, which only grow. */
export type Cursor = { line: number; message: number };
export type Page = { after?: number | undefined; before?: number | undefined; limit: number };
export type PromptFactMessage = Extract<
  WrapperMessage,
  { type: "withdrawn" | "delivered" | "accepted" | "too_late" }
>;
export type Exit = { code: number | null; signal: string | null; reason: EndReason };

/** The database was written by a newer program. */
export class NewerSchemaError extends Error {
  override name = "NewerSchemaError";
}

export class Store implements Disposable {
  readonly #db: Database;

  /** Opens or makes the database, 0600. Throws NewerSchemaError, or what SQLite says of a broken file. */
  constructor(file: string, migrations = MIGRATIONS) {
    privateFile(file);
    this.#db = new Database(file, { strict: true });
    this.#db.run("PRAGMA journal_mode = WAL");
    this.#db.run("PRAGMA synchronous = FULL");
    this.#db.run("PRAGMA secure_delete = ON");
    this.#db.run("PRAGMA busy_timeout = 5000");
    this.#migrate(file, migrations);
  }

  #migrate(file: string, migrations: readonly string[]) {
    const { user_version: version } = this.#db.query("PRAGMA user_version").get() as { user_version: number };
    if (version > migrations.length) {
      this.#db.close();
      throw new NewerSchemaError(
        `The database has version ${version}, this claude-remote knows up to ${migrations.length}. Update claude-remote, or restore a backup of that version.`,
      );
    }
    if (version > 0 && version < migrations.length) this.#copy(`${file}.version-${version}`);
    this.#tx(() => {
      for (const sql of migrations.slice(version)) this.#db.run(sql);
      this.#db.run(`PRAGMA user_version = ${migrations.length}`);
    });
  }

  /** A consistent copy of everything, 0600. One that is there is kept: a migration that was cut short made it. */
  #copy(to: string) {
    if (existsSync(to)) return;
    rmSync(`${to}.new`, { force: true });
    privateFile(`${to}.new`);
    this.#db.run("VACUUM INTO ?", [`${to}.new`]);
    renameSync(`${to}.new`, to);
  }

  #tx<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  #all(name: keyof typeof SQL, values: Named = {}): Row[] {
    return this.#db.query<Row, [Named]>(SQL[name]).all(values);
  }

  #get(name: keyof typeof SQL, values: Named = {}): Row | null {
    return this.#db.query<Row, [Named]>(SQL[name]).get(values);
  }

  /** True if it changed anything. */
  #run(name: keyof typeof SQL, values: Named): boolean {
    return this.#db.query<Row, [Named]>(SQL[name]).run(values).changes > 0;
  }

  // ── devices ───────────────────────────────────────────────────────────────────────────────────────────────────────

  device(id: string): Device | null {
    return this.#get("device", { id }) as Device | null;
  }

  devices(): Device[] {
    return this.#all("devices") as Device[];
  }

  addDevice(id: DeviceId, name: string, now: number): void {
    this.#run("addDevice", { id, name, now });
  }

  seenDevice(id: DeviceId, now: number): void {
    this.#run("seenDevice", { id, now });
  }

  revokeDevice(id: DeviceId, now: number): boolean {
    return this.#run("revokeDevice", { id, now });
  }

  // ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  session(id: string): Session | null {
    const row = this.#get("session", { id });
    return row && toSession(row);
  }

  openSessions(): Session[] {
    return this.#all("openSessions").map(toSession);
  }

  endedSessions(limit: number = LIMITS.endedSessions): Session[] {
    return this.#all("endedSessions", { limit }).map(toSession);
  }

  /** A wrapper says what is true. Prompts it does not name have ended. Null: the session is another device's. */
  stateSession(device: DeviceId, statement: SessionStatement, now: number) {
    return this.#tx(() => {
      const { id, age_ms, open, command, terminal, ...facts } = statement;
      const owner = this.#get("session", { id })?.device_id;
      if (owner !== undefined && owner !== device) return null;
      const more = { command: JSON.stringify(command), terminal: Number(terminal), started_at: now - age_ms };
      this.#run("stateSession", { ...facts, ...more, id, device_id: device, now });
      this.#join(id, facts.conversation, now);
      const gone = this.#sessionPrompts(id).filter((one) => one.stage === "open" && !open.includes(one.id));
      for (const { id } of gone) this.#run("withdraw", { id, by: "unknown", chosen: null, now });
      return { session: this.#session(id), withdrawn: gone.map((one) => this.#prompt(one.id)) };
    });
  }

  setState(id: SessionId, state: SessionState, now: number): Session {
    return this.#tx(() => {
      this.#run("setState", { ...state, terminal: Number(state.terminal), id, now });
      this.#join(id, state.conversation, now);
      return this.#session(id);
    });
  }

  /** It ended. What was still open or under way ended with it. */
  endSession(id: SessionId, exit: Exit, now: number): { session: Session; prompts: PromptState[] } {
    return this.#tx(() => {
      const ended = this.#run("endSession", { id, ...exit, now });
      const prompts = ended ? this.#sessionPrompts(id) : [];
      for (const one of prompts) {
        const end = one.responded_at === null ? "withdraw" : "tooLate";
        this.#run(end, { id: one.id, by: "exited", chosen: null, now });
      }
      return { session: this.#session(id), prompts: prompts.map((one) => this.#prompt(one.id)) };
    });
  }

  /** Open sessions that nobody has heard of since `before`. */
  silentSessions(before: number): SessionId[] {
    return this.#all("silentSessions", { before }).map((row) => row.id as SessionId);
  }

  heard(ids: SessionId[], now: number): void {
    this.#tx(() => {
      for (const id of ids) this.#run("heard", { id, now });
    });
  }

  saveScreen(id: SessionId, screen: Screen): void {
    this.#run("saveScreen", { id, screen: JSON.stringify(screen) });
  }

  screen(id: string): Screen | null {
    const saved = this.#get("screen", { id })?.last_screen;
    return typeof saved === "string" ? JSON.parse(saved) : null;
  }

  #session(id: string): Session {
    const session = this.session(id);
    if (!session) throw new Error("the session is not there");
    return session;
  }

  #join(session: SessionId, conversation: ConversationId | null, now: number) {
    if (conversation === null) return;
    this.#run("addConversation", { id: conversation, now });
    this.#run("joinConversation", { session, id: conversation });
  }

  // ── log and conversation ──────────────────────────────────────────────────────────────────────────────────────────

  /** Stores what is new of these lines; returns the number up to which everything is on disk. */
  addLines(session: SessionId, lines: LogLine[], now: number): number {
    return this.#tx(() => {
      let bytes = 0;
      for (const { line_no, epoch, source, text, count, age_ms } of lines) {
        const row = { session, line_no, epoch, source, line: text, count: count ?? null };
        const added = this.#run("addLine", { ...row, timestamp: now - (age_ms ?? 0) });
        if (added) bytes += Buffer.byteLength(text) + ROW_BYTES;
      }
      this.#grew("grewLog", "trimLines", session, bytes);
      return this.lineCursor(session);
    });
  }

  /** Counts what was added, and drops the oldest rows where it is too much; never the newest, which is the cursor. */
  #grew(
    count: "grewLog" | "grewConversation",
    drop: "trimLines" | "trimMessages",
    id: string,
    bytes: number,
  ) {
    let all = Number(this.#get(count, { id, bytes })?.bytes ?? 0);
    while (all > LIMITS.logBytes) {
      const dropped = this.#all(drop, { id, rows: LIMITS.trimRows });
      if (dropped.length === 0) return;
      const freed = dropped.reduce((sum, row) => sum + Number(row.bytes) + ROW_BYTES, 0);
      all = Number(this.#get(count, { id, bytes: -freed })?.bytes ?? 0);
    }
  }

  /** The last line on disk, or -1. */
  lineCursor(session: SessionId): number {
    return Number(this.#get("lineCursor", { id: session })?.upto ?? -1);
  }

  /** Lines by their number, ascending: after one, or the last ones before one. */
  lines(session: SessionId, { after, before = Number.MAX_SAFE_INTEGER, limit }: Page): LogLine[] {
    if (after !== undefined) return this.#all("linesAfter", { session, after, limit }).map(toLine);
    return this.#all("linesBefore", { session, before, limit }).map(toLine).reverse();
  }

  /** Stores a record of a transcript, once. */
  addMessage(session: SessionId, message: Message, now: number): number {
    return this.#tx(() => {
      const { conversation, uuid, seq, role } = message;
      const body = JSON.stringify(message.body);
      this.#join(session, conversation, now);
      const bytes = Buffer.byteLength(body) + ROW_BYTES;
      if (this.#run("addMessage", { conversation, uuid, seq, role, body, now })) {
        this.#grew("grewConversation", "trimMessages", conversation, bytes);
      }
      return this.messageCursor(conversation);
    });
  }

  /** The last record on disk of a conversation, or -1. */
  messageCursor(conversation: ConversationId): number {
    return Number(this.#get("messageCursor", { id: conversation })?.upto ?? -1);
  }

  messages(
    conversation: ConversationId,
    { after, before = Number.MAX_SAFE_INTEGER, limit }: Page,
  ): Message[] {
    const id = conversation;
    if (after !== undefined) return this.#all("messagesAfter", { id, after, limit }).map(toMessage);
    return this.#all("messagesBefore", { id, before, limit }).map(toMessage).reverse();
  }

  /** A part of what a viewer of that session has not seen yet; `line` is where it stands in the log then. */
  since(session: SessionId, cursor: Cursor) {
    const { catchUpLines, catchUpMessages } = LIMITS;
    const lines = this.#all("linesSince", { session, after: cursor.line, limit: catchUpLines });
    const messages = this.#all("messagesSince", { session, after: cursor.message, limit: catchUpMessages });
    return {
      lines: lines.map(toLine),
      line: Number(lines.at(-1)?.id ?? cursor.line),
      messages: messages.map((row) => ({ id: Number(row.id), message: toMessage(row) })),
      more: lines.length === catchUpLines || messages.length === catchUpMessages,
    };
  }

  /** The end of both, where a new viewer begins. */
  newest(): Cursor {
    return this.#get("newest") as Cursor;
  }

  // ── prompts ───────────────────────────────────────────────────────────────────────────────────────────────────────

  prompt(id: string): PromptState | null {
    const row = this.#get("prompt", { id });
    return row && toPrompt(row);
  }

  prompts(which: "open" | "unfinished"): PromptState[] {
    return this.#all(which === "open" ? "openPrompts" : "unfinishedPrompts").map(toPrompt);
  }

  recentPrompts(limit: number): PromptState[] {
    return this.#all("prompts", { limit }).map(toPrompt);
  }

  /** Answered prompts of that session whose answer did not arrive yet. */
  undelivered(session: SessionId): PromptState[] {
    return this.#sessionPrompts(session).filter((one) => one.stage === "answered");
  }

  /** A prompt is open. `news`: it was not known, or it changed. Null: it is another session's, or there are too many. */
  openPrompt(session: SessionId, prompt: Prompt, now: number): { prompt: PromptState; news: boolean } | null {
    return this.#tx(() => {
      const before = this.prompt(prompt.id);
      if (before && before.session_id !== session) return null;
      if (!before && this.#sessionPrompts(session).length >= LIMITS.openPrompts) return null;
      const { id, kind, prompt_text, digest, age_ms, options, ...detail } = prompt;
      const row = {
        id,
        kind,
        prompt_text,
        digest,
        options: JSON.stringify(options),
        detail: JSON.stringify(detail),
      };
      const news = before
        ? before.digest !== digest && this.#run("changePrompt", row)
        : this.#run("addPrompt", { ...row, session, created_at: now - age_ms });
      if (news) this.#prompted(prompt, session, now);
      return { prompt: this.#prompt(id), news };
    });
  }

  #prompted({ id, tool, input, digest }: Prompt, session: SessionId, now: number) {
    const detail = { digest, tool, input };
    this.audit({ actor: `session ${session}`, action: "prompt", subject: id, detail }, now);
  }

  /** One caller wins; whoever calls learns by the result's `answer_id` and `stage` whether it was this one. */
  answer(
    given: { prompt: PromptId; digest: string; answer_id: AnswerId; answer: Answer },
    by: { id: string; name: string },
    now: number,
  ): { applied: boolean; prompt: PromptState } {
    return this.#tx(() => {
      const { prompt: id, digest, answer_id } = given;
      const response = JSON.stringify(given.answer);
      const applied = this.#run("answerPrompt", { id, digest, answer_id, response, by: by.name, now });
      const action = applied ? "answer" : "answer refused";
      const detail = { digest, answer_id, ...given.answer };
      this.audit({ actor: `viewer ${by.id}`, action, subject: id, detail }, now);
      return { applied, prompt: this.#prompt(id) };
    });
  }

  /** A wrapper tells how it went. Null: nothing changed, it was known. */
  promptFact(fact: PromptFactMessage, now: number): PromptState | null {
    return this.#tx(() => {
      const before = this.#prompt(fact.prompt);
      if (!this.#fact(fact, before, now)) return null;
      const { type, prompt, ...detail } = fact;
      const actor = `session ${before.session_id}`;
      this.audit({ actor, action: type, subject: prompt, detail }, now);
      return this.#prompt(prompt);
    });
  }

  #fact(fact: PromptFactMessage, before: PromptState, now: number): boolean {
    const id = fact.prompt;
    if (fact.type === "delivered") return this.#run("delivered", { id, answer_id: fact.answer_id, now });
    if (fact.type === "accepted") return this.#run("accepted", { id, now });
    const statement = before.responded_at === null ? "withdraw" : "tooLate";
    return this.#run(statement, { id, by: fact.by, chosen: fact.chosen, now });
  }

  #prompt(id: PromptId): PromptState {
    const prompt = this.prompt(id);
    if (!prompt) throw new Error("the prompt is not there");
    return prompt;
  }

  #sessionPrompts(session: SessionId): PromptState[] {
    return this.#all("sessionPrompts", { session }).map(toPrompt);
  }

  // ── logins ────────────────────────────────────────────────────────────────────────────────────────────────────────

  addViewer(viewer: { id: ViewerId; name: string; address: string; hash: string }, now: number): void {
    this.#tx(() => {
      this.#run("addViewer", { ...viewer, now });
      const { id, name, address } = viewer;
      this.audit({ actor: `viewer ${id}`, action: "paired", subject: id, detail: { name, address } }, now);
    });
  }

  viewers(): Viewer[] {
    return this.#all("viewers").map(toViewer);
  }

  /** Whose login that is, revoked or not. */
  viewerOf(hash: string): Viewer | null {
    const row = this.#get("viewerOf", { hash });
    return row && toViewer(row);
  }

  seenViewers(seen: Map<ViewerId, number>): void {
    this.#tx(() => {
      for (const [id, now] of seen) this.#run("seenViewer", { id, now });
    });
  }

  revokeViewer(id: string, by: string, now: number): boolean {
    return this.#tx(() => {
      const revoked = this.#run("revokeViewer", { id, now });
      if (revoked) this.audit({ actor: by, action: "revoked", subject: id, detail: {} }, now);
      return revoked;
    });
  }

  addToken(token: { id: string; name: string; hash: string; scopes: string[] }, now: number): void {
    this.#run("addToken", { ...token, scopes: JSON.stringify(token.scopes), now });
  }

  tokenOf(hash: string): Token | null {
    const row = this.#get("tokenOf", { hash });
    return row && { id: String(row.id), name: String(row.name), scopes: JSON.parse(String(row.scopes)) };
  }

  // ── audit and retention ───────────────────────────────────────────────────────────────────────────────────────────

  /** Appends one row; nothing takes it away for a year. */
  audit({ actor, action, subject, detail }: Entry, now: number): void {
    this.#run("audit", { actor, action, subject, detail: JSON.stringify(detail), now });
  }

  auditRows(after = 0, limit = 1_000): Row[] {
    return this.#all("auditRows", { after, limit });
  }

  /** One step of forgetting what is too old, a few milliseconds long. True: there is more to do. */
  sweep(now: number): boolean {
    return this.#tx(() => {
      const rows = LIMITS.sweepRows;
      this.#run("oldAudit", { before: now - LIMITS.auditMs, rows });
      this.#run("oldViewers", {
        before: now - LIMITS.keepMs,
        lifetime: now - LIMITS.loginMs - LIMITS.keepMs,
      });
      const session = this.#get("expired", { before: now - LIMITS.keepMs })?.id;
      if (typeof session === "string") return this.#dropStep(session);
      const conversation = this.#get("orphan")?.id;
      if (typeof conversation !== "string") return false;
      if (!this.#run("dropMessages", { id: conversation, rows })) {
        this.#run("dropConversation", { id: conversation });
      }
      return true;
    });
  }

  #dropStep(id: string): true {
    if (this.#run("dropLines", { id, rows: LIMITS.sweepRows })) return true;
    for (const statement of ["dropPrompts", "dropJoins", "dropSession"] as const)
      this.#run(statement, { id });
    return true;
  }

  [Symbol.dispose]() {
    this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#db.close();
  }
}

// ── rows to types ───────────────────────────────────────────────────────────────────────────────────────────────────

function toSession(row: Row): Session {
  const command = JSON.parse(String(row.command));
  return { ...row, command, terminal: row.terminal === 1, connected: false } as Session;
}

function toPrompt(row: Row): PromptState {
  const { detail, options, response, ...rest } = row;
  const parsed = { options: JSON.parse(String(options)), response: JSON.parse(String(response)) };
  const prompt = { ...rest, ...JSON.parse(String(detail)), ...parsed } as PromptState;
  return { ...prompt, stage: stageOf(prompt) };
}

/** What the times say; never stored. */
function stageOf(prompt: Omit<PromptState, "stage">): PromptStage {
  if (prompt.withdrawn_at !== null) return "withdrawn";
  if (prompt.responded_at === null) return "open";
  if (prompt.outcome === "accepted") return "accepted";
  if (prompt.outcome !== null) return "too_late";
  return prompt.delivered_at === null ? "answered" : "delivered";
}

function toLine(row: Row): LogLine {
  const { line_no, epoch, source, line, count, timestamp } = row;
  return {
    line_no,
    epoch,
    source,
    text: line,
    at: timestamp,
    ...(count === null ? {} : { count }),
  } as LogLine;
}

function toMessage(row: Row): Message {
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

function toViewer(row: Row): Viewer {
  const { login_hash, ...viewer } = row;
  return viewer as Viewer;
}
