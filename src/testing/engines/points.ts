// The acceptance list of the page, as every engine beside Chromium is taken through it.
import type { EngineOptions } from "./engine.ts";
import { answers } from "./points/answers.ts";
import { glass } from "./points/glass.ts";
import { house } from "./points/house.ts";
import { keyboardPoints } from "./points/keyboard.ts";
import { log } from "./points/log.ts";
import { network } from "./points/network.ts";
import { pushes } from "./points/pushes.ts";
import type { World } from "./world.ts";

export type Point = {
  /** Of the list, as in the names of Chromium's tests. */
  numbers: number[];
  /** What is true then, for people. */
  says: string;
  run(open: (theme?: EngineOptions["theme"]) => Promise<World>): Promise<void>;
};

export const POINTS: Point[] = [
  ...answers,
  ...network,
  ...log,
  ...keyboardPoints,
  ...glass,
  ...house,
  ...pushes,
];
