// A seed, run from its beginning through everything that goes wrong to peace, and the audit of it.
import { rmSync } from "node:fs";
import { audit } from "./auditor.ts";
import { folderOf } from "./database.ts";
import { auditDisk } from "./disk.ts";
import { type Fault, faults, strike } from "./faults.ts";
import type { History } from "./history.ts";
import type { Violation } from "./rules.ts";
import { Endless } from "./time.ts";
import { World } from "./world.ts";

/** After the last fault and the last thing that any claude did, everything is settled by then, ms. */
const SETTLED_WITHIN_MS = 45_000;
/** However long it takes: no claude of ours does anything for longer. */
const LONGEST_MS = 240_000;

export type Outcome = {
  seed: number;
  violations: Violation[];
  history: History;
  faults: Fault[];
  hash: string;
};

/** Runs a seed. `skip`: faults that are left out, by their place in the list. */
export async function simulate(seed: number, skip: ReadonlySet<number> = new Set()): Promise<Outcome> {
  const folder = folderOf("simulation");
  const world = new World(seed, folder);
  const { time, history, violations } = world;
  world.onRestart = () => violations.push(...auditDisk(world));
  using _ = time.install(world.random("ids"));
  const within = world.random("length").pick([4_000, 10_000, 20_000]);
  const all = faults(world.random("faults"), (name) => world.random(name), within);
  try {
    await world.begin();
    all.forEach((fault, i) => {
      if (skip.has(i)) return;
      time.after(fault.at, time.nobody, () => {
        if (!strike(world, fault)) return;
        history.note("FAULT", `${fault.kind} (${i})`);
        history.count(`fault: ${fault.kind}`);
      });
    });
    await time.run(time.now + within);
    world.heal();
    const healed = time.now;
    const quiet = () => time.now >= Math.max(healed, world.lastAct()) + SETTLED_WITHIN_MS;
    await time.run(healed + LONGEST_MS, quiet);
    violations.unshift(...audit(world));
    count(world);
  } catch (error) {
    const what = error instanceof Endless ? error.message : `threw ${(error as Error).stack}`;
    violations.push({ promise: "liveness", what, about: [] });
  } finally {
    world.server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { seed, violations, history, faults: all, hash: history.hash() };
}

/** What there was, and the last word of the server: a run that ended otherwise was another run. */
function count({ history, server, taps }: World) {
  const prompts = server.store.prompts.recent(10_000);
  const mine = [...taps.values()].filter(({ phone }) => phone !== "intruder");
  history.count("prompts", prompts.length);
  history.count("answers", mine.length);
  history.count("answers applied", mine.filter(({ replies }) => replies.includes(200)).length);
  history.note(
    "server",
    JSON.stringify([prompts, server.store.sessions.open(), server.store.sessions.ended()]),
  );
}
