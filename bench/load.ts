// What a thousand open pages and five hundred machines cost one server, and how soon a question is on every page. Loopback
// only, one process for the server and one for everybody else; `--quick` for fifty and twenty-five.
import { Crowd } from "../src/testing/security/crowd.ts";
import { OwnServer } from "../src/testing/security/own-server.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY } from "./rig.ts";
import { median, p99 } from "./samples.ts";

type Counts = { streams: number; machines: number; questions: number; seconds: number };
const FULL: Counts = { streams: 1_000, machines: 500, questions: 20, seconds: 15 };
const QUICK: Counts = { streams: 50, machines: 25, questions: 5, seconds: 3 };
/** Changes of each screen a second, while it is painted. */
const PAINTS_A_SECOND = 2;
/** A question on every page within this, at the median. */
const LIMIT_MS = 1_000;
const LIMIT_MB = 1_000;

type Row = [what: string, rss: number, cpu: number];

export async function load({ quick }: BenchOptions): Promise<Report> {
  const counts = quick ? QUICK : FULL;
  await using server = await OwnServer.start({
    program: [BINARY],
    env: {
      CLAUDE_REMOTE_PORT: "0",
      CLAUDE_REMOTE_MAX_STREAMS: String(counts.streams),
      CLAUDE_REMOTE_MAX_WRAPPERS: String(counts.machines),
    },
  });
  using crowd = new Crowd(server);
  const rows: Row[] = [];
  /** Memory at the end of it, and per cent of a core meanwhile. */
  const measure = async (what: string, work: () => Promise<unknown>) => {
    const [cpu, began] = [server.cpu, performance.now()];
    console.error(`${what} …`);
    await work();
    rows.push([what, server.rss, ((server.cpu - cpu) / ((performance.now() - began) / 1_000)) * 100]);
  };
  const idle = () => Bun.sleep(counts.seconds * 1_000);
  await measure("nobody", () => Bun.sleep(1_000));
  await measure(`${counts.machines} machines come`, () => crowd.join(counts.machines));
  await measure("they are quiet", idle);
  await measure(`${counts.streams} pages are opened`, () => crowd.watch(counts.streams));
  await measure("all are quiet", idle);
  const times: number[] = [];
  const last: number[] = [];
  await measure(`${counts.questions} questions, each on every page`, async () => {
    for (let i = 0; i < counts.questions; i++) {
      const machine = crowd.machines[(i * 7) % crowd.machines.length];
      if (!machine) break;
      const seen = await crowd.ask(machine);
      times.push(...seen);
      last.push(Math.max(...seen));
    }
  });
  let painted = 0;
  const frames = () => crowd.watchers.reduce((sum, one) => sum + one.frames, 0);
  const shown = frames();
  await measure(`every screen changes ${PAINTS_A_SECOND} times a second`, async () => {
    const end = performance.now() + counts.seconds * 1_000;
    for (let next = performance.now(); next < end; next += 1_000 / PAINTS_A_SECOND) {
      for (const machine of crowd.machines) machine.paint();
      painted += crowd.machines.length;
      await Bun.sleep(Math.max(0, next + 1_000 / PAINTS_A_SECOND - performance.now()));
    }
  });
  const arrived = frames() - shown;
  await measure("all pages are closed", async () => {
    crowd.leave();
    await Bun.sleep(counts.seconds * 500);
  });
  await measure(`${counts.streams} pages are opened, packed`, () => crowd.watch(counts.streams, true));
  await measure("all are quiet", idle);
  const { streams, wrappers } = (await server.admin("GET", "/status")) as Record<string, number>;
  return {
    name: "load",
    tables: [
      { title: "The server", columns: ["", "RSS MB", "CPU %"], rows },
      {
        title: "From a machine's question until a page has it, ms",
        columns: ["", "median", "99 of 100", "worst"],
        rows: [
          ["each page", median(times), p99(times), Math.max(...times)],
          ["the last page of all", median(last), p99(last), Math.max(...last)],
        ],
      },
    ],
    notes: [
      `${painted} changes of a screen were painted, ${arrived} frames arrived on ${counts.streams} pages.`,
      `At the end: ${wrappers} machines, ${streams} streams.`,
    ],
    aims: [
      {
        what: "the last of all pages has a question, median",
        seen: median(last),
        limit: LIMIT_MS,
        unit: "ms",
      },
      { what: "memory at most", seen: Math.max(...rows.map(([, rss]) => rss)), limit: LIMIT_MB, unit: "MB" },
    ],
  };
}

if (import.meta.main) await main(load);
