import { expect, test } from "bun:test";
import type { DeviceId } from "../protocol.ts";
import { ClientHandshake } from "../seal.ts";
import { fakeClock } from "../testing/clock.ts";
import { enrolled, TestLink } from "../testing/link.ts";
import { served } from "../testing/served.ts";
import { testServer } from "../testing/server.ts";
import { DESK, line, stores } from "../testing/store.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { LIMITS } from "./limits.ts";
import { openLog } from "./log.ts";

const { server, phone: viewer } = await served();
const { fresh } = stores();

test("a machine that is revoked is cut off at once and refused from then on", async () => {
  const other = await enrolled(server, "lost laptop");
  const { link, id } = await TestLink.session(server, {}, other);
  const { link: bystander } = await TestLink.session(server);
  await viewer.until("the session", () => viewer.sessions.get(id)?.connected);
  await server.admin("DELETE", `/devices/${other.device}`);
  await link.cutOff("revoked");
  await viewer.until("out of reach", () => viewer.sessions.get(id)?.connected === false);
  expect((await TestLink.connect(server, other)).refused).toMatchObject({ code: "revoked" });
  await bystander.ask();
  expect(bystander.closed).toBe(false);
  bystander[Symbol.dispose]();
});

test("an unknown machine and a wrong secret are refused with the same words", async () => {
  const wrong = await TestLink.connect(server, { secret: new Uint8Array(32) });
  const unknown = await TestLink.connect(server, { device: "nobody" as DeviceId });
  expect(wrong.refused).toMatchObject({ code: "device" });
  expect(unknown.refused).toEqual(wrong.refused);
  await wrong.until("the close", () => wrong.closed);
});

test("SEC-089 what was recorded on one connection is worth nothing on another", async () => {
  const recorded: (string | Uint8Array)[] = [];
  const { link } = await TestLink.session(server, { title: "recorded" });
  const { socket } = link;
  const send = socket.send.bind(socket);
  socket.send = (frame) => {
    recorded.push(frame as Uint8Array);
    send(frame);
  };
  const { id } = await link.ask();
  const replay = await TestLink.connect(server);
  for (const frame of recorded) replay.socket.send(frame as Uint8Array<ArrayBuffer>);
  await replay.cutOff();
  // On its own connection, once more, it is a repeated frame.
  send(recorded[0] as Uint8Array<ArrayBuffer>);
  await link.cutOff();
  await viewer.until("one open prompt", () => viewer.prompts.get(id)?.stage === "open");
});

test("SEC-092 garbage in place of the handshake closes that connection only", async () => {
  const frames = [
    "",
    "{}",
    "null",
    '{"type":"auth"}',
    "x".repeat(100_000),
    new Uint8Array(100),
    "{".repeat(4_000),
  ];
  for (const frame of frames) {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`);
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.onmessage = () => socket.send(frame);
    await closed;
  }
  expect((await viewer.get("/health")).status).toBe(200);
});

test("SEC-078 of more than twenty handshakes at a time the oldest ends; past two hundred wrappers the server is busy", async () => {
  await using small = await testServer({ clock: fakeClock() }); // A slow handshake never ends by itself.
  const strangers = Array.from({ length: 21 }, () => new WebSocket(`${small.url.replace("http", "ws")}/ws`));
  const closed = Promise.race(
    strangers.map((one) => new Promise((end) => one.addEventListener("close", end))),
  );
  await closed;
  for (const one of strangers) one.close();
  const links: TestLink[] = [];
  for (let i = 0; i < 200; i++) links.push(await TestLink.connect(small));
  expect(links.filter(({ refused }) => refused)).toEqual([]);
  expect((await TestLink.connect(small)).refused).toMatchObject({ code: "busy" });
  for (const link of links) link[Symbol.dispose]();
});

test("SEC-078 more frames a second than anybody sends closes the connection", async () => {
  await using still = await testServer({ clock: fakeClock() }); // All of them in one second, however slow the machine is.
  const { link } = await TestLink.session(still);
  for (let i = 0; i < LIMITS.framesPerSecond - 10; i++) link.say({ type: "ping" });
  await link.ask();
  for (let i = 0; i < 10; i++) link.say({ type: "ping" });
  await link.cutOff();
});

test("nothing is heard on a connection before it is known of which session it speaks", async () => {
  const link = await TestLink.connect(server);
  link.say({ type: "lines", lines: [line(0)] });
  await link.cutOff();
});

test("a connection that does not take a frame is closed: what comes after a lost one could not be opened", () => {
  const { store } = fresh();
  const secret = new Uint8Array(32);
  const log = openLog({ level: "silent" });
  const sent: (string | Uint8Array)[] = [];
  const closes: string[] = [];
  let takes = true;
  const options = { store, clock: fakeClock(), log, secretOf: () => secret, onRefused() {} };
  const connection = new Connection(options as unknown as ConnectionOptions, {
    ...{ address: "", close: (reason: string) => void closes.push(reason) },
    send: (frame) => sent.push(frame) > 0 && takes,
  });
  const step = new ClientHandshake({ device: DESK, secret }).receive(String(sent[0]));
  if (step.step === "send") connection.receive(step.send);
  sent.length = 0;
  connection.tell({ type: "ping" });
  takes = false;
  connection.tell({ type: "ping" });
  connection.tell({ type: "ping" });
  expect([sent.length, closes]).toEqual([2, ["it does not read"]]);
});

test("silence of 15 s is death, with a heartbeat every 5 s until then; a slow handshake ends after 5 s", async () => {
  const clock = fakeClock();
  await using quiet = await testServer({ clock });
  const { link } = await TestLink.session(quiet);
  const slow = new WebSocket(`${quiet.url.replace("http", "ws")}/ws`);
  const slowClosed = new Promise((resolve) => slow.addEventListener("close", resolve));
  await new Promise((resolve) => slow.addEventListener("message", resolve));
  clock.advance(5_000);
  await link.next("ping");
  await slowClosed;
  clock.advance(9_000);
  await link.next("ping");
  await link.ask();
  clock.advance(14_000);
  await link.next("ping");
  expect(link.closed).toBe(false);
  clock.advance(1_000);
  await link.cutOff("silent");
});
