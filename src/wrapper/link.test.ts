import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { DeviceId, ServerMessage, WrapperMessage } from "../protocol.ts";
import { type Channel, refusal, ServerHandshake } from "../seal.ts";
import { Link, type SocketEvents } from "./link.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const secret = new Uint8Array(32).fill(7);

/** A server on the other end of two functions: it shakes hands and keeps what it hears. */
function world(options: { secret?: Uint8Array; reachable?: boolean } = {}) {
  const heard: WrapperMessage[] = [];
  const log: string[] = [];
  const attempts: number[] = [];
  const sockets: SocketEvents[] = [];
  let events: SocketEvents | null = null;
  let channel: Channel | null = null;
  const server = { reachable: options.reachable ?? true, buffered: 0 };
  const link = new Link({
    device: "d1" as DeviceId,
    secret: () => options.secret ?? secret,
    onUp: () => void log.push("up"),
    onDown: (reason) => void log.push(`down: ${reason}`),
    onMessage: (message) => void log.push(message.type),
    random: () => 0.5,
    connect: (given) => {
      attempts.push(Date.now());
      const handshake = new ServerHandshake({ secretOf: () => secret });
      events = given;
      sockets.push(given);
      channel = null;
      queueMicrotask(() =>
        server.reachable ? given.received(handshake.challenge) : given.closed("refused"),
      );
      return {
        buffered: () => server.buffered,
        close: () => void log.push("closed"),
        send(frame) {
          if (channel) return void heard.push(JSON.parse(channel.open(frame as Uint8Array)));
          const step = handshake.receive(String(frame));
          if (step.step === "open") channel = step.channel;
          given.received(step.send);
        },
      };
    },
  });
  const say = (message: ServerMessage) => {
    if (channel && events) events.received(channel.seal(JSON.stringify(message)));
  };
  return {
    link,
    heard,
    log,
    attempts,
    sockets,
    say,
    server,
    drop: (reason: string) => events?.closed(reason),
    raw: (frame: string | Uint8Array) => events?.received(frame),
  };
}

const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

test("the handshake opens a sealed channel, both ways", async () => {
  const { link, heard, log, say } = world();
  await settle();
  expect(log).toEqual(["up"]);
  expect(link.tell({ type: "ping" })).toBe(true);
  say({ type: "stop" });
  expect(heard).toEqual([{ type: "ping" }]);
  expect(log).toEqual(["up", "stop"]);
  link[Symbol.dispose]();
});

test("a server that lacks the secret is not spoken to", async () => {
  const { link, log } = world({ secret: new Uint8Array(32) });
  await settle();
  expect(link.up).toBe(false);
  expect(log.join()).not.toContain("up");
  expect(link.tell({ type: "ping" })).toBe(false);
  link[Symbol.dispose]();
});

test("it reconnects for ever, after 0.25, 0.5, 1, then every 2 seconds", async () => {
  const { link, attempts } = world({ reachable: false });
  for (let i = 0; i < 400; i++) {
    await settle();
    jest.advanceTimersByTime(25);
  }
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  expect(waits.slice(0, 6)).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  link[Symbol.dispose]();
});

test("a server that lets us in and closes before a word is asked less and less often", async () => {
  const { link, attempts, drop, say } = world();
  await settle();
  for (const wait of [250, 500, 1_000, 2_000, 2_000]) {
    drop("its disk is full");
    jest.advanceTimersByTime(wait);
    await settle();
  }
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  expect(waits).toEqual([250, 500, 1_000, 2_000, 2_000]);
  say({ type: "ping" });
  drop("it restarts");
  jest.advanceTimersByTime(250);
  expect(attempts).toHaveLength(7);
  link[Symbol.dispose]();
});

test("after a lost connection it says up again, and starts with the shortest wait", async () => {
  const { link, log, drop } = world();
  await settle();
  drop("gone");
  jest.advanceTimersByTime(250);
  await settle();
  expect(log.filter((one) => one === "up")).toHaveLength(2);
  link[Symbol.dispose]();
});

test("fifteen seconds of silence are a dead connection; a ping every five is sent meanwhile", async () => {
  const { link, heard, log } = world();
  await settle();
  jest.advanceTimersByTime(10_000);
  expect(heard).toEqual([{ type: "ping" }, { type: "ping" }]);
  jest.advanceTimersByTime(5_000);
  expect(log.at(-1)).toContain("silent");
  link[Symbol.dispose]();
});

test("a clock that is put back hides no silence", async () => {
  const { link, log } = world();
  await settle();
  jest.setSystemTime(Date.now() - 3_600_000);
  jest.advanceTimersByTime(15_000);
  expect(log.at(-1)).toContain("silent");
  link[Symbol.dispose]();
});

test("a machine that slept for an hour knows within a heartbeat that nobody spoke", async () => {
  const { link, log } = world();
  await settle();
  jest.setSystemTime(Date.now() + 3_600_000);
  jest.advanceTimersByTime(5_000);
  expect(log.at(-1)).toContain("silent");
  link[Symbol.dispose]();
});

test("a heartbeat keeps it alive", async () => {
  const { link, log, say } = world();
  await settle();
  for (let i = 0; i < 10; i++) {
    jest.advanceTimersByTime(5_000);
    say({ type: "ping" });
  }
  expect(log).toEqual(["up"]);
  link[Symbol.dispose]();
});

test("a frame that was not sealed for us closes the connection, and reconnecting heals it", async () => {
  const { link, log, raw } = world();
  await settle();
  raw(new Uint8Array(64));
  expect(link.up).toBe(false);
  jest.advanceTimersByTime(250);
  await settle();
  expect(link.up).toBe(true);
  expect(log).toContain("closed");
  link[Symbol.dispose]();
});

test("what an earlier connection still says or does is nothing to the one that stands", async () => {
  const { link, log, sockets, drop } = world();
  await settle();
  drop("gone");
  jest.advanceTimersByTime(250);
  await settle();
  const [first] = sockets;
  first?.received(new Uint8Array(64));
  first?.closed("late");
  expect(link.up).toBe(true);
  expect(log).toEqual(["up", "closed", "down: gone", "up"]);
  link[Symbol.dispose]();
});

test("SEC-089 clear text on the sealed channel is not obeyed and ends it", async () => {
  const { link, log, raw } = world();
  await settle();
  raw('{"type":"stop"}');
  expect(link.up).toBe(false);
  expect(log).not.toContain("stop");
  link[Symbol.dispose]();
});

test("a server that lets us in again refuses us no more, and is asked as often as every other", async () => {
  const { link, attempts, say, drop } = world();
  await settle();
  say(refusal("revoked"));
  jest.advanceTimersByTime(30_000);
  await settle();
  expect([link.up, link.refused]).toEqual([true, null]);
  drop("it restarts");
  jest.advanceTimersByTime(1_000);
  expect(attempts).toHaveLength(3);
  link[Symbol.dispose]();
});

test("a connection that ends twice is followed by one attempt", () => {
  let attempts = 0;
  const link = new Link({
    device: "d1" as DeviceId,
    secret: () => secret,
    connect: ({ closed }) => {
      attempts++;
      closed("at once");
      setTimeout(() => closed("and again"), 10);
      return { send() {}, buffered: () => 0, close() {} };
    },
    onUp: () => {},
    onDown: () => {},
    onMessage: () => {},
    random: () => 0.5,
  });
  jest.advanceTimersByTime(700);
  expect(attempts).toBe(2);
  link[Symbol.dispose]();
});

test("a link that was ended connects no more, and says nothing of it", async () => {
  const { link, log, attempts } = world();
  await settle();
  link[Symbol.dispose]();
  jest.advanceTimersByTime(60_000);
  await settle();
  expect(attempts).toHaveLength(1);
  expect(log).toEqual(["up", "closed"]);
});

test("a refusal is kept as the reason and asked again only every half minute", async () => {
  const { link, attempts, say } = world();
  await settle();
  say(refusal("revoked"));
  expect(link.refused?.code).toBe("revoked");
  jest.advanceTimersByTime(29_000);
  expect(attempts).toHaveLength(1);
  jest.advanceTimersByTime(1_000);
  expect(attempts).toHaveLength(2);
  link[Symbol.dispose]();
});

test("a server that does not read is left rather than buffered for", async () => {
  const { link, server } = world();
  await settle();
  server.buffered = 100_000;
  expect(link.full).toBe(true);
  expect(link.tell({ type: "ping" })).toBe(true);
  server.buffered = 17 * 1024 * 1024;
  expect(link.tell({ type: "ping" })).toBe(false);
  expect(link.up).toBe(false);
  link[Symbol.dispose]();
});

test("a secret that cannot be read is tried again like a server that cannot be reached", async () => {
  let tries = 0;
  const link = new Link({
    device: "d1" as DeviceId,
    secret: () => {
      tries++;
      throw new Error("no key yet");
    },
    connect: () => ({ send() {}, buffered: () => 0, close() {} }),
    onUp: () => {},
    onDown: () => {},
    onMessage: () => {},
    random: () => 0.5,
  });
  jest.advanceTimersByTime(800);
  expect(tries).toBe(3);
  link[Symbol.dispose]();
});
