// The owner's routes about machines, and what their end means for whoever is connected.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AuditEntry, DeviceId } from "../protocol.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { front } from "./front.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const add = (name: string) => server.admin("POST", "/devices", { name });

async function enrolled(name: string) {
  const { id, secret } = await add(name);
  return { device: id as DeviceId, secret: new Uint8Array(Buffer.from(String(secret), "base64url")) };
}

test("a machine gets a secret of its own, which is listed nowhere", async () => {
  const one = await add("laptop");
  const two = await add("desktop");
  expect(one).toMatchObject({ name: "laptop", id: expect.any(String) });
  expect(String(one.secret)).toMatch(/^[\w-]{43}$/);
  expect(one.secret).not.toBe(two.secret);
  const { devices } = (await server.admin("GET", "/devices")) as { devices: object[] };
  expect(devices).toContainEqual(expect.objectContaining({ id: one.id, name: "laptop", revoked_at: null }));
  expect(JSON.stringify(devices)).not.toContain(String(one.secret));
});

test("a name is taken while its machine is let in, and free again after", async () => {
  const { id } = await add("taken");
  expect(await add("taken")).toMatchObject({ error: { code: "invalid" } });
  await server.admin("DELETE", `/devices/${id}`);
  expect(await add("taken")).toMatchObject({ name: "taken" });
});

test.each(["", "   ", "x".repeat(61), "a\u001b[2Jb", "a\u202eb", "a\nb"])("%j is no name", async (name) => {
  expect(await add(name)).toMatchObject({ error: { code: "invalid" } });
});

test("a revoked machine is told so, cut off within a second on each connection, and stays out", async () => {
  await using viewer = await (await TestViewer.pair(server)).listen();
  const lost = await enrolled("lost");
  const [one, two] = [await TestLink.session(server, {}, lost), await TestLink.session(server, {}, lost)];
  for (const { id } of [one, two])
    await viewer.until("the session", () => viewer.sessions.get(id)?.connected);
  expect(await server.admin("DELETE", `/devices/${lost.device}`)).toEqual({ ok: true });
  for (const { link } of [one, two]) await link.cutOff("revoked");
  for (const { id } of [one, two])
    await viewer.until("out of reach", () => viewer.sessions.get(id)?.connected === false);
  await server.restart();
  expect((await TestLink.connect(server, lost)).refused).toMatchObject({ code: "revoked" });
  expect(await server.admin("DELETE", `/devices/${lost.device}`)).toMatchObject({
    error: { code: "not_found" },
  });
});

test("a paired phone sees the machines and takes one's right away, written down as its own; nobody else does", async () => {
  await using viewer = await (await TestViewer.pair(server, "Found")).listen();
  const lost = await enrolled("lost laptop");
  const { link } = await TestLink.session(server, {}, lost);
  const { devices } = (await viewer.get("/api/devices")).body as unknown as { devices: object[] };
  expect(devices).toContainEqual(
    expect.objectContaining({ id: lost.device, name: "lost laptop", revoked_at: null }),
  );
  const ended = (id: string, by = viewer) =>
    by.request("DELETE", `/api/devices/${id}`, { headers: { origin: server.url } });
  expect((await ended(lost.device, new TestViewer(server, ""))).status).toBe(401);
  expect((await ended(lost.device)).status).toBe(200);
  await link.cutOff("revoked");
  expect((await TestLink.connect(server, lost)).refused).toMatchObject({ code: "revoked" });
  expect((await ended(lost.device)).status).toBe(404);
  expect((await ended("local")).status).toBe(403);
  const { entries } = (await viewer.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  const row = entries.find(({ subject, action }) => subject === lost.device && action === "revoked");
  expect(row).toMatchObject({ name: "Found" });
});

test("the server's own machine cannot be locked out", async () => {
  expect(await server.admin("DELETE", "/devices/local")).toMatchObject({ error: { code: "forbidden" } });
  const { link } = await TestLink.session(server);
  link[Symbol.dispose]();
});

test("a server on every address still goes by its loopback names and its public one alone", () => {
  const bare = front({ host: "0.0.0.0", port: 7200 });
  expect(bare.url).toBe("http://127.0.0.1:7200");
  expect(bare.named("localhost:7200")?.cookie).toEqual({ name: "cr", secure: false });
  for (const host of ["0.0.0.0:7200", "192.168.1.20:7200", "server:7200", "claude.example.com", null])
    expect(bare.named(host)).toBeNull();
  const named = front({ host: "0.0.0.0", port: 7200, publicUrl: "https://claude.example.com" });
  expect(named.url).toBe("https://claude.example.com");
  expect(named.named("claude.example.com")?.cookie).toEqual({ name: "__Host-cr", secure: true });
});
