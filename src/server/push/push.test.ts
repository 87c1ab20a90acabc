// Notifications end to end on the server: a real server, a wrapper, phones, and a push service that reads as they would.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Prompt, PromptId, PushDelivery, PushOverview } from "../../protocol.ts";
import { type FakeClock, fakeClock } from "../../testing/clock.ts";
import { prompt, TestLink } from "../../testing/link.ts";
import { type Pushed, PushService } from "../../testing/push-service.ts";
import { type TestServer, testServer } from "../../testing/server.ts";
import { TestViewer } from "../../testing/viewer.ts";
import { openLog } from "../log.ts";
import { push } from "./push.ts";

const CWD = "/home/me/project";
const harmless = (change: Partial<Prompt> = {}) =>
  prompt({ tool: "Read", input: { file_path: `${CWD}/a.ts` }, prompt_text: "a.ts", ...change });

type World = AsyncDisposable & {
  server: TestServer;
  service: PushService;
  clock: FakeClock;
  /** A paired phone with notifications on. */
  phone(name?: string): Promise<TestViewer & { endpoint: string }>;
};

const metricsToken = "m".repeat(32);

async function world(): Promise<World> {
  const service = new PushService();
  const clock = fakeClock();
  const server = await testServer({ clock, metricsToken, annexes: [push({ anywhere: true })] });
  return {
    ...{ server, service, clock },
    async phone(name = "Phone") {
      const viewer = await TestViewer.pair(server, name);
      const subscription = service.subscribe();
      const said = { platform: "android", permission: "granted", subscription };
      expect((await viewer.post("/api/push/phone", said)).status).toBe(200);
      return Object.assign(viewer, { endpoint: subscription.endpoint });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

const notificationOf = (pushed: Pushed | undefined) => JSON.parse(pushed?.text ?? "{}").notification;
const phonesOf = async (viewer: TestViewer) =>
  (await viewer.get("/api/push")).body as unknown as PushOverview;
async function deliveries(viewer: TestViewer): Promise<PushDelivery[]> {
  return ((await viewer.get("/api/push/deliveries")).body as unknown as { deliveries: PushDelivery[] })
    .deliveries;
}
/** Waits for a delivery of that outcome to be written down. */
async function outcome(viewer: TestViewer, wanted: string): Promise<PushDelivery> {
  for (;;) {
    const found = (await deliveries(viewer)).find((one) => one.outcome === wanted);
    if (found) return found;
    await Bun.sleep(5);
  }
}

test("a question is on the phone with what it asks, and the badge, and where to answer", async () => {
  await using at = await world();
  const phone = await at.phone();
  using link = (await TestLink.session(at.server)).link;
  const asked = await link.ask();
  const [pushed] = await at.service.pushes(1);
  expect(notificationOf(pushed)).toMatchObject({
    ...{ title: "project: needs approval", body: "Bash: npm test", app_badge: "1" },
    navigate: `${at.server.url}/p/${asked.id}`,
    data: { prompt: asked.id, digest: asked.digest, kind: "permission" },
  });
  expect(await outcome(phone, "sent")).toMatchObject({
    kind: "permission",
    title: "project: needs approval",
  });
  const { phones } = await phonesOf(phone);
  expect(phones).toMatchObject([{ state: "untested", service: "127.0.0.1", platform: "android" }]);
  await phone.post("/api/push/tested", { arrived: true });
  expect((await phonesOf(phone)).phones[0]?.state).toBe("works");
});

test("who types at the desk has eight seconds; answered there, nothing is pushed, and that is written down", async () => {
  await using at = await world();
  const phone = await at.phone();
  using link = (await TestLink.session(at.server)).link;
  const asked = await link.ask({ desk_idle_ms: 1_000 });
  at.clock.advance(7_000);
  link.say({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: "approved" });
  await link.acked("withdrawn", asked.id);
  at.clock.advance(5_000);
  const other = await link.ask({ desk_idle_ms: 1_000 });
  at.clock.advance(8_000);
  const [pushed, ...more] = await at.service.pushes(1);
  expect(notificationOf(pushed).data.prompt).toBe(other.id);
  expect(more).toEqual([]);
  await outcome(phone, "sent");
  expect((await deliveries(phone)).map(({ outcome: is }) => is)).toEqual(["sent", "answered_first"]);
});

test("answered on one phone, the others' notification is replaced in silence; the phone that answered gets nothing", async () => {
  await using at = await world();
  const pixel = await at.phone("Pixel");
  const tablet = await at.phone("Tablet");
  using link = (await TestLink.session(at.server)).link;
  const asked = await link.ask();
  await at.service.pushes(2);
  await pixel.listen();
  const shown = await pixel.until("the prompt", () => pixel.prompts.get(asked.id));
  expect((await pixel.answer("approve", shown)).status).toBe(200);
  const third = (await at.service.pushes(3))[2];
  expect(tablet.endpoint).toEndWith(third?.id ?? "?");
  expect(notificationOf(third)).toMatchObject({ title: "Answered on Pixel", silent: true });
  expect(at.service.received).toHaveLength(3);
});

test("SEC-041 a notification's button answers once, with login, prompt, digest and the nonce of that very push", async () => {
  await using at = await world();
  const phone = await at.phone();
  const other = await at.phone("Other");
  using link = (await TestLink.session(at.server)).link;
  const asked = harmless();
  link.say({ type: "prompt", prompt: asked });
  const pushed = (await at.service.pushes(2)).find(({ id }) => phone.endpoint.endsWith(id));
  const { data } = notificationOf(pushed);
  const tap = { prompt: asked.id, digest: asked.digest, nonce: data.nonce, action: "approve" };
  const status = async (viewer: TestViewer, change: object) =>
    (await viewer.post("/api/push/act", { ...tap, ...change })).status;

  expect(await status(new TestViewer(at.server, ""), {})).toBe(401);
  expect(await status(other, {})).toBe(410);
  expect(await status(phone, { nonce: "A".repeat(22) })).toBe(410);
  expect(await status(phone, { digest: "0".repeat(64) })).toBe(410);
  expect(await status(phone, { prompt: Bun.randomUUIDv7() })).toBe(410);
  expect(await status(phone, { action: "always" })).toBe(400);
  for (const path of ["/api/push/act", `/p/${asked.id}?action=approve&nonce=${data.nonce}`])
    await phone.get(path);
  expect((await phone.get(`/api/prompts?open=1`)).body).toMatchObject({ prompts: [{ stage: "open" }] });

  expect(await status(phone, {})).toBe(200);
  expect((await link.next("answer")).answer).toEqual({ option: "approve" as never });
  expect(await status(phone, {})).toBe(410);
  expect(await status(phone, { action: "reject" })).toBe(410);
});

test("SEC-041 the nonce dies with the prompt, however that ends", async () => {
  await using at = await world();
  const phone = await at.phone();
  using link = (await TestLink.session(at.server)).link;
  const asked = harmless();
  link.say({ type: "prompt", prompt: asked });
  const [pushed] = await at.service.pushes(1);
  const { nonce } = notificationOf(pushed).data;
  link.say({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: null });
  await link.acked("withdrawn", asked.id);
  link.say({ type: "prompt", prompt: harmless({ id: asked.id as PromptId }) });
  const tap = { prompt: asked.id, digest: asked.digest, nonce, action: "approve" };
  expect((await phone.post("/api/push/act", tap)).status).toBe(410);
});

test("a subscription that is gone is deleted and shown as off", async () => {
  await using at = await world();
  const phone = await at.phone();
  using link = (await TestLink.session(at.server)).link;
  at.service.verdict = () => ({ status: 410 });
  await link.ask();
  expect(await outcome(phone, "gone")).toMatchObject({ status: 410 });
  const { phones } = await phonesOf(phone);
  expect(phones).toMatchObject([{ state: "off", service: null, reason: expect.stringContaining("given") }]);
});

test("one that is refused is shown with the reason", async () => {
  await using at = await world();
  const phone = await at.phone();
  at.service.verdict = () => ({ status: 403, body: '{"reason":"BadJwtToken"}' });
  expect((await phone.post("/api/push/test")).body).toMatchObject({ outcome: "refused", status: 403 });
  const { phones } = await phonesOf(phone);
  expect(phones).toMatchObject([{ state: "refused", reason: expect.stringContaining("push_contact") }]);
  at.service.verdict = () => null;
  expect((await phone.post("/api/push/test")).body).toMatchObject({ outcome: "sent" });
  expect((await phonesOf(phone)).phones[0]?.state).toBe("untested");
});

test("what became of pushes is counted, for whoever watches the server", async () => {
  await using at = await world();
  const phone = await at.phone();
  const counted = async () => {
    const headers = { authorization: `Bearer ${metricsToken}` };
    const text = await (await fetch(`${at.server.url}/metrics`, { headers })).text();
    const lines = [...text.matchAll(/^claude_remote_pushes_total\{outcome="(\w+)"\} (\d+)$/gm)];
    return Object.fromEntries(lines.map(([, word, count]) => [word, Number(count)]));
  };
  const none = { sent: 0, refused: 0, gone: 0, limited: 0, failed: 0, expired: 0, answered_first: 0 };
  expect(await counted()).toEqual(none);
  for (const status of [403, 201, 429, 503, 410]) {
    at.service.verdict = () => (status === 201 ? null : { status });
    await phone.post("/api/push/test");
  }
  expect(await counted()).toEqual({ ...none, refused: 1, sent: 1, limited: 1, failed: 1, gone: 1 });
});

test("SEC-077 a push service that has had enough is left alone as long as it says", async () => {
  await using at = await world();
  const phone = await at.phone();
  using link = (await TestLink.session(at.server)).link;
  let tries = 0;
  at.service.verdict = () => (++tries === 1 ? { status: 429, headers: { "retry-after": "9" } } : null);
  await link.ask();
  await outcome(phone, "limited");
  at.clock.advance(7_000);
  expect(tries).toBe(1);
  at.clock.advance(3_000);
  expect(notificationOf((await at.service.pushes(1))[0]).title).toBe("project: needs approval");
  expect(tries).toBe(2);
});

/** Several sessions that ask at the same moment, of which phones hear in one go. */
async function askTogether({ server, clock }: World, count: number): Promise<TestLink[]> {
  const links: TestLink[] = [];
  for (let i = 0; i < count; i++) links.push((await TestLink.session(server)).link);
  for (const link of links) await link.ask({ desk_idle_ms: 1_000 });
  clock.advance(8_000);
  return links;
}

test("SEC-077 whatever else was due waits as well once the push service has had enough", async () => {
  await using at = await world();
  const phone = await at.phone();
  let tries = 0;
  at.service.verdict = () => (++tries === 1 ? { status: 429, headers: { "retry-after": "5" } } : null);
  const links = await askTogether(at, 3);
  await outcome(phone, "limited");
  at.clock.advance(3_000);
  expect(tries).toBe(1);
  at.clock.advance(3_000);
  expect(await at.service.pushes(3)).toHaveLength(3);
  for (const link of links) link[Symbol.dispose]();
});

test("SEC-023 of several pushes that were due a revoked phone gets no further one", async () => {
  await using at = await world();
  const [gone, stays] = [await at.phone("Gone"), await at.phone("Stays")];
  const { own } = await phonesOf(gone);
  const revoked = Promise.withResolvers<void>();
  let sent = 0;
  at.service.verdict = async (id) => {
    if (!gone.endpoint.endsWith(id)) await revoked.promise;
    else if (++sent === 1) revoked.resolve(void (await at.server.admin("DELETE", `/viewers/${own}`)));
    return null;
  };
  const links = await askTogether(at, 4);
  // One after another to the other phone, all after that: time enough for one more to this.
  await at.service.pushes(5);
  expect(at.service.received.filter(({ id }) => stays.endpoint.endsWith(id))).toHaveLength(4);
  expect(sent).toBe(1);
  for (const link of links) link[Symbol.dispose]();
});

test("a push that could not be written down, on a full disk, does not silence the phone", async () => {
  await using at = await world();
  await at.phone();
  using db = new Database(join(at.server.data, "claude-remote.db"));
  db.run("CREATE TRIGGER full BEFORE INSERT ON push_deliveries BEGIN SELECT RAISE(ABORT, 'full'); END");
  for (const count of [1, 2, 3]) {
    using link = (await TestLink.session(at.server)).link;
    await link.ask();
    // Whether the push before is over by now, or has to be looked at again: it comes.
    const came = at.service.pushes(count);
    const looks = setInterval(() => at.clock.advance(1_000), 1);
    await came.finally(() => clearInterval(looks));
  }
  db.run("DROP TRIGGER full");
});

test("a slow push service of one phone does not hold up another, nor the server", async () => {
  await using at = await world();
  const slow = await at.phone("Slow");
  await at.phone("Quick");
  using link = (await TestLink.session(at.server)).link;
  at.service.verdict = (id) => (slow.endpoint.endsWith(id) ? "hang" : null);
  await link.ask();
  await at.service.pushes(1);
  expect((await slow.get("/api/push")).status).toBe(200);
});

test("SEC-021 a phone whose login is too old is told that it is needed, and not for what", async () => {
  await using at = await world();
  await at.phone();
  at.clock.advance(-3_600_000); // With a clock that went back there is no telling how old it is.
  using link = (await TestLink.session(at.server)).link;
  await link.ask();
  const [pushed] = await at.service.pushes(1);
  expect(notificationOf(pushed)).toMatchObject({ title: "A session needs you", app_badge: "1" });
  expect(pushed?.text).not.toMatch(/npm test|project/);
});

test("private notifications and quiet hours are the phone's own, and kept", async () => {
  await using at = await world();
  const [own, other] = [await at.phone("Own"), await at.phone("Other")];
  const quiet = { from: "22:00", to: "07:00", time_zone: "Europe/Berlin" };
  expect((await own.post("/api/push/settings", { private: true, quiet })).status).toBe(200);
  for (const wrong of [{ from: "24:00" }, { to: "7:00" }, { time_zone: "Mars/Base" }, { time_zone: "" }])
    expect(
      (await own.post("/api/push/settings", { private: true, quiet: { ...quiet, ...wrong } })).status,
    ).toBe(400);
  await at.server.restart();
  const { phones } = await phonesOf(other);
  expect(phones.map(({ private: is, quiet: hours }) => [is, hours])).toEqual([
    [true, quiet],
    [false, null],
  ]);
});

test("SEC-070 only a subscription that can be pushed to is kept", async () => {
  await using server = await testServer({ annexes: [push({ resolve: async () => ["127.0.0.1"] })] });
  const viewer = await TestViewer.pair(server);
  const { keys } = new PushService().subscribe();
  const state = async (subscription: object) => {
    return (await viewer.post("/api/push/phone", { platform: "ios", permission: "granted", subscription }))
      .status;
  };
  const endpoint = "https://fcm.googleapis.com/fcm/send/x";
  for (const wrong of [
    "http://127.0.0.1/x",
    "https://web.push.apple.com.evil.example/x",
    "https://10.0.0.1/",
  ])
    expect(await state({ endpoint: wrong, keys }), wrong).toBe(400);
  for (const wrong of [{ p256dh: "AAAA" }, { p256dh: "B".repeat(87) }, { auth: "short" }])
    expect(await state({ endpoint, keys: { ...keys, ...wrong } })).toBe(400);
  expect(await state({ endpoint, keys })).toBe(200);
  expect((await viewer.post("/api/push/test")).body).toMatchObject({
    outcome: "refused",
    reason: "its push service is not on the public Internet",
  });
});

test("what was pushed before a restart is not pushed again", async () => {
  await using at = await world();
  const phone = await at.phone();
  const { link, id } = await TestLink.session(at.server);
  const asked = await link.ask();
  await outcome(phone, "sent");
  link[Symbol.dispose]();
  await at.server.restart();
  const again = (await TestLink.session(at.server, { id, open: [asked.id] })).link;
  again.say({ type: "prompt", prompt: asked });
  await again.acked("prompt", asked.id);
  await again.ask({ tool: "Write", input: { file_path: "/etc/hosts" } });
  at.clock.advance(1_000);
  expect(at.service.received).toHaveLength(1);
  again[Symbol.dispose]();
});

test("SEC-023 a revoked phone's subscription and deliveries are gone with it", async () => {
  await using at = await world();
  const [gone, stays] = [await at.phone("Gone"), await at.phone("Stays")];
  await gone.post("/api/push/test");
  await stays.listen();
  const viewer = (await phonesOf(gone)).own;
  expect(
    (await stays.request("DELETE", `/api/viewers/${viewer}`, { headers: { origin: at.server.url } })).status,
  ).toBe(200);
  expect((await phonesOf(stays)).phones.map(({ viewer: one }) => one)).not.toContain(viewer);
  using db = new Database(join(at.server.data, "claude-remote.db"), { readonly: true });
  expect(db.query("SELECT 1 FROM push_subscriptions WHERE viewer_id = ?").all(viewer)).toEqual([]);
  expect(db.query("SELECT 1 FROM push_deliveries WHERE viewer_id = ?").all(viewer)).toEqual([]);
});

test("SEC-023 a phone whose login was so old that it was forgotten is told nothing more", async () => {
  await using at = await world();
  const [old, stays] = [await at.phone("Old"), await at.phone("Stays")];
  const { own } = await phonesOf(old);
  using db = new Database(join(at.server.data, "claude-remote.db"));
  db.run("DELETE FROM viewers WHERE id = ?", [own]); // As its time does, with nobody there who would be told.
  using link = (await TestLink.session(at.server)).link;
  await link.ask();
  await outcome(stays, "sent");
  expect(at.service.received.map(({ id }) => stays.endpoint.endsWith(id))).toEqual([true]);
  expect(db.query("SELECT 1 FROM push_subscriptions WHERE viewer_id = ?").all(own)).toEqual([]);
});

test("a browser's subscription is one phone's: whoever paired anew in it has it", async () => {
  await using at = await world();
  const first = await at.phone("First");
  const second = await at.phone("Second");
  const { body } = await second.get("/api/push");
  expect((body as unknown as PushOverview).phones).toHaveLength(2);
  const { keys } = at.service.subscribe();
  const said = {
    platform: "android",
    permission: "granted",
    subscription: { endpoint: first.endpoint, keys },
  };
  await second.post("/api/push/phone", said);
  expect((await phonesOf(first)).phones.map(({ state }) => state)).toEqual(["off", "untested"]);
});

test("deliveries are bounded", async () => {
  await using at = await world();
  const phone = await at.phone();
  const { own } = await phonesOf(phone);
  const db = new Database(join(at.server.data, "claude-remote.db"));
  const row = db.query(
    "INSERT INTO push_deliveries VALUES (NULL, ?, 1, 'done', 't', 's', 'x', 'sent', 201, NULL)",
  );
  db.transaction(() => {
    for (let i = 0; i < 300; i++) row.run(own);
  })();
  db.close();
  await phone.post("/api/push/test");
  const kept = await deliveries(phone);
  expect(kept).toHaveLength(200);
  expect(kept[0]).toMatchObject({ kind: "test", outcome: "sent" });
});

test("tests of a phone are few enough", async () => {
  await using at = await world();
  const phone = await at.phone();
  const statuses: number[] = [];
  for (let i = 0; i < 8; i++) statuses.push((await phone.post("/api/push/test")).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
});

test("a snoozed session is silent until it is over", async () => {
  await using at = await world();
  const phone = await at.phone();
  const { link, id } = await TestLink.session(at.server);
  const { body } = await phone.post("/api/push/snooze", { session: id, minutes: 60 });
  expect(Object.keys((body as unknown as PushOverview).snoozed)).toEqual([id]);
  await link.ask();
  at.clock.advance(1_000);
  expect(at.service.received).toEqual([]);
  await phone.post("/api/push/snooze", { session: id, minutes: 0 });
  await at.service.pushes(1);
  expect((await phone.post("/api/push/snooze", { session: id, minutes: 61 })).status).toBe(400);
  expect((await phone.post("/api/push/snooze", { session: "nobody", minutes: 1 })).status).toBe(404);
  link[Symbol.dispose]();
});

test("G1 every route is for paired browsers alone", async () => {
  await using at = await world();
  const paths = ["phone", "settings", "test", "tested", "snooze", "act"].map((path) => `/api/push/${path}`);
  const stranger = new TestViewer(at.server, "");
  for (const path of paths) expect((await stranger.post(path)).status, path).toBe(401);
  for (const path of ["/api/push", "/api/push/deliveries"])
    expect((await stranger.get(path)).status).toBe(401);
});

test("SEC-081 no key, endpoint or nonce is ever logged or shown to another phone", async () => {
  const lines: string[] = [];
  const log = openLog({ level: "debug" });
  const stderr = process.stderr.write;
  process.stderr.write = ((line: string) => lines.push(line) > 0) as typeof process.stderr.write;
  try {
    await using service = new PushService();
    await using server = await testServer({ log, annexes: [push({ anywhere: true })] });
    const viewer = await TestViewer.pair(server);
    const subscription = service.subscribe();
    await viewer.post("/api/push/phone", { platform: "android", permission: "granted", subscription });
    const { link } = await TestLink.session(server);
    link.say({ type: "prompt", prompt: harmless() });
    const [pushed] = await service.pushes(1);
    service.verdict = () => ({ status: 403, body: "reply-of-the-service" });
    await viewer.post("/api/push/test");
    await viewer.post("/api/push/phone", {
      platform: "android",
      permission: "granted",
      subscription: { endpoint: 1 },
    });
    const keys = JSON.parse(readFileSync(join(server.data, "push.key"), "utf8"));
    const { nonce } = notificationOf(pushed).data;
    const shown = JSON.stringify([
      (await viewer.get("/api/push")).body,
      (await viewer.get("/api/push/deliveries")).body,
    ]);
    const said = lines.join("") + shown;
    for (const secret of [
      keys.private,
      nonce,
      subscription.endpoint,
      subscription.keys.auth,
      subscription.keys.p256dh,
    ])
      expect(said.includes(secret)).toBe(false);
    expect(said).not.toContain("reply-of-the-service");
    expect(lines.join("")).toContain("pushes go to any address");
    link[Symbol.dispose]();
  } finally {
    process.stderr.write = stderr;
  }
});
