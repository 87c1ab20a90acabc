import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { ConversationId, SessionId, ViewerId } from "../protocol.ts";
import { prompt, statement } from "../testing/link.ts";
import { DESK, line, stores } from "../testing/store.ts";
import { MIGRATIONS } from "./store/schema.ts";

const { fresh, now } = stores();
const DAY = 86_400_000;

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
    const stated = store.sessions.state(DESK, session, now)?.session;
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

test("how long and how much is kept can be set", () => {
  const { store } = fresh(MIGRATIONS, { ms: DAY, bytes: 1_000 });
  const session = statement();
  store.sessions.state(DESK, session, now);
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
