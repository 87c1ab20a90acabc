// How much later the program's first byte comes with the wrapper around it, and how soon a server answers.
import { Outer } from "./outer.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig } from "./rig.ts";
import { median, p99, shuffled } from "./samples.ts";

const LIMIT_MS = 60;
/** Nothing that a shell or we would write. */
const FIRST = "~X~";

type Side = { name: string; start: () => Promise<number>; times: number[] };

/** Milliseconds from the spawn to `FIRST`. */
async function firstByte(command: string[], env: Record<string, string>, text = FIRST): Promise<number> {
  const at = performance.now();
  await using outer = new Outer(command, { env });
  return (await outer.seen(text)) - at;
}

/** The same with a new user's home, in which no server runs. */
async function veryFirst(program: string): Promise<number> {
  await using rig = await Rig.open({ server: false });
  const time = await firstByte([BINARY], rig.env(program));
  await rig.serverUp();
  return time;
}

/** From the spawn of a server, in a new user's home, to its first answer. */
async function coldServer(): Promise<number> {
  await using rig = await Rig.open({ server: false });
  const at = performance.now();
  await rig.startServer();
  return performance.now() - at;
}

export async function startup({ quick }: BenchOptions): Promise<Report> {
  await using rig = await Rig.open();
  const program = rig.script("first", `printf '${FIRST}'\nexec sleep 60`);
  const env = rig.env(program);
  const sides: Side[] = [
    { name: "bare", start: () => firstByte([program], env), times: [] },
    { name: "wrapped, server runs", start: () => firstByte([BINARY], env), times: [] },
    { name: "wrapped, very first start", start: () => veryFirst(program), times: [] },
    // What the runtime alone takes: it starts, loads one small module, writes.
    {
      name: "`claude-remote version`",
      start: () => firstByte([BINARY, "version"], env, "claude-remote"),
      times: [],
    },
  ];
  const server: Side = { name: "`claude-remote serve`, to its first answer", start: coldServer, times: [] };
  for (let round = 0; round < (quick ? 5 : 30); round++) {
    for (const { start, times } of shuffled([...sides, server])) times.push(await start());
  }
  const [bare, warm, first] = sides.map(({ times }) => median(times));
  const added = (seen: number | undefined) => (seen ?? Number.NaN) - (bare ?? Number.NaN);
  return {
    name: "startup",
    tables: [
      {
        title: `From the spawn to the program's first byte, ${sides[0]?.times.length} starts each`,
        columns: ["ms", "p50", "p99", "p50 added"],
        rows: [
          ...sides.map(({ name, times }) => [name, median(times), p99(times), added(median(times))]),
          [server.name, median(server.times), p99(server.times), "–"],
        ],
      },
    ],
    aims: [
      { what: "p50 added, server runs", seen: added(warm), limit: LIMIT_MS, unit: "ms" },
      { what: "p50 added, very first start", seen: added(first), limit: LIMIT_MS, unit: "ms" },
    ],
  };
}

if (import.meta.main) await main(startup);
