// Hundreds of approvals while everything that can break is broken, and an audit of what became of each.
import { expect, test } from "bun:test";
import { audit, report } from "./auditor.ts";
import { NOTHING, PATIENT, WINDOWS } from "./faults.ts";
import { place } from "./place.ts";
import { Tally } from "./tally.ts";
import { demoDesk, drive, endings, leaves, settle, type Task, type Told, tasks } from "./workload.ts";
import { ChaosWorld } from "./world.ts";

const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
/** Prompts answered at desks that live; desks at which they are asked. */
const PROMPTS = ALL ? 1_000 : 100;
const DESKS = 4;
/** Rounds of sessions that are killed, each in its own way and window. */
const ROUNDS = ALL ? 20 : 1;
/** Stops that are longer than what either end waits. */
const STOPS = ALL ? 6 : 1;
/** Each window is struck at least so often by a kill of the server. */
const KILLS_EACH = ALL ? 20 : 2;
const TEST_MS = ALL ? 1_800_000 : 240_000;

test(
  `${PROMPTS} approvals and rejections: none lost, doubled, misapplied or told otherwise, whatever is killed, cut or stopped`,
  async () => {
    await using here = place();
    await using world = await ChaosWorld.open(here);
    const tally = new Tally();
    const told: Told[] = [];
    const desk = async (name: string, list: Task[]) => {
      const terminal = demoDesk(world, name, list);
      told.push(...(await drive(world, tally, terminal, list)));
      const mortal = list.some(({ fault }) => fault.ends);
      if (!mortal) expect(await leaves(terminal)).toEqual({ code: 0, signal: null });
    };
    const oneByOne = async () => {
      for (const [i, list] of endings(ROUNDS).entries()) await desk(`mortal-${i}`, list);
    };
    // Whose session ends unheard is reported by another one of the machine.
    const witness = demoDesk(world, "witness", []);
    await Promise.all([
      ...Array.from({ length: DESKS }, (_, i) => desk(`desk-${i}`, tasks(`d${i}`, PROMPTS / DESKS))),
      desk("patient", [
        ...tasks("p", STOPS, ALL ? PATIENT : PATIENT.slice(0, 1)),
        ...tasks("q", 1, [NOTHING]),
      ]),
      oneByOne(),
    ]);
    await settle(world, told);
    witness.write("/exit\r");
    expect(await leaves(witness)).toEqual({ code: 0, signal: null });
    await world.server[Symbol.asyncDispose]();
    const { findings, vague } = audit(world, here.home, told);
    report(tally, told, findings, vague);
    expect(findings).toHaveLength(0);
    for (const window of WINDOWS)
      expect(tally.of("server killed", window)).toBeGreaterThanOrEqual(KILLS_EACH);
  },
  TEST_MS,
);
