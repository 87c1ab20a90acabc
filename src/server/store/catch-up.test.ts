import { expect, test } from "bun:test";
import type { ConversationId, SessionId } from "../../protocol.ts";
import { statement } from "../../testing/link.ts";
import { DESK, line, stores } from "../../testing/store.ts";

const { now, fresh } = stores();

/** Three sessions that log and speak by turns, with gaps in their numbers, two of them in the same conversation. */
function world() {
  const { store } = fresh();
  const conversations = ["c0", "c1", "c1"] as ConversationId[];
  const sessions = conversations.map((conversation) => {
    const stated = statement({ conversation });
    store.sessions.state(DESK, stated, now);
    return stated.id;
  });
  const told: { id: number; session: SessionId; line_no: number }[] = [];
  const said: { id: number; conversation: ConversationId; uuid: string }[] = [];
  for (let turn = 0; turn < 60; turn++) {
    const at = (turn * 7) % 3;
    const [session, conversation] = [sessions[at] as SessionId, conversations[at] as ConversationId];
    const line_no = turn * turn;
    store.lines.add(session, [line(line_no)], now);
    told.push({ id: store.catchUp.newest().line, session, line_no });
    const uuid = `u${turn}`;
    store.messages.add(session, { conversation, uuid, seq: turn * 100, role: "user", body: "x" }, now);
    said.push({ id: store.catchUp.newest().message, conversation, uuid });
  }
  return { store, sessions, conversations, told, said };
}

test("wherever a viewer stands, it gets what came after that, and nothing of others", () => {
  const { store, sessions, conversations, told, said } = world();
  for (const [at, session] of sessions.entries())
    for (let cursor = 0; cursor <= told.length + 1; cursor++) {
      const { lines, messages } = store.catchUp.since(session, { line: cursor, message: cursor });
      const later = told.filter((one) => one.session === session && one.id > cursor);
      expect(lines.map(({ line_no }) => line_no)).toEqual(later.map(({ line_no }) => line_no));
      const more = said.filter((one) => one.conversation === conversations[at] && one.id > cursor);
      expect(messages.map(({ message }) => message.uuid)).toEqual(more.slice(0, 10).map(({ uuid }) => uuid));
    }
});

test("who stands at a line that has gone since, as the oldest of too many, goes on behind it", () => {
  const { store, sessions, told } = world();
  const [session] = sessions as [SessionId];
  const own = told.filter((one) => one.session === session);
  store.tables.run("DELETE FROM output_log WHERE session_id = ? AND line_no < ?", [
    session,
    own[10]?.line_no ?? 0,
  ]);
  for (const cursor of [own[3], own[9], own[10]])
    expect(store.catchUp.since(session, { line: cursor?.id ?? 0, message: 0 }).lines[0]?.line_no).toBe(
      cursor === own[10] ? own[11]?.line_no : own[10]?.line_no,
    );
});
