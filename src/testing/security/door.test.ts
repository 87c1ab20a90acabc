// The whole table of the page's port, whatever stands beside the core: nobody gets in, from nowhere, by nothing.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config.ts";
import { annexesOf } from "../../serve.ts";
import type { Route } from "../../server/routes.ts";
import { fakeClock } from "../clock.ts";
import { prompt, TestLink } from "../link.ts";
import { raw, statusOf } from "../raw.ts";
import { type TestServer, testServer } from "../server.ts";
import { TestViewer } from "../viewer.ts";

/** Hundreds of requests, each on a connection of its own and one after another: seconds, on a busy machine half a minute. */
setDefaultTimeout(180_000);

const METRICS_TOKEN = "a-metrics-token-of-this-test";
/** What anybody may ask for: the page's files, health, and the code of a pairing. */
const PUBLIC = ["GET /health", "POST /api/pair"];
const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const json = { "content-type": "application/json" };

let server: TestServer;
let viewer: TestViewer;
let link: TestLink;
/** Ids as they stand in addresses, by the room that the address names. */
const ids: Record<string, string> = {};

/** With everything that stands beside the core. */
const options = () => ({
  annexes: annexesOf(loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere" })),
  metricsToken: METRICS_TOKEN,
});

beforeAll(async () => {
  server = await testServer(options());
  viewer = await TestViewer.pair(server);
  const stated = await TestLink.session(server);
  link = stated.link.beats();
  const asked = await link.ask(prompt());
  Object.assign(ids, { sessions: stated.id, prompts: asked.id });
});
afterAll(async () => {
  link[Symbol.dispose]();
  await server.stop();
});

/** The address of a route, with real ids where there are some. */
const addressOf = ({ path }: Route, known = ids) =>
  path.replace(/([\w-]+)\/:\w+/g, (_, room) => `${room}/${known[room] ?? "x1"}`).replace(/:\w+/g, "x1");
const isAsset = (route: Route) => route.who.includes("public") && !PUBLIC.includes(title(route));
const isViewers = ({ who }: Route) => who.includes("viewer") || who.includes("public");
const body = (method: string) => (method === "GET" ? {} : { headers: json, body: "{}" });
const title = (route: Route) => `${route.method} ${route.path}`;

const nobody = () => new TestViewer(server, "");

/** A request as bytes, for headers that no client of ours would send. */
function ask(route: { method: string }, path: string, headers: Record<string, string>, sent = "") {
  const all = { host: `127.0.0.1:${server.port}`, connection: "close", ...headers };
  const length: Record<string, string> = sent ? { "content-length": String(sent.length) } : {};
  const lines = Object.entries({ ...all, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return raw(server.port, `${route.method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${sent}`);
}

test("G1 every route says who may use it, and without credentials all but the short public list is 401", async () => {
  const open: string[] = [];
  expect(server.routes.length).toBeGreaterThan(35);
  for (const route of server.routes) {
    expect(route.who.length, title(route)).toBeGreaterThan(0);
    for (const who of route.who) expect(who, title(route)).toMatch(/^(public|viewer|device|token:[a-z_]+)$/);
    if (isAsset(route)) expect(route.method).toBe("GET");
    else if (route.who.includes("public")) open.push(title(route));
    else if (!route.who.includes("device")) {
      const { status } = await nobody().request(route.method, addressOf(route), body(route.method));
      expect(status, title(route)).toBe(401);
    }
  }
  expect(open.sort()).toEqual([...PUBLIC].sort());
  expect(server.routes.filter(({ who }) => who.includes("device")).map(({ path }) => path)).toEqual(["/ws"]);
});

test("G1 SEC-017 no secret in an address, a body or a header of another name opens a route", async () => {
  const secret = viewer.cookie.split("=")[1] ?? "";
  const query = ["token", "access_token", "cr", "key", "auth"].map((name) => `${name}=${secret}`).join("&");
  const headers = { "x-token": secret, "x-api-key": secret, "x-cr": secret, cookie2: viewer.cookie };
  for (const route of server.routes) {
    if (route.who.includes("public") || route.who.includes("device")) continue;
    const sent = route.method === "GET" ? {} : { body: JSON.stringify({ token: secret, cr: secret }) };
    const address = `${addressOf(route)}?${query}`;
    const answer = await nobody().request(route.method, address, {
      headers: { ...json, ...headers },
      ...sent,
    });
    expect(answer.status, title(route)).toBe(401);
  }
});

test("SEC-002 a Host that is not ours gets 421 and nothing, on every route there is, the upgrade too", async () => {
  const evil = ["evil.example", "192.0.2.7", `localhost.evil.example:${server.port}`];
  const bad = ["", `127.0.0.1:${server.port}@evil.example`, `127.0.0.1:${server.port}/x`, "[::1", "::1"];
  for (const route of server.routes) {
    const upgrade = route.who.includes("device") ? UPGRADE : {};
    for (const host of evil) {
      const answer = await ask(route, addressOf(route), { host, cookie: viewer.cookie, ...upgrade });
      expect(statusOf(answer), `${title(route)} ${host}`).toBe(421);
      expect(answer.split("\r\n\r\n")[1], title(route)).toBe("");
    }
  }
  for (const host of bad)
    expect([400, 421]).toContain(
      statusOf(await ask({ method: "GET" }, "/", { host, cookie: viewer.cookie })),
    );
  for (const host of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
    expect(statusOf(await ask({ method: "GET" }, "/", { host: `${host}:${server.port}` }))).toBe(200);
});

test("SEC-003 no upgrade from a page: another site's, nobody's, our own; with a login or without", async () => {
  for (const origin of ["https://evil.example", "null", "", server.url, `${server.url}.evil.example`]) {
    for (const login of [{}, { cookie: viewer.cookie }]) {
      const answer = await ask({ method: "GET" }, "/ws", { origin, ...UPGRADE, ...login });
      expect(statusOf(answer), `origin ${origin}`).toBe(403);
    }
  }
  // A login is of another kind, on whatever route an upgrade is tried.
  for (const path of ["/ws", "/events", "/", "/api/sessions"]) {
    const answer = await ask({ method: "GET" }, path, { cookie: viewer.cookie, ...UPGRADE });
    expect(statusOf(answer), path).not.toBe(101);
  }
});

test("SEC-004 SEC-006 with a valid login, what another site sends is 403 on every route behind the login", async () => {
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example", ...json },
    { origin: "null", ...json },
    { origin: `http://127.0.0.1:${server.port + 1}`, ...json },
    { "sec-fetch-site": "cross-site", ...json },
    { "sec-fetch-site": "same-site", ...json },
  ];
  const forms = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "Text/Plain; x=y"];
  for (const route of server.routes) {
    if (isAsset(route) || route.path === "/health") continue;
    const writes = route.method !== "GET";
    const tries = writes ? [...foreign, ...forms.map((type) => ({ "content-type": type }))] : foreign;
    for (const headers of tries) {
      const sent = writes ? { body: "{}" } : {};
      const { status } = await viewer.request(route.method, addressOf(route), { headers, ...sent });
      expect(status, `${title(route)} ${JSON.stringify(headers)}`).toBe(403);
    }
  }
  expect((await viewer.get("/api/sessions")).status).toBe(200);
});

test("SEC-004 no GET and no HEAD of any route changes anything in the database", async () => {
  // By this clock it never comes to the minute at which the server writes down who was there.
  await using still = await testServer({ ...options(), clock: fakeClock() });
  const own = await TestViewer.pair(still);
  const { link: session, id } = await TestLink.session(still);
  using _ = session;
  const known = { sessions: id, prompts: (await session.ask(prompt())).id };
  const database = new Database(join(still.data, "claude-remote.db"), { readonly: true });
  const names = database.query("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
    name: string;
  }[];
  const dump = () => names.map(({ name }) => [name, database.query(`SELECT * FROM "${name}"`).all()]);
  const before = dump();
  expect(before.length).toBeGreaterThan(10);
  for (const route of still.routes) {
    if (route.method !== "GET" || route.live) continue;
    for (const verb of ["GET", "GET", "HEAD"])
      expect((await own.request(verb, addressOf(route, known))).status, title(route)).toBeLessThan(500);
  }
  expect(dump()).toEqual(before);
  database.close();
});

test("SEC-005 no answer of any route allows another origin, asked before or with the request itself", async () => {
  const headers = {
    origin: "https://evil.example",
    "access-control-request-method": "POST",
    cookie: viewer.cookie,
  };
  for (const route of server.routes) {
    for (const method of ["OPTIONS", route.method]) {
      const init = method === "OPTIONS" ? { headers } : { headers, ...body(method) };
      const answer = await nobody().request(method, addressOf(route), {
        ...init,
        headers: { ...json, ...headers },
      });
      const allowed = [...answer.headers.keys()].filter((name) => name.startsWith("access-control"));
      expect(allowed, title(route)).toEqual([]);
      if (method === "OPTIONS") expect([403, 405], title(route)).toContain(answer.status);
    }
  }
});

test("SEC-007 nothing redirects anywhere, whatever is asked for, and nothing is built from what a client says", async () => {
  const nexts = [
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "%2f%2fevil",
  ];
  const claims = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-original-url": "//evil.example",
    forwarded: "host=evil.example;proto=https",
    referer: "https://evil.example/",
  };
  const paths = [
    ...new Set(
      server.routes.filter(({ method, live }) => method === "GET" && !live).map((route) => addressOf(route)),
    ),
  ];
  for (const path of [...paths, "//evil.example", "/%2f%2fevil.example", "/..//evil.example", "/nowhere"]) {
    for (const next of nexts) {
      const query = ["next", "url", "redirect", "return_to"].map((name) => `${name}=${next}`).join("&");
      const answer = await ask({ method: "GET" }, `${path}?${query}`, { cookie: viewer.cookie, ...claims });
      const [head = "", text = ""] = answer.split("\r\n\r\n");
      expect(statusOf(answer), path).not.toBe(0);
      expect(Math.floor(statusOf(answer) / 100), path).not.toBe(3);
      expect(head.toLowerCase(), path).not.toContain("\nlocation:");
      expect(head + text, path).not.toContain("evil");
    }
  }
});

test("SEC-008 on every path a method that it has not is 405, and any other content type 415", async () => {
  const known = new Map<string, Set<string>>();
  for (const route of server.routes) {
    const methods = known.get(route.path) ?? new Set();
    known.set(route.path, methods.add(route.method));
  }
  for (const [path, methods] of known) {
    const address = addressOf({ path } as Route);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"]) {
      if (methods.has(method) || path === "/ws") continue;
      const answer = await ask({ method }, address, { cookie: viewer.cookie });
      expect([400, 405], `${method} ${path}`).toContain(statusOf(answer));
      if (method !== "CONNECT") expect(statusOf(answer), `${method} ${path}`).toBe(405);
    }
  }
  for (const route of server.routes) {
    if (!route.schema || !isViewers(route)) continue;
    for (const type of ["text/xml", "application/jsonx", "text/html", ""]) {
      const headers = type ? { "content-type": type } : { "content-type": "" };
      const sent = { headers, body: "{}" };
      const { status } = await viewer.request(route.method, addressOf(route), sent);
      expect(status, `${title(route)} ${type}`).toBe(415);
    }
  }
});

test("SEC-010 every answer of every route carries the headers of the house, refused or not", async () => {
  for (const route of server.routes) {
    if (route.path === "/ws" || (route.live && route.method === "GET")) continue;
    for (const who of [viewer, nobody()]) {
      if (who === viewer && route.path === "/api/logout") continue;
      const { headers } = await who.request(route.method, addressOf(route), body(route.method));
      const csp = headers.get("content-security-policy") ?? "";
      for (const part of [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "trusted-types-for",
      ])
        expect(csp, title(route)).toContain(part);
      expect(csp, title(route)).not.toContain("unsafe");
      expect(headers.get("x-content-type-options"), title(route)).toBe("nosniff");
      expect(headers.get("referrer-policy"), title(route)).toBe("no-referrer");
      expect(headers.get("cross-origin-opener-policy"), title(route)).toBe("same-origin");
      expect(headers.get("cross-origin-resource-policy"), title(route)).toBe("same-origin");
      expect(headers.get("cache-control"), title(route)).toMatch(
        isAsset(route) ? /no-cache|no-store/ : /^no-store$/,
      );
    }
  }
});

test("SEC-014 no header of a proxy or a sign-on service is a login, on no route", async () => {
  const claims = {
    ...{
      "tailscale-user-login": "me@example.com",
      "cf-access-jwt-assertion": "e30.e30.x",
      "remote-user": "me",
    },
    ...{
      "x-remote-user": "me",
      "x-forwarded-user": "me",
      "x-auth-request-user": "me",
      "x-webauth-user": "me",
    },
    ...{
      "x-forwarded-for": "127.0.0.1",
      "x-real-ip": "::1",
      forwarded: "for=127.0.0.1",
      "x-ssl-client-verify": "SUCCESS",
    },
  };
  for (const route of server.routes) {
    if (route.who.includes("public") || route.who.includes("device")) continue;
    const sent = route.method === "GET" ? {} : { body: "{}" };
    const { status } = await nobody().request(route.method, addressOf(route), {
      headers: { ...json, ...claims },
      ...sent,
    });
    expect(status, title(route)).toBe(401);
  }
});

test("SEC-025 the metrics token opens the metrics and no other route", async () => {
  const headers = { ...json, authorization: `Bearer ${METRICS_TOKEN}` };
  for (const route of server.routes) {
    if (route.who.includes("public")) continue;
    const sent = route.method === "GET" ? {} : { body: "{}" };
    const { status } = await nobody().request(route.method, addressOf(route), { headers, ...sent });
    expect(status, title(route)).toBe(route.path === "/metrics" ? 200 : 403);
  }
});

test("SEC-025 a browser's login opens neither the metrics nor the wrappers' channel", async () => {
  expect((await viewer.get("/metrics")).status).toBe(403);
  expect(statusOf(await ask({ method: "GET" }, "/ws", { cookie: viewer.cookie, ...UPGRADE }))).toBe(403);
});

test("SEC-085 SEC-062 quotes, NUL, broken encodings and lone bytes in any address are no 500 on any route", async () => {
  const odd = [
    "'--",
    "%27%20OR%201=1",
    "%00",
    "%ff%fe",
    "%c0%af",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%",
    "%zz",
  ];
  for (const route of server.routes) {
    if (route.method !== "GET" || route.live || route.path === "/ws") continue;
    const names = ["session", "before", "limit", "q", "conversation", "viewer", "cursor"];
    const paths = odd.flatMap((one) => {
      const query = names.map((name) => `${name}=${one}`).join("&");
      return [route.path.replace(/:\w+/g, one), `${addressOf(route)}?${query}`];
    });
    for (const path of new Set(paths)) {
      const status = statusOf(await ask(route, path, { cookie: viewer.cookie }));
      const allowed = isViewers(route) ? [200, 400, 404] : [403, 404];
      expect(allowed, path).toContain(status);
    }
  }
});

test("SEC-067 no address leads to a file of the machine, however it is written", async () => {
  const up = [
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "....//",
    "..;/",
    "%c0%ae%c0%ae/",
  ];
  const targets = ["etc/passwd", "proc/self/environ", "master.key", "claude-remote.db", "push.key"];
  const absolute = [
    "//etc/passwd",
    "/~/",
    "/~root/.ssh/id_rsa",
    "/%00/etc/passwd",
    "/app.js%00.html",
    "/file:///etc/passwd",
  ];
  const paths = [
    ...absolute,
    ...["/", "/icons/", "/api/sessions/", `/api/sessions/${ids.sessions}/`].flatMap((from) =>
      up.flatMap((step) => targets.map((target) => `${from}${step.repeat(6)}${target}`)),
    ),
  ];
  const key = readFileSync(join(server.data, "master.key")).toString("latin1");
  for (const path of paths) {
    const answer = await ask({ method: "GET" }, path, { cookie: viewer.cookie });
    expect([400, 404], path).toContain(statusOf(answer));
    for (const secret of ["root:", "PATH=", "SQLite format", key])
      expect(answer.includes(secret), path).toBe(false);
  }
});

test("SEC-068 what a viewer hands over is served to nobody: no route gives a file back", () => {
  const files = server.routes.filter(({ path }) => /file|upload|attachment|download/.test(path));
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter(({ method }) => method === "GET").map(title)).toEqual([]);
});
