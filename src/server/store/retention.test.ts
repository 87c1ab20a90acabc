import { Database } from "bun:sqlite";
import { expect, spyOn, test } from "bun:test";
import type { ConversationId } from "../../protocol.ts";
import { prompt, statement } from "../../testing/link.ts";
import { DESK, line, stores } from "../../testing/store.ts";
import { LIMITS } from "../limits.ts";
import { Db } from "./database.ts";

const { now, withSession } = stores();
const DAY = 86_400_000;

test("what ended 30 days ago is forgotten in small steps, and nothing else", () => {
  const { store, file, id } = withSession({ conversation: "c1" as ConversationId });
  const kept = statement({ conversation: "c2" as ConversationId });
  store.sessions.state(DESK, kept, now);
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

test("a conversation that is being forgotten, and that somebody goes on with meanwhile, keeps what is left", () => {
  const conversation = "c1" as ConversationId;
  const { store, id } = withSession({ conversation });
  for (let seq = 0; seq < 3 * LIMITS.sweepMessages; seq++)
    store.messages.add(id, { conversation, uuid: `u${seq}`, seq, role: "user", body: 1 }, now);
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  const left = () => store.messages.page(conversation, { limit: 1_000 }).messages.length;
  while (left() > 2 * LIMITS.sweepMessages) store.retention.sweep(now + 31 * DAY);
  using looked = spyOn(Db.prototype, "get");
  expect(store.retention.sweep(now + 31 * DAY)).toBe(true);
  expect(left()).toBe(LIMITS.sweepMessages);
  expect(looked.mock.calls.filter(([sql]) => sql.includes("NOT IN"))).toEqual([]); // Not through all of them once more.
  store.sessions.state(DESK, statement({ conversation }), now + 31 * DAY);
  while (store.retention.sweep(now + 31 * DAY));
  expect(left()).toBe(LIMITS.sweepMessages);
});
