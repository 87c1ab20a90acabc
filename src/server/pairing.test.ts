import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "../testing/clock.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { front } from "./front.ts";
import { LIMITS } from "./limits.ts";
import { cookieOf, Logins, setCookie } from "./logins.ts";
import { Pairing } from "./pairing.ts";
import { Store } from "./store.ts";

const DAY = 86_400_000;

const nobody = (server: TestServer) => new TestViewer(server, "");

/** A phone enters the code, the owner says yes, the phone asks again. */
async function pairWithYes(server: TestServer, name: string) {
  const { code } = await server.admin("POST", "/pair", {});
  const first = await nobody(server).post("/api/pair", { code, name });
  const { check, claim } = first.body as Record<string, string>;
  const asked = await server.admin("GET", "/pair");
  await server.admin("POST", "/pair/confirm", { check });
  const second = await nobody(server).post("/api/pair", { code, name, claim });
  return { code, first, asked, second };
}

test("SEC-019 a phone is in only after the yes to the two digits that both sides show", async () => {
  await using server = await testServer();
  const { first, asked, second } = await pairWithYes(server, "iPhone");
  expect(first).toMatchObject({
    status: 200,
    body: { status: "pending", check: expect.stringMatching(/^\d\d$/) },
  });
  expect(first.headers.get("set-cookie")).toBeNull();
  expect(asked).toMatchObject({
    state: "requested",
    name: "iPhone",
    address: "127.0.0.1",
    check: first.body.check,
  });
  expect(second).toMatchObject({ status: 200, body: { status: "paired", viewer: { name: "iPhone" } } });
  const viewer = new TestViewer(server, second.headers.get("set-cookie")?.split(";")[0] ?? "");
  expect((await viewer.get("/api/sessions")).status).toBe(200);
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "paired", viewer: { name: "iPhone" } });
});

test("SEC-019 every other viewer is told of a new one", async () => {
  await using server = await testServer();
  const old = await TestViewer.pair(server, "Old");
  await old.listen();
  await TestViewer.pair(server, "New");
  const seen = await old.until("both viewers", () => old.viewers.length === 2 && old.viewers);
  expect(seen.map(({ name }) => name)).toEqual(["Old", "New"]);
  expect(seen[1]).toMatchObject({ address: "127.0.0.1", created_at: expect.any(Number) });
  old.leave();
});

test("SEC-019 the wrong digits confirm nothing, and a denied phone is out", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", {});
  const { body } = await nobody(server).post("/api/pair", { code, name: "x" });
  const { check, claim } = body as Record<string, string>;
  const other = check === "00" ? "01" : "00";
  expect(await server.admin("POST", "/pair/confirm", { check: other })).toMatchObject({
    error: { code: "not_found" },
  });
  expect((await nobody(server).post("/api/pair", { code, name: "x", claim })).body).toMatchObject({
    status: "pending",
  });
  await server.admin("DELETE", "/pair");
  expect((await nobody(server).post("/api/pair", { code, name: "x", claim })).status).toBe(403);
});

test("SEC-016 closed, wrong and open look the same, and five wrong tries are all there are", async () => {
  await using server = await testServer();
  const enter = (code: string) => nobody(server).post("/api/pair", { code, name: "x" });
  const closed = await enter("AAAA-AAAA");
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const wrong = await enter("AAAA-AAAA");
  const same = (body: object) =>
    JSON.stringify({ ...body, error: { ...(body as never as { error: object }).error, request: "" } });
  expect(same(wrong.body)).toBe(same(closed.body));
  expect([closed.status, wrong.status]).toEqual([403, 403]);

  const statuses: number[] = [];
  for (let i = 0; i < 1_000; i += 100) {
    const some = await Promise.all(
      Array.from({ length: 100 }, (_, n) => enter(`AAAA-${String(i + n).padStart(4, "0")}`)),
    );
    statuses.push(...some.map(({ status }) => status));
  }
  expect(statuses.filter((status) => status === 403)).toHaveLength(4);
  expect(statuses.filter((status) => status === 429)).toHaveLength(996);
  expect((await enter(String(code))).status).toBe(429);
  expect(await server.admin("GET", "/pair")).toEqual({ state: "closed" });
});

test("SEC-016 a code is 40 bits and dies after five minutes", async () => {
  const clock = fakeClock();
  await using server = await testServer({ clock });
  const codes = new Set<unknown>();
  for (let i = 0; i < 20; i++) codes.add((await server.admin("POST", "/pair", {})).code);
  expect(codes.size).toBe(20);
  for (const code of codes) expect(String(code)).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  const { code } = await server.admin("POST", "/pair", { yes: true });
  clock.advance(5 * 60_000);
  expect((await nobody(server).post("/api/pair", { code, name: "x" })).status).toBe(403);
});

test("SEC-018 a used, a replaced and a cancelled code are refused like a wrong one", async () => {
  await using server = await testServer();
  const { code: used } = await server.admin("POST", "/pair", { yes: true });
  expect((await nobody(server).post("/api/pair", { code: used, name: "x" })).status).toBe(200);
  expect((await nobody(server).post("/api/pair", { code: used, name: "x" })).status).toBe(403);
  const { code: replaced } = await server.admin("POST", "/pair", { yes: true });
  const { code: cancelled } = await server.admin("POST", "/pair", { yes: true });
  expect((await nobody(server).post("/api/pair", { code: replaced, name: "x" })).status).toBe(403);
  await server.admin("DELETE", "/pair");
  expect((await nobody(server).post("/api/pair", { code: cancelled, name: "x" })).status).toBe(403);
});

test("SEC-018 while one phone waits for the yes, the code is spent for any other", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", {});
  const first = await nobody(server).post("/api/pair", { code, name: "first" });
  for (const more of [{}, { claim: "guess" }]) {
    expect((await nobody(server).post("/api/pair", { code, name: "second", ...more })).status).toBe(403);
  }
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "requested", name: "first" });
  const { claim, check } = first.body as Record<string, string>;
  await server.admin("POST", "/pair/confirm", { check });
  expect((await nobody(server).post("/api/pair", { code, name: "first", claim })).body).toMatchObject({
    status: "paired",
  });
});

test("SEC-018 a phone that did not hear that it is in asks again and gets the same login; nobody else does", async () => {
  await using server = await testServer();
  const { code, first, second } = await pairWithYes(server, "iPhone");
  const { claim } = first.body as Record<string, string>;
  await server.admin("DELETE", "/pair"); // Whoever showed the code looks at something else by now.
  const again = await nobody(server).post("/api/pair", { code, name: "iPhone", claim });
  expect(again).toMatchObject({ status: 200, body: second.body });
  expect(again.headers.get("set-cookie")).toBe(second.headers.get("set-cookie"));
  expect((await server.admin("GET", "/viewers")).viewers).toHaveLength(1);
  for (const more of [{}, { claim: "guess" }, { claim: "a".repeat(43) }])
    expect((await nobody(server).post("/api/pair", { code, name: "iPhone", ...more })).status).toBe(403);
  const other = { code: "AAAA-AAAA", name: "iPhone", claim };
  expect((await nobody(server).post("/api/pair", other)).status).toBe(403);
});

test("SEC-018 a login is given again only while its code would be good, and only while it is in force", async () => {
  const clock = fakeClock();
  await using server = await testServer({ clock });
  const enter = (code: unknown, claim: string) =>
    nobody(server).post("/api/pair", { code, name: "x", claim, bind: true });
  const claims = ["late", "replaced", "out"].map((name) => name.padEnd(36, "0"));
  const [late = "", replaced = "", out = ""] = claims;
  const open = async () => (await server.admin("POST", "/pair", { yes: true })).code;

  const one = await open();
  const paired = await enter(one, late);
  expect(paired.status).toBe(200);
  clock.advance(5 * 60_000 - 1);
  expect((await enter(one, late)).body).toEqual(paired.body);
  clock.advance(1);
  expect((await enter(one, late)).status).toBe(403);

  const two = await open();
  expect((await enter(two, replaced)).status).toBe(200);
  await open();
  expect((await enter(two, replaced)).status).toBe(403);

  const three = await open();
  const { body } = await enter(three, out);
  await server.admin("DELETE", `/viewers/${(body as never as { viewer: { id: string } }).viewer.id}`);
  expect((await enter(three, out)).status).toBe(403);
});

test("SEC-018 a phone may bring its claim, so that no answer of a pairing has to arrive at once", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", {});
  const enter = (claim: string) => nobody(server).post("/api/pair", { code, name: "x", claim });
  expect((await enter("short")).status).toBe(403);
  const own = crypto.randomUUID();
  const first = await enter(own);
  expect(first.body).toMatchObject({ status: "pending", claim: own });
  expect((await enter(own)).body).toEqual(first.body);
  expect((await enter(crypto.randomUUID())).status).toBe(403);
  await server.admin("POST", "/pair/confirm", { check: first.body.check });
  const paired = await enter(own);
  expect(paired.body).toMatchObject({ status: "paired" });
  expect((await enter(own)).body).toEqual(paired.body);
});

test("a code may be typed in small letters, with spaces, with O for 0 and L for 1", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const typed = String(code).toLowerCase().replace("-", " ").replaceAll("0", "o").replaceAll("1", "l");
  expect((await nobody(server).post("/api/pair", { code: typed, name: "x" })).status).toBe(200);
});

test("a name is kept as letters and signs: control and format characters are left out", async () => {
  await using server = await testServer();
  const enter = async (name: string) => {
    const { code } = await server.admin("POST", "/pair", { yes: true });
    return (await nobody(server).post("/api/pair", { code, name })).body as never as {
      viewer?: { name: string };
    };
  };
  expect((await enter("  A\u001b[31m\u202ennä 📱\u0000 ")).viewer?.name).toBe("A[31mnnä 📱");
  expect(await enter("\u0007\u200b")).toMatchObject({ error: { code: "invalid" } });
  expect(await enter("x".repeat(61))).toMatchObject({ error: { code: "invalid" } });
});

test("SEC-020 opening the pairing link, with any query, pairs nobody", async () => {
  await using server = await testServer();
  const { code, url } = await server.admin("POST", "/pair", { yes: true });
  expect(String(url)).toBe(`${server.url}/pair#${code}`);
  for (const path of ["/pair", `/pair?code=${code}`, `/?pair=${code}`, `/api/pair?code=${code}&name=x`]) {
    const { headers } = await nobody(server).get(path);
    expect(headers.get("set-cookie"), path).toBeNull();
  }
  expect((await server.admin("GET", "/viewers")).viewers).toEqual([]);
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "open" });
});

test("SEC-021 the cookie of a loopback name: cr, HttpOnly, Strict, 256 random bits, kept only as a hash", async () => {
  await using server = await testServer();
  const { second } = await pairWithYes(server, "Phone");
  const header = second.headers.get("set-cookie") ?? "";
  expect(header).toMatch(/^cr=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=15552000$/);
  const secret = header.slice(3, 46);
  const database = new Database(join(server.data, "claude-remote.db"), { readonly: true });
  expect(JSON.stringify(database.query("SELECT * FROM viewers").all())).not.toContain(secret);
  expect(JSON.stringify(second.body)).not.toContain(secret);
  database.close();
});

test("SEC-021 which cookie a name gets is decided by the name: https, loopback, or none", () => {
  const cookie = (host: string, options: Partial<Parameters<typeof front>[0]> = {}) =>
    front({ host: "127.0.0.1", port: 7200, ...options }).named(host)?.cookie;
  const publicUrl = "https://claude.example.com";
  expect(cookie("claude.example.com", { publicUrl })).toEqual({ name: "__Host-cr", secure: true });
  expect(cookie("CLAUDE.example.com", { publicUrl })).toEqual({ name: "__Host-cr", secure: true });
  expect(cookie("claude.example.com:7200", { publicUrl })).toBeUndefined();
  expect(cookie("localhost:7200", { publicUrl })).toEqual({ name: "cr", secure: false });
  expect(cookie("192.168.1.5:7200", { host: "192.168.1.5" })).toBeNull();
  expect(cookie("192.168.1.5:7200", { host: "192.168.1.5", insecureHttp: true })).toEqual({
    name: "cr",
    secure: false,
  });
  expect(cookie("192.168.1.5:7200", { host: "0.0.0.0", insecureHttp: true })).toBeUndefined();
  expect(cookie("box.lan", { publicUrl: "http://box.lan" })).toBeNull();
  expect(cookie("box.lan", { publicUrl: "http://box.lan", insecureHttp: true })).toEqual({
    name: "cr",
    secure: false,
  });
  expect(setCookie({ name: "__Host-cr", secure: true }, "s")).toMatch(/^__Host-cr=s; Path=\/; .*; Secure$/);
});

test("SEC-021 plain http on a name that is no loopback name gives no login, and says why", async () => {
  await using server = await testServer({ publicUrl: "http://box.lan" });
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const headers = { host: "box.lan", "content-type": "application/json" };
  const { status, body } = await nobody(server).request("POST", "/api/pair", {
    headers,
    body: JSON.stringify({ code, name: "x" }),
  });
  expect(status).toBe(403);
  expect(body.error).toMatchObject({ message: expect.stringContaining("--insecure-http") });
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "open" });
});

test("SEC-007 links are built from the configured address, whatever Host or forwarded header comes", async () => {
  await using server = await testServer({ publicUrl: "https://claude.example.com/" });
  expect((await server.admin("POST", "/pair", {})).url).toMatch(/^https:\/\/claude\.example\.com\/pair#/);
  const headers = {
    host: "claude.example.com",
    "x-forwarded-host": "evil.example",
    forwarded: "host=evil.example",
  };
  const { status, headers: answered } = await nobody(server).request("GET", "/", { headers });
  expect(status).toBe(200);
  expect(JSON.stringify([...answered])).not.toContain("evil");
});

test("SEC-021 a login dies unused after 30 days, used after 180, and when the clock went back", () => {
  const clock = fakeClock();
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const store = new Store(join(folder, "test.db"));
  const logins = new Logins(store.viewers, clock);
  const [idle, used, back] = ["idle", "used", "back"].map((name) => logins.add(name, "here").secret);
  const alive = (secret: string | undefined) => logins.check(secret ?? "") !== null;
  clock.advance(-2 * 60_000);
  expect(alive(back)).toBe(true);
  clock.advance(-10 * 60_000);
  expect(alive(back)).toBe(false);
  clock.advance(12 * 60_000 + 1);
  for (let day = 0; day < 180; day += 10) {
    expect(alive(used), `day ${day}`).toBe(true);
    if (day === 90) logins.flush();
    clock.advance(10 * DAY);
    if (day === 20) expect(alive(idle)).toBe(false);
  }
  clock.advance(1);
  expect(alive(used)).toBe(false);
  store[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

test("SEC-022 a cookie chosen before the login is not adopted", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const chosen = `cr=${"a".repeat(43)}`;
  const { headers } = await new TestViewer(server, chosen).post("/api/pair", { code, name: "x" });
  expect(headers.get("set-cookie")?.split(";")[0]).not.toBe(chosen);
  expect((await new TestViewer(server, chosen).get("/api/sessions")).status).toBe(401);
});

test("SEC-023 a revoked viewer's streams end at once, its requests are 401, the others are told", async () => {
  await using server = await testServer({ clock: fakeClock() }); // No time passes: they do not end by themselves.
  const [bad, good] = [await TestViewer.pair(server, "Bad"), await TestViewer.pair(server, "Good")];
  await bad.listen();
  await good.listen();
  const id = (await good.get("/api/viewers")).body as never as { viewers: { id: string; name: string }[] };
  const target = id.viewers.find(({ name }) => name === "Bad")?.id;
  const headers = { origin: server.url };
  expect((await good.request("DELETE", `/api/viewers/${target}`, { headers })).status).toBe(200);
  await bad.until("the end of the stream", () => bad.closed);
  expect((await bad.get("/api/sessions")).status).toBe(401);
  await good.until("one viewer left", () => good.viewers.length === 1);
  expect((await good.request("DELETE", `/api/viewers/${target}`, { headers })).status).toBe(404);
  good.leave();
});

test("SEC-023 logging out clears what the browser holds, and the secret is dead", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { status, headers } = await viewer.post("/api/logout");
  expect(status).toBe(200);
  expect(headers.get("clear-site-data")).toBe('"cache", "cookies", "storage"');
  expect(headers.get("set-cookie")).toMatch(/^cr=; .*Max-Age=0/);
  expect((await viewer.get("/api/sessions")).status).toBe(401);
});

test("a login survives a restart, a revoked one does not", async () => {
  await using server = await testServer();
  const [stays, goes] = [await TestViewer.pair(server, "a"), await TestViewer.pair(server, "b")];
  await goes.post("/api/logout");
  await server.restart();
  expect((await stays.get("/api/sessions")).status).toBe(200);
  expect((await goes.get("/api/sessions")).status).toBe(401);
});

test("a cookie header is read part by part", () => {
  expect(cookieOf("a=1; cr=x=y; b=2", "cr")).toBe("x=y");
  expect(cookieOf("xcr=1; cr2=2", "cr")).toBeNull();
  expect(cookieOf(null, "cr")).toBeNull();
  expect(cookieOf("cr=1;cr=1", "cr")).toBe("ambiguous");
});

test("SEC-013 a browser's cookie, which goes to every port of the host, is no login without its page's key", async () => {
  await using server = await testServer();
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const reply = await nobody(server).post("/api/pair", { code, name: "A browser", bind: true });
  const { key } = reply.body as Record<string, string>;
  const cookie = reply.headers.get("set-cookie")?.split(";")[0] ?? "";
  const ask = async (headers: Record<string, string>) =>
    (await fetch(`${server.url}/api/sessions`, { headers: { cookie, ...headers } })).status;
  expect(key).toMatch(/^[\w-]{43}$/);
  expect(await ask({})).toBe(401);
  expect(await ask({ "x-claude-remote-key": "x".repeat(43) })).toBe(401);
  expect(await ask({ "x-claude-remote-key": key ?? "" })).toBe(200);
});

test("SEC-016 wrong tries are counted on a full disk as well", () => {
  const logins = { add: () => ({}) } as unknown as Logins;
  const full = () => {
    throw new Error("the disk is full");
  };
  const pairing = new Pairing(logins, fakeClock(), { paired() {}, refused: full });
  const { code } = pairing.open(true);
  const enter = (tried: string) => () => pairing.enter({ code: tried, name: "x", address: "here" });
  for (let i = 0; i < LIMITS.pairingTries; i++) expect(enter("AAAA-AAAA")).toThrow("full");
  expect(enter(code)).toThrow("Too many tries");
});
