// A newer page: loaded quietly, applied by a tap or at the next start, never under somebody's hands. Two real builds.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pageAssets } from "../src/page.ts";
import { page as build } from "../src/page-bundle.ts";
import type { Served } from "./testing/fake-server.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { opener, until } from "./testing/opener.ts";
import { bash, session, state } from "./testing/world.ts";

const open = opener();
const root = resolve(import.meta.dir, "..");
const shop = session("webshop", { status: "waiting" });
const ask = bash("p1", shop, "npm test");
let newer: Served;
let folder: string;

/** The same page with another name, built by itself. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "claude-remote-update-"));
  for (const name of ["src", "node_modules"]) symlinkSync(join(root, name), join(folder, name));
  cpSync(join(root, "public"), join(folder, "public"), { recursive: true });
  const list = join(folder, "public", "session-list.ts");
  writeFileSync(list, readFileSync(list, "utf8").replaceAll(") claude-remote`", ") claude-remote 2`"));
  newer = await pageAssets(build(join(folder, "public")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An open page that holds this build, of a server that has the newer one from now on. */
async function outdated(path: string): Promise<OpenPage> {
  const page = await open({
    ...{ path, sessions: [shop, session("docs")], prompts: [ask] },
    clock: true,
  });
  await page.page.locator("h1:visible").first().waitFor();
  await page.server.streams(1);
  await page.page.waitForFunction(() => document.title.endsWith("claude-remote"));
  await page.page.clock.fastForward(4_000);
  await page.page.evaluate(() => navigator.serviceWorker.ready);
  // What the worker keeps is what a load shows: from here on this page is the worker's.
  await page.page.reload();
  await page.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.page.locator("h1:visible").first().waitFor();
  await page.page.clock.fastForward(4_000);
  page.server.serve(newer);
  page.server.begin(() => ({ ...state([shop, session("docs")], [ask]), version: "0.2.0" }));
  page.server.drop(200); // The server was restarted, and it is another one.
  await until(page, async () => {
    const found = await navigator.serviceWorker.getRegistration("/");
    return found?.waiting !== null && found?.waiting !== undefined;
  });
  return page;
}

const title = (page: OpenPage) => page.page.title();
const bar = (page: OpenPage) => page.page.locator("#update");

test.concurrent("a newer page is loaded quietly and waits for a tap", async () => {
  await using page = await outdated("/");
  await bar(page).waitFor();
  expect(await title(page)).toBe("(1) claude-remote");
  await page.pictures("update-ready");
  await page.phone.button("Load it").tap();
  await page.page.waitForFunction(() => document.title === "(1) claude-remote 2");
  await bar(page).waitFor({ state: "hidden" });
});

test.concurrent("it is not even offered while a question is open or a text is typed", async () => {
  await using page = await outdated("/p/p1");
  await page.page.clock.fastForward(2_000);
  expect(await bar(page).isVisible()).toBe(false);
  await page.page.locator(".back").tap();
  await bar(page).waitFor();
  await page.page.getByText("docs").tap();
  await page.page.getByLabel("Message to Claude").fill("half a thought");
  await bar(page).waitFor({ state: "hidden" });
  await page.page.getByLabel("Message to Claude").fill("");
  await bar(page).waitFor();
  expect(await title(page)).toBe("(1) claude-remote");
});

test.concurrent("where the newer one took over elsewhere, a page of the older build still finds its own parts", async () => {
  await using page = await outdated("/p/p1");
  const own = [...(await pageAssets()).keys()].filter(
    (path) => path.startsWith("/part-") && !newer.has(path),
  );
  const statuses = await page.page.evaluate(async (paths) => {
    const taken = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done));
    const found = await navigator.serviceWorker.getRegistration("/");
    found?.waiting?.postMessage({ type: "activate" });
    await taken;
    return Promise.all(paths.map(async (path) => (await fetch(path)).status));
  }, own);
  expect(statuses.length).toBeGreaterThan(3);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(await title(page)).toBe("(1) claude-remote");
});

test.concurrent("at the next start it is there by itself, but not over a question", async () => {
  await using page = await outdated("/p/p1");
  await page.page.reload();
  await page.page.locator("article.card-view").waitFor();
  expect(await title(page)).toBe("(1) claude-remote");
  await page.page.goto(`${page.server.url}/`);
  await page.page.waitForFunction(() => document.title === "(1) claude-remote 2");
});
