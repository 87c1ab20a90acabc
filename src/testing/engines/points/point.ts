// One point of the acceptance list.
import type { EngineOptions } from "../engine.ts";
import type { World } from "../world.ts";

export type Point = {
  /** Of the list, as in the names of Chromium's tests. */
  numbers: number[];
  /** What is true then, for people. */
  says: string;
  run(open: (theme?: EngineOptions["theme"]) => Promise<World>): Promise<void>;
};
