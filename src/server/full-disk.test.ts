// What each action does on a full disk: what is safe without its row is done, anything else is refused and has no effect.
import type { Database } from "bun:sqlite";
import { afterAll, beforeEach, expect, test } from "bun:test";
import type { FileId, PromptState } from "../protocol.ts";
import { enrolled, TestLink } from "../testing/link.ts";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import type { OpenAnnex } from "./parts.ts";
import { push } from "./push/push.ts";

let tables: Database | null = null;
const disk: OpenAnnex = ({ store }) => {
  tables = store.tables;
  return { routes: [], stop() {} };
};
const server = await testServer({ annexes: [push(), disk], publicUrl: "https://relay.example.net" });
afterAll(() => server[Symbol.asyncDispose]());
/** SQLite itself refuses every write of the server, as it does where there is no room. */
const full = (is: boolean) => tables?.run(`PRAGMA query_only = ${is ? 1 : 0}`);

beforeEach(() => void full(false));

type World = { viewer: TestViewer; link: TestLink; session: string; prompt: PromptState; other: TestViewer };
/** Its path below `/api`, and its body: of the world as it was when the disk was full. */
type Asks = (world: World) => { path: string; body?: unknown; bytes?: Uint8Array };
const FILE = "f0000000-0000-7000-8000-000000000000" as FileId;
const PHONE = { platform: "android", permission: "default", subscription: null };
const given = ({ prompt }: World) => ({ digest: prompt.digest, answer_id: Bun.randomUUIDv7() });
const id = () => Bun.randomUUIDv7();

/** What a wrapper is told by what is done all the same; null: that is not for a wrapper. */
const DONE: [route: string, told: string | null, asks: Asks][] = [
  [
    "POST /api/sessions/:id/interrupt",
    "interrupt",
    ({ session }) => ({ path: `sessions/${session}/interrupt` }),
  ],
  ["POST /api/sessions/:id/stop", "stop", ({ session }) => ({ path: `sessions/${session}/stop` })],
  [
    "POST /api/sessions/:id/resize",
    "resize",
    ({ session }) => ({ path: `sessions/${session}/resize`, body: { cols: 50, rows: 20 } }),
  ],
  [
    "DELETE /api/sessions/:id/files/:file",
    "file_gone",
    ({ session }) => ({ path: `sessions/${session}/files/${FILE}` }),
  ],
  ["DELETE /api/pairing", null, () => ({ path: "pairing" })],
];

const REFUSED: [route: string, asks: Asks][] = [
  [
    "POST /api/prompts/:id/approve",
    (world) => ({ path: `prompts/${world.prompt.id}/approve`, body: given(world) }),
  ],
  [
    "POST /api/prompts/:id/reject",
    (world) => ({ path: `prompts/${world.prompt.id}/reject`, body: given(world) }),
  ],
  [
    "POST /api/prompts/:id/answer",
    (world) => ({ path: `prompts/${world.prompt.id}/answer`, body: { ...given(world), option: "approve" } }),
  ],
  [
    "POST /api/sessions/:id/input",
    ({ session }) => ({ path: `sessions/${session}/input`, body: { id: id(), text: "hello" } }),
  ],
  [
    "POST /api/sessions/:id/mode",
    ({ session }) => ({ path: `sessions/${session}/mode`, body: { id: id(), mode: "plan" } }),
  ],
  [
    "POST /api/sessions/:id/files",
    ({ session }) => ({
      path: `sessions/${session}/files?id=${FILE}&name=a&size=1&at=0`,
      bytes: new Uint8Array(1),
    }),
  ],
  ["PATCH /api/sessions/:id", ({ session }) => ({ path: `sessions/${session}`, body: { title: "other" } })],
  ["PATCH /api/viewers/:id", ({ other }) => ({ path: `viewers/${idOf(other)}`, body: { name: "other" } })],
  ["DELETE /api/viewers/:id", ({ other }) => ({ path: `viewers/${idOf(other)}` })],
  ["POST /api/logout", () => ({ path: "logout" })],
  ["POST /api/logout/others", () => ({ path: "logout/others" })],
  ["POST /api/pairing", () => ({ path: "pairing" })],
  ["POST /api/push/phone", () => ({ path: "push/phone", body: PHONE })],
  ["POST /api/push/snooze", ({ session }) => ({ path: "push/snooze", body: { session, minutes: 5 } })],
];

/** Each is stored in one transaction, or nothing is; what else it does comes after that. */
const ELSEWHERE = [
  "POST /api/pair",
  "DELETE /api/sessions/:id",
  "DELETE /api/tokens/:id",
  "DELETE /api/devices/:id",
  "POST /api/push/settings",
  "POST /api/push/test",
  "POST /api/push/tested",
  "POST /api/push/act",
  "POST /api/pairing/confirm", // Below.
];

const idOf = (viewer: TestViewer) => viewer.state?.viewer.id ?? "";

async function world(): Promise<World & AsyncDisposable> {
  const [viewer, other] = [await TestViewer.pair(server), await TestViewer.pair(server, "Other")];
  for (const one of [viewer, other]) await one.listen();
  const { link, id: session } = await TestLink.session(server);
  const asked = await link.ask();
  const prompt = await viewer.until("the prompt", () => viewer.prompts.get(asked.id));
  const end = async () => {
    link[Symbol.dispose]();
    for (const one of [viewer, other]) one.leave();
  };
  return { viewer, other, link, session, prompt, [Symbol.asyncDispose]: end };
}

async function ask(route: string, asks: Asks, here: World) {
  const { path, body, bytes } = asks(here);
  const origin = server.url;
  const [method = ""] = route.split(" ");
  if (bytes)
    return here.viewer.request(method, `/api/${path}`, {
      headers: { origin, "content-type": "application/octet-stream" },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const init = {
    headers: { origin, ...json },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return here.viewer.request(method, `/api/${path}`, init);
}

/** Everything that can be seen of what an action did, but for heartbeats and how long ago something was. */
async function seen({ viewer, link, session }: World) {
  const paths = [
    `/api/sessions/${session}`,
    "/api/prompts",
    "/api/viewers",
    "/api/pairing",
    "/api/push",
    "/api/audit",
  ];
  const all = await Promise.all(paths.map(async (path) => (await viewer.get(path)).body));
  const text = JSON.stringify(all).replace(/"(heard_at|last_seen|now)":\d+/g, "");
  return { text, heard: link.heard.filter(({ type }) => type !== "ping") };
}

test("SEC-079 every action of a phone has its place here: what it does on a full disk is decided", () => {
  const page = server.routes.filter(({ method, path }) => method !== "GET" && path.startsWith("/api/"));
  const here = [...DONE.map(([route]) => route), ...REFUSED.map(([route]) => route), ...ELSEWHERE];
  expect(here.toSorted()).toEqual(page.map(({ method, path }) => `${method} ${path}`).toSorted());
});

test.each(DONE)("SEC-079 on a full disk it is done, and answered so: %s", async (route, told, asks) => {
  await using here = await world();
  full(true);
  expect(await ask(route, asks, here)).toMatchObject({ status: 200 });
  if (told) await here.link.until(told, () => here.link.heard.some(({ type }) => type === told));
});

test.each(REFUSED)("SEC-079 on a full disk it is refused, and nothing happens: %s", async (route, asks) => {
  await using here = await world();
  const before = await seen(here);
  full(true);
  for (let again = 0; again < 2; again++) {
    const { status, body } = await ask(route, asks, here);
    expect({ status, code: body.error?.code }).toEqual({ status: 507, code: "storage" });
  }
  expect(await seen(here)).toEqual(before);
});

test("SEC-079 on a full disk an answer that comes too late hears that, and who was first", async () => {
  await using here = await world();
  const { viewer, other, prompt } = here;
  expect((await other.answer("approve", prompt)).status).toBe(200);
  full(true);
  const late = await viewer.answer("reject", prompt);
  expect(late).toMatchObject({ status: 409, body: { error: { code: "answered" } } });
});

test("SEC-079 on a full disk a code that is not valid is called so", async () => {
  full(true);
  const headers = { "content-type": "application/json", origin: server.url };
  const body = JSON.stringify({ code: "AAAA-AAAA", name: "Phone" });
  expect((await fetch(`${server.url}/api/pair`, { method: "POST", headers, body })).status).toBe(403);
});

test("SEC-079 on a full disk the owner ends a session, and lets nobody in", async () => {
  await using here = await world();
  full(true);
  expect(await server.admin("POST", `/sessions/${here.session}/stop`)).toEqual({ ok: true });
  await here.link.until("stop", () => here.link.heard.some(({ type }) => type === "stop"));
  await server.admin("DELETE", "/pair");
  expect(await server.admin("POST", "/pair", { yes: true })).toMatchObject({ error: { code: "storage" } });
  expect(await server.admin("GET", "/pair")).toEqual({ state: "closed" });
});

test("SEC-079 on a full disk nobody is said yes to", async () => {
  await using here = await world();
  const { body } = await here.viewer.post("/api/pairing");
  const entered = await new TestViewer(server, "").post("/api/pair", { code: body.code, name: "New" });
  full(true);
  const yes = await here.viewer.post("/api/pairing/confirm", { check: entered.body.check });
  expect(yes).toMatchObject({ status: 507 });
  full(false);
  const { code, claim } = { code: body.code, claim: entered.body.claim };
  const again = await new TestViewer(server, "").post("/api/pair", { code, claim, name: "New" });
  expect(again.body).toMatchObject({ status: "pending" });
});

test("SEC-079 a code that let nobody in, since the disk was full, lets them in once there is room", async () => {
  const { code } = (await server.admin("POST", "/pair", { yes: true })) as { code: string };
  const enter = () =>
    new TestViewer(server, "").post("/api/pair", { code, name: "New", claim: "c".repeat(36) });
  full(true);
  expect(await enter()).toMatchObject({ status: 507 });
  full(false);
  expect(await enter()).toMatchObject({ status: 200, body: { status: "paired" } });
});

test("a machine is let in with its operator's token, or not at all", async () => {
  await enrolled(server, "laptop");
  const { id: machine } = (await server.admin("POST", "/devices", { name: "other", operate: true })) as {
    id: string;
  };
  await server.admin("DELETE", `/devices/${machine}`);
  const trigger = "CREATE TRIGGER no_tokens BEFORE INSERT ON tokens BEGIN SELECT RAISE(ABORT, 'full'); END";
  tables?.run(trigger);
  expect(await server.admin("POST", "/devices", { name: "desk", operate: true })).toHaveProperty("error");
  tables?.run("DROP TRIGGER no_tokens");
  const { devices } = (await server.admin("GET", "/devices")) as { devices: { name: string }[] };
  expect(devices.map(({ name }) => name)).not.toContain("desk");
});
