// What a desk is to ask, and in which turns.
import { ENDINGS, FAULTS, type Fault, NOTHING } from "./faults.ts";
import type { Verb } from "./phone.ts";

/** Prompts in one turn, at most. */
const TURN = 3;

/** One prompt that will be asked, and what is to happen meanwhile. */
export type Task = { token: string; fault: Fault; verb: Verb };

/** The prompts of one desk as turns. Where the desk may stop the turn, nothing follows in it. */
export function turns(list: readonly Task[]): Task[][] {
  const all: Task[][] = [];
  for (const task of list) {
    const last = all.at(-1);
    if (last && last.length < TURN && !last.at(-1)?.fault.desk) last.push(task);
    else all.push([task]);
  }
  return all;
}

/** So many tasks, every fault as often as every other, in an order of chance. */
export function tasks(name: string, count: number, faults: readonly Fault[] = FAULTS): Task[] {
  const kinds = shuffled(faults);
  const all = Array.from({ length: count }, (_, i) => kinds[i % kinds.length] ?? NOTHING);
  return shuffled(all).map((fault, i) => ({
    token: `${name}-${String(i).padStart(4, "0")}-x`,
    fault,
    verb: i % 3 === 2 ? "reject" : "approve",
  }));
}

/** Sessions that are killed at their second prompt, each in its own way. */
export function endings(rounds: number): Task[][] {
  return Array.from({ length: rounds }, (_, round) =>
    ENDINGS.map((fault, i): Task[] => [
      ...tasks(`e${round}-${i}`, 1, [NOTHING]),
      { token: `e${round}-${i}-last-x`, fault, verb: "approve" },
    ]),
  ).flat();
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((one) => [Math.random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}
