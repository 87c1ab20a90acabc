import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "../testing/clock.ts";
import { prompt, TestLink } from "../testing/link.ts";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { openLog } from "./log.ts";
import type { OpenAnnex } from "./parts.ts";
import { AlreadyRunningError, PortTakenError, startServer } from "./server.ts";

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const log = openLog({ level: "silent" });
const rest = { assets: new Map(), log, version: "0.0.0-test" };

test("SEC-080 the data folder is 0700 and everything in it 0600, under any umask", async () => {
  for (const umask of [0o000, 0o022]) {
    const before = process.umask(umask);
    try {
      await using server = await testServer();
      await TestViewer.pair(server);
      expect(modeOf(server.data)).toBe("700");
      const files = readdirSync(server.data);
      expect(files).toEqual(
        expect.arrayContaining([
          "admin.sock",
          "server.sock",
          "master.key",
          "claude-remote.db",
          "server.lock",
        ]),
      );
      for (const name of files) expect(modeOf(join(server.data, name)), name).toBe("600");
    } finally {
      process.umask(before);
    }
  }
});

test("one folder has one server, and a port one owner", async () => {
  await using server = await testServer();
  await expect(startServer({ ...rest, data: server.data, port: 0 })).rejects.toThrow(AlreadyRunningError);
  const data = mkdtempSync(join(tmpdir(), "claude-remote-"));
  await expect(startServer({ ...rest, data, port: server.port })).rejects.toThrow(PortTakenError);
  // What failed left nothing behind that would be in the way.
  await using next = await startServer({ ...rest, data, port: server.port, nextFreePort: true });
  expect(next.port).toBeGreaterThan(server.port);
  expect(next.url).toBe(`http://127.0.0.1:${next.port}`);
  rmSync(data, { recursive: true });
});

test("an address that is none of this machine's is named, with what to do", async () => {
  const data = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const elsewhere = startServer({ ...rest, data, host: "203.0.113.9", port: 7200 });
  await expect(elsewhere).rejects.toThrow(
    /listen on 203\.0\.113\.9, port 7200: .*Name an address of this machine/,
  );
  rmSync(data, { recursive: true });
});

test("a port that is taken on ::1 only is taken: localhost may mean either", async () => {
  const other = Bun.serve({ hostname: "::1", port: 0, fetch: () => new Response("another program") });
  const data = mkdtempSync(join(tmpdir(), "claude-remote-"));
  await expect(startServer({ ...rest, data, port: other.port ?? 0 })).rejects.toThrow(PortTakenError);
  await other.stop(true);
  rmSync(data, { recursive: true });
});

test("the owner's socket tells how things stand, and takes no browser", async () => {
  await using server = await testServer();
  await TestViewer.pair(server, "Phone");
  const { link } = await TestLink.session(server);
  expect(await server.admin("GET", "/status")).toEqual({
    ...{
      version: "0.0.0-test",
      protocol: 1,
      pid: process.pid,
      url: server.url,
      port: server.port,
      insecure: false,
    },
    ...{ viewers: 1, sessions: 1, wrappers: 1, streams: 0 },
  });
  const unix = join(server.data, "admin.sock");
  const foreign = await fetch("http://localhost/status", {
    unix,
    headers: { origin: "https://evil.example" },
  });
  expect(foreign.status).toBe(403);
  expect((await fetch(`${server.url}/status`)).status).toBe(404);
  link[Symbol.dispose]();
});

test("the owner lists and revokes viewers, and revoking is told to the wrappers", async () => {
  await using server = await testServer();
  const phone = await TestViewer.pair(server, "Phone");
  const { link } = await TestLink.session(server);
  expect(link.heard.findLast(({ type }) => type === "watch")).toMatchObject({ paired: true });
  const { viewers } = (await server.admin("GET", "/viewers")) as { viewers: { id: string; name: string }[] };
  expect(viewers).toMatchObject([{ name: "Phone", address: "127.0.0.1" }]);
  expect(JSON.stringify(viewers)).not.toContain("hash");
  expect(await server.admin("DELETE", `/viewers/${viewers[0]?.id}`)).toEqual({ ok: true });
  await link.until("nobody paired", () => link.heard.some((one) => one.type === "watch" && !one.paired));
  expect((await phone.get("/api/sessions")).status).toBe(401);
  expect(await server.admin("DELETE", "/viewers/none")).toMatchObject({ error: { code: "not_found" } });
  link[Symbol.dispose]();
});

test("the owner ends the server: answered first, then everything closes and the folder is free", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await testServer({ onShutdown: ended.resolve });
  expect(await server.admin("POST", "/shutdown")).toEqual({ ok: true });
  await ended.promise;
  expect(readdirSync(server.data).filter((name) => name.endsWith(".sock"))).toEqual([]);
  await server.restart();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test("--insecure-http is said to the page and logged at each start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const file = join(folder, "server.log");
  await using server = await testServer({
    publicUrl: "http://box.lan",
    insecureHttp: true,
    log: openLog({ level: "info", file }),
  });
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const headers = { host: "box.lan", "content-type": "application/json" };
  const asked = { headers, body: JSON.stringify({ code, name: "x" }) };
  const { headers: answered } = await new TestViewer(server, "").request("POST", "/api/pair", asked);
  expect(answered.get("set-cookie")).toMatch(/^cr=/);
  const viewer = await new TestViewer(server, answered.get("set-cookie")?.split(";")[0] ?? "").listen();
  expect(viewer.state?.insecure).toBe(true);
  expect(readFileSync(file, "utf8")).toContain("plain http");
  expect(modeOf(file)).toBe("600");
  viewer.leave();
  rmSync(folder, { recursive: true });
});

test("SEC-081 a whole story at debug level leaves no secret in log, database or answers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const file = join(folder, "server.log");
  await using server = await testServer({ log: openLog({ level: "debug", file }) });
  const { code } = await server.admin("POST", "/pair", {});
  const nobody = new TestViewer(server, "");
  const first = (await nobody.post("/api/pair", { code, name: "x" })).body as Record<string, string>;
  await server.admin("POST", "/pair/confirm", { check: first.check });
  const { headers } = await nobody.post("/api/pair", { code, name: "x", claim: first.claim });
  const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
  const viewer = new TestViewer(server, cookie);
  const { id, secret } = (await server.admin("POST", "/devices", { name: "laptop" })) as Record<
    string,
    string
  >;
  const { link, id: session } = await TestLink.session(server);
  const asked = await link.ask(prompt({ input: { command: "echo PLANTED" } }));
  await viewer.answer("approve", { ...asked } as never);
  await viewer.post(`/api/sessions/${session}/input`, { id: "i", text: "TYPED-TEXT" });
  await viewer.get(`/api/sessions/${cookie}`);
  await viewer.get(`/nowhere?token=${cookie}`);
  await viewer.post("/api/pair", { code: "WRONGCODE", name: "x" });
  link.sayText('{"type":"prompt","prompt":"SENSELESS"}');
  await link.cutOff();
  await viewer.listen();
  await server.stop();
  const master = readFileSync(join(server.data, "master.key"));
  const dump = readFileSync(join(server.data, "claude-remote.db")).toString("latin1");
  const logged = readFileSync(file, "utf8");
  const secrets = [
    code,
    String(code).replace("-", ""),
    first.claim,
    cookie.slice(3),
    secret,
    master.toString("hex"),
    master.toString("base64"),
  ];
  for (const planted of secrets) {
    expect(String(planted).length).toBeGreaterThan(7);
    expect(dump).not.toContain(String(planted));
    expect(logged).not.toContain(String(planted));
  }
  expect(dump).not.toContain(master.toString("latin1"));
  for (const text of ["PLANTED", "TYPED-TEXT", "SENSELESS", "WRONGCODE"]) expect(logged).not.toContain(text);
  expect(dump).toContain("PLANTED"); // The audit keeps what was asked: the scan does see the database.
  expect(logged).toContain(id ? "wrapper closed" : "");
  rmSync(folder, { recursive: true });
});

test("the log is turned over before it grows without end", () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const file = join(folder, "server.log");
  const noisy = openLog({ level: "info", file });
  for (let i = 0; i < 7; i++) noisy.info("x".repeat(1_000_000));
  expect(statSync(file).size).toBeLessThan(6_000_000);
  expect(statSync(`${file}.1`).size).toBeLessThan(7_000_000);
  expect(modeOf(`${file}.1`)).toBe("600");
  rmSync(folder, { recursive: true });
});

test("a log that somebody took away, or that could not be turned over, goes on, for nobody else to read", () => {
  const folder = mkdtempSync(join(tmpdir(), "cr-log-"));
  const file = join(folder, "server.log");
  const long = openLog({ level: "info", file });
  for (let i = 0; i < 6; i++) long.info("x".repeat(1_000_000));
  rmSync(file);
  for (const line of ["lost", "one", "two"]) long.info(line);
  expect(readFileSync(file, "utf8")).toContain("two");
  expect(modeOf(file)).toBe("600");
  rmSync(folder, { recursive: true });
});

test("SEC-079 a log that cannot be written ends nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "cr-log-"));
  const file = join(folder, "server.log");
  const log = openLog({ level: "info", file });
  log.info("one");
  rmSync(file);
  mkdirSync(file);
  expect(() => log.info("two")).not.toThrow();
  rmSync(folder, { recursive: true });
});

test("a server that is told to end waits five seconds for what runs beside it, and no longer", async () => {
  const clock = fakeClock();
  const called = Promise.withResolvers<void>();
  let ended = 0;
  let stopped = false;
  const stuck: OpenAnnex = () => {
    return {
      routes: [],
      stop() {
        called.resolve();
        return stopped ? undefined : new Promise(() => {});
      },
    };
  };
  const failing: OpenAnnex = () => ({ routes: [], stop: () => Promise.reject(new Error("it fails")) });
  const honest: OpenAnnex = () => ({ routes: [], stop: () => void ended++ });
  await using server = await testServer({ clock, annexes: [honest, stuck, failing, honest] });
  const end = server.stop().then(() => {
    stopped = true;
  });
  await called.promise;
  clock.advance(4_999);
  await Bun.sleep(0);
  expect({ stopped, ended }).toEqual({ stopped: false, ended: 2 });
  clock.advance(1);
  await end;
  // Everything is written down, and the folder is free.
  await server.restart();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});
