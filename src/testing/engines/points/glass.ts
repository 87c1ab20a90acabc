// Points 6, 7 and 8: every screen on every glass, without barriers in either theme, and nothing asked of anybody else.
import { expect } from "bun:test";
import { layoutFaults } from "../../../../public/testing/layout.ts";
import { screens } from "../../../../public/testing/screens.ts";
import { barriersIn } from "../../barriers.ts";
import { drawn, type Engine, run } from "../engine.ts";
import { OpenScene, picture } from "../world.ts";
import type { Point } from "./point.ts";

const SIZES = [
  [320, 568],
  [360, 740],
  [844, 390],
  [820, 1180],
  [390, 844],
] as const;

/** Where large letters have the least room. */
const NARROW = [SIZES[0], SIZES[2], SIZES[3]];

/** As a picture may be called. */
const nameOf = (path: string) => path.replace(/[^\w-]+/g, "-").slice(0, 40);

/** Letters of that size, % of the usual, as the phone's own setting makes them. */
const letters = (engine: Engine, percent: number) =>
  run(
    engine,
    (size) => {
      document.documentElement.style.fontSize = `${size}%`;
    },
    percent,
  );

/** What is wrong on every glass with letters of 200 and 100 %; ends as it began. */
async function faultsOf(engine: Engine): Promise<string[]> {
  const faults: string[] = [];
  for (const percent of [200, 100]) {
    await letters(engine, percent);
    for (const [width, height] of percent === 100 ? SIZES : NARROW) {
      await engine.size(width, height);
      await drawn(engine);
      const found = await run(engine, layoutFaults);
      faults.push(...found.map((fault) => `${width}×${height} at ${percent} %: ${fault}`));
    }
  }
  return faults;
}

/** What is wrong with a screen; in the light its colours alone are others. */
async function look(engine: Engine, theme: "dark" | "light"): Promise<string[]> {
  if (theme === "light") return engine.page(barriersIn("colours"));
  return [...(await faultsOf(engine)), ...(await engine.page<string[]>(barriersIn()))];
}

const walk = (theme: "dark" | "light"): Point => ({
  numbers: theme === "dark" ? [6, 7, 8] : [7, 8],
  says:
    theme === "dark"
      ? "every screen stands on every glass with letters of 100 and 200 %, keeps nobody out in the dark, and asks nobody else"
      : "no screen keeps anybody out in the light, or asks anybody else",
  async run(open) {
    await using world = await open(theme);
    const { engine } = world;
    const found: Record<string, string[]> = {};
    for (const { path, scene, ready } of screens) {
      await using shown = await OpenScene.open(world, { ...scene, path });
      const looked = ready(shown).then(() => look(engine, theme));
      const wrong = await looked.catch((error) => [String(error)]);
      if (wrong.length > 0) found[path] = wrong;
      await picture(world, `screen${nameOf(path)}-${theme}`);
    }
    expect(found).toEqual({});
  },
});

/** What no screen may have: a picture without words, and a button that is too small and half out of sight. */
function spoil() {
  const button = document.body.appendChild(document.createElement("button"));
  Object.assign(button.style, { position: "fixed", left: "-9px", top: "9px", width: "18px", height: "18px" });
  document.body.append(new Image());
}

const found: Point = {
  numbers: [6, 7],
  says: "what stands wrong, or keeps somebody out, is found",
  async run(open) {
    await using world = await open();
    await using scene = await OpenScene.open(world, {});
    await scene.has(".brand");
    await run(world.engine, spoil);
    const wrong = (await look(world.engine, "dark")).join("\n");
    expect(wrong).toContain("390×844 at 100 %: beyond the edge");
    expect(wrong).toContain("390×844 at 100 %: 18×18");
    expect(wrong).toContain("image-alt");
    expect(wrong).toContain("button-name");
  },
};

export const glass: Point[] = [walk("dark"), walk("light"), found];
