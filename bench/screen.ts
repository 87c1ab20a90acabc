// What a screen costs: replays every recording of claude and prints the time of each step and the bytes of its frames,
// as JSON and gzipped with a flush a frame, beside what claude wrote, gzipped with a flush at the same moments. `--all`
// prints a line a recording. Each recording is a start of claude up to one dialog, so that most of it is new text;
// "one stream" is all of them through one gzip, as a viewer's connection that stays open.
import { constants, createGzip } from "node:zlib";
import { diff, type Frame, mirror, type Screen } from "../src/screen.ts";
import { Emulator } from "../src/wrapper/emulator.ts";

const TESTDATA = `${import.meta.dir}/../src/wrapper/testdata`;
/** A phone's rate. */
const FRAME_MS = 100;

type Write = { at: number; bytes: Uint8Array };
type Cost = { raw: number; rawGzip: number; frames: number; json: number; gzip: number };
const wholes = { raw: gzipStream(), frames: gzipStream() };
const times = { parse: [] as number[], screen: [] as number[], diff: [] as number[] };

/** One gzip stream; `add` gives the bytes that the chunk and its flush made. */
function gzipStream() {
  const gzip = createGzip();
  let bytes = 0;
  gzip.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  return {
    add(text: string | Uint8Array) {
      gzip.write(text);
      const { promise, resolve } = Promise.withResolvers<void>();
      gzip.flush(constants.Z_SYNC_FLUSH, resolve);
      return promise;
    },
    bytes: () => bytes,
  };
}

function timed<T>(into: number[], work: () => T): T {
  const start = performance.now();
  const result = work();
  into.push((performance.now() - start) * 1000);
  return result;
}

async function writesOf(path: string): Promise<Write[]> {
  const all = await Bun.file(`${path}.bin`).bytes();
  const lines = (await Bun.file(`${path}.jsonl`).text()).trim().split("\n");
  let from = 0;
  return lines.map((line) => {
    const [at, length] = JSON.parse(line) as [number, number];
    from += length;
    return { at, bytes: all.subarray(from - length, from) };
  });
}

async function cost(path: string, cols: number, rows: number): Promise<Cost> {
  const writes = await writesOf(path);
  using emulator = new Emulator({ cols, rows });
  const frames: Frame[] = [];
  const viewer = mirror((frame) => frames.push(frame) > 0);
  let before: Screen = emulator.screen();
  let nextAt = 0;
  let unsent: Uint8Array[] = [];
  const rawGzip = gzipStream();
  for (const [i, { at, bytes }] of writes.entries()) {
    const start = performance.now();
    emulator.write(bytes);
    await emulator.settled();
    times.parse.push((performance.now() - start) * 1000);
    unsent.push(bytes);
    const upcoming = writes[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const due = Math.max(at + 4, nextAt);
    if (upcoming <= due) continue;
    const screen = timed(times.screen, () => emulator.screen());
    timed(times.diff, () => diff(before, screen));
    before = screen;
    viewer.show(screen);
    nextAt = due + FRAME_MS;
    for (const stream of [rawGzip, wholes.raw]) await stream.add(Buffer.concat(unsent));
    unsent = [];
  }
  const gzip = gzipStream();
  const json = frames.map((frame) => JSON.stringify({ type: "output", frame }));
  for (const text of json) for (const stream of [gzip, wholes.frames]) await stream.add(text);
  const raw = writes.reduce((total, { bytes }) => total + bytes.length, 0);
  const sum = json.reduce((total, text) => total + Buffer.byteLength(text), 0);
  return {
    raw,
    rawGzip: rawGzip.bytes(),
    frames: frames.length,
    json: sum,
    gzip: gzip.bytes(),
  };
}

function percentile(values: number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
}

const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(0)} %`;
const total: Cost = { raw: 0, rawGzip: 0, frames: 0, json: 0, gzip: 0 };
const cells = (name: string, c: Cost) => [
  name,
  ...[c.raw, c.rawGzip, c.frames, c.json, c.gzip, percent(c.gzip, c.raw), percent(c.gzip, c.rawGzip)],
];
const print = (row: (string | number)[]) =>
  console.log(row.map((cell, i) => (i === 0 ? `${cell}`.padEnd(40) : `${cell}`.padStart(9))).join(""));

print(["recording", "raw", "raw gz", "frames", "json", "gz", "gz/raw", "/raw gz"]);
for (const file of [...new Bun.Glob("*/*.bin").scanSync(TESTDATA)].sort()) {
  const [, name = "", cols, rows] = /^(.*\.(\d+)x(\d+))\.bin$/.exec(file) ?? [];
  const one = await cost(`${TESTDATA}/${name}`, Number(cols), Number(rows));
  if (process.argv.includes("--all")) print(cells(name, one));
  for (const key of Object.keys(total) as (keyof Cost)[]) total[key] += one[key];
}
print(cells("all", total));
print(cells("one stream", { ...total, rawGzip: wholes.raw.bytes(), gzip: wholes.frames.bytes() }));
for (const [name, values] of Object.entries(times)) {
  print([`${name} µs`, "p50", percentile(values, 0.5), "p99", percentile(values, 0.99)]);
}
