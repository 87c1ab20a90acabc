// What claude writes reaches the terminal unchanged, whatever it is, and whatever becomes of server and viewer meanwhile.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { TestViewer } from "../viewer.ts";
import { Rig, type Side, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const RECORDINGS = join(import.meta.dir, "../../wrapper/testdata");
const REPLAY = [process.execPath, join(import.meta.dir, "testdata/replay.ts")];
const FLOOD_MB = process.env.CLAUDE_REMOTE_TEST_ALL === "1" ? 100 : 20;
const MB = 1_000_000;

let rig: Rig & { viewer: TestViewer };
let random = "";

beforeAll(async () => {
  rig = await Rig.paired();
  random = join(rig.folder, "random");
  writeFileSync(random, noise(FLOOD_MB * MB));
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

/** The same bytes each time, of every kind: control characters, broken UTF-8, ends of sequences that never began. */
function noise(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** Says where the first difference is, which a comparison of megabytes would not. */
function expectSame(got: Buffer, wanted: Buffer) {
  if (got.equals(wanted)) return;
  const at = got.findIndex((byte, i) => byte !== wanted[i]);
  const around = (bytes: Buffer) =>
    JSON.stringify(bytes.subarray(Math.max(0, at - 40), at + 40).toString("latin1"));
  throw new Error(
    `at ${at} of ${wanted.length} (${got.length} came): ${around(got)} instead of ${around(wanted)}`,
  );
}

async function replayed(side: Side, recordings: string[], cols: number, rows: number): Promise<Buffer> {
  await using outer = side.outer([...REPLAY, ...recordings], { cols, rows });
  expect(await outer.exited).toEqual({ code: 0, signal: null });
  return outer.bytes();
}

test.each([
  ["2.1.197", 100, 40],
  ["2.1.197", 40, 30],
  ["2.1.329", 100, 40],
  ["2.1.329", 40, 30],
] as const)("every recording of claude %s at %i by %i arrives as it is", async (version, cols, rows) => {
  const folder = join(RECORDINGS, version);
  const names = readdirSync(folder).filter((name) => name.endsWith(`.${cols}x${rows}.bin`));
  const recordings = names.sort().map((name) => join(folder, name));
  const bare = await replayed(rig.bare, recordings, cols, rows);
  const recorded = Buffer.concat([...recordings.map((path) => readFileSync(path)), Buffer.from("\x1bc")]);
  expectSame(bare, recorded);
  expectSame(await replayed(rig.wrapped, recordings, cols, rows), bare);
  console.log(
    `bytes: ${recordings.length} recordings of ${version} at ${cols}x${rows}, ${bare.length} bytes, equal`,
  );
});

/** Waits for a key, so that a test can look around first; then all of a file, and no mode left on. */
const FLOOD = [
  "sh",
  "-c",
  'stty raw -echo; printf "[ready]"; head -c 1 > /dev/null; cat "$1"; printf "\\033c"',
  "sh",
];

/** Floods the terminal with the random file; `meanwhile` is called once when a third of it has come. */
async function flooded(
  side: Side,
  before: (pid: number) => unknown,
  meanwhile = () => {},
): Promise<{ all: Buffer; rate: number }> {
  let reached = false;
  await using outer = side.outer([...FLOOD, random], {
    onBytes: (_, { received }) => {
      if (reached || received < (FLOOD_MB * MB) / 3) return;
      reached = true;
      meanwhile();
    },
  });
  await outer.seen("[ready]");
  await before(outer.pid);
  const begunAt = performance.now();
  outer.write("x");
  expect(await outer.exited).toEqual({ code: 0, signal: null });
  expect(reached).toBe(true);
  return { all: outer.bytes(), rate: FLOOD_MB / ((performance.now() - begunAt) / 1_000) };
}

const wanted = () => Buffer.concat([Buffer.from("[ready]"), readFileSync(random), Buffer.from("\x1bc")]);
const tell = (what: string, rate: number) =>
  console.log(`bytes: ${FLOOD_MB} MB of noise ${what}: equal, ${rate.toFixed(0)} MB/s`);

test(`${FLOOD_MB} MB of noise arrive as they are`, async () => {
  const bare = await flooded(rig.bare, () => {});
  expectSame(bare.all, wanted());
  tell("without us", bare.rate);
  const wrapped = await flooded(rig.wrapped, () => rig.session(rig.viewer));
  expectSame(wrapped.all, bare.all);
  tell("with us", wrapped.rate);
});

test("… with a viewer that watches and does not read", async () => {
  const sockets: ReturnType<typeof connect>[] = [];
  const { all, rate } = await flooded(rig.wrapped, async () => {
    const { id } = await rig.session(rig.viewer);
    const socket = connect(rig.port, "127.0.0.1");
    sockets.push(socket);
    socket.pause();
    socket.write(
      `GET /events?session=${id} HTTP/1.1\r\nHost: 127.0.0.1:${rig.port}\r\nCookie: ${rig.viewer.cookie}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once("readable", resolve)); // It is served; nothing more is taken.
  });
  for (const socket of sockets) socket.destroy();
  expectSame(all, wanted());
  tell("with a stalled viewer", rate);
});

test("… with the server killed in the middle", async () => {
  await using fragile = await Rig.paired();
  const { all, rate } = await flooded(
    fragile.wrapped,
    () => fragile.session(fragile.viewer),
    () => process.kill(fragile.server().pid, "SIGKILL"),
  );
  expectSame(all, wanted());
  tell("with the server killed", rate);
});

test("without a paired phone one line is said before claude starts, and nothing else", async () => {
  await using lonely = new Rig();
  const note = `claude-remote: http://127.0.0.1:${lonely.port} (to pair a phone, run in another terminal: claude-remote pair)\r\n`;
  const said = async (side: Side) => {
    await using outer = side.outer(["printf", "%s", "claude's own"]);
    await outer.exited;
    return outer.text();
  };
  expect(await said(lonely.wrapped)).toBe(note + (await said(lonely.bare)));
});
