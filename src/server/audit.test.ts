import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AnswerId, AuditEntry, DeviceId, PromptId, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { type prompt, statement, TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { sparing } from "./audit.ts";

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

type Page = { entries: AuditEntry[]; before: number | null };
const read = async (viewer: TestViewer, query = "") =>
  (await viewer.get(`/api/audit${query}`)).body as unknown as Page;

/** Everything that is written down of one thing, oldest first. */
async function about(subject: string, viewer = phone) {
  const { entries } = await read(viewer);
  return entries.filter((entry) => entry.subject === subject).reverse();
}
const actionsOf = (entries: AuditEntry[]) => entries.map(({ action }) => action);

async function shown(change: Parameters<typeof prompt>[0] = {}) {
  const { id } = await link.ask(change);
  return phone.until("the prompt", () => phone.prompts.get(id));
}

test("SEC-048 the life of a prompt is one row a step: who, from where, what exactly, and how it ended", async () => {
  const input = { command: "echo audited\n".repeat(2_000), description: "list files" };
  const asked = await shown({ input });
  const { id, digest } = asked;
  const answer_id = "a1" as AnswerId;
  await phone.post(`/api/prompts/${id}/approve`, { digest, answer_id });
  link.say({ type: "delivered", prompt: id, answer_id });
  link.say({ type: "accepted", prompt: id });
  await link.acked("accepted", id);
  const rows = await about(id);
  expect(actionsOf(rows)).toEqual(["prompt", "answer", "delivered", "accepted"]);
  for (const row of rows) {
    expect(row.asked).toMatchObject({ tool: "Bash", input, digest, options: asked.options, cwd: asked.cwd });
    expect(row).toMatchObject({ subject: id, session });
    expect(Math.abs(row.at - Date.now())).toBeLessThan(60_000);
  }
  const [opened, answered, delivered] = rows;
  const { id: viewer } = phone.state?.viewer ?? {};
  expect(opened).toMatchObject({ actor: `session ${session}`, detail: {}, address: null });
  expect(opened?.name).toBe(phone.sessions.get(session)?.device_name ?? "");
  expect(answered).toMatchObject({ actor: `viewer ${viewer}`, name: "Phone", address: "127.0.0.1" });
  expect(answered?.detail).toEqual({ digest, answer_id, option: "approve" });
  expect(delivered?.detail).toEqual({ digest, answer_id });
});

test("SEC-048 an answer that is refused is a row with the reason, and one that is said again is none", async () => {
  const asked = await shown();
  const { id, digest } = asked;
  const path = `/api/prompts/${id}/approve`;
  const wrong = "0".repeat(64);
  expect((await tablet.post(path, { digest: wrong, answer_id: "r1" })).status).toBe(409);
  expect((await tablet.post(path, { digest, answer_id: "r2", option: "no-such" })).status).toBe(400);
  await phone.post(path, { digest, answer_id: "mine" });
  await phone.post(path, { digest, answer_id: "mine" });
  const late = { digest, answer_id: "r3", message: `no ${"x".repeat(5_000)}` };
  expect((await tablet.post(`/api/prompts/${id}/reject`, late)).status).toBe(409);
  link.say({ type: "too_late", prompt: id, by: "desk", chosen: "rejected" });
  await link.acked("too_late", id);
  const rows = await about(id);
  const refused = "answer refused";
  expect(actionsOf(rows)).toEqual(["prompt", refused, refused, "answer", refused, "too_late"]);
  expect(rows.filter(({ action }) => action === refused).map(({ detail }) => detail)).toMatchObject([
    { why: "changed", stage: "open", digest: wrong, answer_id: "r1", option: "approve" },
    { why: "invalid", stage: "open", digest, option: "no-such" },
    { why: "answered", stage: "answered", digest, option: "reject", text: `no ${"x".repeat(997)} …` },
  ]);
  expect(rows.every((row) => row.asked?.digest === digest)).toBe(true);
  expect(rows.at(-1)).toMatchObject({ actor: "desk", detail: { digest, by: "desk", chosen: "rejected" } });

  const nowhere = await tablet.post("/api/prompts/never-was/approve", { digest, answer_id: "r4" });
  expect(nowhere.status).toBe(404);
  expect(await about("never-was")).toMatchObject([
    { action: refused, name: "Tablet", asked: null, detail: { why: "not_found", stage: null } },
  ]);
});

test("SEC-048 what ends at the desk, with claude or with the session names who ended it", async () => {
  const { link: other, id: its } = await TestLink.session(server);
  const ends = [await other.ask(), await other.ask(), await other.ask()];
  const [desk, unsaid, open] = ends.map(({ id }) => id) as [PromptId, PromptId, PromptId];
  await phone.until("all", () => ends.every(({ id }) => phone.prompts.has(id)));
  other.say({ type: "withdrawn", prompt: desk, by: "desk", chosen: "approved" });
  other.say({ type: "session", session: statement({ id: its, open: [open] }) });
  other.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("the end", () => phone.prompts.get(open)?.stage === "withdrawn");
  const last = async (id: string) => (await about(id)).at(-1);
  expect(await last(desk)).toMatchObject({ action: "withdrawn", actor: "desk", session: its });
  expect(await last(unsaid)).toMatchObject({ action: "withdrawn", actor: "unknown" });
  expect(await last(open)).toMatchObject({ action: "withdrawn", actor: "claude", detail: { by: "exited" } });
  expect((await phone.answer("approve", phone.prompts.get(open) ?? (await shown()))).status).toBe(410);
  expect(await last(open)).toMatchObject({ action: "answer refused", detail: { why: "gone" } });
  other[Symbol.dispose]();
});

test("SEC-048 a prompt that changes is a row of its own, and each row shows what stood there then", async () => {
  const before = await shown({ input: { command: "ls" } });
  const tooEarly = { digest: "1".repeat(64), answer_id: "c0" };
  await tablet.post(`/api/prompts/${before.id}/approve`, tooEarly);
  const after = await link.ask({ id: before.id, input: { command: "rm -rf ~" } });
  await phone.until("the change", () => phone.prompts.get(before.id)?.digest === after.digest);
  await tablet.post(`/api/prompts/${before.id}/approve`, { digest: before.digest, answer_id: "c1" });
  const rows = await about(before.id);
  expect(actionsOf(rows)).toEqual(["prompt", "answer refused", "prompt changed", "answer refused"]);
  expect(rows.map(({ asked }) => asked?.input)).toEqual([
    { command: "ls" },
    { command: "ls" },
    { command: "rm -rf ~" },
    { command: "rm -rf ~" },
  ]);
  expect(rows[3]?.detail.digest).toBe(before.digest);
});

test("texts, keys and interrupts from a phone are written down before they are sent, each once", async () => {
  const path = `/api/sessions/${session}`;
  await phone.post(`${path}/input`, { id: "t1", text: "run\nthe tests", mode: "append" });
  await phone.post(`${path}/input`, { id: "t1", text: "run\nthe tests", mode: "append" });
  await tablet.post(`${path}/input`, { id: "k1", key: "escape" });
  await link.next("key");
  link.say({ type: "input_refused", id: "t1" as never, reason: "desk_typing" });
  await phone.until("the refusal", () => phone.inputs.get("t1") === "refused");
  await tablet.post(`${path}/interrupt`);
  expect((await about(session)).map(({ action, name, detail }) => [action, name, detail])).toEqual([
    ["input", "Phone", { id: "t1", text: "run\nthe tests", mode: "append" }],
    ["input", "Tablet", { id: "k1", key: "escape" }],
    ["input refused", null, { id: "t1", reason: "desk_typing" }],
    ["interrupt", "Tablet", {}],
  ]);
});

test("pairing, revoking and machines that are refused are written down, with address and name", async () => {
  await using own = await testServer();
  const viewer = await TestViewer.pair(own, "Ada's phone");
  const other = await TestViewer.pair(own, "Old phone");
  expect((await other.post("/api/pair", { code: "AAAA-AAAA", name: "Mallory" })).status).toBe(403);
  const { viewers } = (await other.get("/api/viewers")).body as unknown as { viewers: { id: string }[] };
  await viewer.request("DELETE", `/api/viewers/${viewers[1]?.id}`);
  const wrong = new Uint8Array(32);
  (await TestLink.connect(own, { secret: wrong }))[Symbol.dispose]();
  (await TestLink.connect(own, { device: "nobody-knows" as DeviceId, secret: wrong }))[Symbol.dispose]();
  const { entries } = await read(viewer);
  const told = entries.reverse().map(({ action, actor, name, address, detail }) => {
    return [action, actor.split(" ")[0], name, address, detail];
  });
  expect(told.slice(1)).toEqual([
    ["pairing opened", "owner", null, null, { yes: true }],
    ["paired", "viewer", "Ada's phone", "127.0.0.1", {}],
    ["pairing opened", "owner", null, null, { yes: true }],
    ["paired", "viewer", "Old phone", "127.0.0.1", {}],
    ["pairing refused", "nobody", "Mallory", "127.0.0.1", {}],
    ["revoked", "viewer", "Ada's phone", "127.0.0.1", { viewer: "Old phone" }],
    ["device refused", "device", told[0]?.[4] && expect.any(String), "127.0.0.1", expect.anything()],
    ["device refused", "nobody", null, "127.0.0.1", { why: "device", device: "nobody-knows", left_out: 0 }],
  ]);
});

test("of machines that knock without end a few are written down, and how many were not", () => {
  const clock = fakeClock();
  const told: [number, number][] = [];
  const knock = sparing<number>({ most: 3, withinMs: 1_000, now: clock.now }, (value, leftOut) => {
    told.push([value, leftOut]);
  });
  for (let i = 0; i < 10; i++) knock(i);
  clock.advance(1_001);
  knock(10);
  expect(told).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
    [10, 7],
  ]);
});

test("the log comes in pages, the newest first, to viewers only", async () => {
  await using own = await testServer();
  const viewer = await TestViewer.pair(own);
  const { link: wrapper } = await TestLink.session(own);
  for (let i = 0; i < 7; i++) await wrapper.ask();
  const { entries: all } = await read(viewer);
  const seen: AuditEntry[] = [];
  for (let before: number | null = 1e9; before !== null; ) {
    const page = await read(viewer, `?limit=3&before=${before}`);
    expect(page.entries.length).toBeLessThanOrEqual(3);
    seen.push(...page.entries);
    before = page.before;
  }
  expect(seen).toEqual(all);
  expect(all.map(({ id }) => id)).toEqual([...all.map(({ id }) => id)].sort((a, b) => b - a));
  expect((await read(viewer, "?limit=-1")).entries).toHaveLength(1);
  for (const query of ["?before=x", "?limit=1.5"]) {
    expect((await viewer.get(`/api/audit${query}`)).status, query).toBe(400);
  }
  for (const path of ["/api/audit", "/api/audit/export"]) {
    expect((await fetch(own.url + path)).status, path).toBe(401);
    expect((await viewer.post(path)).status, path).toBe(405);
  }
  wrapper[Symbol.dispose]();
});
