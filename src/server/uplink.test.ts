import { expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import type { AnswerId, ConversationId, InputId, PromptState, SessionId, UnheardFact } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { enrolled, statement, TestLink } from "../testing/link.ts";
import { served } from "../testing/served.ts";
import { testServer } from "../testing/server.ts";
import { line } from "../testing/store.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Connection } from "./connection.ts";
import { Store } from "./store.ts";

const { server, phone: viewer } = await served();

test("a session appears with its connection, goes out of reach with it, and comes back", async () => {
  const { link, id } = await TestLink.session(server, { title: "first" });
  expect(await viewer.until("the session", () => viewer.sessions.get(id))).toMatchObject({
    connected: true,
    title: "first",
  });
  link[Symbol.dispose]();
  await viewer.until("out of reach", () => viewer.sessions.get(id)?.connected === false);
  expect(viewer.sessions.get(id)?.ended_at).toBeNull();
  const { link: back } = await TestLink.session(server, { id, title: "again" });
  await viewer.until(
    "back",
    () => viewer.sessions.get(id)?.connected && viewer.sessions.get(id)?.title === "again",
  );
  back[Symbol.dispose]();
});

test("this user's wrappers reach the server by its unix socket as well", async () => {
  const { link, id } = await TestLink.session(server, {}, { unix: true });
  expect(await viewer.until("the session", () => viewer.sessions.get(id))).toMatchObject({
    device_id: "local",
  });
  const answer = await fetch("http://localhost/api/sessions", { unix: `${server.data}/server.sock` });
  expect(answer.status).toBe(404);
  link[Symbol.dispose]();
});

test("after `session` the server says where log and transcript go on, and who watches", async () => {
  const conversation = Bun.randomUUIDv7() as ConversationId;
  const { link, id } = await TestLink.session(server, { conversation });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "lines", upto: -1 });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "messages", conversation, upto: -1 });
  link.say({ type: "lines", lines: [line(0), line(1)] });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "lines", upto: 1 });
  link.say({ type: "message", message: { conversation, uuid: "u1", seq: 3, role: "user", body: "hi" } });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "messages", conversation, upto: 3 });
  link[Symbol.dispose]();
  const { link: back } = await TestLink.session(server, { id, conversation });
  expect(back.heard).toContainEqual({ type: "ack", stream: "lines", upto: 1 });
  expect(back.heard).toContainEqual({ type: "ack", stream: "messages", conversation, upto: 3 });
  expect(back.heard).toContainEqual({ type: "watch", viewers: 0, rate: 0, paired: true });
  back[Symbol.dispose]();
});

test("the wrapper is told when viewers of its session come and go", async () => {
  const { link, id } = await TestLink.session(server);
  await link.next("watch");
  const watcher = new TestViewer(server, viewer.cookie);
  await watcher.listen(id);
  expect(await link.next("watch")).toMatchObject({ viewers: 1, rate: 10 });
  watcher.leave();
  expect(await link.next("watch")).toMatchObject({ viewers: 0, rate: 0 });
  link[Symbol.dispose]();
});

test("whatever is acknowledged is on disk in the moment of its acknowledgement", async () => {
  const disk = new Store(join(server.data, "claude-remote.db"));
  const acked: [stream: string, there: unknown][] = [];
  const { tell } = Connection.prototype;
  using _ = spyOn(Connection.prototype, "tell").mockImplementation(function (this: Connection, message) {
    if (message.type === "ack" && message.stream === "exit")
      acked.push(["exit", disk.sessions.get(message.session)?.end_reason]);
    if (message.type === "ack" && message.stream === "prompts")
      acked.push([message.fact, disk.prompts.get(message.prompt)?.stage]);
    if (message.type === "ack" && message.stream === "lines" && this.session)
      acked.push(["lines", disk.lines.cursor(this.session) === message.upto]);
    tell.call(this, message);
  });
  const { link: before, id } = await TestLink.session(server);
  const asked = await before.ask();
  before.say({ type: "lines", lines: [line(0)] });
  before.say({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: null });
  await before.until("the acks", () => acked.length >= 4);
  before[Symbol.dispose]();
  const { link } = await TestLink.session(server);
  link.say({ type: "left", session: id, code: null, signal: null, reason: "lost" });
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await link.until("the acks", () => acked.length >= 7);
  expect(acked).toEqual([
    ["lines", true],
    ["prompt", "open"],
    ["lines", true],
    ["withdrawn", "withdrawn"],
    ["lines", true],
    ["exit", "lost"],
    ["exit", "exit"],
  ]);
  disk[Symbol.dispose]();
  link[Symbol.dispose]();
});

test("an end is on disk before it is acknowledged, and told once more it is the same end", async () => {
  const { link, id } = await TestLink.session(server);
  link.say({ type: "exit", code: 7, signal: null, reason: "exit" });
  expect(
    await link.until("the ack", () => link.heard.find((one) => one.type === "ack" && one.stream === "exit")),
  ).toEqual({
    type: "ack",
    stream: "exit",
    session: id,
  });
  const { ended_at } = (await viewer.get(`/api/sessions/${id}`)).body.session as unknown as {
    ended_at: number;
  };
  link.say({ type: "exit", code: 9, signal: null, reason: "exit" });
  await viewer.until("the end", () => viewer.sessions.get(id)?.ended_at);
  const { body } = await viewer.get(`/api/sessions/${id}`);
  expect(body.session).toMatchObject({ ended_at, exit_code: 7, status: "ended", connected: false });
  link[Symbol.dispose]();
});

test("an earlier run's end is reported by the next wrapper of the same machine", async () => {
  const { link: gone, id: left } = await TestLink.session(server);
  gone[Symbol.dispose]();
  const link = await TestLink.connect(server);
  link.say({ type: "left", session: left, code: null, signal: null, reason: "lost" });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "exit", session: left });
  expect(
    await viewer.until(
      "the end",
      () => viewer.sessions.get(left)?.ended_at !== null && viewer.sessions.get(left),
    ),
  ).toMatchObject({
    end_reason: "lost",
  });
  const unknown = Bun.randomUUIDv7() as SessionId;
  link.say({ type: "left", session: unknown, code: 0, signal: null, reason: "exit" });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "exit", session: unknown });
  link[Symbol.dispose]();
});

test("what became of an earlier run's last questions comes with the report of its end", async () => {
  const { link: gone, id } = await TestLink.session(server);
  const [delivered, byDesk, silent] = [await gone.ask(), await gone.ask(), await gone.ask()];
  await viewer.until("the questions", () => viewer.prompts.get(silent.id));
  const reply = await viewer.answer("approve", viewer.prompts.get(delivered.id) as PromptState);
  const { answer_id } = reply.body.prompt as unknown as PromptState;
  gone[Symbol.dispose]();
  const link = await TestLink.connect(server);
  const facts: UnheardFact[] = [
    { type: "delivered", prompt: delivered.id, answer_id: answer_id as AnswerId },
    { type: "accepted", prompt: delivered.id },
    { type: "withdrawn", prompt: byDesk.id, by: "desk", chosen: "approved" },
  ];
  link.say({ type: "left", session: id, code: 0, signal: null, reason: "exit", facts });
  expect(await link.next("ack")).toEqual({ type: "ack", stream: "exit", session: id });
  await viewer.until("the end", () => viewer.sessions.get(id)?.ended_at);
  const ends = [delivered, byDesk, silent].map(({ id }) => viewer.prompts.get(id));
  expect(ends).toMatchObject([
    { stage: "accepted" },
    { stage: "withdrawn", withdrawn_by: "desk", outcome: "approved" },
    { stage: "withdrawn", withdrawn_by: "exited", outcome: null },
  ]);
  const other = await anothersFact();
  link.say({ type: "left", session: id, code: 0, signal: null, reason: "exit", facts: [other] });
  await link.cutOff();
});

/** A fact about a question of a session that goes on. */
async function anothersFact(): Promise<UnheardFact> {
  const { link } = await TestLink.session(server);
  return { type: "accepted", prompt: (await link.ask()).id };
}

test("SEC-026 a machine cannot state, end or answer for the session of another", async () => {
  const { link: victim, id } = await TestLink.session(server, { title: "mine" });
  const asked = await victim.ask();
  const other = await enrolled(server, "other");
  const attacks: ((link: TestLink) => void)[] = [
    (link) => link.say({ type: "session", session: statement({ id, title: "stolen" }) }),
    (link) => link.say({ type: "left", session: id, code: 0, signal: null, reason: "exit" }),
    (link) => {
      link.say({ type: "session", session: statement() });
      link.say({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: null });
    },
    (link) => {
      link.say({ type: "session", session: statement() });
      link.say({ type: "prompt", prompt: { ...asked, input: "other" } });
    },
  ];
  for (const attack of attacks) {
    const link = await TestLink.connect(server, other);
    attack(link);
    await link.cutOff();
  }
  expect((await viewer.get(`/api/sessions/${id}`)).body.session).toMatchObject({
    title: "mine",
    connected: true,
    ended_at: null,
  });
  const still = await viewer.until("the prompt", () => viewer.prompts.get(asked.id));
  expect(still).toMatchObject({ stage: "open", input: { command: "npm test" } });
  expect(victim.closed).toBe(false);
  victim[Symbol.dispose]();
});

test("SEC-090 the newer of two with one session id owns it; the older is told and closed", async () => {
  const { link: older, id } = await TestLink.session(server);
  const { link: newer } = await TestLink.session(server, { id });
  await older.cutOff("another wrapper");
  expect(older.refused).toMatchObject({ code: "replaced" });
  const asked = await newer.ask();
  await viewer.until("the prompt", () => viewer.prompts.get(asked.id));
  expect((await viewer.answer("approve", { ...asked, stage: "open" } as never)).status).toBe(200);
  expect(await newer.next("answer")).toMatchObject({ prompt: asked.id });
  const input = { id: `i-${id}`, text: "only once" };
  expect((await viewer.post(`/api/sessions/${id}/input`, input)).status).toBe(200);
  expect((await viewer.post(`/api/sessions/${id}/input`, input)).status).toBe(200);
  expect(await newer.next("input")).toMatchObject(input);
  newer.say({ type: "input_delivered", id: input.id as InputId });
  await viewer.until("its delivery", () => viewer.inputs.get(input.id) === "delivered");
  expect(newer.heard.filter(({ type }) => type === "input")).toEqual([]); // Beyond the one that was taken above.
  expect(older.heard.filter(({ type }) => type === "answer" || type === "input")).toEqual([]);
  await viewer.until("connected", () => viewer.sessions.get(id)?.connected);
  newer[Symbol.dispose]();
});

test("a session that a newer connection takes over is never shown as out of reach", async () => {
  const { link: older, id } = await TestLink.session(server);
  await viewer.until("connected", () => viewer.sessions.get(id)?.connected);
  using told = spyOn(viewer.sessions, "set");
  const { link: newer } = await TestLink.session(server, { id, title: "newer" });
  await older.cutOff("another wrapper");
  await viewer.until("the newer", () => viewer.sessions.get(id)?.title === "newer");
  const asked = await newer.ask();
  await viewer.until("what came after all that", () => viewer.prompts.get(asked.id));
  expect(told.mock.calls.filter(([of, { connected }]) => of === id && !connected)).toEqual([]);
  newer[Symbol.dispose]();
});

test("of a connection that has ended nothing is left: its place is free again", async () => {
  await using own = await testServer();
  const phone = await TestViewer.pair(own);
  await phone.listen();
  const { link, id } = await TestLink.session(own);
  expect(await own.admin("GET", "/status")).toMatchObject({ wrappers: 1 });
  link[Symbol.dispose]();
  await phone.until("out of reach", () => phone.sessions.get(id)?.connected === false);
  expect(await own.admin("GET", "/status")).toMatchObject({ wrappers: 0 });
  phone.leave();
});

test("what a wrapper names no more is withdrawn on every phone", async () => {
  const { link, id } = await TestLink.session(server);
  const [kept, ended] = [await link.ask(), await link.ask()];
  await viewer.until("both", () => viewer.prompts.has(kept.id) && viewer.prompts.has(ended.id));
  link[Symbol.dispose]();
  const { link: back } = await TestLink.session(server, { id, open: [kept.id] });
  await viewer.until("its end", () => viewer.prompts.get(ended.id)?.stage === "withdrawn");
  expect(viewer.prompts.get(kept.id)?.stage).toBe("open");
  back[Symbol.dispose]();
});

test("SEC-090 several sessions of one machine are normal", async () => {
  const links = await Promise.all([1, 2, 3].map(() => TestLink.session(server)));
  for (const { id } of links) await viewer.until("connected", () => viewer.sessions.get(id)?.connected);
  for (const { link } of links) {
    expect(link.closed).toBe(false);
    link[Symbol.dispose]();
  }
});

test("a session not heard of for a day has ended, lost; spoken of again it lives", async () => {
  const clock = fakeClock();
  await using quiet = await testServer({ clock });
  const phone = await TestViewer.pair(quiet);
  await phone.listen();
  const { link, id } = await TestLink.session(quiet);
  const asked = await link.ask();
  link[Symbol.dispose]();
  await phone.until("out of reach", () => phone.sessions.get(id)?.connected === false);
  clock.advance(86_000_000);
  expect((await phone.get(`/api/sessions/${id}`)).body.session).toMatchObject({ ended_at: null });
  clock.advance(600_000);
  await phone.listen(); // Nobody read while that day passed in a moment, so the stream was let go.
  expect(phone.sessions.get(id)).toMatchObject({ end_reason: "lost", ended_at: expect.any(Number) });
  expect((await phone.get("/api/prompts")).body.prompts).toMatchObject([
    { id: asked.id, withdrawn_by: "unknown" },
  ]);
  const { link: back } = await TestLink.session(quiet, { id });
  await phone.until(
    "alive",
    () => phone.sessions.get(id)?.connected && phone.sessions.get(id)?.ended_at === null,
  );
  back[Symbol.dispose]();
  phone.leave();
});
