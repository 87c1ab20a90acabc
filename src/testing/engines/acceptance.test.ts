// The acceptance list in the engines beside Chromium; docs/testing.md says how each is made to show each point.
import { describe, setDefaultTimeout, test } from "bun:test";
import { ENGINES, type EngineName } from "./engines.ts";
import { POINTS } from "./points.ts";
import { openWorld } from "./world.ts";

setDefaultTimeout(900_000);

describe.each(Object.keys(ENGINES) as EngineName[])("%s", (name) => {
  for (const { numbers, says, run } of POINTS)
    test(`acceptance ${numbers.join(", ")} in ${name}: ${says}`, () =>
      run((theme) => openWorld(name, theme)));
});
