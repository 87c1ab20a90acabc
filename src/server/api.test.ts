import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConversationId, InputId, LogLine, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { cpuMs } from "../testing/cpu.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { LIMITS } from "./limits.ts";

let server: TestServer;
let phone: TestViewer;
let link: TestLink;
let session: SessionId;
const conversation = "conversation-1" as ConversationId;

beforeAll(async () => {
  server = await testServer();
  phone = await TestViewer.pair(server);
  ({ link, id: session } = await TestLink.session(server, { conversation }));
  link.beats();
  await phone.listen(session);
});
afterAll(async () => {
  phone.leave();
  link[Symbol.dispose]();
  await server.stop();
});

const at = (path = "") => `/api/sessions/${session}${path}`;
const numbers = (body: unknown, list: string, field: string) =>
  ((body as Record<string, Record<string, number>[]>)[list] ?? []).map((one) => one[field]);

test("sessions: the open ones and the newest ended, one by its id, 404 for none", async () => {
  const { body } = await phone.get("/api/sessions");
  expect(body.sessions).toMatchObject([{ id: session, connected: true, device_id: "local" }]);
  expect((await phone.get(at())).body).toMatchObject({
    session: { id: session },
    screen: { cols: 80, rows: 24 },
  });
  for (const path of ["/api/sessions/none", "/api/sessions/none/lines", "/events?session=none"]) {
    expect((await phone.get(path)).status, path).toBe(404);
  }
  expect((await phone.post("/api/sessions/none/interrupt")).status).toBe(404);
});

test("lines and messages come page by page, after a number or before one", async () => {
  const lines: LogLine[] = Array.from({ length: 20 }, (_, i) => ({
    line_no: i,
    epoch: 0,
    source: "screen",
    text: `l${i}`,
  }));
  link.say({ type: "lines", lines });
  for (let seq = 0; seq < 20; seq++) {
    link.say({
      type: "message",
      message: { conversation, uuid: `u${seq}`, seq, role: "assistant", body: [seq] },
    });
  }
  await phone.until("all of it", () => phone.lines.length === 20 && phone.messages.length === 20);
  for (const [path, list, field] of [
    ["/lines", "lines", "line_no"],
    ["/messages", "messages", "seq"],
  ] as const) {
    const page = async (query: string) =>
      numbers((await phone.get(at(`${path}?${query}`))).body, list, field);
    expect(await page("limit=2")).toEqual([18, 19]);
    expect(await page("before=2")).toEqual([0, 1]);
    expect(await page("after=16&limit=2")).toEqual([17, 18]);
    expect(await page("after=-1&limit=1")).toEqual([0]);
    for (const query of ["limit=x", "after=1.5", "before=1e3", "limit="]) {
      expect((await phone.get(at(`${path}?${query}`))).status, query).toBe(400);
    }
  }
  expect((await phone.get(at("/messages?conversation=other"))).body).toEqual({
    conversation: "other",
    conversations: [conversation],
    messages: [],
    more: false,
  } as never);
});

test("a text is sent, delivered, seen; each is told to viewers, and said again it is the same text", async () => {
  const body = { id: "i1", text: "hello\nclaude", mode: "append" };
  expect((await phone.post(at("/input"), body)).body).toEqual({
    id: "i1",
    stage: "sent",
    reason: null,
  } as never);
  expect(await link.next("input")).toEqual({
    type: "input",
    id: "i1" as InputId,
    text: "hello\nclaude",
    mode: "append",
  });
  link.say({ type: "input_delivered", id: "i1" as InputId });
  await phone.until("delivered", () => phone.inputs.get("i1") === "delivered");
  link.say({ type: "input_seen", id: "i1" as InputId });
  await phone.until("seen", () => phone.inputs.get("i1") === "seen");
  expect((await phone.post(at("/input"), body)).body).toMatchObject({ stage: "seen" });
  expect(link.heard.filter(({ type }) => type === "input")).toEqual([]);
});

test("a text that is refused says why, and a key is a key", async () => {
  await phone.post(at("/input"), { id: "i2", text: "x" });
  expect(await link.next("input")).toMatchObject({ mode: "if_empty" });
  link.say({ type: "input_refused", id: "i2" as InputId, reason: "desk_typing" });
  await phone.until("refused", () => phone.inputs.get("i2") === "refused");
  expect((await phone.post(at("/input"), { id: "i2", text: "x" })).body).toMatchObject({
    reason: "desk_typing",
  });
  await phone.post(at("/input"), { id: "k1", key: "shift_tab" });
  expect(await link.next("key")).toEqual({ type: "key", id: "k1" as InputId, key: "shift_tab" });
});

test("a text not confirmed in ten seconds says so, and may be sent again", async () => {
  const clock = fakeClock();
  await using calm = await testServer({ clock });
  const viewer = await TestViewer.pair(calm);
  const { link: wrapper, id } = await TestLink.session(calm);
  await viewer.listen(id);
  const send = () => viewer.post(`/api/sessions/${id}/input`, { id: "u1", text: "x" });
  await send();
  clock.advance(9_999);
  expect((await send()).body).toMatchObject({ stage: "sent" });
  clock.advance(1);
  await viewer.until("unconfirmed", () => viewer.inputs.get("u1") === "unconfirmed");
  expect((await send()).body).toMatchObject({ stage: "sent" });
  await wrapper.until("the second", () => wrapper.heard.filter(({ type }) => type === "input").length === 2);
  viewer.leave();
});

test("interrupt, resize and stop reach the wrapper", async () => {
  await phone.post(at("/interrupt"));
  await link.next("interrupt");
  await phone.post(at("/resize"), { cols: 50, rows: 20 });
  expect(await link.next("resize")).toEqual({ type: "resize", cols: 50, rows: 20 });
  await phone.post(at("/stop"));
  await link.next("stop");
});

test("SEC-056 sizes out of range, fractions, strings and more are refused", async () => {
  for (const size of [
    { cols: 0, rows: 0 },
    { cols: 1, rows: 24 },
    { cols: 501, rows: 24 },
    { cols: 80, rows: 201 },
    { cols: 80.5, rows: 24 },
    { cols: "80", rows: 24 },
    { cols: -80, rows: 24 },
    { cols: null, rows: 24 },
    {},
  ]) {
    expect((await phone.post(at("/resize"), size)).status, JSON.stringify(size)).toBe(400);
  }
});

test("a session whose wrapper is gone cannot be spoken to; one that ended is gone", async () => {
  const { link: lost, id } = await TestLink.session(server);
  lost[Symbol.dispose]();
  await phone.until("out of reach", () => phone.sessions.get(id)?.connected === false);
  const paths = ["input", "interrupt", "resize", "stop"];
  const bodies: Record<string, object> = { input: { id: "x", text: "x" }, resize: { cols: 80, rows: 24 } };
  for (const path of paths) {
    expect((await phone.post(`/api/sessions/${id}/${path}`, bodies[path])).body, path).toMatchObject({
      error: { code: "unreachable" },
    });
  }
  const { link: ended, id: over } = await TestLink.session(server);
  ended.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await phone.until("the end", () => phone.sessions.get(over)?.ended_at);
  expect((await phone.post(`/api/sessions/${over}/input`, { id: "x", text: "x" })).status).toBe(410);
  ended[Symbol.dispose]();
});

test("an input that makes no sense names its wrong field", async () => {
  const wrong: [body: unknown, field: RegExp][] = [
    [{ id: "x" }, /text or key/],
    [{ id: "x", text: "a", key: "enter" }, /text or key/],
    [{ id: "", text: "a" }, /^id:/],
    [{ id: "../x", text: "a" }, /^id:/],
    [{ id: "x", text: "" }, /^text:/],
    [{ id: "x", text: 7 }, /^text:/],
    [{ id: "x", key: "power_off" }, /^key:/],
    [{ id: "x", text: "a", mode: "shout" }, /^mode:/],
    [{ id: "x", text: "a".repeat(LIMITS.textChars + 1) }, /^text:/],
    [[], /^body:|^id:/],
    [null, /^body:/],
    [{ __proto__: null, id: { constructor: 1 }, text: "a" }, /^id:/],
  ];
  for (const [body, field] of wrong) {
    const { status, body: answer } = await phone.post(at("/input"), body);
    expect(status, JSON.stringify(body)?.slice(0, 60)).toBe(400);
    expect((answer.error as unknown as { message: string }).message).toMatch(field);
  }
});

test("SEC-073 a body over the limit is 413 before it is read, and deep nesting a plain 400", async () => {
  const headers = { "content-type": "application/json" };
  const send = (body: BodyInit) => phone.request("POST", at("/input"), { headers, body });
  // Also far over what the socket's own limit would be, and where nobody reads a body: our answer, with our headers.
  for (const path of [at("/input"), at("/interrupt"), "/api/pair"]) {
    for (const bytes of [LIMITS.bodyBytes + 1, 8 * LIMITS.bodyBytes, 200 * LIMITS.bodyBytes]) {
      const answer = await phone.request("POST", path, { headers, body: "x".repeat(bytes) });
      expect([answer.status, answer.body.error?.code], `${path} ${bytes}`).toEqual([413, "too_large"]);
      for (const name of HOUSE_HEADERS) expect(answer.headers.get(name), name).not.toBeNull();
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  }
  // Without a length, in pieces.
  const chunk = new TextEncoder().encode(" ".repeat(65_536));
  let left = 100;
  const pieces = new ReadableStream({ pull: (to) => (left-- > 0 ? to.enqueue(chunk) : to.close()) });
  const endless = await send(pieces);
  expect(endless.status).toBe(413);
  for (const name of HOUSE_HEADERS) expect(endless.headers.get(name), name).not.toBeNull();
  const deep = async () => {
    expect((await send("[".repeat(LIMITS.bodyBytes))).status).toBe(400);
    expect((await send(`{"id":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)).status).toBe(400);
    expect((await send("[".repeat(1_000_000))).status).toBe(413);
  };
  expect(await cpuMs(deep)).toBeLessThan(1_000);
  expect((await phone.get("/health")).status).toBe(200);
});

const HOUSE_HEADERS = [
  ...["content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy"],
  ...["cross-origin-opener-policy", "cross-origin-resource-policy", "cache-control"],
];

test("SEC-092 mutated requests are refused, and none is a 500", async () => {
  const paths = [at("/input"), at("/resize"), "/api/prompts/x/approve", "/api/prompts/x/answer", "/api/pair"];
  const odd = [
    "1e309",
    "-0",
    "9007199254740993",
    '"\\ud800"',
    '{"__proto__":{"a":1}}',
    '{"constructor":[]}',
    "[]",
    '""',
    "{",
    "\u0000",
  ];
  const headers = { "content-type": "application/json" };
  const statuses = new Set<number>();
  for (const path of paths) {
    for (const value of odd) {
      for (const body of [
        value,
        `{"id":${value},"text":${value},"code":${value},"name":${value},"digest":${value}}`,
      ]) {
        statuses.add((await phone.request("POST", path, { headers, body })).status);
      }
    }
  }
  for (const status of statuses) expect(status).toBeLessThan(500);
});

test("the page and its files are served with a strong tag, packed where that is understood", async () => {
  const body = new TextEncoder().encode("export const a = 1;");
  const assets = new Map([
    ["/", { type: "text/html", body: "<!doctype html>" }],
    ["/app.js", { type: "text/javascript", body, gzip: Bun.gzipSync(body) }],
    ["/part-p0c8ybh0.js", { type: "text/javascript", body }],
  ]);
  await using small = await testServer({ assets });
  const get = (path: string, headers: Record<string, string> = {}) => fetch(small.url + path, { headers });
  for (const path of ["/", "/pair", "/s/some-session", "/p/some-prompt"]) {
    const answer = await get(path);
    expect(await answer.text(), path).toBe("<!doctype html>");
    expect(answer.headers.get("content-type")).toBe("text/html");
  }
  const plainly = await get("/app.js", { "accept-encoding": "identity" });
  const packed = await get("/app.js", { "accept-encoding": "gzip" });
  expect([await plainly.text(), await packed.text()]).toEqual(["export const a = 1;", "export const a = 1;"]);
  const etags = [plainly, packed].map((answer) => answer.headers.get("etag") ?? "");
  expect(etags[0]).toMatch(/^"[\w-]{43}"$/);
  expect(new Set(etags).size).toBe(2);
  const again = await get("/app.js", { "accept-encoding": "identity", "if-none-match": etags[0] ?? "" });
  expect(again.status).toBe(304);
  expect(again.headers.get("content-security-policy")).toContain("default-src 'none'");
  // What is named by its contents is kept: a newer build does not take it from a page that stands open.
  const part = await get("/part-p0c8ybh0.js");
  expect([plainly, again, part].map(({ headers }) => headers.get("cache-control"))).toEqual([
    ...["no-cache", "no-cache", "public, max-age=31536000, immutable"],
  ]);
  expect((await get("/app.css")).status).toBe(404);
});

test("a long page of messages travels packed", async () => {
  const conversation = "talk" as ConversationId;
  const body = { time: 1, parts: [{ type: "text", text: "the same words again ".repeat(1_000) }] };
  link.say({ type: "message", message: { conversation, uuid: "long", seq: 0, role: "user", body } });
  await phone.until("it", () => phone.messages.some(({ uuid }) => uuid === "long"));
  const get = (encoding: string) =>
    fetch(`${server.url}${at("/messages?conversation=talk")}`, {
      headers: { cookie: phone.cookie, "accept-encoding": encoding },
      decompress: false,
    });
  const [plainly, small] = await Promise.all([get("identity"), get("gzip")]);
  expect(small.headers.get("content-encoding")).toBe("gzip");
  const [all, bytes] = [await plainly.text(), await small.bytes()];
  expect(bytes.length).toBeLessThan(all.length / 10);
  expect(Buffer.from(Bun.gunzipSync(bytes)).toString()).toBe(all);
});
