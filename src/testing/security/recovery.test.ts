// After a theft: what was let in before is out, everywhere, and nothing lets it in again by itself.
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceId } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import { fakeClock } from "../clock.ts";
import { TestLink } from "../link.ts";
import { type TestServer, testServer } from "../server.ts";
import { TestViewer } from "../viewer.ts";

const DAY_MS = 86_400_000;

/** A machine that was let in, and may operate. */
async function machine(server: TestServer, name: string) {
  const { id, secret, token } = (await server.admin("POST", "/devices", { name, operate: true })) as Record<
    string,
    string
  >;
  return {
    token: token ?? "",
    options: { device: id as DeviceId, secret: new Uint8Array(Buffer.from(secret ?? "", "base64url")) },
  };
}

const bearer = async (server: TestServer, token: string, path: string) =>
  (await fetch(server.url + path, { headers: { authorization: `Bearer ${token}` } })).status;

/** Asks for everything that could give a login anew, and is given none. */
async function staysOut(viewer: TestViewer) {
  for (const path of ["/api/sessions", "/events", "/", "/pair", "/api/viewers", "/health"]) {
    const reply = await viewer.get(path);
    if (path.startsWith("/api") || path === "/events") expect(reply.status, path).toBe(401);
    expect(reply.headers.get("set-cookie"), path).toBeNull();
  }
  const reply = await viewer.post("/api/pair", { code: "AAAA-AAAA", name: "x" });
  expect([403, 429]).toContain(reply.status);
  expect(reply.headers.get("set-cookie")).toBeNull();
}

test("SEC-024 logging out everybody else ends every older login, for good, and renews none", async () => {
  const clock = fakeClock();
  await using server = await testServer({ clock });
  const old = [await TestViewer.pair(server, "stolen"), await TestViewer.pair(server, "lost")];
  for (const one of old) await one.listen();
  const own = await TestViewer.pair(server, "own");
  expect((await own.post("/api/logout/others")).body).toEqual({ revoked: 2 } as never);
  for (const one of old) await one.until("the end of its stream", () => one.closed);
  for (const one of old) await staysOut(one);
  await server.restart();
  clock.advance(-2 * DAY_MS); // A clock that is put back gives nobody his login back.
  for (const one of old) await staysOut(one);
  clock.advance(2 * DAY_MS);
  expect((await own.get("/api/sessions")).status).toBe(200);
});

test("SEC-024 the owner's word ends every login, token, operator and machine, open connections too", async () => {
  await using server = await testServer();
  const viewers = [await TestViewer.pair(server, "a"), await TestViewer.pair(server, "b")];
  for (const one of viewers) await one.listen();
  const { token } = (await server.admin("POST", "/tokens", {
    name: "t",
    scopes: ["read", "input"],
  })) as Record<string, string>;
  const laptop = await machine(server, "laptop");
  const { link } = await TestLink.session(server, {}, laptop.options);
  expect(await bearer(server, token ?? "", "/api/sessions")).toBe(200);
  expect(await bearer(server, laptop.token, "/operate/status")).toBe(200);
  for (const kind of ["viewers", "tokens", "devices"]) {
    const listed = (await server.admin("GET", `/${kind}`))[kind] as { id: string }[];
    for (const { id } of listed) if (id !== "local") await server.admin("DELETE", `/${kind}/${id}`);
  }
  for (const one of viewers) await one.until("the end of its stream", () => one.closed);
  await link.cutOff("revoked");
  const gone = async () => {
    for (const one of viewers) await staysOut(one);
    expect(await bearer(server, token ?? "", "/api/sessions")).toBe(401);
    expect(await bearer(server, laptop.token, "/operate/status")).toBe(401);
    expect((await TestLink.connect(server, laptop.options)).refused).toMatchObject({ code: "revoked" });
  };
  await gone();
  await server.restart();
  await gone();
});

test("SEC-024 another master key puts everybody out at once: logins, tokens, operators and machines", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server, "stolen");
  const scopes = ["read"];
  const { token } = (await server.admin("POST", "/tokens", { name: "t", scopes })) as { token: string };
  const laptop = await machine(server, "laptop");
  await server.restart(); // The same key: nobody is put out.
  expect((await viewer.get("/api/sessions")).status).toBe(200);
  expect(await bearer(server, token, "/api/sessions")).toBe(200);
  expect(await bearer(server, laptop.token, "/operate/status")).toBe(200);
  await server.stop();
  // A wrapper that runs on makes the new key before the server starts.
  writeFileSync(join(server.data, "master.key"), randomBytes(32), { mode: 0o600 });
  await server.restart();
  const gone = async () => {
    await staysOut(viewer);
    expect(await bearer(server, token, "/api/sessions")).toBe(401);
    expect(await bearer(server, laptop.token, "/operate/status")).toBe(401);
    expect((await TestLink.connect(server, laptop.options)).refused).toMatchObject({ code: "revoked" });
  };
  await gone();
  const again = await TestViewer.pair(server, "own");
  await server.restart(); // Once, not at each start.
  await gone();
  expect((await again.get("/api/sessions")).status).toBe(200);
  expect((await TestLink.session(server)).link.channel).not.toBeNull();
});

test("SEC-024 another master key ends every machine's secret, this one's of before too", async () => {
  await using server = await testServer();
  const laptop = await machine(server, "laptop");
  const { link } = await TestLink.session(server, {}, laptop.options);
  const before = new Uint8Array(await Bun.file(join(server.data, "master.key")).bytes());
  link[Symbol.dispose]();
  rmSync(join(server.data, "master.key"));
  await server.restart();
  const local = { device: "local" as DeviceId, secret: deviceSecret(before, "local" as DeviceId) };
  for (const options of [laptop.options, local]) {
    const refused = await TestLink.connect(server, options);
    expect(refused.channel).toBeNull();
    expect(refused.refused ?? refused.closed).toBeTruthy();
  }
  expect((await TestLink.session(server)).link.channel).not.toBeNull();
});
