// Tokens: what each opens, for how long, who may make, see and end them; and an operator's, which opens the owner's routes.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type ApiToken, type AuditEntry, type DeskId, PROTOCOL } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { raw, statusOf } from "../testing/raw.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Changes } from "../testing/wait.ts";
import { LIMITS } from "./limits.ts";
import { newSecret } from "./logins.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const json = { "content-type": "application/json" };

let server: TestServer;
let phone: TestViewer;
beforeAll(async () => {
  server = await testServer();
  phone = await TestViewer.pair(server);
});
afterAll(() => server[Symbol.asyncDispose]());

type Made = { id: string; name: string; token: string; expires_at: number; error?: { code: string } };
const make = (name: string, scopes: string[], days?: number, at = server) =>
  at.admin("POST", "/tokens", { name, scopes, ...(days ? { days } : {}) }) as Promise<Made>;

/** A machine that may operate, as `device add --operate` lets it in. */
const operator = (name: string, at = server) =>
  at.admin("POST", "/devices", { name, operate: true }) as Promise<Made & { secret: string }>;

const ask = (token: string, path: string, init: RequestInit = {}, at = server) =>
  fetch(`${at.url}${path}`, {
    ...init,
    headers: { ...json, authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
  });
const statusFor = async (...args: Parameters<typeof ask>) => (await ask(...args)).status;

async function auditOf(subject: string, viewer = phone): Promise<AuditEntry[]> {
  const { entries } = (await viewer.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  return entries.filter((entry) => entry.subject === subject).reverse();
}

test("SEC-025 a token opens what its scopes say and nothing else", async () => {
  const { link, id } = await TestLink.session(server);
  using _link = link;
  const tokens = {
    read: (await make("reads", ["read"])).token,
    input: (await make("types", ["input"])).token,
    metrics: (await make("watches", ["metrics"])).token,
  };
  const text = { method: "POST", body: JSON.stringify({ id: "i1", text: "hello" }) };
  const key = { method: "POST", body: JSON.stringify({ id: "i2", key: "enter" }) };
  const table: [path: string, init: RequestInit, opens: keyof typeof tokens | null][] = [
    ["/api/sessions", {}, "read"],
    [`/api/sessions/${id}/messages`, {}, "read"],
    ["/api/prompts", {}, "read"],
    [`/api/sessions/${id}/input`, text, "input"],
    [`/api/sessions/${id}/input`, key, null], // Enter may be an answer: what no token may give.
    ["/metrics", {}, "metrics"],
    ["/events", {}, null],
    ["/api/audit", {}, null],
    ["/api/tokens", {}, null],
    ["/api/viewers", {}, null],
    ["/api/prompts/x/approve", { method: "POST", body: "{}" }, null],
    [`/api/sessions/${id}/stop`, { method: "POST", body: "{}" }, null],
    ["/operate/status", {}, null],
    ["/operate/pair", { method: "POST", body: "{}" }, null],
    ["/ws", {}, null],
  ];
  for (const [path, init, opens] of table)
    for (const [scope, token] of Object.entries(tokens))
      expect([path, scope, await statusFor(token, path, init)]).toEqual([
        path,
        scope,
        scope === opens ? 200 : 403,
      ]);
  expect((await link.next("input")).text).toBe("hello");
});

test("a token is shown once, kept as a hash, listed without it, and written down", async () => {
  const made = await make("once", ["input", "read", "read"], 3);
  expect(made.token).toMatch(/^crt_[\w-]{43}$/);
  const { tokens } = (await phone.get("/api/tokens")).body as unknown as { tokens: ApiToken[] };
  const listed = tokens.find(({ id }) => id === made.id);
  expect(listed).toEqual({
    ...{ id: made.id, name: "once", scopes: ["input", "read"], device_id: null },
    ...{ created_at: made.expires_at - 3 * DAY_MS, expires_at: made.expires_at, last_used: null },
  } as never);
  using database = new Database(join(server.data, "claude-remote.db"), { readonly: true });
  const everything = database
    .query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'messages_text%'")
    .all()
    .map((row) => JSON.stringify(database.query(`SELECT * FROM ${(row as { name: string }).name}`).all()));
  expect(everything.join()).toContain("once");
  expect(everything.join()).not.toContain(made.token.slice(4));
  await ask(made.token, "/api/sessions");
  const again = (await phone.get("/api/tokens")).body as unknown as typeof tokens & { tokens: ApiToken[] };
  expect(again.tokens.find(({ id }) => id === made.id)?.last_used).toBeGreaterThan(0);
  expect(await auditOf(made.id)).toMatchObject([
    { actor: "owner", action: "token created", detail: { token: "once", scopes: ["input", "read"] } },
  ]);
});

test("a paired phone takes a token away at once, and the owner too; a token can do neither", async () => {
  for (const by of ["phone", "owner"]) {
    const { id, token } = await make(`for ${by}`, ["read"]);
    expect(await statusFor(token, `/api/tokens/${id}`, { method: "DELETE" })).toBe(403);
    expect(await statusFor(token, "/api/sessions")).toBe(200);
    if (by === "phone") expect((await phone.request("DELETE", `/api/tokens/${id}`)).status).toBe(200);
    else await server.admin("DELETE", `/tokens/${id}`);
    expect(await statusFor(token, "/api/sessions")).toBe(401);
    expect((await phone.request("DELETE", `/api/tokens/${id}`)).status).toBe(404);
    const actor = by === "owner" ? "owner" : expect.stringMatching(/^viewer /);
    expect((await auditOf(id)).at(-1)).toMatchObject({ actor, action: "revoked" });
  }
});

test("a name, scopes and days that make no sense are refused, and so is one token too many", async () => {
  await using small = await testServer();
  const wrong = [
    { name: "", scopes: ["read"] },
    { name: "x\u0007", scopes: ["read"] },
    { name: "x".repeat(LIMITS.nameChars + 1), scopes: ["read"] },
    { name: "x", scopes: [] },
    { name: "x", scopes: ["approve"] },
    { name: "x", scopes: ["operate"] },
    { name: "x", scopes: ["read"], days: 0 },
    { name: "x", scopes: ["read"], days: 1.5 },
    { name: "x", scopes: ["read"], days: LIMITS.tokenMostDays + 1 },
  ];
  for (const body of wrong)
    expect(await small.admin("POST", "/tokens", body), JSON.stringify(body)).toMatchObject({
      error: { code: "invalid" },
    });
  for (let i = 0; i < LIMITS.tokens; i++) await make(`t${i}`, ["read"], undefined, small);
  expect(await make("more", ["read"], undefined, small)).toMatchObject({ error: { code: "invalid" } });
  expect(await operator("more", small)).toMatchObject({ error: { code: "invalid" } });
  expect(((await small.admin("GET", "/devices")).devices as unknown[]).length).toBe(1);
});

test("SEC-021 a token ends with its days, and a clock that was put back does not give it more", async () => {
  const clock = fakeClock();
  await using timed = await testServer({ clock });
  const begunAt = clock.now();
  const { token } = await make("short", ["read"], 2, timed);
  const standing = await make("standing", ["read"], undefined, timed);
  clock.advance(DAY_MS);
  expect(await statusFor(token, "/api/sessions", {}, timed)).toBe(200);
  clock.advance(-LIMITS.clockSlackMs - 1);
  expect(await statusFor(token, "/api/sessions", {}, timed)).toBe(401);
  clock.advance(LIMITS.clockSlackMs + 1);
  expect(await statusFor(token, "/api/sessions", {}, timed)).toBe(200);
  clock.advance(DAY_MS - 1);
  expect(await statusFor(token, "/api/sessions", {}, timed)).toBe(200);
  clock.advance(1);
  expect(await statusFor(token, "/api/sessions", {}, timed)).toBe(401);
  expect((await timed.admin("GET", "/tokens")).tokens).toMatchObject([{ name: "standing" }]);
  expect(standing.expires_at).toBe(begunAt + LIMITS.tokenDays * DAY_MS);
});

test("a token that is used is written down later; a GET changes nothing", async () => {
  const { id, token } = await make("quiet", ["read"]);
  const usedIn = () => {
    using database = new Database(join(server.data, "claude-remote.db"), { readonly: true });
    return (
      database.query("SELECT last_used FROM tokens WHERE id = ?").get(id) as { last_used: number | null }
    ).last_used;
  };
  await ask(token, "/api/sessions");
  expect(usedIn()).toBeNull();
  await server.restart();
  expect(usedIn()).toBeGreaterThan(0);
});

test("SEC-021 over plain http beyond this machine no token is taken but the metrics'", async () => {
  const at = async (options: Parameters<typeof testServer>[0], path: string, token: string) => {
    await using clear = await testServer({ host: "127.0.0.1", ...options });
    const made = await make("clear", token === "metrics" ? ["metrics"] : ["read"], undefined, clear);
    const { token: operates } = await operator("laptop", clear);
    const secret = token === "operate" ? operates : made.token;
    const head = `Host: box.lan:7000\r\nAuthorization: Bearer ${secret}\r\n`;
    return statusOf(await raw(clear.port, `GET ${path} HTTP/1.1\r\n${head}\r\n`));
  };
  const plain = { publicUrl: "http://box.lan:7000" };
  expect(await at(plain, "/api/sessions", "read")).toBe(403);
  expect(await at(plain, "/operate/status", "operate")).toBe(403);
  expect(await at(plain, "/metrics", "metrics")).toBe(200);
  const insecure = { ...plain, insecureHttp: true };
  expect(await at(insecure, "/api/sessions", "read")).toBe(200);
  expect(await at(insecure, "/operate/status", "operate")).toBe(200);
  const https = { publicUrl: "https://box.lan:7000" };
  expect(await at(https, "/operate/status", "operate")).toBe(200);
});

test("SEC-025 SEC-026 an operator's token opens the owner's routes and only those; a device's secret opens none", async () => {
  const laptop = await operator("laptop");
  const device = (await server.admin("POST", "/devices", { name: "reports only" })) as { secret: string };
  expect(device).not.toHaveProperty("token");
  const reader = (await make("just reads", ["read", "input", "metrics"])).token;
  const paths = ["/status", "/viewers", "/tokens", "/devices", "/sessions", "/pair"];
  for (const path of paths) {
    expect([path, await statusFor(laptop.token, `/operate${path}`)]).toEqual([path, 200]);
    for (const secret of [reader]) expect(await statusFor(secret, `/operate${path}`)).toBe(403);
    for (const secret of [device.secret, laptop.secret, newSecret()])
      expect(await statusFor(secret, `/operate${path}`)).toBe(401);
    expect((await fetch(`${server.url}/operate${path}`)).status).toBe(401);
    expect((await phone.get(`/operate${path}`)).status).toBe(403);
    for (const origin of [server.url, "https://evil.example", "null"])
      expect(await statusFor(laptop.token, `/operate${path}`, { headers: { origin } })).toBe(403);
    // Without the prefix it is nobody's, or one of the page's screens.
    const bare = await ask(laptop.token, path);
    expect([bare.status, bare.headers.get("content-type")]).not.toEqual([
      200,
      expect.stringContaining("json"),
    ]);
  }
  for (const path of ["/api/sessions", "/api/prompts", "/events", "/metrics", "/api/tokens"])
    expect([path, await statusFor(laptop.token, path)]).toEqual([path, 403]);
  expect(await statusFor(laptop.token, "/operate/shutdown", { method: "POST", body: "{}" })).toBe(404);
});

test("what an operator does is written down as its own", async () => {
  const laptop = await operator("named");
  const { tokens } = (await server.admin("GET", "/tokens")) as { tokens: ApiToken[] };
  const own = tokens.find(({ device_id }) => (device_id as string) === laptop.id);
  expect(own).toMatchObject({ name: "named", scopes: ["operate"] });
  const body = JSON.stringify({ name: "by laptop", scopes: ["read"] });
  const made = (await (await ask(laptop.token, "/operate/tokens", { method: "POST", body })).json()) as Made;
  const entry = { actor: `token ${own?.id}`, name: "named", address: "127.0.0.1" };
  expect(await auditOf(made.id)).toMatchObject([{ ...entry, action: "token created" }]);
  await ask(laptop.token, `/operate/tokens/${made.id}`, { method: "DELETE" });
  expect((await auditOf(made.id)).at(-1)).toMatchObject({ ...entry, action: "revoked" });
});

/** `attach`, from a machine that operates. */
class Far implements Disposable {
  readonly heard: { type: string }[] = [];
  closed = false;
  readonly #socket: WebSocket;
  readonly #changes = new Changes();

  constructor(session: string, headers: Record<string, string>, at = server) {
    const url = `${at.url.replace("http", "ws")}/operate/attach`;
    this.#socket = new WebSocket(url, { headers } as unknown as string);
    const size = { cols: 90, rows: 30, idle_ms: null };
    const hello = {
      type: "attach",
      protocol: PROTOCOL,
      session,
      desk: Bun.randomUUIDv7() as DeskId,
      ...size,
    };
    this.#socket.onopen = () => this.say(hello);
    this.#socket.onmessage = ({ data }) => {
      this.heard.push(JSON.parse(String(data)) as { type: string });
      this.#changes.changed();
    };
    this.#socket.onclose = () => {
      this.closed = true;
      this.#changes.changed();
    };
    this.#socket.onerror = () => {};
  }

  say(message: object) {
    this.#socket.send(JSON.stringify(message));
  }

  until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    return this.#changes.until(what, look);
  }

  [Symbol.dispose]() {
    this.#socket.close();
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("an operator attaches from elsewhere; its end, its machine's end and a larger message close it at once", async () => {
  // By this clock nobody looks whether a right has run out: whoever is closed was told so at once.
  await using still = await testServer({ clock: fakeClock() });
  const audits = await TestViewer.pair(still);
  const { link, id } = await TestLink.session(still);
  using _link = link;
  const ends = {
    token: async ({ id: device }: Made) => {
      const { tokens } = (await still.admin("GET", "/tokens")) as { tokens: ApiToken[] };
      const own = tokens.find(({ device_id }) => (device_id as string) === device);
      await still.admin("DELETE", `/tokens/${own?.id}`);
    },
    device: ({ id: device }: Made) => still.admin("DELETE", `/devices/${device}`),
  };
  for (const [what, end] of Object.entries(ends)) {
    const laptop = await operator(`attaches, ${what}`, still);
    using far = new Far(id, bearer(laptop.token), still);
    await far.until("the session", () => far.heard.some(({ type }) => type === "session"));
    expect(await link.next("desk")).toMatchObject({ cols: 90, rows: 30 });
    await end(laptop);
    await far.until("the close", () => far.closed);
    expect(far.heard.at(-1)).toMatchObject({ type: "refused" });
    expect(await link.next("desk_gone")).toMatchObject({ type: "desk_gone" });
    expect(await statusFor(laptop.token, "/operate/status", {}, still)).toBe(401);
    expect((await auditOf(id, audits)).at(-1)).toMatchObject({
      name: `attaches, ${what}`,
      action: "detached",
    });
  }
  const laptop = await operator("talks", still);
  using far = new Far(id, bearer(laptop.token), still);
  await far.until("the session", () => far.heard.some(({ type }) => type === "session"));
  far.say({ type: "keys", no: 1, first: 1, bytes: "A".repeat(300_000) });
  await far.until("the close", () => far.closed);
});

test("SEC-003 attaching is refused without an operator's token, and to every browser", async () => {
  const { link, id } = await TestLink.session(server);
  using _link = link;
  const { token } = await operator("for attaching");
  const reader = (await make("no desk", ["read"])).token;
  const refused = [
    {},
    bearer(reader),
    bearer("x".repeat(43)),
    { cookie: phone.cookie },
    { ...bearer(token), origin: server.url },
    { ...bearer(token), origin: "https://evil.example" },
  ];
  for (const headers of refused) {
    using far = new Far(id, headers as Record<string, string>);
    await far.until("the close", () => far.closed);
    expect(far.heard).toEqual([]);
  }
});

test("an operator's right ends by itself, also under an open terminal", async () => {
  const clock = fakeClock();
  await using timed = await testServer({ clock });
  const { link, id } = await TestLink.session(timed);
  using _link = link;
  const laptop = await operator("until then", timed);
  expect(laptop.expires_at).toBe(clock.now() + LIMITS.operatorDays * DAY_MS);
  {
    using database = new Database(join(timed.data, "claude-remote.db")); // Half a year is long, even for this clock.
    database.query("UPDATE tokens SET expires_at = ?").run(clock.now() + DAY_MS / 24);
  }
  using far = new Far(id, bearer(laptop.token), timed);
  await far.until("the session", () => far.heard.some(({ type }) => type === "session"));
  expect(await statusFor(laptop.token, "/operate/status", {}, timed)).toBe(200);
  clock.advance(DAY_MS / 24);
  await far.until("the close", () => far.closed);
  expect(await statusFor(laptop.token, "/operate/status", {}, timed)).toBe(401);
});
