import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { ConversationId } from "../../protocol.ts";
import { statement } from "../../testing/link.ts";
import { DESK, stores } from "../../testing/store.ts";

const { now, withSession } = stores();
const DAY = 86_400_000;

test("messages are stored once by their uuid, and belong to every session of their conversation", () => {
  const { store, id } = withSession();
  const conversation = "c1" as ConversationId;
  const message = { conversation, uuid: "u1", seq: 4, role: "user", body: { text: "hello" } } as const;
  expect(store.messages.cursor(conversation)).toBe(-1);
  expect(store.messages.add(id, message, now).upto).toBe(4);
  expect(store.messages.add(id, { ...message, seq: 9 }, now).upto).toBe(4);
  const other = statement({ conversation });
  store.sessions.state(DESK, other, now);
  expect(store.catchUp.since(other.id, { line: 0, message: 0 }).messages).toMatchObject([
    { message: { uuid: "u1" } },
  ]);
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
