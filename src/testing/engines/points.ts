// The acceptance list of the page, as every engine beside Chromium is taken through it.
import { answers } from "./points/answers.ts";
import { glass } from "./points/glass.ts";
import { house } from "./points/house.ts";
import { keyboardPoints } from "./points/keyboard.ts";
import { log } from "./points/log.ts";
import { network } from "./points/network.ts";
import type { Point } from "./points/point.ts";
import { pushes } from "./points/pushes.ts";

export const POINTS: Point[] = [
  ...answers,
  ...network,
  ...log,
  ...keyboardPoints,
  ...glass,
  ...house,
  ...pushes,
];
