// How long a session on a devbox takes to be there, from the tap on Start, with a real sshd on this machine's loopback.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { LaunchStep } from "../src/protocol.ts";
import { DEMO, DevboxWorld } from "../src/testing/ssh/world.ts";
import { until } from "../src/testing/story/processes.ts";
import type { TestViewer } from "../src/testing/viewer.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { median, percentile } from "./samples.ts";

/** A second launch is one person's wait: no longer than a page that loads. */
const POOLED_MS = 2_000;
const PATIENCE_MS = 120_000;

type Side = { name: string; prepare: () => Promise<void>; times: number[] };

/** Milliseconds from the request until the session runs; its wrapper has said hello then. */
async function launched(world: DevboxWorld, phone: TestViewer): Promise<number> {
  const launch = crypto.randomUUID();
  const begunAt = performance.now();
  const reply = await phone.post("/api/sessions", { launch, devbox: "box", dir: "~" });
  if (reply.status !== 200) throw new Error(`the launch was refused: ${JSON.stringify(reply.body)}`);
  const over: LaunchStep[] = ["started", "failed"];
  const found = () => phone.launches.find(({ id, step }) => id === launch && over.includes(step));
  await until("the launch's end", () => found() !== undefined, PATIENCE_MS);
  const took = performance.now() - begunAt;
  const { session, error } = found() ?? {};
  if (!session) throw new Error(`the launch failed: ${error?.message}`);
  await world.run("stop", session);
  await world.clean("box");
  return took;
}

export async function launch({ quick }: BenchOptions): Promise<Report> {
  await using world = await DevboxWorld.open([{ name: "box", files: { ".local/bin/claude*": DEMO } }], false);
  await world.add("box");
  const box = world.hosts.host("box");
  const phone = await world.phone();
  const unix = join(world.folder, "cr", "data", "admin.sock");
  /** Another server: its first connection is a new one. */
  const anew = async () => {
    await fetch("http://localhost/shutdown", { method: "POST", unix, body: "{}" });
    await until("the server's end", () => phone.closed, PATIENCE_MS);
    await world.run("sessions");
    await phone.listen();
  };
  const sides: Side[] = [
    {
      name: "first launch: a new connection, our program put there",
      times: [],
      prepare: async () => {
        rmSync(join(box.home, ".local/share/claude-remote"), { recursive: true, force: true });
        await anew();
      },
    },
    { name: "a new connection, our program there", times: [], prepare: anew },
    { name: "the connection of the launch before", times: [], prepare: async () => {} },
  ];
  for (let round = 0; round < (quick ? 1 : 7); round++)
    for (const { prepare, times } of sides) {
      await prepare();
      times.push(await launched(world, phone));
    }
  await phone[Symbol.asyncDispose]();
  const rows = sides.map(({ name, times }) => [name, median(times), percentile(times, 1)]);
  return {
    name: "launch",
    tables: [
      {
        title: `From the tap on Start, ${sides[0]?.times.length} launches each`,
        columns: ["ms", "p50", "most"],
        rows,
      },
    ],
    aims: [
      {
        what: "p50, the connection of before",
        seen: median(sides[2]?.times ?? []),
        limit: POOLED_MS,
        unit: "ms",
      },
    ],
  };
}

if (import.meta.main) await main(launch);
