import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { relay, relayIn } from "./relay.ts";

/** A server elsewhere that says so first, and then says everything back. */
function elsewhere() {
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: (request, self) => {
      const foreign = request.headers.has("origin") || new URL(request.url).pathname !== "/ws";
      return foreign || !self.upgrade(request) ? new Response(null, { status: 400 }) : undefined;
    },
    websocket: {
      open: (socket) => void socket.send("challenge"),
      message: (socket, frame) => void (frame === "end" ? socket.close(4_000, "enough") : socket.send(frame)),
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** What comes out at this end, one after the other; an end is told as its reason. */
function dial(socket: string, path = "/ws") {
  const near = new WebSocket(`ws+unix://${socket}:${path}`);
  near.binaryType = "arraybuffer";
  const came: unknown[] = [];
  let wanted: (() => void) | null = null;
  const put = (what: unknown) => {
    came.push(what);
    wanted?.();
  };
  near.onmessage = ({ data }) => put(typeof data === "string" ? data : new Uint8Array(data));
  near.onclose = ({ reason }) => put({ closed: reason });
  return {
    send: (frame: string | Uint8Array<ArrayBuffer>) => near.send(frame),
    close: () => near.close(),
    async next(): Promise<unknown> {
      while (came.length === 0) await new Promise<void>((done) => (wanted = done));
      return came.shift();
    },
  };
}

function place() {
  const folder = mkdtempSync(join(tmpdir(), "cr-relay-"));
  return { socket: join(folder, "r"), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test("text and bytes pass both ways as they are, each channel its own; an end is an end on both sides", async () => {
  using at = place();
  await using server = elsewhere();
  await using _relay = relay(at.socket, server.url);
  const [one, two] = [dial(at.socket), dial(at.socket)];
  expect([await one.next(), await two.next()]).toEqual(["challenge", "challenge"]);
  one.send("grüße");
  two.send(Uint8Array.of(0, 255, 128));
  expect([await one.next(), await two.next()]).toEqual(["grüße", Uint8Array.of(0, 255, 128)]);
  const large = crypto.getRandomValues(new Uint8Array(60_000));
  two.send(large);
  expect(await two.next()).toEqual(large);
  one.send("end");
  expect(await one.next()).toEqual({ closed: "enough" });
  two.send("still there");
  expect(await two.next()).toBe("still there");
});

test("where the server is out of reach, a channel ends at once, and the next one is tried anew", async () => {
  using at = place();
  const gone = elsewhere();
  await gone[Symbol.asyncDispose]();
  await using _relay = relay(at.socket, gone.url);
  for (const _ of [1, 2])
    expect(await dial(at.socket).next()).toEqual({ closed: expect.stringMatching(/./) as unknown });
});

test("each process has a socket of its own, and takes away none but those of processes that were killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cr-relays-"));
  const killed = Bun.spawn(["true"]);
  await killed.exited;
  const others = [`r-box.${process.ppid}`, `r-another.${killed.pid}`];
  for (const name of [...others, `r-box.${killed.pid}`]) writeFileSync(join(folder, name), "");
  await using server = elsewhere();
  {
    await using own = relayIn(folder, "box", server.url);
    expect(readdirSync(folder).sort()).toEqual([...others, `r-box.${process.pid}`].sort());
    expect(await dial(own.socket).next()).toBe("challenge");
  }
  expect(readdirSync(folder).sort()).toEqual(others.sort());
  rmSync(folder, { recursive: true });
});

test("nothing but the channel for wrappers is led on, and nothing is left of it", async () => {
  using at = place();
  await using server = elsewhere();
  {
    await using _relay = relay(at.socket, server.url);
    const asked = (path: string) => fetch(`http://localhost${path}`, { unix: at.socket });
    expect((await asked("/api/sessions")).status).toBe(404);
    expect((await asked("/operate/pair")).status).toBe(404);
    expect((await asked("/ws")).status).toBe(426);
    expect(await dial(at.socket, "/operate/attach").next()).toEqual({ closed: expect.anything() as unknown });
  }
  expect(existsSync(at.socket)).toBe(false);
});
