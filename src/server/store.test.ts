import { Database } from "bun:sqlite";
import { afterAll, expect, spyOn, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AnswerId,
  ConversationId,
  DeviceId,
  LogLine,
  OptionId,
  SessionId,
  ViewerId,
} from "../protocol.ts";
import { prompt, statement } from "../testing/link.ts";
import { LIMITS } from "./limits.ts";
import { masterKey } from "./private-file.ts";
import { NewerSchemaError } from "./store/database.ts";
import { MIGRATIONS } from "./store/schema.ts";
import { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const device = "local" as DeviceId;
const DAY = 86_400_000;
const now = Date.now();

function fresh(migrations?: string[]): { store: Store; file: string } {
  const file = join(mkdtempSync(join(folder, "store-")), "test.db");
  const store = new Store(file, migrations);
  store.devices.add(device, "desk", now);
  return { store, file };
}

function withSession(change: Parameters<typeof statement>[0] = {}) {
  const { store, file } = fresh();
  const session = statement(change);
  store.sessions.state(device, session, now);
  return { store, file, id: session.id };
}

const line = (line_no: number, text = `line ${line_no}`): LogLine => ({
  line_no,
  epoch: 0,
  source: "screen",
  text,
});
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("SEC-080 database, WAL and keys are 0600 whatever the umask, and wider modes are taken back", () => {
  for (const umask of [0o000, 0o022]) {
    const before = process.umask(umask);
    try {
      const { store, file } = withSession();
      expect(readdirSync(join(file, "..")).length).toBeGreaterThan(1);
      for (const name of readdirSync(join(file, "..")))
        expect(modeOf(join(file, "..", name)), name).toBe("600");
      const key = join(file, "..", "master.key");
      masterKey(key);
      expect(modeOf(key)).toBe("600");
      store[Symbol.dispose]();
      chmodSync(file, 0o666);
      new Store(file)[Symbol.dispose]();
      expect(modeOf(file)).toBe("600");
    } finally {
      process.umask(before);
    }
  }
});

test("the master key is made once, and a damaged one is not used", () => {
  const path = join(folder, "master.key");
  const first = masterKey(path);
  expect(first).toHaveLength(32);
  expect(masterKey(path)).toEqual(first);
  writeFileSync(path, "short");
  expect(() => masterKey(path)).toThrow("damaged");
});

test("SEC-087 a database of a newer program is refused, with both versions named", () => {
  const { store, file } = fresh();
  store[Symbol.dispose]();
  const raw = new Database(file);
  raw.run("PRAGMA user_version = 99");
  raw.close();
  expect(() => new Store(file)).toThrow(NewerSchemaError);
  expect(() => new Store(file)).toThrow(new RegExp(`version 99.*up to ${MIGRATIONS.length}`));
});

test("SEC-087 a migration keeps a private copy of what was, and one that fails changes nothing", () => {
  const { store, file } = fresh();
  store[Symbol.dispose]();
  const broken = [...MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a);"];
  expect(() => new Store(file, broken)).toThrow("already exists");
  const raw = new Database(file);
  expect(raw.query("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
  expect(raw.query("PRAGMA user_version").get()).toEqual({ user_version: MIGRATIONS.length });
  raw.close();

  const grown = new Store(file, [...MIGRATIONS, "CREATE TABLE more (a)"]);
  expect(grown.devices.get(device)?.name).toBe("desk");
  grown[Symbol.dispose]();
  const copy = `${file}.version-${MIGRATIONS.length}`;
  expect(modeOf(copy)).toBe("600");
  const old = new Database(copy);
  expect(old.query("SELECT name FROM devices").all()).toEqual([{ name: "desk" }]);
  old.close();
});

test("SEC-085 quotes, comments and stacked statements are stored literally, and the schema stays", () => {
  const corpus = [
    "'",
    '"; DROP TABLE sessions; --',
    "/* */",
    "$id",
    "?1",
    "\u0000\n\u202e",
    "😀'||(SELECT 1)||'",
    "%_\\",
  ];
  const { store, file } = fresh();
  const raw = new Database(file);
  const schema = () => raw.query("SELECT sql FROM sqlite_master ORDER BY name").all();
  const before = schema();
  for (const text of corpus) {
    const session = statement({ title: text, cwd: text, waiting_for: text, command: [text] });
    const stated = store.sessions.state(device, session, now)?.session;
    expect(stated).toMatchObject({ title: text, cwd: text, waiting_for: text, command: [text] });
    store.lines.add(session.id, [line(0, text)], now);
    expect(store.lines.page(session.id, { limit: 10 })[0]?.text).toBe(text);
    const asked = prompt({ tool: text, input: { [text]: text }, prompt_text: text });
    expect(store.prompts.open(session.id, asked, now)?.prompt).toMatchObject({
      tool: text,
      input: { [text]: text },
    });
    const conversation = text as ConversationId;
    store.messages.add(session.id, { conversation, uuid: text, seq: 0, role: "user", body: text }, now);
    expect(store.messages.page(conversation, { limit: 1 }).messages[0]?.body).toBe(text);
    store.viewers.add({ id: text as ViewerId, name: text, address: text, hash: text }, now);
    expect(store.viewers.of(text)?.name).toBe(text);
  }
  expect(schema()).toEqual(before);
});

test("stating a session twice changes nothing but what changed", () => {
  const { store, id } = withSession({ age_ms: 5_000 });
  const first = store.sessions.get(id);
  expect(first).toMatchObject({
    started_at: now - 5_000,
    status: "working",
    ended_at: null,
    device_name: "desk",
  });
  store.sessions.state(device, statement({ id, age_ms: 9_000, title: "another" }), now + 4_000);
  expect(store.sessions.get(id)).toEqual({ ...first, title: "another", heard_at: now + 4_000 } as NonNullable<
    typeof first
  >);
});

test("SEC-026 a session is the device's that reported it first", () => {
  const { store, id } = withSession();
  expect(store.sessions.state("other" as DeviceId, statement({ id, title: "mine now" }), now)).toBeNull();
  expect(store.sessions.get(id)?.title).toBe("a title");
});

test("what a wrapper does not name any more is withdrawn, and who did it may still be learnt", () => {
  const { store, id } = withSession();
  const [gone, stays] = [prompt(), prompt()];
  for (const one of [gone, stays]) store.prompts.open(id, one, now);
  const stated = store.sessions.state(device, statement({ id, open: [stays.id] }), now);
  expect(stated?.withdrawn.map((one) => [one.id, one.stage, one.withdrawn_by])).toEqual([
    [gone.id, "withdrawn", "unknown"],
  ]);
  expect(store.prompts.get(stays.id)?.stage).toBe("open");
  const fact = { type: "withdrawn", prompt: gone.id, by: "desk", chosen: "approved" } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({
    stage: "withdrawn",
    withdrawn_by: "desk",
    outcome: "approved",
  });
  expect(store.prompts.fact({ ...fact, by: "claude" }, now)).toBeNull();
});

test("what was chosen at the desk may be learnt after who it was, once", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const fact = { type: "withdrawn", prompt: asked.id, by: "desk", chosen: null } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({ withdrawn_by: "desk", outcome: null });
  expect(store.prompts.fact(fact, now + 1)).toBeNull();
  const known = store.prompts.fact({ ...fact, chosen: "approved" }, now + 2);
  expect(known).toMatchObject({ withdrawn_at: now, withdrawn_by: "desk", outcome: "approved" });
  expect(store.prompts.fact({ ...fact, chosen: "rejected" }, now + 3)).toBeNull();
});

test("a prompt is answered once: one statement decides, and the first stays", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const give = (answer_id: string, option: string, digest: string = asked.digest) =>
    store.prompts.answer(
      { prompt: asked.id, digest, answer_id: answer_id as AnswerId, answer: { option: option as OptionId } },
      { actor: "viewer v1", name: "Phone", address: "192.0.2.7" },
      now,
    );
  expect(give("a0", "approve", "0".repeat(64)).applied).toBe(false);
  expect(give("a1", "approve").applied).toBe(true);
  expect(give("a2", "reject")).toMatchObject({
    applied: false,
    prompt: { response: { option: "approve" }, answer_id: "a1" },
  });
  const rows = store.audit.after().filter((row) => row.subject === asked.id);
  const actions = rows.map((row) => row.action);
  expect(actions).toEqual(["prompt", "answer"]);
});

test("SEC-032 what was withdrawn is not answered, and what the desk ended is not opened again", () => {
  const { store, id } = withSession();
  const by = { actor: "viewer v1", name: "Phone", address: "192.0.2.7" };
  const answer = { option: "approve" as OptionId };
  const given = (asked: ReturnType<typeof prompt>) =>
    store.prompts.answer(
      { prompt: asked.id, digest: asked.digest, answer_id: "a1" as AnswerId, answer },
      by,
      now,
    );
  const [withdrawn, late] = [prompt(), prompt()];
  for (const asked of [withdrawn, late]) store.prompts.open(id, asked, now);
  store.prompts.fact({ type: "withdrawn", prompt: withdrawn.id, by: "desk", chosen: null }, now);
  expect(given(withdrawn)).toMatchObject({ applied: false, prompt: { stage: "withdrawn", answer_id: null } });
  expect(given(late).applied).toBe(true);
  store.prompts.fact({ type: "too_late", prompt: late.id, by: "desk", chosen: null }, now);
  expect(store.prompts.open(id, late, now)).toMatchObject({ news: false, prompt: { stage: "too_late" } });
});

test("a prompt that is told twice is news once", () => {
  const { store, id } = withSession();
  const asked = prompt();
  expect(store.prompts.open(id, asked, now)?.news).toBe(true);
  expect(store.prompts.open(id, asked, now)?.news).toBe(false);
  expect(store.prompts.open(id, { ...asked, digest: prompt().digest }, now)?.news).toBe(true);
});

test("a session that has ended takes no state", () => {
  const { store, id } = withSession({ title: "before" });
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  store.sessions.setState(id, { ...statement(), title: "after", status: "working" }, now);
  expect(store.sessions.get(id)).toMatchObject({ status: "ended", title: "before" });
});

test("a commit is on disk when it returns: WAL, and synchronous to the full", () => {
  using run = spyOn(Database.prototype, "run");
  using _ = fresh().store;
  const pragmas = run.mock.calls.map(([sql]) => sql).filter((sql) => sql.startsWith("PRAGMA"));
  expect(pragmas).toContain("PRAGMA journal_mode = WAL");
  expect(pragmas).toContain("PRAGMA synchronous = FULL");
});

test("the stages of a prompt follow from its times", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer_id = "a1" as AnswerId;
  const answer = { option: "approve" as OptionId };
  const given = { prompt: asked.id, digest: asked.digest, answer_id, answer };
  expect(
    store.prompts.answer(given, { actor: "viewer v", name: "V", address: "192.0.2.7" }, now).prompt.stage,
  ).toBe("answered");
  expect(store.prompts.undelivered(id)).toHaveLength(1);
  expect(store.prompts.fact({ type: "delivered", prompt: asked.id, answer_id }, now)?.stage).toBe(
    "delivered",
  );
  expect(store.prompts.undelivered(id)).toHaveLength(0);
  expect(store.prompts.fact({ type: "delivered", prompt: asked.id, answer_id }, now)).toBeNull();
  const late = { type: "too_late", prompt: asked.id, by: "desk", chosen: "rejected" } as const;
  expect(store.prompts.fact(late, now)).toMatchObject({
    stage: "too_late",
    outcome: "rejected",
    withdrawn_by: "desk",
  });
  expect(store.prompts.fact({ type: "accepted", prompt: asked.id }, now)).toBeNull();
});

test("an answered prompt that the desk withdrew came too late", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer = { option: "approve" as OptionId };
  store.prompts.answer(
    { prompt: asked.id, digest: asked.digest, answer_id: "a" as AnswerId, answer },
    { actor: "viewer v", name: "V", address: "192.0.2.7" },
    now,
  );
  const fact = { type: "withdrawn", prompt: asked.id, by: "desk", chosen: null } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({
    stage: "too_late",
    withdrawn_by: "desk",
    withdrawn_at: null,
  });
  expect(store.prompts.fact(fact, now)).toBeNull();
  // What the desk chose is known later; then that stands.
  const chosen = { ...fact, type: "too_late", chosen: "rejected" } as const;
  expect(store.prompts.fact(chosen, now)).toMatchObject({ stage: "too_late", outcome: "rejected" });
  expect(store.prompts.fact({ ...chosen, chosen: "approved" }, now)).toBeNull();
  expect(store.prompts.fact({ type: "accepted", prompt: asked.id }, now)).toBeNull();
});

test("SEC-032 the end of a session ends its prompts, and nothing revives them", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const { session, prompts } = store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  expect(session).toMatchObject({ status: "ended", end_reason: "exit", exit_code: 0, ended_at: now });
  expect(prompts).toMatchObject([{ id: asked.id, stage: "withdrawn", withdrawn_by: "exited" }]);
  store.sessions.state(device, statement({ id, status: "working", open: [asked.id] }), now + 1);
  expect(store.prompts.open(id, asked, now + 1)).toMatchObject({
    news: false,
    prompt: { stage: "withdrawn" },
  });
  expect(store.sessions.get(id)).toMatchObject({ status: "ended", ended_at: now });
});

test("a session that was given up as lost and speaks again has not ended", () => {
  const { store, id } = withSession();
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  store.sessions.state(device, statement({ id, status: "idle" }), now + 1);
  expect(store.sessions.get(id)).toMatchObject({ status: "idle", ended_at: null, end_reason: null });
});

test("what ended only with a session that was given up is open again when its wrapper says so", () => {
  const { store, id } = withSession();
  const [asked, answered, arrived, other] = [prompt(), prompt(), prompt(), prompt()];
  for (const one of [asked, answered, arrived, other]) store.prompts.open(id, one, now);
  const given = ({ id, digest }: typeof asked, name: string) => {
    const answer = { option: "approve" as OptionId };
    const body = { prompt: id, digest, answer_id: name as AnswerId, answer };
    store.prompts.answer(body, { actor: "viewer v", name: "V", address: "192.0.2.7" }, now);
  };
  given(answered, "a1");
  given(arrived, "a2");
  store.prompts.fact({ type: "delivered", prompt: arrived.id, answer_id: "a2" as AnswerId }, now);
  store.prompts.fact({ type: "withdrawn", prompt: other.id, by: "unknown", chosen: null }, now);
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  store.sessions.state(device, statement({ id, open: [asked.id, answered.id, arrived.id] }), now + 1);
  for (const one of [asked, answered, arrived, other]) store.prompts.open(id, one, now + 1);
  const stages = [asked, answered, arrived, other].map((one) => store.prompts.get(one.id)?.stage);
  expect(stages).toEqual(["open", "open", "too_late", "withdrawn"]);
  expect(store.prompts.get(answered.id)).toMatchObject({ answer_id: null, responded_at: null });
  // An answer that had arrived may have counted: only its wrapper knows.
  expect(store.prompts.fact({ type: "accepted", prompt: arrived.id }, now + 2)).toMatchObject({
    stage: "accepted",
    withdrawn_by: null,
  });
});

test("lines are stored once, counted with their gaps, and read page by page", () => {
  const { store, id } = withSession();
  expect(store.lines.cursor(id)).toBe(-1);
  expect(store.lines.add(id, [line(0), line(1)], now)).toBe(1);
  expect(store.lines.add(id, [line(1, "another"), { ...line(2, ""), source: "gap", count: 10 }], now)).toBe(
    11,
  );
  expect(store.lines.add(id, [line(12)], now)).toBe(12);
  const numbers = (page: Parameters<Store["lines"]["page"]>[1]) =>
    store.lines.page(id, page).map((one) => one.line_no);
  expect(numbers({ limit: 2 })).toEqual([2, 12]);
  expect(numbers({ before: 2, limit: 10 })).toEqual([0, 1]);
  expect(numbers({ after: 0, limit: 2 })).toEqual([1, 2]);
  expect(store.lines.page(id, { after: 0, limit: 1 })[0]).toMatchObject({ text: "line 1", at: now });
});

test("messages are stored once by their uuid, and belong to every session of their conversation", () => {
  const { store, id } = withSession();
  const conversation = "c1" as ConversationId;
  const message = { conversation, uuid: "u1", seq: 4, role: "user", body: { text: "hello" } } as const;
  expect(store.messages.cursor(conversation)).toBe(-1);
  expect(store.messages.add(id, message, now).upto).toBe(4);
  expect(store.messages.add(id, { ...message, seq: 9 }, now).upto).toBe(4);
  const other = statement({ conversation });
  store.sessions.state(device, other, now);
  expect(store.catchUp.since(other.id, { line: 0, message: 0 }).messages).toMatchObject([
    { message: { uuid: "u1" } },
  ]);
});

test("what ended 30 days ago is forgotten in small steps, and nothing else", () => {
  const { store, file, id } = withSession({ conversation: "c1" as ConversationId });
  const kept = statement({ conversation: "c2" as ConversationId });
  store.sessions.state(device, kept, now);
  for (const session of [id, kept.id]) {
    for (let from = 0; from < 3_000; from += 1_000) {
      store.lines.add(
        session,
        Array.from({ length: 1_000 }, (_, i) => line(from + i)),
        now,
      );
    }
    store.prompts.open(session, prompt(), now);
  }
  const messages = ["c1", "c2"] as ConversationId[];
  for (const conversation of messages) {
    store.messages.add(
      conversation === "c1" ? id : kept.id,
      { conversation, uuid: "u", seq: 0, role: "user", body: 1 },
      now,
    );
  }
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  expect(store.retention.sweep(now + 29 * DAY)).toBe(false);
  let steps = 1;
  while (store.retention.sweep(now + 31 * DAY)) steps++;
  expect(steps).toBeGreaterThan(3);
  const raw = new Database(file);
  const count = (table: string) =>
    Object.values(raw.query(`SELECT count(*) FROM ${table}`).get() as object)[0];
  const tables = ["sessions", "output_log", "prompts", "messages", "conversations", "session_conversations"];
  expect(tables.map(count)).toEqual([1, 3_000, 1, 1, 1, 1]);
  raw.close();
});

test("SEC-077 the log of one session has a limit, past which its oldest lines go", () => {
  const { store, file, id } = withSession();
  const text = "x".repeat(60_000);
  const raw = new Database(file);
  // As if nearly 200 MB were there already, in a few lines.
  store.lines.add(
    id,
    Array.from({ length: 10 }, (_, i) => line(i, text)),
    now,
  );
  raw.run("UPDATE sessions SET log_bytes = ? WHERE id = ?", [LIMITS.logBytes - 1_000, id]);
  expect(store.lines.add(id, [line(10, text)], now)).toBe(10);
  expect(store.lines.page(id, { limit: 20 }).map((one) => one.line_no)).toEqual([10]);
  raw.close();
});

test("SEC-026 a session that is being deleted still belongs to its machine, and one that speaks again is there again", () => {
  const { store, id } = withSession();
  const other = "other" as DeviceId;
  store.devices.add(other, "laptop", now);
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  expect(store.sessions.delete(id, "owner", now)).toBe(true);
  expect([store.sessions.get(id), store.sessions.ended()]).toEqual([null, []]);
  expect(store.sessions.state(other, statement({ id }), now)).toBeNull();
  expect(store.sessions.state(device, statement({ id }), now)?.session).toMatchObject({ id, ended_at: null });
  expect(store.retention.sweep(now)).toBe(false);
});

test("how long and how much is kept can be set", () => {
  const file = join(mkdtempSync(join(folder, "store-")), "test.db");
  const store = new Store(file, MIGRATIONS, { ms: DAY, bytes: 1_000 });
  store.devices.add(device, "desk", now);
  const session = statement();
  store.sessions.state(device, session, now);
  for (let i = 0; i < 10; i++) store.lines.add(session.id, [line(i, "x".repeat(300))], now);
  expect(store.lines.page(session.id, { limit: 20 }).length).toBeLessThan(4);
  const ended = store.sessions.end(session.id, { code: 0, signal: null, reason: "exit" }, now).session;
  expect(ended.kept_until).toBe(now + DAY);
  expect(store.retention.sweep(now + DAY - 1_000)).toBe(false);
  while (store.retention.sweep(now + DAY + 1_000)) {}
  expect(store.sessions.get(session.id)).toBeNull();
});

test("ids that nobody knows are null, not errors", () => {
  const { store } = fresh();
  expect(store.sessions.get("nope")).toBeNull();
  expect(store.prompts.get("nope")).toBeNull();
  expect(store.sessions.screen("nope")).toBeNull();
  expect(store.viewers.of("nope")).toBeNull();
  expect(store.lines.cursor("nope" as SessionId)).toBe(-1);
});

test("a page of messages ends before it is too large, and says that there is more", () => {
  const { store, id } = withSession();
  const conversation = "c1" as ConversationId;
  for (let seq = 0; seq < 5; seq++)
    store.messages.add(
      id,
      { conversation, uuid: `u${seq}`, seq, role: "user", body: "x".repeat(200_000) },
      now,
    );
  const page = (bounds: { before?: number; after?: number }) => {
    const { messages, more } = store.messages.page(conversation, { ...bounds, limit: 100 });
    return [messages.map(({ seq }) => seq), more];
  };
  expect(page({})).toEqual([[3, 4], true]);
  expect(page({ before: 3 })).toEqual([[1, 2], true]);
  expect(page({ before: 1 })).toEqual([[0], false]);
  expect(page({ after: 2 })).toEqual([[3, 4], false]);
});

test("a message is as old as its wrapper says", () => {
  const { store, id } = withSession();
  const conversation = "c1" as ConversationId;
  const message = { conversation, uuid: "u1", seq: 0, role: "user", body: "x", age_ms: 5_000 } as const;
  store.messages.add(id, message, now);
  expect(store.messages.page(conversation, { limit: 1 }).messages[0]?.at).toBe(now - 5_000);
});

test("what is said is indexed in full, and is gone from the index with its message", () => {
  const { store, file, id } = withSession();
  const conversation = "c1" as ConversationId;
  const call = { type: "call", call: "toolu_7", tool: "Bash", input: { command: "cat zanzibar.txt" } };
  const body = { time: 1, parts: [{ type: "text", text: "the xylophone" }, call] };
  store.messages.add(id, { conversation, uuid: "u1", seq: 0, role: "assistant", body }, now);
  using database = new Database(file, { readonly: true });
  const found = (words: string) => database.query("SELECT rowid FROM messages_text(?)").all(words).length;
  expect(["xylophone", "zanzibar", "Bash", "toolu_7", "text"].map(found)).toEqual([1, 1, 1, 0, 0]);
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  while (store.retention.sweep(now + 31 * DAY)) {}
  expect(found("xylophone")).toBe(0);
  const pages = database.query("SELECT block FROM messages_text_data").all() as { block: Uint8Array }[];
  expect(pages.some(({ block }) => Buffer.from(block).includes("xylophone"))).toBe(false);
});
