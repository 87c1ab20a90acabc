// What a hostile client can do with a WebSocket: each ends its own connection, and nothing else.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { LIMITS } from "../../server/limits.ts";
import { prompt, TestLink } from "../link.ts";
import { TestViewer } from "../viewer.ts";
import { OwnServer } from "./own-server.ts";
import { frameOf, RawSocket } from "./raw-socket.ts";

/** Opcodes with FIN set. */
const [TEXT, BINARY, PING] = [0x81, 0x82, 0x89];
const MIB = 2 ** 20;

let server: OwnServer;

beforeAll(async () => {
  server = await OwnServer.start({ env: { CLAUDE_REMOTE_PORT: "0" } });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Whatever was done: an honest wrapper is let in and served, and its prompt is stored. */
async function served() {
  const { link } = await TestLink.session(server);
  await link.ask(prompt());
  link[Symbol.dispose]();
}

const bomb = deflateRawSync(Buffer.alloc(200 * MIB, "a"));
const WRONG: [what: string, bytes: Buffer, code: number | null][] = [
  ["a frame over the limit", frameOf(BINARY, Buffer.alloc(1_000), { length: LIMITS.frameBytes + 1 }), 1009],
  ["a frame of 2^62 bytes", frameOf(BINARY, Buffer.alloc(10), { length: 2 ** 62 }), 1009],
  ["a compressed bomb, which nobody asked for", frameOf(0xc2, bomb), null],
  ["a first reserved bit", frameOf(0xc1, Buffer.from("{}")), null],
  ["a second reserved bit", frameOf(0xa1, Buffer.from("{}")), null],
  ["a third reserved bit", frameOf(0x91, Buffer.from("{}")), null],
  ["a reserved opcode", frameOf(0x83, Buffer.from("{}")), null],
  ["bad UTF-8 as text", frameOf(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22])), 1007],
  ["a lone surrogate as text", frameOf(TEXT, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), null],
  ["a ping of more than 125 bytes", frameOf(PING, Buffer.alloc(200)), null],
  ["a ping in parts", frameOf(0x09, Buffer.from("x")), null],
  ["a continuation of nothing", frameOf(0x80, Buffer.from("x")), null],
  ["a frame in clear text", frameOf(TEXT, Buffer.from('{"type":"session"}')), null],
  ["bytes in place of the handshake", frameOf(BINARY, Buffer.alloc(100)), null],
];

test.each(WRONG)("SEC-078 %s closes that connection and nothing else", async (_, bytes, code) => {
  using raw = await RawSocket.open(server.port);
  const before = server.rss;
  raw.socket.write(bytes);
  await raw.closed;
  if (code !== null) expect(raw.closeCode).toBe(code);
  await served();
  expect(server.rss - before).toBeLessThan(64);
});

test("SEC-078 no compression is agreed to, whatever a client offers", async () => {
  using raw = await RawSocket.open(
    server.port,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
  );
  expect(raw.head).toStartWith("HTTP/1.1 101");
  expect(raw.head.toLowerCase()).not.toContain("sec-websocket-extensions");
});

test("SEC-078 a message in endless parts ends at the limit, and memory stays flat", async () => {
  using raw = await RawSocket.open(server.port);
  const part = Buffer.alloc(MIB);
  const before = server.rss;
  raw.socket.write(frameOf(0x02, part)); // Not the last part, and none of the following either.
  let ended = false;
  raw.closed.then(() => {
    ended = true;
  });
  for (let sent = 1; sent < 64 && !ended; sent++) {
    raw.socket.write(frameOf(0x00, part));
    await Bun.sleep(1);
  }
  await raw.closed;
  await served();
  expect(server.rss - before).toBeLessThan(64);
});

test("SEC-078 ten thousand frames a second end the connection that sends them", async () => {
  const viewer = await TestViewer.pair(server);
  const { link } = await TestLink.session(server);
  const before = server.rss;
  for (let i = 0; i < 10_000 && !link.closed; i++) link.say({ type: "ping" });
  await link.until("the close", () => link.closed);
  expect(link.reason).toContain("made no sense");
  await served();
  expect((await viewer.get("/api/sessions")).status).toBe(200);
  expect(server.rss - before).toBeLessThan(64);
});

test("SEC-016 SEC-078 a thousand connections that say nothing are closed, and wrappers still get in", async () => {
  const all: RawSocket[] = [];
  for (let i = 0; i < 1_000; i += 50) {
    const some = await Promise.all(
      Array.from({ length: 50 }, () => RawSocket.open(server.port).catch(() => null)),
    );
    all.push(...some.flatMap((one) => one ?? []));
  }
  expect(all.length).toBeGreaterThan(900);
  const open = new Set(all);
  for (const one of all) one.closed.then(() => open.delete(one));
  const { link } = await TestLink.session(server); // Its own handshake is the newest.
  await served();
  while (open.size > LIMITS.handshakes) await Promise.race([...open].map((one) => one.closed));
  link[Symbol.dispose]();
  for (const one of all) one[Symbol.dispose]();
});
