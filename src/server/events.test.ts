import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { ConversationId, LogLine, SessionId } from "../protocol.ts";
import { apply, blank, type Frame, rowText } from "../screen.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { systemClock } from "./clock.ts";
import { Logins } from "./logins.ts";
import { Store } from "./store.ts";
import { parseCursor } from "./stream.ts";

let server: TestServer;
let phone: TestViewer;

beforeAll(async () => {
  server = await testServer();
  phone = await TestViewer.pair(server);
});
afterAll(() => server.stop());

/** Another window of the same phone. */
const window = (of = phone) => new TestViewer(of.server, of.cookie);
const whole = (...text: string[]): Frame => ({
  size: { cols: 80, rows: 24 },
  lines: text.map((text, y) => ({ y, row: [{ text }] })),
});
const rowAt = (y: number, text: string): Frame => ({ lines: [{ y, row: [{ text }] }] });
const lines = (from: number, count: number, text = "line"): LogLine[] =>
  Array.from({ length: count }, (_, i) => ({
    line_no: from + i,
    epoch: 0,
    source: "screen",
    text: `${text} ${from + i}`,
  }));
const streams = async (of = server) => (await of.admin("GET", "/status")).streams as number;

/** Says so many lines, in messages of a thousand, and waits until they are on disk. */
async function log(link: TestLink, from: number, count: number, text?: string) {
  for (let at = from; at < from + count; at += 1_000) {
    link.say({ type: "lines", lines: lines(at, Math.min(1_000, from + count - at), text) });
  }
  const upto = from + count - 1;
  await link.until("the lines on disk", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === upto),
  );
}

test("the first event is the whole state, with what is open and who is asking", async () => {
  const { link, id } = await TestLink.session(server);
  const { id: prompt } = await link.ask();
  const before = Date.now();
  const viewer = await window().listen();
  expect(viewer.events[0]).toBe("state");
  expect(viewer.state).toMatchObject({
    protocol: 1,
    version: "0.0.0-test",
    insecure: false,
    viewer: { name: "Phone" },
  });
  expect(viewer.state?.now).toBeWithin(before, Date.now() + 1);
  expect(viewer.sessions.get(id)).toMatchObject({ connected: true });
  expect(viewer.prompts.get(prompt)).toMatchObject({ stage: "open" });
  viewer.leave();
  link[Symbol.dispose]();
});

test("the screen of the session that is asked for, and of no other, converges on the wrapper's", async () => {
  const [one, two] = [await TestLink.session(server), await TestLink.session(server)];
  one.link.say({ type: "output", frame: whole("one") });
  two.link.say({ type: "output", frame: whole("two") });
  const viewer = await window().listen(one.id);
  await viewer.until("the screen", () => viewer.text === "one");
  two.link.say({ type: "output", frame: rowAt(0, "TWO") });
  one.link.say({ type: "output", frame: rowAt(1, "more") });
  await viewer.until("the change", () => viewer.text === "one\nmore");
  expect(viewer.screen.cols).toBe(80);
  viewer.leave();
  for (const { link } of [one, two]) link[Symbol.dispose]();
});

test("the first change after quiet goes at once, a flood at ten frames a second, and the last one always", async () => {
  const clock = fakeClock(); // No time passes by itself: what comes all the same comes at once.
  await using still = await testServer({ clock });
  const { link, id } = await TestLink.session(still);
  link.say({ type: "output", frame: whole("begin") });
  const viewer = await (await TestViewer.pair(still)).listen(id);
  await viewer.until("the screen", () => viewer.text === "begin");
  for (const text of "abc") {
    clock.advance(110); // Quiet.
    link.say({ type: "output", frame: rowAt(0, text) });
    await viewer.until("the first", () => viewer.text === text);
  }
  const before = viewer.frames;
  for (let tenth = 1; tenth <= 5; tenth++) {
    for (let i = 1; i <= 10; i++) link.say({ type: "output", frame: rowAt(0, `${tenth}.${i}`) });
    await link.ask(); // They are all there.
    clock.advance(100);
    await viewer.until("the last", () => viewer.text === `${tenth}.10`);
  }
  expect(viewer.frames - before).toBe(5);
  viewer.leave();
  link[Symbol.dispose]();
});

test("the last screen of a session that has ended can be seen", async () => {
  const { link, id } = await TestLink.session(server);
  link.say({ type: "output", frame: whole("bye") }, { type: "exit", code: 0, signal: null, reason: "exit" });
  await link.until("the ack", () => link.heard.some((one) => one.type === "ack" && one.stream === "exit"));
  link[Symbol.dispose]();
  const viewer = await window().listen(id);
  await viewer.until("the screen", () => viewer.text === "bye");
  viewer.leave();
});

test("lines and messages come to those who look at that session, each once, in order", async () => {
  const conversation = Bun.randomUUIDv7() as ConversationId;
  const { link, id } = await TestLink.session(server, { conversation });
  const [here, elsewhere] = [await window().listen(id), await window().listen()];
  await log(link, 0, 450);
  for (let seq = 0; seq < 25; seq++) {
    link.say({
      type: "message",
      message: { conversation, uuid: `u${seq}`, seq, role: "user", body: { seq } },
    });
  }
  await here.until("all lines", () => here.lines.length >= 450 && here.messages.length >= 25);
  expect(here.lines.map((one) => one.line_no)).toEqual(Array.from({ length: 450 }, (_, i) => i));
  expect(here.messages.map((one) => one.seq)).toEqual(Array.from({ length: 25 }, (_, i) => i));
  expect(elsewhere.events.filter((name) => name === "lines" || name === "message")).toEqual([]);
  here.leave();
  elsewhere.leave();
  link[Symbol.dispose]();
});

test("a stream that is taken up again has no gap and no duplicate, also over a restart of the server", async () => {
  await using mortal = await testServer();
  const viewer = await TestViewer.pair(mortal);
  const conversation = "c1" as ConversationId;
  const { link, id } = await TestLink.session(mortal, { conversation });
  const say = (seq: number) =>
    link.say({ type: "message", message: { conversation, uuid: `u${seq}`, seq, role: "user", body: seq } });
  await viewer.listen(id);
  await log(link, 0, 100);
  say(0);
  await viewer.until("the first part", () => viewer.lines.length === 100 && viewer.messages.length === 1);
  viewer.leave();
  await viewer.until("left", () => viewer.closed);
  await log(link, 100, 700);
  say(1);
  await link.until("the message on disk", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "messages" && one.upto === 1),
  );
  await mortal.restart();
  await viewer.listen(id);
  await viewer.until("the rest", () => viewer.lines.length >= 800 && viewer.messages.length >= 2);
  expect(viewer.lines.map((one) => one.line_no)).toEqual(Array.from({ length: 800 }, (_, i) => i));
  expect(viewer.messages.map((one) => one.seq)).toEqual([0, 1]);
  viewer.leave();
});

test("a cursor that is none, or of another database, begins at the end", async () => {
  const { link, id } = await TestLink.session(server);
  await log(link, 0, 10);
  for (const cursor of ["nonsense", "-1--1", "999999999999-999999999999", "1e9-0"]) {
    const viewer = window();
    viewer.cursor = cursor;
    await viewer.listen(id);
    await log(link, 10, 1);
    expect(
      viewer.lines.filter((one) => one.line_no < 10),
      cursor,
    ).toEqual([]);
    viewer.leave();
  }
  expect(parseCursor("12-3")).toEqual({ line: 12, message: 3 });
  link[Symbol.dispose]();
});

test("events come at once packed as well as plain", async () => {
  // Unflushed they would come with the next heartbeat, which never is by this clock.
  await using still = await testServer({ clock: fakeClock() });
  const own = await TestViewer.pair(still);
  for (const encoding of ["gzip", "identity"]) {
    const viewer = window(own);
    const raw = await fetch(`${still.url}/events`, {
      headers: { cookie: viewer.cookie, "accept-encoding": encoding },
    });
    expect(raw.headers.get("content-encoding")).toBe(encoding === "gzip" ? "gzip" : null);
    await raw.body?.cancel();
    await viewer.listen(undefined, { "accept-encoding": encoding });
    const { link, id } = await TestLink.session(still);
    await viewer.until("the session", () => viewer.sessions.has(id));
    viewer.leave();
    link[Symbol.dispose]();
  }
});

test("a heartbeat every five seconds, with the server's time", async () => {
  const clock = fakeClock();
  await using calm = await testServer({ clock });
  const viewer = await TestViewer.pair(calm);
  await viewer.listen();
  for (let beat = 1; beat <= 3; beat++) {
    clock.advance(5_000);
    await viewer.until("the heartbeat", () => viewer.heartbeats === beat);
  }
  viewer.leave();
});

/** A viewer that reads only when it is told to: its socket, and all it got so far. */
async function stalling(of: TestServer, { cookie }: { cookie: string }, session?: SessionId) {
  const socket: Socket = connect(of.port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  socket.on("error", () => {});
  const path = session ? `/events?session=${session}` : "/events";
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${of.port}\r\nCookie: ${cookie}\r\n\r\n`;
  socket.write(head);
  while (!got.includes("event: state")) await Bun.sleep(1);
  return { socket, got: () => got };
}

/** The frames of a stream's text, applied. */
function screenOf(text: string): string {
  const frames = [...text.matchAll(/event: output\nid: .*\ndata: (.*)\n/g)].map(
    ([, data]) => JSON.parse(data ?? "").frame,
  );
  return frames.reduce(apply, blank(0, 0)).lines.map(rowText).join("\n").trimEnd();
}

test("SEC-076 a reader that stalls costs little memory, then gets what it missed, once, and the last screen", async () => {
  const { link, id } = await TestLink.session(server);
  link.say({ type: "output", frame: whole("begin") });
  const { socket, got } = await stalling(server, phone, id);
  socket.pause();
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  // 20 MB of log, and a screen that changes all the time.
  for (let part = 0; part < 20; part++) {
    await log(link, part * 1_000, 1_000, "x".repeat(1_000));
    link.say({ type: "output", frame: rowAt(part, `row ${part} ${"y".repeat(50)}`) });
  }
  link.say({ type: "output", frame: rowAt(23, "THE END") });
  await link.ask(); // All of it has been read by the server.
  Bun.gc(true);
  expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(64);
  expect(got().length).toBeLessThan(8 * 2 ** 20);
  socket.resume();
  const last = () => got().includes('"line_no":19999,') && screenOf(got()).endsWith("THE END");
  while (!last()) await Bun.sleep(20);
  const numbers = got()
    .match(/"line_no":\d+/g)
    ?.map((text) => Number(text.slice(10)));
  expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  expect(screenOf(got())).toContain("row 19");
  socket.destroy();
  link[Symbol.dispose]();
}, 30_000);

test("a stall followed by silence still drains to the last screen", async () => {
  const { link, id } = await TestLink.session(server);
  link.say({ type: "output", frame: whole("begin") });
  const { socket, got } = await stalling(server, phone, id);
  socket.pause();
  const runs = () => Array.from({ length: 10 }, () => ({ text: crypto.randomUUID().repeat(100) }));
  const noise = () => Array.from({ length: 24 }, (_, y) => ({ y, row: runs() }));
  for (let i = 0; i < 12; i++) {
    link.say({ type: "output", frame: { lines: noise() } });
    await Bun.sleep(105);
  }
  link.say({ type: "output", frame: whole("silence") });
  await link.ask();
  socket.resume();
  while (screenOf(got()) !== "silence") await Bun.sleep(5);
  expect(got().match(/event: output/g)?.length).toBeLessThan(12); // What it could not take was never sent.
  socket.destroy();
  link[Symbol.dispose]();
});

test("SEC-076 a viewer that reads nothing for 30 s is let go", async () => {
  const clock = fakeClock();
  await using calm = await testServer({ clock });
  const viewer = await TestViewer.pair(calm);
  const { link, id } = await TestLink.session(calm);
  const { socket } = await stalling(calm, viewer, id);
  socket.pause();
  await log(link, 0, 20_000, "z".repeat(500));
  expect(await streams(calm)).toBe(1);
  for (let beats = 0; beats < 8; beats++) {
    link.say({ type: "ping" });
    await link.ask();
    clock.advance(5_000);
  }
  expect(await streams(calm)).toBe(0);
  socket.destroy();
});

test("SEC-075 a ninth stream of one viewer ends its oldest", async () => {
  const own = await TestViewer.pair(server, "Greedy");
  const windows: TestViewer[] = [];
  for (let i = 0; i < 9; i++) windows.push(await window(own).listen());
  await windows[0]?.until("the end of the oldest", () => windows[0]?.closed);
  expect(windows.filter(({ closed }) => !closed)).toHaveLength(8);
  for (const one of windows) one.leave();
});

test("SEC-075 256 streams in all; past that the oldest ends", async () => {
  await using full = await testServer();
  const store = new Store(join(full.data, "claude-remote.db"));
  const logins = new Logins(store.viewers, systemClock);
  const cookies = Array.from({ length: 33 }, (_, i) => `cr=${logins.add(`v${i}`, "here").secret}`);
  store[Symbol.dispose]();
  // Raw sockets: fetch would keep the last ones waiting.
  const all: Awaited<ReturnType<typeof stalling>>[] = [];
  for (const cookie of cookies) {
    for (let i = 0; i < 8; i++) all.push(await stalling(full, { cookie }));
  }
  expect(await streams(full)).toBe(256);
  const hasEnded = ({ got }: (typeof all)[number]) => got().endsWith("\r\n0\r\n\r\n");
  while (!all.slice(0, 8).every(hasEnded)) await Bun.sleep(1); // Each by a socket of its own, in whatever order.
  expect(all.filter(hasEnded)).toEqual(all.slice(0, 8));
  for (const { socket } of all) socket.destroy();
});

test("SEC-075 after many that come and go nothing is left of them", async () => {
  const { link, id } = await TestLink.session(server);
  while ((await streams()) > 0) await Bun.sleep(1); // Those of the tests before have gone.
  for (let round = 0; round < 30; round++) {
    const some = await Promise.all(Array.from({ length: 5 }, () => window().listen(id)));
    for (const one of some) one.leave();
    await Promise.all(some.map((one) => one.until("closed", () => one.closed)));
  }
  const watches = () => link.heard.findLast((one) => one.type === "watch");
  await link.until(
    "nobody watches",
    () => watches()?.type === "watch" && (watches() as { viewers: number }).viewers === 0,
  );
  expect(await streams()).toBe(0);
  link[Symbol.dispose]();
});

test("stopping the server ends every stream and connection, and a new one takes over", async () => {
  await using mortal = await testServer();
  const viewer = await TestViewer.pair(mortal);
  const { link, id } = await TestLink.session(mortal);
  await viewer.listen(id);
  await mortal.restart();
  await viewer.until("the end", () => viewer.closed);
  await link.until("the close", () => link.closed);
  await viewer.listen(id);
  expect(viewer.sessions.get(id)).toMatchObject({ connected: false, ended_at: null });
  viewer.leave();
});
