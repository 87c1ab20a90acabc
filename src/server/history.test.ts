import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ConversationId, Json, SessionId } from "../protocol.ts";
import { prompt, TestLink } from "../testing/link.ts";
import { served } from "../testing/served.ts";
import { LIMITS } from "./limits.ts";

const { server, phone } = await served();

const raw = () => new Database(join(server.data, "claude-remote.db"), { readonly: true });
function count(table: string): number {
  using database = raw();
  return (
    Object.values(database.query(`SELECT count(*) FROM ${table}`).get() as Record<string, number>)[0] ?? -1
  );
}
const send = (method: string, path: string, body?: Json) =>
  phone.request(method, path, {
    headers: { "content-type": "application/json", origin: server.url },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
/** Looks again and again, as a page would that is loaded anew. */
async function eventually(look: () => boolean | Promise<boolean>) {
  while (!(await look())) await Bun.sleep(10);
}
const said = (text: string) => ({ time: 1, parts: [{ type: "text", text }] });

async function ended(more: Parameters<typeof TestLink.session>[1] = {}): Promise<SessionId> {
  const { link, id } = await TestLink.session(server, more);
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("it ended", () => phone.sessions.get(id)?.ended_at != null);
  link[Symbol.dispose]();
  return id;
}

test("a session is called by the first words of its conversation, and by its name when it has one", async () => {
  const conversation = "opening" as ConversationId;
  const { link, id } = await TestLink.session(server, { conversation });
  link.say({
    type: "message",
    message: { conversation, uuid: "o1", seq: 0, role: "assistant", body: said("Hello") },
  });
  link.say({
    type: "message",
    message: { conversation, uuid: "o2", seq: 1, role: "user", body: said("  Mend\n the   login ") },
  });
  link.say({
    type: "message",
    message: { conversation, uuid: "o3", seq: 2, role: "user", body: said("And more") },
  });
  await phone.until("it is told", () => phone.sessions.get(id)?.opening === "Mend the login");
  const named = await send("PATCH", `/api/sessions/${id}`, { title: " Login \u202eagain\u0007 " });
  expect(named.body).toMatchObject({ session: { id, name: "Login again", opening: "Mend the login" } });
  await phone.until("its name", () => phone.sessions.get(id)?.name === "Login again");
  // What its wrapper states later takes neither away.
  link.say({ type: "ping" });
  expect((await phone.get(`/api/sessions/${id}`)).body).toMatchObject({ session: { name: "Login again" } });
  expect((await send("PATCH", `/api/sessions/${id}`, { title: "" })).body).toMatchObject({
    session: { name: null },
  });
  for (const title of ["x".repeat(LIMITS.titleChars + 1), 7, undefined])
    expect((await send("PATCH", `/api/sessions/${id}`, { title: title as Json })).status).toBe(400);
  expect((await send("PATCH", "/api/sessions/none", { title: "x" })).status).toBe(404);
  link[Symbol.dispose]();
});

test("ended sessions come page by page, each once, the newest first", async () => {
  const all: SessionId[] = [];
  for (let i = 0; i < 3; i++) all.unshift(await ended());
  const first = (await phone.get("/api/history")).body as unknown as {
    sessions: { id: SessionId }[];
    before: string | null;
  };
  expect(first.sessions.slice(0, 3).map(({ id }) => id)).toEqual(all);
  const [newest, next] = first.sessions as unknown as { id: string; ended_at: number; kept_until: number }[];
  expect(newest?.kept_until).toBe((newest?.ended_at ?? 0) + LIMITS.keepMs);
  const rest = await phone.get(`/api/history?before=${newest?.ended_at}.${newest?.id}`);
  expect(rest.body).toMatchObject({ sessions: [{ id: next?.id }, { id: all[2] }], before: null });
  for (const before of ["x", "1", ".a", "1.a b"])
    expect((await phone.get(`/api/history?before=${encodeURIComponent(before)}`)).status).toBe(400);
});

test("an ended session is deleted with all that is its own; what others use, and the audit, stays", async () => {
  const conversation = "shared" as ConversationId;
  const own = "own" as ConversationId;
  const first = await TestLink.session(server, { conversation });
  first.link.say({
    type: "message",
    message: { conversation, uuid: "s1", seq: 0, role: "user", body: said("zebra") },
  });
  const { link, id } = await TestLink.session(server, { conversation: own });
  const question = prompt();
  link.say({ type: "prompt", prompt: question });
  link.say({
    type: "message",
    message: { conversation: own, uuid: "w1", seq: 0, role: "user", body: said("walrus") },
  });
  link.say({
    type: "message",
    message: { conversation, uuid: "s2", seq: 9, role: "user", body: said("zebras") },
  });
  link.say({ type: "lines", lines: [{ line_no: 0, epoch: 0, source: "screen", text: "walrus" }] });
  await phone.until("the question", () => phone.prompts.has(question.id));
  await phone.post("/api/push/snooze", { session: id, hours: 1 });
  const refused = await send("DELETE", `/api/sessions/${id}`);
  expect([refused.status, refused.body]).toMatchObject([409, { error: { code: "alive" } }]);
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("it ended", () => phone.sessions.get(id)?.ended_at != null);
  link[Symbol.dispose]();
  await eventually(async () => (await send("DELETE", `/api/sessions/${id}`)).status === 200); // Its link is gone.
  expect((await phone.get(`/api/sessions/${id}`)).status).toBe(404);
  expect((await phone.get("/api/search?q=walrus")).body).toMatchObject({ hits: [] });
  expect((await phone.get("/api/search?q=walrus&in=lines")).body).toMatchObject({ hits: [] });
  await phone.until("every page knows", () => !phone.sessions.has(id));
  await eventually(() => {
    using database = raw();
    return database.query("SELECT 1 FROM sessions WHERE id = ?").get(id) === null && count("messages") > 0;
  });
  await eventually(() => {
    using database = raw();
    return database.query("SELECT 1 FROM conversations WHERE id = ?").get(own) === null;
  });
  using database = raw();
  for (const table of ["prompts", "output_log", "session_conversations"])
    expect(database.query(`SELECT 1 FROM ${table} WHERE session_id = ?`).get(id), table).toBeNull();
  expect((await phone.get("/api/search?q=zebra")).body.hits).toHaveLength(2);
  const { body } = await phone.get("/api/audit");
  expect(body.entries).toContainEqual(expect.objectContaining({ action: "session deleted", subject: id }));
  expect(body.entries).toContainEqual(expect.objectContaining({ action: "prompt", subject: question.id }));
  expect((await send("DELETE", `/api/sessions/${id}`)).status).toBe(404);
  first.link[Symbol.dispose]();
});

type Days = {
  days: { day: string; input: number; output: number; cost_usd: number | null; worked_ms: number }[];
};

test("what an answer took counts once, however many records tell of it, and outlives its session as numbers", async () => {
  const conversation = "counted" as ConversationId;
  const { link, id } = await TestLink.session(server, { conversation });
  const usage = {
    id: "msg_1",
    model: "claude-opus-5-5",
    input: 10,
    output: 3,
    cache_read: 100,
    cache_write: 7,
  };
  const tell = (uuid: string, seq: number, body: Json) =>
    link.say({ type: "message", message: { conversation, uuid, seq, role: "assistant", body } });
  tell("r1", 0, { ...said("thinks"), usage });
  tell("r2", 1, { ...said("says"), usage: { ...usage, output: 20 } });
  tell("r2", 1, { ...said("says"), usage: { ...usage, output: 20 } });
  tell("r3", 2, { ...said("more"), usage: { ...usage, id: "msg_2", output: 5 } });
  tell("r4", 3, { time: 1, parts: [{ type: "event", event: "turn", text: "", ms: 90_000 }] });
  tell("r5", 4, { ...said("odd"), usage: { id: "msg_3", input: -5, output: "9", cache_read: 1e300 } });
  // A subagent's answer, told again with more of it.
  for (const output of [1, 4, 4, 2])
    link.say({
      type: "used",
      conversation,
      usage: { ...usage, id: "msg_sub", input: 3, output, cache_read: 0, cache_write: 0 },
    });
  for (const usd of [0.5, 0.75, 0.75, 0.25])
    link.say({ type: "cost", conversation, chain: "1795245790066", usd });
  // A fork goes on with the same sum.
  link.say({ type: "cost", conversation: "fork" as ConversationId, chain: "1795245790066", usd: 1 });
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("it ended", () => phone.sessions.get(id)?.ended_at != null);
  const used = {
    input: 23,
    output: 29,
    cache_read: 200 + 1e9,
    cache_write: 14,
    cost_usd: 1,
    worked_ms: 90_000,
  };
  expect((await phone.get(`/api/sessions/${id}/usage`)).body).toEqual({ used } as never);
  const { body } = await phone.get("/api/usage?offset=120");
  expect(body).toMatchObject({ sessions: [{ session: { id }, used }] });
  expect((body as unknown as Days).days).toMatchObject([used]);
  link[Symbol.dispose]();
  await eventually(async () => (await send("DELETE", `/api/sessions/${id}`)).status === 200);
  await eventually(() => count(`sessions WHERE id = '${id}'`) === 0);
  expect((await phone.get("/api/usage")).body).toMatchObject({ days: [used], sessions: [] });
  const empty = await ended();
  expect((await phone.get(`/api/sessions/${empty}/usage`)).body).toEqual({ used: null } as never);
  for (const query of ["days=0", "days=367", "days=x", "offset=900", "offset=1.5"])
    expect((await phone.get(`/api/usage?${query}`)).status, query).toBe(400);
});
