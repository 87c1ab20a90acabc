// Bytes that reach the phone for what claude writes: every recording replayed, then the real claude telling a long story.
import { join } from "node:path";
import { ClaudeRig, VERSION } from "./claude.ts";
import { liveGzip } from "./gzip.ts";
import { Outer } from "./outer.ts";
import { PhoneStream } from "./phone.ts";
import { type Recording, recordings, type Write, writesOf } from "./recordings.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig, type Viewer } from "./rig.ts";
import { sum } from "./samples.ts";

const LIMIT_PERCENT = 25;
const LIMIT_KB_A_SECOND = 5;
/** Each has a server of its own, so that none hears of another's sessions. Replaying is mostly waiting. */
const LANES = 4;
/** The stand-in's answer: as fast as a model writes, about 330 characters a second. */
const STORY = { lines: 400, msBetweenPieces: 60 };

type Lane = { rig: Rig; viewer: Viewer; program: string; known: string[] };
type Cost = { recording: Recording; raw: number; rawGzip: number; phone: number };

/**
 * These recordings in one session, one after the other, on one connection: what the phone was sent, from the first byte
 * to rest. They are of one size.
 */
async function replay({ rig, viewer, program, known }: Lane, some: readonly Recording[]): Promise<Cost[]> {
  const [{ cols, rows } = { cols: 0, rows: 0 }] = some;
  const command = [BINARY, ...some.map(({ path }) => path)];
  await using outer = new Outer(command, { env: rig.env(program), cols, rows });
  await outer.seen("READY\r\x1b[K");
  const session = await rig.session(viewer, known);
  known.push(session);
  using phone = await PhoneStream.open(rig, viewer, session);
  await phone.quiet();
  const costs: Cost[] = [];
  const gzip = liveGzip();
  for (const recording of some) {
    const writes = writesOf(recording.path);
    const raw = sum(writes.map(({ bytes }) => bytes.length));
    const before = { phone: phone.bytes, outer: outer.received };
    const done = Promise.withResolvers<void>();
    outer.onBytes = () => outer.received - before.outer >= raw && done.resolve();
    outer.write("g");
    await done.promise;
    await phone.quiet();
    costs.push({ recording, raw, rawGzip: await gzip.add(writes), phone: phone.bytes - before.phone });
  }
  return costs;
}

async function lane(work: Recording[][], costs: Cost[]) {
  await using rig = await Rig.open();
  const bun = `exec '${process.execPath}' '${join(import.meta.dir, "replay.ts")}' "$@"`;
  const program = rig.script("replay", bun);
  const self: Lane = { rig, viewer: await rig.pair(), program, known: [] };
  for (let next = work.shift(); next; next = work.shift()) costs.push(...(await replay(self, next)));
}

/** Every list of recordings in a session and on a connection of its own. */
async function replayAll(work: Recording[][]): Promise<Cost[]> {
  const costs: Cost[] = [];
  await Promise.all(Array.from({ length: LANES }, () => lane(work, costs)));
  return costs;
}

const groupOf = ({ version, cols, rows }: Recording) => `${version}, ${cols}×${rows}`;

type Rate = { raw: number; rawGzip: number; phone: number; seconds: number };

/** Bytes while the real claude tells a long text. */
async function story(lines: number): Promise<Rate> {
  await using claude = await ClaudeRig.open();
  const { rig } = claude;
  const viewer = await rig.pair();
  const terminal = await claude.start(true);
  using phone = await PhoneStream.open(rig, viewer, await rig.session(viewer));
  await terminal.say(`TEXT: ${lines} ;; RATE: ${STORY.msBetweenPieces}`);
  const at = await terminal.waitFor(/line 1 of/);
  const before = phone.bytes;
  const writes: Write[] = [];
  terminal.onBytes = (bytes) => writes.push({ at: performance.now() - at, bytes: bytes.slice() });
  const end = await terminal.waitFor(new RegExp(`line ${lines} of`));
  const raw = sum(writes.map(({ bytes }) => bytes.length));
  return {
    raw,
    rawGzip: await liveGzip().add(writes),
    phone: phone.bytes - before,
    seconds: (end - at) / 1000,
  };
}

export async function phoneBytes({ quick }: BenchOptions): Promise<Report> {
  const all = recordings().filter((_, i) => !quick || i % 12 === 0);
  const alone = await replayAll(all.map((one) => [one]));
  const together = await replayAll([...Map.groupBy(all, groupOf).values()]);
  const told = await story(quick ? 60 : STORY.lines);
  return reportOf(alone, together, told);
}

function reportOf(alone: readonly Cost[], together: readonly Cost[], told: Rate): Report {
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(0)} %`;
  const cells = (name: string, some: readonly Cost[]) => {
    const [raw, rawGzip, phone] = (["raw", "rawGzip", "phone"] as const).map((of) =>
      sum(some.map((cost) => cost[of])),
    ) as [number, number, number];
    return [name, some.length, raw, rawGzip, phone, share(phone, raw), share(phone, rawGzip)];
  };
  const rows = (costs: readonly Cost[]) => {
    const groups = Map.groupBy(costs, ({ recording }) => groupOf(recording));
    return [...[...groups].toSorted().map(([name, some]) => cells(name, some)), cells("all", costs)];
  };
  const total = (costs: readonly Cost[]) =>
    (100 * sum(costs.map(({ phone }) => phone))) / sum(costs.map(({ raw }) => raw));
  const one = (cost: Cost) => cells(`${cost.recording.version} ${cost.recording.name}`, [cost]);
  const byShare = alone.toSorted((a, b) => a.phone / a.raw - b.phone / b.raw);
  const columns = ["bytes", "recordings", "raw", "raw, gzip", "phone", "of raw", "of raw, gzip"];
  const kb = (bytes: number) => bytes / 1000 / told.seconds;
  return {
    name: "phone-bytes",
    tables: [
      { title: "Each recording in a session and on a connection of its own", columns, rows: rows(alone) },
      { title: "One after the other, on a connection that stays", columns, rows: rows(together) },
      {
        title: "Alone, the best and the worst",
        columns,
        rows: [...byShare.slice(0, 3), ...byShare.slice(-5)].map(one),
      },
      {
        title: `claude ${VERSION} writes a long text for ${told.seconds.toFixed(0)} s`,
        columns: ["kB/s", "raw", "raw, gzip", "phone"],
        rows: [["", kb(told.raw), kb(told.rawGzip), kb(told.phone)]],
      },
    ],
    aims: [
      { what: "each alone, of the raw bytes", seen: total(alone), limit: LIMIT_PERCENT, unit: "%" },
      { what: "on one connection, of the raw bytes", seen: total(together), limit: LIMIT_PERCENT, unit: "%" },
      { what: "a long text", seen: kb(told.phone), limit: LIMIT_KB_A_SECOND, unit: "kB/s" },
    ],
  };
}

if (import.meta.main) await main(phoneBytes);
