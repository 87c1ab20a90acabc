// Prompts by the hundred: which fault meets which, and who said what about each.
import type { PromptId, PromptStage } from "../../protocol.ts";
import type { Terminal } from "../terminal.ts";
import type { Desk } from "./desks.ts";
import type { Step } from "./faults.ts";
import type { Said } from "./phone.ts";
import { command, dialogOf } from "./place.ts";
import type { Tally } from "./tally.ts";
import { type Task, turns } from "./tasks.ts";
import { until } from "./until.ts";
import type { ChaosWorld } from "./world.ts";

/** A prompt takes some 60 ms; the slowest fault some seconds; a machine that does other things much more. */
const PATIENCE_MS = 60_000;

/** What was said about one prompt, by whom, and what everybody was told in the end. */
export type Told = Task & {
  prompt: PromptId | null;
  said: Said[];
  desk: ("yes" | "no")[];
  /** How it ended, as each phone knows it. */
  stages: (PromptStage | null)[];
  /** Its session was ended by a kill while it was open. */
  ended: boolean;
};

/** What somebody says with a no to the prompt of this token. */
export const messageFor = (token: string) => `Not ${token}, please.`;

/** Answers what that desk is asked, one after the other, with what is to go wrong meanwhile; `done` gets each after that. */
export async function drive(
  world: ChaosWorld,
  tally: Tally,
  desk: Desk,
  list: readonly Task[],
  done: (one: Told) => void,
): Promise<Told[]> {
  const told: Told[] = [];
  for (const turn of turns(list)) {
    await desk.say(turn);
    for (const task of turn) {
      const one: Told = { ...task, prompt: null, said: [], desk: [], stages: [], ended: false };
      told.push(one);
      await answered(world, tally, desk.terminal, one);
      done(one);
      if (one.ended) return told;
    }
  }
  return told;
}

async function answered(world: ChaosWorld, tally: Tally, desk: Terminal, one: Told) {
  const { token, verb, fault } = one;
  const late = () => `the prompt of ${token} (${fault.name})\n${desk.screen()}\n${world.log()}`;
  const prompt = await until(late, () => world.phones[0]?.open(command(token)), PATIENCE_MS);
  one.prompt = prompt.id;
  const begunAt = performance.now();
  const step: Step = {
    ...{ world, tally, desk, prompt, token, verb },
    answer(phone = 0, as = verb) {
      const message = as === "reject" ? messageFor(token) : null;
      const note = (said: Said) => one.said.push(said);
      return phoneOf(world, phone).answer(prompt, { verb: as, message, patience: PATIENCE_MS, note });
    },
    ended() {
      one.ended = true;
    },
    dialog: () => desk.waitFor(dialogOf(token), { timeout: PATIENCE_MS }),
    press(choice) {
      one.desk.push(choice);
      desk.write(choice === "yes" ? "1" : "\x1b");
    },
  };
  await fault.strike(step);
  if (!fault.ends && !fault.long) tally.took("tap to known outcome", performance.now() - begunAt);
}

function phoneOf({ phones }: ChaosWorld, at: number) {
  const phone = phones[at];
  if (!phone) throw new Error(`there is no phone ${at}`);
  return phone;
}

/** Waits until every phone knows the end of it, which may be told by another session than its own. */
export async function settle({ phones }: ChaosWorld, one: Told): Promise<void> {
  const { prompt } = one;
  if (!prompt) return;
  const ends = await Promise.all(phones.map((phone) => phone.over(prompt, PATIENCE_MS)));
  one.stages = ends.map((end) => end?.stage ?? null);
}

/** What each phone shows of it at last: of the oldest a phone shows nothing any more. */
export function lookAgain({ phones }: ChaosWorld, one: Told): void {
  const { prompt } = one;
  if (prompt) one.stages = one.stages.map((stage, i) => phones[i]?.model.prompt(prompt)?.stage ?? stage);
}
