import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { PromptState, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { statement, TestLink } from "../testing/link.ts";
import { raw, statusOf } from "../testing/raw.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { api } from "./api.ts";
import { LIMITS } from "./limits.ts";

let server: TestServer;
let viewer: TestViewer;
let link: TestLink;
let session: SessionId;

beforeAll(async () => {
  server = await testServer();
  viewer = await TestViewer.pair(server);
  ({ link, id: session } = await TestLink.session(server));
  link.beats();
});
afterAll(async () => {
  link[Symbol.dispose]();
  await server.stop();
});

/** Every route there is, with ids filled in. */
function table(): { method: string; path: string; who: readonly string[] }[] {
  const parts = new Proxy({} as Parameters<typeof api>[0], {
    get: (_, name) => (name === "assets" ? new Map() : {}),
  });
  return api(parts).map(({ method, path, who }) => ({ method, who, path: path.replace(":id", "x1") }));
}

const json = { "content-type": "application/json" };

test("SEC-001 only 127.0.0.1 and ::1 listen, by the system's own list", () => {
  const hex = server.port.toString(16).toUpperCase().padStart(4, "0");
  const listening = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${hex}`))
      .map(([, local]) => local?.split(":")[0]),
  );
  const loopback = ["0100007F", "00000000000000000000000001000000"];
  expect(listening.length).toBeGreaterThan(0);
  expect(listening.filter((address) => !loopback.includes(address ?? ""))).toEqual([]);
});

test("SEC-001 ::1 answers like 127.0.0.1, each under its own name", async () => {
  for (const name of ["127.0.0.1", "localhost", "[::1]"]) {
    expect((await fetch(`http://${name}:${server.port}/health`)).status).toBe(200);
  }
});

test("G1 everything but the short public list is 401 without credentials", async () => {
  const open: string[] = [];
  for (const { method, path, who } of table()) {
    const { status } = await fetch(server.url + path, {
      method,
      headers: json,
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    if (who.includes("public")) open.push(`${method} ${path}`);
    else expect(status, `${method} ${path}`).toBe(401);
  }
  expect(open).toEqual(["GET /health", "POST /api/pair"]);
});

test("SEC-002 a Host that is not ours gets 421 and nothing, on every kind of route", async () => {
  const hosts = [
    "evil.example",
    "127.0.0.2",
    `127.0.0.1:${server.port + 1}`,
    "localhost",
    "",
    "a b",
    "127.0.0.1.",
    "%00",
  ];
  for (const host of hosts) {
    for (const path of ["/", "/app.js", "/api/sessions", "/events", "/ws", "/nowhere"]) {
      const answer = await raw(
        server.port,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${viewer.cookie}\r\n\r\n`,
      );
      expect(statusOf(answer), `${host} ${path}`).toBe(421);
      expect(answer.split("\r\n\r\n")[1]).toBe("");
    }
  }
});

test("SEC-002 two Hosts, or none, are refused", async () => {
  const own = `Host: 127.0.0.1:${server.port}\r\n`;
  expect(statusOf(await raw(server.port, `GET / HTTP/1.1\r\n${own}Host: evil.example\r\n\r\n`))).toBe(421);
  expect(statusOf(await raw(server.port, "GET / HTTP/1.1\r\n\r\n"))).toBe(400);
});

test("SEC-003 the wrappers' channel refuses every Origin, its own as well, and a login", async () => {
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
  const ask = (more: string) =>
    raw(server.port, `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${upgrade}${more}\r\n`);
  for (const origin of ["https://evil.example", "null", server.url, ""]) {
    expect(statusOf(await ask(`Origin: ${origin}\r\n`)), `origin ${origin}`).toBe(403);
  }
  expect(statusOf(await ask(`Cookie: ${viewer.cookie}\r\n`))).toBe(403);
  expect(statusOf(await ask(""))).toBe(101);
});

test("SEC-004 what another site can send changes nothing, with a valid login", async () => {
  const path = "/api/logout";
  const tries: Record<string, string>[] = [
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "multipart/form-data; boundary=x" },
    { "content-type": "text/plain" },
    { ...json, origin: "https://evil.example" },
    { ...json, origin: "null" },
    { ...json, origin: `http://127.0.0.1:${server.port + 1}` },
    { ...json, origin: `https://127.0.0.1:${server.port}` },
    { ...json, "sec-fetch-site": "cross-site" },
    { ...json, "sec-fetch-site": "same-site" },
    { ...json, "sec-fetch-site": "none" },
  ];
  for (const headers of tries) {
    const { status } = await viewer.request("POST", path, { headers, body: "{}" });
    expect(status, JSON.stringify(headers)).toBe(403);
  }
  expect((await viewer.get("/api/sessions")).status).toBe(200);
});

test("SEC-004 no GET and no HEAD changes anything in the database", async () => {
  // By this clock it never comes to the minute at which the server writes down who was there.
  await using still = await testServer({ clock: fakeClock() });
  const own = await TestViewer.pair(still);
  const { link: its, id } = await TestLink.session(still);
  const database = new Database(join(still.data, "claude-remote.db"), { readonly: true });
  const tables = database.query("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
    name: string;
  }[];
  const dump = () => tables.map(({ name }) => database.query(`SELECT * FROM ${name}`).all());
  const before = dump();
  for (const { method, path } of table()) {
    if (method !== "GET" || path === "/events") continue;
    const real = path.replace("x1", id);
    for (const verb of ["GET", "GET", "HEAD"])
      expect((await own.request(verb, real)).status).toBeLessThan(500);
  }
  await own.listen(id);
  own.leave();
  expect(dump()).toEqual(before);
  database.close();
  its[Symbol.dispose]();
});

test("SEC-005 no answer ever allows another origin", async () => {
  for (const path of ["/", "/api/sessions", "/api/pair", "/events", "/health", "/nowhere"]) {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const answer = await fetch(server.url + path, { method: "OPTIONS", headers });
    expect([403, 404, 405]).toContain(answer.status);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

test("SEC-006 an event stream for another origin is refused before its first byte", async () => {
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
    const { status, body } = await viewer.request("GET", "/events", { headers });
    expect(status).toBe(403);
    expect(body.error?.code).toBe("forbidden");
  }
});

test("a link from another site opens the page, and shows nothing of what is behind the login", async () => {
  const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  expect((await viewer.request("GET", "/", { headers })).status).toBe(200);
  expect((await viewer.request("GET", "/api/sessions", { headers })).status).toBe(403);
});

test("SEC-008 odd methods are 405, unknown paths a constant 404, wrong types 415", async () => {
  const host = `Host: 127.0.0.1:${server.port}\r\nCookie: ${viewer.cookie}\r\n`;
  for (const line of [
    "TRACE /",
    "CONNECT /",
    "PUT /api/sessions",
    "DELETE /health",
    "POST /events",
    "HEAD /events",
  ]) {
    expect(statusOf(await raw(server.port, `${line} HTTP/1.1\r\n${host}\r\n`)), line).toBe(405);
  }
  const missing = await Promise.all(
    ["/nowhere", "/api/../etc/passwd", "/%2e%2e/x", "/api/sessions/a%2fb", "/%00"].map(
      viewer.get.bind(viewer),
    ),
  );
  expect(missing.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  expect(new Set(missing.map(({ body }) => body.error && { ...body.error, request: "" })).size).toBe(5);
  for (const type of ["text/xml", "application/jsonx", ""]) {
    const headers = { "content-type": type };
    expect((await viewer.request("POST", "/api/pair", { headers, body: "{}" })).status, type).toBe(415);
  }
});

test("SEC-009 an exception in a handler says nothing of the inside", async () => {
  const assets = new Map([["/", { type: "text/html", body: "x" }]]);
  await using broken = await testServer({ assets });
  const paired = await TestViewer.pair(broken);
  const database = new Database(join(broken.data, "claude-remote.db"));
  database.run("DROP TABLE prompts");
  database.close();
  const { status, body, headers } = await paired.get("/api/prompts?open=1");
  expect(status).toBe(500);
  expect(body).toEqual({
    error: { code: "internal", message: expect.any(String), request: expect.any(String) },
  } as never);
  expect(JSON.stringify(body)).not.toMatch(/prompts|SELECT|SQL|\/|\.ts|at /);
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
});

test("SEC-010 every response carries the headers of the house", async () => {
  const paths = ["/", "/app.js", "/health", "/api/sessions", "/nowhere", "/api/pair"];
  const all = await Promise.all(paths.map((path) => viewer.get(path)));
  all.push(await new TestViewer(server, "").get("/api/sessions"));
  all.push(
    await viewer.request("POST", "/api/pair", { headers: { "content-type": "text/plain" }, body: "x" }),
  );
  for (const { headers, status } of all) {
    const csp = headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(csp, String(status)).toContain(part);
    }
    expect(csp).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("cache-control")).toMatch(/no-store|no-cache/);
  }
  expect((await viewer.get("/api/sessions")).headers.get("cache-control")).toBe("no-store");
  const misdirected = await raw(server.port, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n");
  expect(misdirected.toLowerCase()).toContain("content-security-policy: default-src 'none'");
  const events = await fetch(`${server.url}/events`, { headers: { cookie: viewer.cookie } });
  expect(events.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(events.headers.get("cache-control")).toBe("no-store");
  await events.body?.cancel();
});

test("SEC-013 SEC-014 loopback is no login, nor is what a proxy or a client says of itself", async () => {
  const claims = {
    "x-forwarded-for": "127.0.0.1",
    "tailscale-user-login": "me",
    "remote-user": "me",
    "cf-access-jwt-assertion": "x",
  };
  const { status } = await new TestViewer(server, "").request("GET", "/api/sessions", { headers: claims });
  expect(status).toBe(401);
});

test("SEC-015 what is there twice is refused, never the first one taken", async () => {
  const ask = (more: string) =>
    raw(server.port, `GET /api/sessions HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${more}\r\n`);
  const twice = [
    `Cookie: ${viewer.cookie}; cr=other\r\n`,
    `Cookie: ${viewer.cookie}\r\nCookie: ${viewer.cookie}\r\n`,
    `Cookie: cr=other; ${viewer.cookie}\r\n`,
    `Authorization: Bearer x\r\nAuthorization: Bearer y\r\n`,
    `Cookie: ${viewer.cookie}\r\nAuthorization: Basic eDp5\r\n`,
  ];
  for (const headers of twice) expect(statusOf(await ask(headers)), headers).toBe(401);
  expect(statusOf(await ask(`Cookie: ${viewer.cookie}\r\n`))).toBe(200);
  const lengths = "Content-Length: 2\r\nContent-Length: 3\r\n";
  const post = `POST /api/pair HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${lengths}\r\n{} `;
  expect(statusOf(await raw(server.port, post))).toBe(400);
});

test("SEC-017 a secret in the address is not a credential", async () => {
  const secret = viewer.cookie.split("=")[1] ?? "";
  const nobody = new TestViewer(server, "");
  for (const name of ["token", "access_token", "cr", "cookie"]) {
    expect((await nobody.get(`/api/sessions?${name}=${secret}`)).status).toBe(401);
  }
});

test("SEC-025 a credential opens only what it is for", async () => {
  const { token: secret } = await server.admin("POST", "/tokens", { name: "reader", scopes: ["read"] });
  const token = new TestViewer(server, "");
  const ask = (method: string, path: string, more = {}) =>
    token.request(method, path, { headers: { authorization: `Bearer ${secret}`, ...json }, ...more });
  expect((await ask("GET", "/api/sessions")).status).toBe(200);
  const refused = [
    "GET /events",
    "GET /api/viewers",
    "POST /api/logout",
    "POST /api/prompts/x/approve",
    `POST /api/sessions/${session}/input`,
  ];
  for (const route of refused) {
    const [method = "", path = ""] = route.split(" ");
    expect((await ask(method, path, method === "POST" ? { body: "{}" } : {})).status, route).toBe(403);
  }
  const wrong = await token.request("GET", "/api/sessions", {
    headers: { authorization: `Bearer ${"x".repeat(43)}` },
  });
  expect(wrong.status).toBe(401);
  // A device's secret is for the handshake and is no login.
  const master = readFileSync(join(server.data, "master.key")).toString("base64url");
  expect(
    (await token.request("GET", "/api/sessions", { headers: { authorization: `Bearer ${master}` } })).status,
  ).toBe(401);
});

/** Sends the beginning of a request; the returned function sends the rest, and resolves with how the answer begins. */
async function begun(text: string): Promise<(rest: Uint8Array | string) => Promise<string>> {
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  await new Promise((resolve) => socket.write(text, resolve));
  await viewer.get("/health"); // What came before this is being handled by now.
  return async (rest) => {
    const answered = once(socket, "data");
    socket.write(rest);
    const [answer] = await answered;
    socket.destroy();
    return String(answer);
  };
}

test("SEC-023 a request whose body comes after its phone was revoked, or its token, does nothing", async () => {
  const lost = await TestViewer.pair(server, "Lost");
  const { own } = (await lost.get("/api/viewers")).body;
  const token = await server.admin("POST", "/tokens", { name: "lost", scopes: ["input"] });
  const asked = await link.ask();
  const answer = JSON.stringify({ digest: asked.digest, answer_id: "slow" });
  const input = JSON.stringify({ id: "slow", text: "do it" });
  const head = (path: string, credential: string, type: string, bytes: number) =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${credential}\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}\r\n\r\n`;
  const cookie = `Cookie: ${lost.cookie}`;
  const bearer = `Authorization: Bearer ${token.token}`;
  const [approve, type, file] = await Promise.all([
    begun(head(`/api/prompts/${asked.id}/approve`, cookie, "application/json", answer.length)),
    begun(head(`/api/sessions/${session}/input`, bearer, "application/json", input.length)),
    begun(
      head(`/api/sessions/${session}/files?id=f&name=f&size=2&at=0`, cookie, "application/octet-stream", 2),
    ),
  ]);
  await server.admin("DELETE", `/viewers/${own}`);
  await server.admin("DELETE", `/tokens/${token.id}`);
  for (const late of [approve(answer), type(input), file("ab")]) expect(statusOf(await late)).toBe(401);
  const { prompts } = (await viewer.get("/api/prompts?open=1")).body as unknown as { prompts: PromptState[] };
  expect(prompts.map(({ id }) => id)).toContain(asked.id);
  await link.ask(); // After this whatever it was sent has come.
  const sent = ["answer", "input", "file"];
  expect(link.heard.filter(({ type }) => sent.includes(type))).toEqual([]);
});

test("SEC-082 health says ok and the version, and metrics are for nobody", async () => {
  const nobody = new TestViewer(server, "");
  expect((await nobody.get("/health")).body).toEqual({ ok: true, version: "0.0.0-test" } as never);
  expect((await nobody.get("/metrics")).status).toBe(401);
});

test("a viewer that writes more than anybody types is slowed down, and nobody else", async () => {
  await using calm = await testServer({ clock: fakeClock() }); // All of it in one moment, however busy the machine is.
  const busy = await TestViewer.pair(calm, "Busy");
  const other = await TestViewer.pair(calm, "Other");
  const statuses = new Set<number>();
  for (let i = 0; i < 450; i += 50) {
    const some = await Promise.all(
      Array.from({ length: 50 }, () => busy.post("/api/prompts/none/approve", {})),
    );
    for (const { status } of some) statuses.add(status);
  }
  expect([...statuses]).toEqual([400, 429]);
  const refused = await busy.post("/api/prompts/none/approve", {});
  const seconds = refused.headers.get("retry-after") ?? "";
  expect(seconds).toMatch(/^([1-9]|10)$/);
  expect(refused.body.error).toMatchObject({
    message: expect.stringContaining(`Try again in ${seconds} s.`),
  });
  expect((await other.post("/api/prompts/none/approve", {})).status).toBe(400);
});

test("SEC-078 a frame over the limit closes the connection, and nothing else", async () => {
  const { link: big } = await TestLink.session(server, statement());
  big.sayText("x".repeat(LIMITS.frameBytes + 1));
  await big.until("the close", () => big.closed);
  expect((await viewer.get("/health")).status).toBe(200);
});
