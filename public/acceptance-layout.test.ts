// Acceptance 5, 6 and 7, and the sizes of phone-ux: every screen on every glass, with every size of letters.
import { expect, test } from "bun:test";
import { layoutFaults } from "./testing/layout.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { drawn, opener } from "./testing/opener.ts";
import { screens } from "./testing/screens.ts";

const open = opener();
const SIZES = [
  [320, 568],
  [360, 740],
  [390, 844],
  [844, 390],
  [820, 1180],
] as const;
/** Where large letters have the least room. */
const NARROW = [SIZES[0], SIZES[3], SIZES[4]];
/** Pictures of everything take longer than everything else. */
const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";

/** As a picture may be called. */
const nameOf = (path: string) => path.replace(/[^\w-]+/g, "-").slice(0, 40);

/** Letters of that size, % of the usual, as the phone's own setting makes them. */
async function letters({ page }: OpenPage, percent: number) {
  await page.evaluate((size) => {
    document.documentElement.style.fontSize = `${size}%`;
  }, percent);
}

test.concurrent.each(screens.map(({ path }) => path))(
  "acceptance 6: %s stands on every glass with letters of 100 and 200 %%",
  async (path) => {
    const screen = screens.find((one) => one.path === path);
    await using page = await open({ ...screen?.scene, path });
    await screen?.ready(page);
    const faults: Record<string, string[]> = {};
    for (const percent of [200, 100]) {
      await letters(page, percent);
      for (const [width, height] of ALL || percent === 100 ? SIZES : NARROW) {
        await page.page.setViewportSize({ width, height });
        await drawn(page);
        const found = await page.page.evaluate(layoutFaults);
        if (found.length > 0) faults[`${width}×${height} at ${percent} %`] = found;
        if (ALL) await page.phone.picture(`glass${nameOf(path)}-${width}-${percent}`);
      }
    }
    expect(faults).toEqual({});
  },
);

/** Every picture that the other tests take is looked at by axe in both themes, so of most screens once is enough. */
const looked = ALL ? screens : screens.filter(({ path }) => ["/", "/p/p1", "/s/webshop"].includes(path));

test.concurrent.each(looked.map(({ path }) => path))(
  "acceptance 7: axe finds nothing on %s in either theme",
  async (path) => {
    const screen = screens.find((one) => one.path === path);
    await using page = await open({ ...screen?.scene, path });
    await screen?.ready(page);
    await page.pictures(`screen${nameOf(path)}`);
  },
);
