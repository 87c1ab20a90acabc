// Clients that send as slowly as they can: each is ended in time, and nobody else waits for them.
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

const SOCKETS = 500;
/** A byte this often keeps any limit on silence from being met, ms. */
const DRIP_MS = 5_000;
const CLOSED_WITHIN_MS = 30_000;

/** What each of them begins with, and goes on with a byte at a time. */
const BEGINNINGS = [
  () => "G",
  (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `,
  (host: string) =>
    `POST /api/pair HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{`,
  (host: string) =>
    `POST /api/pair HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n{`,
];

test("SEC-074 of 500 sockets that drip a byte every 5 s all are closed within 30 s, and nobody else waits", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const host = `127.0.0.1:${server.port}`;
  const ends = Array.from({ length: SOCKETS }, (_, i) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const socket = connect(server.port, "127.0.0.1", () => {
      const openedAt = performance.now();
      socket.write(BEGINNINGS[i % BEGINNINGS.length]?.(host) ?? "");
      const drip = setInterval(() => socket.write("x"), DRIP_MS);
      socket.on("close", () => {
        clearInterval(drip);
        resolve(performance.now() - openedAt);
      });
    });
    socket.on("error", () => {});
    socket.resume();
    return promise;
  });
  const open = Promise.all(ends);
  const took: number[] = [];
  let all: number[] | null = null;
  open.then((lives) => {
    all = lives;
  });
  while (!all) {
    const began = performance.now();
    expect((await viewer.get("/api/sessions")).status).toBe(200);
    took.push(performance.now() - began);
    await Promise.race([open, Bun.sleep(250)]);
  }
  const lives = await open;
  expect(lives).toHaveLength(SOCKETS);
  expect(Math.max(...lives)).toBeLessThan(CLOSED_WITHIN_MS);
  took.sort((a, b) => a - b);
  // Half of them, since other programs may hold a busy machine up now and then.
  expect(took[Math.floor(took.length / 2)]).toBeLessThan(1_000);
}, 90_000);
