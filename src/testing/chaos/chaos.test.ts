// Hundreds of approvals while everything that can break is broken, and an audit of what became of each.
import { expect, test } from "bun:test";
import { NOTHING, PATIENT, WINDOWS } from "./faults.ts";
import { place } from "./place.ts";
import { report } from "./report.ts";
import { ChaosRun, expectSharpEyes } from "./run.ts";
import { endings, tasks } from "./tasks.ts";

const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
/** Prompts answered at desks that live; desks at which they are asked. */
const PROMPTS = ALL ? 1_000 : 100;
const DESKS = 5;
/** Rounds of sessions that are killed, each in its own way and window. */
const ROUNDS = ALL ? 20 : 1;
/** Stops that are longer than what either end waits. */
const STOPS = ALL ? 6 : 1;
/** Each window is struck at least so often by a kill of the server, and once a round by one of the wrapper. */
const KILLS_EACH = ALL ? 20 : 2;
/** Quiet, a tenth of it. */
const TEST_MS = ALL ? 3_600_000 : 600_000;

test(
  `${PROMPTS} approvals and rejections: none lost, doubled, misapplied or told otherwise, whatever is killed, cut or stopped`,
  async () => {
    await using here = place();
    await using run = await ChaosRun.open(here);
    const mortals = async () => {
      for (const [i, list] of endings(ROUNDS).entries()) await run.demo(`mortal-${i}`, list);
    };
    const patient = [...tasks("p", STOPS, ALL ? PATIENT : PATIENT.slice(0, 1)), ...tasks("q", 1, [NOTHING])];
    await Promise.all([
      ...Array.from({ length: DESKS }, (_, i) => run.demo(`desk-${i}`, tasks(`d${i}`, PROMPTS / DESKS))),
      run.demo("patient", patient),
      mortals(),
    ]);
    await run.killedInEach(KILLS_EACH);
    const history = await run.end();
    expect(report("Scripted", run.tally, history)).toEqual([]);
    expectSharpEyes(history);
    for (const window of WINDOWS) {
      expect(run.tally.of("server killed", window)).toBeGreaterThanOrEqual(KILLS_EACH);
      expect(run.tally.of("wrapper killed", window)).toBeGreaterThanOrEqual(ROUNDS);
    }
  },
  TEST_MS,
);
