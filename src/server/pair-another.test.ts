// A paired phone lets another one in.
import { expect, test } from "bun:test";
import { fakeClock } from "../testing/clock.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

const PUBLIC = "https://claude.example";
const reachable = () => testServer({ publicUrl: PUBLIC });
const nobody = (server: TestServer) => new TestViewer(server, "");
const drop = (viewer: TestViewer) =>
  viewer.request("DELETE", "/api/pairing", { headers: { origin: viewer.server.url } });

async function opened(viewer: TestViewer) {
  const { status, body } = await viewer.post("/api/pairing");
  expect(status).toBe(200);
  return body as unknown as { code: string; url: string; expires_at: number };
}

test("SEC-019 a paired phone shows a code, and says yes to the digits that both phones show", async () => {
  await using server = await reachable();
  const old = await (await TestViewer.pair(server, "Old")).listen();
  const { code, url } = await opened(old);
  expect(url).toBe(`${PUBLIC}/pair#${code}`);
  expect((await old.get("/api/pairing")).body).toMatchObject({ state: "open" } as never);
  const first = (await nobody(server).post("/api/pair", { code, name: "New" })).body as unknown as {
    check: string;
    claim: string;
  };
  const asked = (await old.get("/api/pairing")).body as unknown as { state: string; check: string };
  expect(asked).toMatchObject({ state: "requested", name: "New", address: "127.0.0.1", check: first.check });
  const wrong = first.check === "00" ? "01" : "00";
  expect((await old.post("/api/pairing/confirm", { check: wrong })).status).toBe(404);
  expect((await old.post("/api/pairing/confirm", { check: first.check })).status).toBe(200);
  const entered = await nobody(server).post("/api/pair", { code, name: "New", claim: first.claim });
  expect(entered).toMatchObject({ status: 200, body: { status: "paired" } });
  expect((await old.get("/api/pairing")).body).toMatchObject({
    state: "paired",
    viewer: { name: "New" },
  } as never);
  await old.until("word of it", () => old.viewers.some(({ name }) => name === "New"));
  const { entries } = (await old.get("/api/audit")).body as unknown as {
    entries: { action: string; actor: string; name: string; detail: object }[];
  };
  const steps = entries.slice(0, 3).map(({ action, name }) => [action, name]);
  expect(steps).toEqual([
    ["paired", "New"],
    ["pairing confirmed", "Old"],
    ["pairing opened", "Old"],
  ]);
  expect(entries[1]?.detail).toEqual({ name: "New", address: "127.0.0.1" });
});

test("SEC-018 what another phone or the terminal shows is none of this phone's business", async () => {
  await using server = await reachable();
  const [one, two] = [await TestViewer.pair(server, "One"), await TestViewer.pair(server, "Two")];
  const { code } = await opened(one);
  const { body } = await nobody(server).post("/api/pair", { code, name: "New" });
  const { check } = body as unknown as { check: string };
  expect((await two.get("/api/pairing")).body).toEqual({ state: "closed" } as never);
  expect((await two.post("/api/pairing/confirm", { check })).status).toBe(404);
  await drop(two);
  expect((await one.get("/api/pairing")).body).toMatchObject({ state: "requested" } as never);
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "requested" });
  await server.admin("POST", "/pair", {});
  expect((await one.get("/api/pairing")).body).toEqual({ state: "closed" } as never);
  await drop(one);
  expect(await server.admin("GET", "/pair")).toMatchObject({ state: "open" });
});

test("SEC-016 SEC-018 a code dies when it is taken back, when its phone is revoked, and after five minutes", async () => {
  const clock = fakeClock();
  await using server = await testServer({ publicUrl: PUBLIC, clock });
  const [one, two] = [await TestViewer.pair(server, "One"), await TestViewer.pair(server, "Two")];
  const enter = (code: string) => nobody(server).post("/api/pair", { code, name: "x" });
  const back = await opened(one);
  await drop(one);
  expect((await enter(back.code)).status).toBe(403);
  const late = await opened(one);
  expect(late.expires_at - clock.now()).toBe(5 * 60_000);
  clock.advance(5 * 60_000);
  expect((await enter(late.code)).status).toBe(403);
  const revoked = await opened(one);
  const { own } = (await one.get("/api/viewers")).body as unknown as { own: string };
  await two.request("DELETE", `/api/viewers/${own}`, { headers: { origin: server.url } });
  expect((await enter(revoked.code)).status).toBe(403);
});

test("no code is shown for an address that only this machine can open", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { status, body } = await viewer.post("/api/pairing");
  expect(status).toBe(403);
  expect(body.error as never).toMatchObject({ message: expect.stringContaining("claude-remote pair") });
  expect((await viewer.get("/api/pairing")).body).toEqual({ state: "closed" } as never);
});

test("SEC-023 one phone logs out all others, at once", async () => {
  await using server = await testServer();
  const [one, two, three] = [
    await TestViewer.pair(server, "One"),
    await (await TestViewer.pair(server, "Two")).listen(),
    await TestViewer.pair(server, "Three"),
  ];
  expect((await one.post("/api/logout/others")).body).toEqual({ revoked: 2 } as never);
  await two.until("the end", () => two.closed);
  expect((await two.get("/api/sessions")).status).toBe(401);
  expect((await three.get("/api/sessions")).status).toBe(401);
  expect((await one.get("/api/sessions")).status).toBe(200);
  expect((await one.post("/api/logout/others")).body).toEqual({ revoked: 0 } as never);
});
