// The database: one function, one transaction, committed when it returns. Rows are snake_case and go out as they are.
import { Database } from "bun:sqlite";
import type {
  Answer,
  AnswerId,
  ApiToken,
  AuditEntry,
  ConversationId,
  Decider,
  DeviceId,
  LogLine,
  Message,
  Prompt,
  PromptId,
  PromptState,
  Session,
  SessionId,
  SessionState,
  SessionStatement,
  Viewer,
  ViewerId,
} from "../protocol.ts";
import type { Screen } from "../screen.ts";
import { type By, type Entry, toEntry, whoIn } from "./audit.ts";
import { openingIn, usageIn } from "./counted.ts";
import { keepCopy } from "./kept-copy.ts";
import { LIMITS } from "./limits.ts";
import { privateFile } from "./private-file.ts";
import {
  type CostMessage,
  type Cursor,
  type Device,
  type Ended,
  type Exit,
  type Named,
  type Page,
  type PromptFactMessage,
  type Row,
  toLine,
  toMessage,
  toPrompt,
  toSession,
  toToken,
  toViewer,
} from "./rows.ts";
import { MIGRATIONS } from "./schema.ts";
import { SQL } from "./sql.ts";

type NewToken = Omit<ApiToken, "created_at" | "last_used"> & { hash: string };

/** Bytes a row costs beside its text; one of the audit has more columns. */
const ROW_BYTES = 64;
const AUDIT_ROW_BYTES = 300;
/** Before this one are all of them. */
const NEVER_ENDED: Ended = { before: Number.MAX_SAFE_INTEGER, id: "" };
/** A hundredth of what the shortest request costs. */
const SMALLEST_USD = 1e-7;

/** How long what has ended is kept, and how many bytes of log and of each conversation. */
export type Keep = { ms: number; bytes: number };

/** The database was written by a newer program. */
export class NewerSchemaError extends Error {
  override name = "NewerSchemaError";
}

export class Store implements Disposable {
  readonly #db: Database;
  readonly #keep: Keep;

  /** Opens or makes the database, 0600. Throws NewerSchemaError, or what SQLite says of a broken file. */
  constructor(file: string, migrations = MIGRATIONS, keep: Partial<Keep> = {}) {
    this.#keep = { ms: keep.ms ?? LIMITS.keepMs, bytes: keep.bytes ?? LIMITS.logBytes };
    privateFile(file);
    this.#db = new Database(file, { strict: true });
    this.#db.run("PRAGMA journal_mode = WAL");
    this.#db.run("PRAGMA synchronous = FULL");
    this.#db.run("PRAGMA secure_delete = ON");
    this.#db.run("PRAGMA busy_timeout = 5000");
    this.#migrate(file, migrations);
  }

  /** For what keeps tables of its own beside the core's, and is handed to nobody else. */
  get tables(): Database {
    return this.#db;
  }

  #migrate(file: string, migrations: readonly string[]) {
    const { user_version: version } = this.#db.query("PRAGMA user_version").get() as { user_version: number };
    if (version > migrations.length) {
      this.#db.close();
      throw new NewerSchemaError(
        `The database has version ${version}, this claude-remote knows up to ${migrations.length}. Update claude-remote, or restore a backup of that version.`,
      );
    }
    if (version === migrations.length) return;
    if (version > 0) keepCopy(this.#db, file, version);
    this.#tx(() => {
      for (const sql of migrations.slice(version)) this.#db.run(sql);
      this.#db.run(`PRAGMA user_version = ${migrations.length}`);
    });
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

  #each(name: keyof typeof SQL, values: Named): Iterable<Row> {
    return this.#db.query<Row, [Named]>(SQL[name]).iterate(values);
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

  /** Enrols a machine; one that is known stays as it is. */
  addDevice(id: DeviceId, name: string, now: number, by: By = "owner"): void {
    this.#tx(() => {
      if (!this.#run("addDevice", { id, name, now })) return;
      this.audit({ ...whoIn(by), action: "enrolled", subject: id, detail: { device: name } }, now);
    });
  }

  seenDevice(id: DeviceId, now: number): void {
    this.#run("seenDevice", { id, now });
  }

  /** With what its operator may. The tokens that ended so; null: there is no such device. */
  revokeDevice(id: DeviceId, now: number, by: By = "owner"): string[] | null {
    return this.#tx(() => {
      if (!this.#run("revokeDevice", { id, now })) return null;
      const detail = { device: this.device(id)?.name };
      this.audit({ ...whoIn(by), action: "revoked", subject: id, detail }, now);
      const tokens = this.#all("tokensOf", { device: id }).map((row) => String(row.id));
      for (const token of tokens) this.#run("revokeToken", { id: token, now });
      return tokens;
    });
  }

  // ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  session(id: string): Session | null {
    const row = this.#get("session", { id });
    return row && toSession(row, this.#keep.ms);
  }

  openSessions(): Session[] {
    return this.#all("openSessions").map((row) => toSession(row, this.#keep.ms));
  }

  /** Those that ended last, or last before one; the newest first. */
  endedSessions(limit: number = LIMITS.endedSessions, before: Ended = NEVER_ENDED): Session[] {
    return this.#all("endedSessions", { ...before, limit }).map((row) => toSession(row, this.#keep.ms));
  }

  /** Gives a session a name of its own; null takes it away. False: there is no such session. */
  nameSession(id: string, name: string | null, by: By, now: number): boolean {
    return this.#tx(() => {
      const named = this.#run("nameSession", { id, name });
      const entry = { ...whoIn(by), session: id as SessionId, action: "session named", subject: id };
      if (named) this.audit({ ...entry, detail: { name } }, now);
      return named;
    });
  }

  /** An ended session is not there any more; `sweep` takes away what belongs to it. False: there is none, or it is open. */
  deleteSession(id: string, by: By, now: number): boolean {
    return this.#tx(() => {
      const session = this.session(id);
      const deleted = this.#run("deleteSession", { id, now });
      const detail = { cwd: session?.cwd, started_at: session?.started_at };
      const entry = { ...whoIn(by), session: id as SessionId, action: "session deleted", subject: id };
      if (deleted) this.audit({ ...entry, detail }, now);
      return deleted;
    });
  }

  /** A wrapper says what is true. Prompts it does not name have ended. Null: the session is another device's. */
  stateSession(device: DeviceId, statement: SessionStatement, now: number) {
    return this.#tx(() => {
      const { id, age_ms, open, command, terminal, launch = null, ...facts } = statement;
      const owner = this.#get("ownerOf", { id })?.device_id;
      if (owner !== undefined && owner !== device) return null;
      const more = {
        ...{ command: JSON.stringify(command), terminal: Number(terminal), launch },
        started_at: now - age_ms,
      };
      this.#run("stateSession", { ...facts, ...more, id, device_id: device, now });
      this.#join(id, facts.conversation, now);
      const gone = this.#sessionPrompts(id).filter((one) => one.stage === "open" && !open.includes(one.id));
      for (const one of gone) {
        const how = { by: "unknown", chosen: null } as const;
        this.#run("withdraw", { ...how, id: one.id, now, told: 0 });
        this.#ended("withdrawn", one, how, now);
      }
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

  /** It ended. What was still open or under way ended with it; without its wrapper's word nobody knows how. */
  endSession(id: SessionId, exit: Exit, now: number): { session: Session; prompts: PromptState[] } {
    const by = exit.reason === "lost" ? "unknown" : "exited";
    return this.#tx(() => {
      const ended = this.#run("endSession", { id, ...exit, now });
      const prompts = ended ? this.#sessionPrompts(id) : [];
      for (const one of prompts) {
        const how = { by, chosen: null } as const;
        const values = { ...how, id: one.id, now };
        if (one.responded_at !== null) this.#run("tooLate", values);
        else this.#run("withdraw", { ...values, told: 0 });
        this.#ended(one.responded_at === null ? "withdrawn" : "too_late", one, how, now);
      }
      return { session: this.#session(id), prompts: prompts.map((one) => this.#prompt(one.id)) };
    });
  }

  /** When its wrapper was last heard. */
  heard(id: SessionId, at: number): void {
    this.#run("heard", { id, at });
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
    while (all > this.#keep.bytes) {
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

  /** Stores a record of a transcript, once. `opened`: it has the first words of its conversation. */
  addMessage(session: SessionId, message: Message, now: number): { upto: number; opened: boolean } {
    return this.#tx(() => {
      let opened = false;
      const { conversation, uuid, seq, role, age_ms = 0 } = message;
      const body = JSON.stringify(message.body);
      this.#join(session, conversation, now);
      const bytes = Buffer.byteLength(body) + ROW_BYTES;
      if (this.#run("addMessage", { conversation, uuid, seq, role, body, at: now - age_ms })) {
        this.#grew("grewConversation", "trimMessages", conversation, bytes);
        this.#counted(session, message, now - age_ms);
        const opening = openingIn(message);
        if (opening !== null) opened = this.#run("openConversation", { id: conversation, opening });
      }
      return { upto: this.messageCursor(conversation), opened };
    });
  }

  /** What the message says that it cost. claude writes one answer as several records, each with what is known by then. */
  #counted(session: SessionId, message: Message, at: number) {
    const used = usageIn(message);
    if (used) this.#run("addUsage", { ...used, session, conversation: message.conversation, at });
  }

  /** What claude says that a chain of conversations has cost so far: what is new of it counts. */
  addCost(session: SessionId, { conversation, chain, usd, age_ms = 0 }: CostMessage, now: number): void {
    this.#tx(() => {
      this.#join(session, conversation, now);
      const id = `cost ${chain}`;
      const before = Number(this.#get("costOf", { id })?.usd ?? 0);
      const row = { session, conversation, at: now - age_ms, id: `${id} ${usd}`, usd: usd - before };
      // A rounding of sums is no cost.
      if (usd - before > SMALLEST_USD) this.#run("addCost", row);
    });
  }

  /** The last record on disk of a conversation, or -1. */
  messageCursor(conversation: ConversationId): number {
    return Number(this.#get("messageCursor", { id: conversation })?.upto ?? -1);
  }

  /** The conversations that session has passed through, in the order in which it first met them. */
  conversations(session: SessionId): ConversationId[] {
    return this.#all("conversationsOf", { session }).map(({ id }) => id as ConversationId);
  }

  /** Messages by their number, ascending: after one, or the last ones before one. `more`: there are others beyond them. */
  messages(conversation: ConversationId, { after, before = Number.MAX_SAFE_INTEGER, limit }: Page) {
    const back = after === undefined;
    const rows = back
      ? this.#each("messagesBefore", { id: conversation, before, limit: limit + 1 })
      : this.#each("messagesAfter", { id: conversation, after, limit: limit + 1 });
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
      const reopened = before !== null && this.#run("reopen", { id, session });
      const changed = before
        ? before.digest !== digest && this.#run("changePrompt", row)
        : this.#run("addPrompt", { ...row, session, created_at: now - age_ms });
      const news = changed || reopened;
      const action = reopened ? "prompt reopened" : before ? "prompt changed" : "prompt";
      if (news) this.#prompted(action, prompt, session, now);
      return { prompt: this.#prompt(id), news };
    });
  }

  #prompted(action: string, prompt: Prompt, session: SessionId, now: number) {
    const { id, age_ms, diff, questions, ...asked } = prompt;
    this.audit({ ...this.#machine(session), action, subject: id, detail: {}, asked }, now);
  }

  /** A session's wrapper, as one who does something. */
  #machine(session: SessionId) {
    const name = this.session(session)?.device_name ?? null;
    return { actor: `session ${session}`, name, session };
  }

  /** A prompt ended without an answer that counts; who ended it is who did it. */
  #ended(
    action: "withdrawn" | "too_late",
    { id, session_id, digest }: PromptState,
    how: { by: Decider; chosen: "approved" | "rejected" | null },
    now: number,
  ) {
    const actor = how.by === "exited" ? "claude" : how.by;
    this.audit({ ...this.#machine(session_id), actor, action, subject: id, detail: { digest, ...how } }, now);
  }

  /** One caller wins; whoever calls learns by the result's `answer_id` and `stage` whether it was this one. */
  answer(
    given: { prompt: PromptId; digest: string; answer_id: AnswerId; answer: Answer },
    by: Exclude<By, "owner">,
    now: number,
  ): { applied: boolean; prompt: PromptState } {
    return this.#tx(() => {
      const { prompt: id, digest, answer_id } = given;
      const response = JSON.stringify(given.answer);
      const applied = this.#run("answerPrompt", { id, digest, answer_id, response, by: by.name, now });
      const prompt = this.#prompt(id);
      const detail = { digest, answer_id, ...given.answer };
      if (applied)
        this.audit({ ...by, session: prompt.session_id, action: "answer", subject: id, detail }, now);
      return { applied, prompt };
    });
  }

  /** A wrapper tells how it went. Null: nothing changed, it was known. */
  promptFact(fact: PromptFactMessage, now: number): PromptState | null {
    return this.#tx(() => {
      const before = this.#prompt(fact.prompt);
      if (!this.#fact(fact, before, now)) return null;
      const { type: action, prompt: subject, ...more } = fact;
      const { session_id, digest } = before;
      const detail = { digest, ...more };
      const ended = before.responded_at === null ? "withdrawn" : "too_late";
      if ("by" in fact) this.#ended(ended, before, { by: fact.by, chosen: fact.chosen }, now);
      else this.audit({ ...this.#machine(session_id), action, subject, detail }, now);
      return this.#prompt(fact.prompt);
    });
  }

  #fact(fact: PromptFactMessage, before: PromptState, now: number): boolean {
    const id = fact.prompt;
    if (fact.type === "delivered") return this.#run("delivered", { id, answer_id: fact.answer_id, now });
    if (fact.type === "accepted") return this.#run("accepted", { id, now });
    if (fact.type === "not_applied") return this.#run("notApplied", { id, answer_id: fact.answer_id });
    const values = { id, by: fact.by, chosen: fact.chosen, now };
    if (before.responded_at !== null) return this.#run("tooLate", values);
    return this.#run("withdraw", { ...values, told: 1 });
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
      this.audit({ actor: `viewer ${id}`, name, address, action: "paired", subject: id, detail: {} }, now);
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

  renameViewer(id: string, name: string, by: By, now: number): boolean {
    return this.#tx(() => {
      const renamed = this.#run("renameViewer", { id, name });
      if (renamed) this.audit({ ...whoIn(by), action: "renamed", subject: id, detail: { name } }, now);
      return renamed;
    });
  }

  revokeViewer(id: string, by: By, now: number): boolean {
    return this.#tx(() => {
      const name = this.viewers().find((one) => one.id === id)?.name;
      const revoked = this.#run("revokeViewer", { id, now });
      if (revoked)
        this.audit({ ...whoIn(by), action: "revoked", subject: id, detail: { viewer: name } }, now);
      return revoked;
    });
  }

  // ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────

  addToken({ scopes, ...token }: NewToken, by: By, now: number): void {
    this.#tx(() => {
      this.#run("addToken", { ...token, scopes: JSON.stringify(scopes), now });
      const { id, name, expires_at } = token;
      const detail = { token: name, scopes: [...scopes], expires_at };
      this.audit({ ...whoIn(by), action: "token created", subject: id, detail }, now);
    });
  }

  /** Those in force. */
  tokens(now: number): ApiToken[] {
    return this.#all("tokens", { now }).map(toToken);
  }

  /** Not a revoked one; whether it is still good at this time is not looked at. */
  tokenOf(hash: string): ApiToken | null {
    const row = this.#get("tokenOf", { hash });
    return row && toToken(row);
  }

  usedTokens(used: Map<string, number>): void {
    this.#tx(() => {
      for (const [id, now] of used) this.#run("usedToken", { id, now });
    });
  }

  revokeToken(id: string, by: By, now: number): boolean {
    return this.#tx(() => {
      const token = this.tokens(now).find((one) => one.id === id)?.name;
      const revoked = this.#run("revokeToken", { id, now });
      if (revoked) this.audit({ ...whoIn(by), action: "revoked", subject: id, detail: { token } }, now);
      return revoked;
    });
  }

  // ── audit and retention ───────────────────────────────────────────────────────────────────────────────────────────

  /** Appends one row. Nothing takes it away before it is too old, or the oldest of too many (see schema.ts). */
  audit(entry: Entry, now: number): void {
    const { actor, action, subject, name = null, address = null, session = null } = entry;
    const detail = JSON.stringify(entry.detail);
    const asked = entry.asked ? JSON.stringify(entry.asked) : null;
    const bytes = Buffer.byteLength(detail) + Buffer.byteLength(asked ?? "") + AUDIT_ROW_BYTES;
    this.#run("audit", { actor, action, subject, name, address, session, detail, asked, bytes, now });
    this.#forgetAudit(LIMITS.auditDrops, now);
  }

  /** Drops the oldest rows, as far as they are too old or too many. The database's own clock lags by up to a second. */
  #forgetAudit(rows: number, now: number): boolean {
    const before = now - LIMITS.auditMs - 1_000;
    return this.#run("oldAudit", { before, rows, most: LIMITS.auditRows, bytes: LIMITS.auditBytes });
  }

  /** The newest rows before one, newest first. */
  auditBefore(before: number, limit: number): AuditEntry[] {
    return this.#auditPage("auditBefore", { before, limit });
  }

  /** The oldest rows after one, oldest first. */
  auditAfter(after = 0, upto = this.auditEnd(), limit: number = LIMITS.auditPageRows): AuditEntry[] {
    return this.#auditPage("auditAfter", { after, upto, limit });
  }

  /** The newest row's id, 0 where there is none. */
  auditEnd(): number {
    return Number(this.#get("auditEnd")?.id);
  }

  /** As many as fit into a page; at least one, if there is one. */
  #auditPage(name: "auditBefore" | "auditAfter", values: Named): AuditEntry[] {
    const entries: AuditEntry[] = [];
    let bytes = 0;
    for (const row of this.#db.query<Row, [Named]>(SQL[name]).iterate(values)) {
      bytes += String(row.detail).length + String(row.asked).length + AUDIT_ROW_BYTES;
      if (entries.length > 0 && bytes > LIMITS.auditPageBytes) break;
      entries.push(toEntry(row));
    }
    return entries;
  }

  /** One step of forgetting what is too old, a few milliseconds long. True: there is more to do. */
  sweep(now: number): boolean {
    return this.#tx(() => {
      const rows = LIMITS.sweepRows;
      if (this.#forgetAudit(rows, now)) return true;
      this.#run("oldViewers", {
        before: now - LIMITS.keepMs,
        lifetime: now - LIMITS.loginMs - LIMITS.keepMs,
      });
      this.#run("oldTokens", { before: now - LIMITS.keepMs });
      this.#run("oldUsage", { before: now - LIMITS.usageMs });
      const session = (this.#get("deleted") ?? this.#get("expired", { before: now - this.#keep.ms }))?.id;
      if (typeof session === "string") return this.#dropStep(session);
      const conversation = this.#get("orphan")?.id;
      if (typeof conversation !== "string") return false;
      if (!this.#run("dropMessages", { id: conversation, rows: LIMITS.sweepMessages })) {
        this.#run("dropConversation", { id: conversation });
      }
      return true;
    });
  }

  #dropStep(id: string): true {
    if (this.#run("dropLines", { id, rows: LIMITS.sweepRows })) return true;
    for (const statement of ["dropPrompts", "dropJoins", "unlinkUsage", "dropSession"] as const)
      this.#run(statement, { id });
    return true;
  }

  [Symbol.dispose]() {
    this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#db.close();
  }
}
