// A screen whose first load fails: what failed, and both ways on.
import { expect, test } from "bun:test";
import { layoutFaults } from "./testing/layout.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { assets, opener, shows } from "./testing/opener.ts";
import { screens } from "./testing/screens.ts";

const open = opener();

/** All that ask the server for something before they show anything. */
const PATHS = ["/new", "/devboxes", "/history", "/usage", "/phones", "/pair-phone", "/tokens", "/audit"];
const loading = screens.filter(({ path }) => PATHS.includes(path));

/** The page of a server whose API is away, at none of these screens. */
const away = () =>
  open({
    failures: true,
    async before(page) {
      for (const { scene } of loading) await scene.before?.(page);
      page.server.away = true;
    },
  });

/** As a link of the page does. */
const goes = ({ page }: OpenPage, path: string) =>
  page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);

test.concurrent("each screen that could not load says so, and loads by itself once there is a connection", async () => {
  await using page = await away();
  await shows(page.page.locator("h1"), "Nothing needs you");
  expect(loading).toHaveLength(PATHS.length);
  for (const { path, ready } of loading) {
    page.server.away = true;
    await goes(page, path);
    await shows(page.part("trouble"), "The server is not well (502).");
    await page.phone.button("Try again").waitFor();
    expect(await page.page.getByText("Reading …").filter({ visible: true }).count(), path).toBe(0);
    expect(await page.page.evaluate(layoutFaults), path).toEqual([]);
    page.server.away = false;
    await page.page.evaluate(() => ["offline", "online"].map((name) => dispatchEvent(new Event(name))));
    await ready(page);
    await page.part("trouble").waitFor({ state: "hidden" });
    expect(await page.phone.button("Try again").count(), path).toBe(0);
  }
});

test.concurrent("a tap on Try again loads what could not be loaded", async () => {
  await using page = await away();
  await goes(page, "/usage");
  const again = page.phone.button("Try again");
  await again.waitFor();
  await page.pictures("trouble");
  expect((await again.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  const asked = page.server.asked.length;
  await again.tap();
  await page.server.call("/api/usage", asked);
  await again.waitFor();
  page.server.away = false;
  await again.tap();
  await page.has(".usage-day");
  await page.part("trouble").waitFor({ state: "hidden" });
  expect(await page.page.evaluate(() => document.activeElement?.tagName)).toBe("H1"); // Not nowhere.
});

/** A page without its worker, which would keep what the server does not give. */
const alone = () =>
  open({
    failures: true,
    async before({ page }) {
      await page.addInitScript(() => {
        navigator.serviceWorker.register = () => new Promise(() => {});
      });
    },
  });

test.concurrent("a screen whose script does not come is asked for again", async () => {
  await using page = await alone();
  await shows(page.page.locator("h1"), "Nothing needs you");
  page.server.serve(new Map([...assets].filter(([path]) => !path.startsWith("/part-"))));
  await goes(page, "/settings");
  await shows(page.part("trouble"), "This page did not load.");
  page.server.serve(assets);
  await page.phone.button("Try again").tap();
  await page.has(".themes");
});

test.concurrent("a style that hangs keeps nobody from the screen that it dresses", async () => {
  await using page = await alone();
  await shows(page.page.locator("h1"), "Nothing needs you");
  await page.page.route("**/settings.css", () => {});
  await goes(page, "/settings");
  await page.has(".themes");
});
