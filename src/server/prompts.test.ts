import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AnswerId, AuditEntry, OptionId, PromptId, PromptState, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { prompt, statement, TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

let server: TestServer;
let phone: TestViewer;
let tablet: TestViewer;
let link: TestLink;
let session: SessionId;

beforeAll(async () => {
  server = await testServer();
  phone = await TestViewer.pair(server, "Phone");
  tablet = await TestViewer.pair(server, "Tablet");
  ({ link, id: session } = await TestLink.session(server));
  link.beats();
  await phone.listen();
});
afterAll(async () => {
  phone.leave();
  link[Symbol.dispose]();
  await server.stop();
});

/** A prompt as the phone sees it. */
async function shown(change: Parameters<typeof prompt>[0] = {}) {
  const { id } = await link.ask(change);
  return phone.until("the prompt", () => phone.prompts.get(id));
}

/** The answer that the wrapper was told. */
const toldOf = (id: PromptId) =>
  link.until("the answer", () => link.heard.find((one) => one.type === "answer" && one.prompt === id));

/** What the audit says was done with it. */
async function audited(id: PromptId): Promise<string[]> {
  const { entries } = (await phone.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
}

const stageOf = (id: PromptId, stage: string) =>
  phone.until(stage, () => phone.prompts.get(id)?.stage === stage && phone.prompts.get(id));

test("the whole life of a prompt: asked, shown, answered, delivered, accepted", async () => {
  const asked = await shown();
  const { id, digest } = asked;
  expect(asked).toMatchObject({
    stage: "open",
    session_id: session,
    tool: "Bash",
    input: { command: "npm test" },
  });

  const answer_id = "a1" as AnswerId;
  const reply = await phone.post(`/api/prompts/${id}/approve`, { digest, answer_id });
  expect(reply).toMatchObject({
    status: 200,
    body: { prompt: { stage: "answered", responded_by: "Phone" } },
  });

  const answer = { option: "approve" as OptionId };
  expect(await link.next("answer")).toEqual({ type: "answer", prompt: id, digest, answer_id, answer });
  link.say({ type: "delivered", prompt: id, answer_id });
  await stageOf(id, "delivered");
  link.say({ type: "accepted", prompt: id });
  expect(await stageOf(id, "accepted")).toMatchObject({ response: answer, outcome: "accepted" });
  await link.acked("accepted", id);
});

test("every phone learns who won before the wrapper has said a word of it", async () => {
  const { id, digest } = await shown();
  await tablet.post(`/api/prompts/${id}/approve`, { digest, answer_id: "w1" });
  expect(await stageOf(id, "answered")).toMatchObject({ responded_by: "Tablet" });
});

test("SEC-029 an answer without the digest of what was shown, or with another, reaches nobody", async () => {
  const { id, digest } = await shown();
  const answer_id = "x1" as AnswerId;
  const changed = await phone.post(`/api/prompts/${id}/approve`, { digest: "0".repeat(64), answer_id });
  expect(changed).toMatchObject({
    status: 409,
    body: { error: { code: "changed", winner: { id, digest, stage: "open" } } },
  });
  for (const verb of ["approve", "reject"]) {
    const missing = await phone.post(`/api/prompts/${id}/${verb}`, { answer_id });
    expect(missing).toMatchObject({ status: 409, body: { error: { code: "changed" } } });
  }
  const nameless = { answer_id, option: "approve" };
  expect((await phone.post(`/api/prompts/${id}/answer`, nameless)).status).toBe(409);
  for (const odd of ["", "x", digest.toUpperCase(), `${digest}0`, 7, null, [digest]])
    expect((await phone.post(`/api/prompts/${id}/approve`, { digest: odd, answer_id })).status).toBe(400);
  expect((await phone.post(`/api/prompts/${id}/approve`, { digest })).status).toBe(400);
  expect(link.heard.filter((message) => message.type === "answer" && message.prompt === id)).toEqual([]);
  expect(phone.prompts.get(id)?.stage).toBe("open");
});

test("SEC-030 a tap meant for the prompt before meets 409 or 410, and the new one stays open", async () => {
  const first = await shown();
  link.say({ type: "withdrawn", prompt: first.id, by: "desk", chosen: null });
  const second = await shown();
  await stageOf(first.id, "withdrawn");
  expect((await phone.answer("approve", first)).status).toBe(410);
  const mixed = await phone.post(`/api/prompts/${second.id}/approve`, {
    digest: first.digest,
    answer_id: "m1",
  });
  expect(mixed).toMatchObject({ status: 409, body: { error: { code: "changed" } } });
  expect(phone.prompts.get(second.id)?.stage).toBe("open");
});

test("SEC-030 a prompt that changed under the same id takes only the new digest", async () => {
  const before = await shown();
  const after = await link.ask({ id: before.id, input: { command: "rm -rf ~" }, prompt_text: "rm -rf ~" });
  await phone.until("the change", () => phone.prompts.get(before.id)?.digest === after.digest);
  expect((await phone.answer("approve", before)).status).toBe(409);
  const now = phone.prompts.get(before.id);
  expect(now && (await phone.answer("reject", now)).status).toBe(200);
});

test("SEC-031 of two answers in the same moment one is taken, the other learns who won", async () => {
  for (let round = 0; round < 5; round++) {
    const asked = await shown();
    const replies = await Promise.all([phone.answer("approve", asked), tablet.answer("reject", asked)]);
    const [winner] = replies.filter(({ status }) => status === 200);
    const [loser] = replies.filter(({ status }) => status === 409);
    const won = winner?.body.prompt as unknown as PromptState;
    expect(won.stage).toBe("answered");
    expect(loser?.body.error).toMatchObject({ code: "answered", winner: won });
    expect(await toldOf(asked.id)).toMatchObject({ answer_id: won.answer_id, answer: won.response });
    if (won.answer_id) link.say({ type: "delivered", prompt: asked.id, answer_id: won.answer_id });
    await link.acked("delivered", asked.id);
    const told = link.heard.filter((one) => one.type === "answer" && one.prompt === asked.id);
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(loser?.body.error).toMatchObject({
      message: `${won.responded_by} has answered this already.`,
      winner: { responded_by: won.responded_by, responded_at: expect.any(Number) },
    });
    const audit = await audited(asked.id);
    expect(audit.filter((action) => action === "answer")).toHaveLength(1);
    expect(audit.filter((action) => action === "answer refused")).toHaveLength(1);
  }
});

test("SEC-032 an answer after the desk, after the end, and to nothing is 410 or 404", async () => {
  const { link: other, id } = await TestLink.session(server);
  const [first, second] = [await other.ask(), await other.ask()];
  await phone.until("both", () => phone.prompts.has(first.id) && phone.prompts.has(second.id));
  other.say({ type: "withdrawn", prompt: first.id, by: "desk", chosen: "approved" });
  expect(await stageOf(first.id, "withdrawn")).toMatchObject({ withdrawn_by: "desk", outcome: "approved" });
  const late = await tablet.post(`/api/prompts/${first.id}/reject`, {
    digest: first.digest,
    answer_id: "l1",
  });
  expect(late).toMatchObject({ status: 410, body: { error: { code: "gone" } } });
  other.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  expect(await stageOf(second.id, "withdrawn")).toMatchObject({ withdrawn_by: "exited" });
  await phone.until("the end", () => phone.sessions.get(id)?.ended_at);
  expect(
    (await phone.post(`/api/prompts/${second.id}/approve`, { digest: second.digest, answer_id: "l2" }))
      .status,
  ).toBe(410);
  expect(
    (await phone.post("/api/prompts/none/approve", { digest: first.digest, answer_id: "l3" })).status,
  ).toBe(404);
  other[Symbol.dispose]();
});

test("SEC-032 what a machine speaks of no more is over, and nothing of an ended session comes back", async () => {
  const { link: other, id } = await TestLink.session(server);
  const [left, kept] = [await other.ask(), await other.ask()];
  await phone.until("both", () => phone.prompts.has(left.id) && phone.prompts.has(kept.id));
  const { link: again } = await TestLink.session(server, { id, open: [kept.id] });
  await stageOf(left.id, "withdrawn");
  const answer = ({ id: of, digest }: { id: PromptId; digest: string }, answer_id: string) =>
    phone.post(`/api/prompts/${of}/approve`, { digest, answer_id });
  expect((await answer(left, "m1")).status).toBe(410);

  again.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await stageOf(kept.id, "withdrawn");
  again.say(
    { type: "prompt", prompt: kept },
    { type: "session", session: statement({ id, open: [kept.id] }) },
  );
  again.say({ type: "prompt", prompt: left });
  await again.acked("prompt", left.id);
  expect((await answer(kept, "m2")).status).toBe(410);
  expect((await answer(left, "m3")).status).toBe(410);
  const { prompts } = (await phone.get("/api/prompts?open=1")).body as unknown as { prompts: PromptState[] };
  expect(prompts.filter(({ session_id }) => session_id === id)).toEqual([]);
  for (const one of [other, again]) expect(one.heard.filter(({ type }) => type === "answer")).toEqual([]);
  for (const one of [other, again]) one[Symbol.dispose]();
});

test("SEC-046 to a session whose claude has exited nothing can be typed, and nothing reaches its machine", async () => {
  const { link: other, id } = await TestLink.session(server);
  other.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("the end", () => phone.sessions.get(id)?.ended_at);
  const before = other.heard.length;
  const wishes: [path: string, body?: object][] = [
    ["input", { id: "d1", text: "rm -rf ~" }],
    ["input", { id: "d2", text: "rm -rf ~", mode: "replace" }],
    ["input", { id: "d3", key: "enter" }],
    ...([["interrupt"], ["stop"], ["resize", { cols: 80, rows: 24 }]] as [string, object?][]),
  ];
  for (const [path, body] of wishes) {
    const reply = await phone.post(`/api/sessions/${id}/${path}`, body);
    expect(reply, path).toMatchObject({ status: 410, body: { error: { code: "gone" } } });
  }
  other.say({ type: "ping" });
  const typed = other.heard
    .slice(before)
    .filter(({ type }) => type !== "ping" && type !== "ack" && type !== "watch");
  expect(typed).toEqual([]);
  other[Symbol.dispose]();
});

test("SEC-033 the same answer again is the same result, applied once", async () => {
  const { id, digest } = await shown();
  const once = { digest, answer_id: "same" };
  const first = await phone.post(`/api/prompts/${id}/approve`, once);
  const again = await phone.post(`/api/prompts/${id}/approve`, once);
  expect(again).toMatchObject({ status: 200, body: first.body });
  link.say(
    { type: "delivered", prompt: id, answer_id: "same" as AnswerId },
    { type: "accepted", prompt: id },
  );
  await stageOf(id, "accepted");
  const other = { ...once, digest: "0".repeat(64) };
  expect((await phone.post(`/api/prompts/${id}/approve`, other)).status).toBe(409);
  const late = await phone.post(`/api/prompts/${id}/approve`, once);
  expect(late).toMatchObject({ status: 200, body: { prompt: { stage: "accepted", answer_id: "same" } } });
});

test("SEC-033 who asks once more, or comes too late, hears how it was answered although its machine is out of reach by then", async () => {
  const { link: other, id: of } = await TestLink.session(server);
  const { id, digest } = await other.ask();
  const once = { digest, answer_id: "far" };
  const first = await phone.post(`/api/prompts/${id}/approve`, once);
  other[Symbol.dispose]();
  await phone.until("out of reach", () => phone.sessions.get(of)?.connected === false);
  expect(await phone.post(`/api/prompts/${id}/approve`, once)).toMatchObject({
    status: 200,
    body: first.body,
  });
  const late = await tablet.post(`/api/prompts/${id}/reject`, { digest, answer_id: "far2" });
  expect(late).toMatchObject({ status: 409, body: { error: { code: "answered" } } });
});

test("an answer that could not be given to claude leaves the question open, for whoever answers next", async () => {
  const { id, digest } = await shown({ kind: "dialog" });
  const first = { digest, answer_id: "n1" };
  await phone.post(`/api/prompts/${id}/approve`, first);
  await toldOf(id);
  const answer_id = "n1" as AnswerId;
  link.say({ type: "not_applied", prompt: id, answer_id, reason: "Somebody is typing." });
  expect(await stageOf(id, "open")).toMatchObject({ response: null, answer_id: null, responded_by: null });
  link.say({ type: "not_applied", prompt: id, answer_id, reason: "Said twice." });
  const reply = await tablet.post(`/api/prompts/${id}/reject`, { digest, answer_id: "n2" });
  expect(reply).toMatchObject({ status: 200, body: { prompt: { responded_by: "Tablet" } } });
  expect((await phone.post(`/api/prompts/${id}/approve`, first)).status).toBe(409);
});

test("SEC-034 an answer names what an option is: approve, always, reject, with a text or without", async () => {
  const cases: [verb: "approve" | "reject" | "answer", more: object, answer: object][] = [
    ["approve", {}, { option: "approve" }],
    ["approve", { option: "approve_always" }, { option: "approve_always" }],
    ["reject", {}, { option: "reject" }],
    ["reject", { message: "use pnpm" }, { option: "reject_message", text: "use pnpm" }],
    ["answer", { option: "reject_message", text: "no" }, { option: "reject_message", text: "no" }],
  ];
  for (const [verb, more, answer] of cases) {
    // The same options in another order: it must not matter.
    const asked = await shown({ options: prompt().options.toReversed() });
    expect((await phone.answer(verb, asked, more)).status).toBe(200);
    expect(await toldOf(asked.id)).toMatchObject({ answer });
  }
});

test("SEC-034 an option that is not offered, or a text where none belongs, is refused", async () => {
  const asked = await shown();
  const refused: ["approve" | "reject" | "answer", object][] = [
    ["approve", { option: "reject" }],
    ["approve", { option: "1" }],
    ["answer", { option: "yes" }],
    ["answer", {}],
    ["answer", { option: "approve", text: "and more" }],
    ["answer", { option: "reject_message" }],
  ];
  for (const [verb, more] of refused) {
    expect((await phone.answer(verb, asked, more)).status, `${verb} ${JSON.stringify(more)}`).toBe(400);
  }
  const option = (id: string) => ({ id: id as OptionId, label: id, effect: "approve" as const });
  const modes = await shown({ kind: "plan", options: [option("mode-auto"), option("mode-edits")] });
  expect((await phone.answer("approve", modes)).status).toBe(400); // The first of several is not the meaning of a tap.
  expect((await phone.answer("approve", modes, { option: "mode-edits" })).status).toBe(200);
  const always = { ...option("1"), effect: "approve_always" as const, scope: "everything" };
  const onlyAlways = await shown({ options: [always] });
  expect((await phone.answer("approve", onlyAlways)).status).toBe(400);
  const onlyWithWords = await shown({ options: [{ ...option("2"), text: "required" as const }] });
  expect((await phone.answer("approve", onlyWithWords)).status).toBe(400);
  const onlyApprove = await shown({ options: [{ id: "ok" as OptionId, label: "OK", effect: "approve" }] });
  expect((await phone.answer("reject", onlyApprove)).status).toBe(400);
  expect(phone.prompts.get(onlyApprove.id)?.stage).toBe("open");
});

test("a question is answered with labels or free text, by question", async () => {
  const question = {
    question: "Which?",
    header: "Q",
    multi_select: false,
    options: [{ label: "A", description: "" }],
  };
  const options = [
    { id: "answer" as OptionId, label: "Answer", effect: "answer" as const, text: "optional" as const },
  ];
  const asked = await shown({ kind: "question", tool: "AskUserQuestion", questions: [question], options });
  const answers = { "Which?": "A" };
  expect((await phone.answer("answer", asked, { option: "answer", answers })).status).toBe(200);
  expect(await toldOf(asked.id)).toMatchObject({ answer: { option: "answer", answers } });
});

test("nothing is stored for a session that is out of reach, and the prompt stays open", async () => {
  const clock = fakeClock();
  await using quiet = await testServer({ clock });
  const viewer = await TestViewer.pair(quiet);
  const { link: wrapper } = await TestLink.session(quiet);
  const { id, digest } = await wrapper.ask();
  const approve = () => viewer.post(`/api/prompts/${id}/approve`, { digest, answer_id: "u1" });

  clock.advance(14_500);
  wrapper.say({ type: "ping" });
  await wrapper.ask();
  clock.advance(14_999);
  expect(wrapper.closed).toBe(false);
  clock.advance(1);
  expect(await approve()).toMatchObject({ status: 503, body: { error: { code: "unreachable" } } });
  clock.advance(1_000);
  await wrapper.cutOff("silent");
  expect(await approve()).toMatchObject({ status: 503, body: { error: { code: "unreachable" } } });
  expect((await viewer.get("/api/prompts?open=1")).body.prompts).toMatchObject([
    { id, stage: "open" },
    { stage: "open" },
  ]);
});

test("a suspended session's prompts cannot be answered, and the reason is said", async () => {
  const { link: desk, id } = await TestLink.session(server);
  const asked = await desk.ask();
  const { id: _id, cwd, command, claude_version, age_ms, open, ...state } = statement();
  desk.say({ type: "status", state: { ...state, status: "suspended" } });
  await phone.until("suspended", () => phone.sessions.get(id)?.status === "suspended");
  const reply = await phone.post(`/api/prompts/${asked.id}/approve`, {
    digest: asked.digest,
    answer_id: "s1",
  });
  expect(reply).toMatchObject({
    status: 503,
    body: { error: { code: "unreachable", message: expect.stringContaining("Ctrl-Z") } },
  });
  desk.say({ type: "status", state });
  await phone.until("back", () => phone.sessions.get(id)?.status === "working");
  expect(
    (await phone.post(`/api/prompts/${asked.id}/approve`, { digest: asked.digest, answer_id: "s1" })).status,
  ).toBe(200);
  desk[Symbol.dispose]();
});

test("an answer is said again every 2 s until it is delivered", async () => {
  const clock = fakeClock();
  await using slow = await testServer({ clock });
  const viewer = await TestViewer.pair(slow);
  const { link: wrapper } = await TestLink.session(slow);
  const { id, digest } = await wrapper.ask();
  await viewer.post(`/api/prompts/${id}/approve`, { digest, answer_id: "r1" });
  await wrapper.next("answer");
  for (let again = 0; again < 3; again++) {
    clock.advance(2_000);
    expect(await wrapper.next("answer")).toMatchObject({ prompt: id, answer_id: "r1" });
  }
  wrapper.say({ type: "delivered", prompt: id, answer_id: "r1" as AnswerId });
  await wrapper.acked("delivered", id);
  wrapper.heard.splice(0);
  clock.advance(10_000);
  await wrapper.next("ping");
  expect(wrapper.heard.filter(({ type }) => type === "answer")).toEqual([]);
});

test("an answer outlives the server and the connection: it is sent again to the wrapper that comes back", async () => {
  await using mortal = await testServer();
  const viewer = await TestViewer.pair(mortal);
  const { link: wrapper, id: lasting } = await TestLink.session(mortal);
  const { id, digest } = await wrapper.ask();
  await viewer.post(`/api/prompts/${id}/approve`, { digest, answer_id: "k1" });
  await mortal.restart();
  await wrapper.until("the close", () => wrapper.closed);
  const { link: back } = await TestLink.session(mortal, { id: lasting, open: [id] });
  expect(await back.next("answer")).toMatchObject({
    prompt: id,
    digest,
    answer_id: "k1",
    answer: { option: "approve" },
  });
  back.say({ type: "too_late", prompt: id, by: "desk", chosen: "rejected" });
  await back.acked("too_late", id);
  expect((await viewer.get("/api/prompts")).body.prompts).toMatchObject([
    { stage: "too_late", withdrawn_by: "desk", outcome: "rejected", response: { option: "approve" } },
  ]);
  back[Symbol.dispose]();
});

test("three hundred open prompts are enough for one session", async () => {
  const { link: flood } = await TestLink.session(server);
  for (let i = 0; i < 301; i++) flood.say({ type: "prompt", prompt: prompt() });
  await flood.cutOff();
  expect((await phone.get("/health")).status).toBe(200);
});
