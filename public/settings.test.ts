// What this phone prefers, what it keeps, and that nothing of it is left when its login ends.
import { expect, test } from "bun:test";
import type { OpenPage } from "./testing/open-page.ts";
import { drawn, opener, shows, until } from "./testing/opener.ts";
import { bash, session } from "./testing/world.ts";

const open = opener();
const shop = session("webshop", { status: "waiting", title: "Fix the cart total" });
const ask = bash("p1", shop, "npm test");

const ground = ({ page }: OpenPage) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
/** Everything that a browser can keep of a page. */
const left = ({ page }: OpenPage) =>
  page.evaluate(async () => {
    const databases = (await indexedDB.databases()).map(({ name }) => name);
    const cached = (await caches.keys()).filter((name) => !name.startsWith("shell-"));
    return { databases, cached, local: Object.keys(localStorage), session: Object.keys(sessionStorage) };
  });

/** A Chromium before 156 that is told to be offline does not tell the next page that it loads. */
const NO_LINE = "(Offline|Reconnecting … \\(\\d+ s\\))";

/** Begins again as a phone that has no network: nothing but what the service worker and the phone kept. */
async function withoutNetwork(page: OpenPage) {
  await until(page, async () => (await caches.keys()).some((name) => name.startsWith("shell-")));
  await page.page.evaluate(() => navigator.serviceWorker.ready);
  await page.page.context().setOffline(true);
  await page.page.goto(`${page.server.url}/`);
}

/** Switches keeping on, and waits until the list is kept. */
async function keeping(page: OpenPage) {
  await page.page.getByText("Keep the list on this phone").tap();
  await page.page.clock.fastForward(6_000);
  await until(page, async () => {
    if (!(await indexedDB.databases()).some(({ name }) => name === "kept")) return false;
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(request.error);
      });
    const database = await settled(indexedDB.open("kept"));
    const list = await settled(database.transaction("list").objectStore("list").get("last"));
    database.close();
    return list !== undefined;
  });
}

test.concurrent("colours are the phone's own until somebody wants others, and stay that way", async () => {
  await using page = await open({ path: "/settings", theme: "dark" });
  await page.page.getByText("System", { exact: true }).waitFor();
  await shows(page.page.locator("section"), "Live, by an event stream.");
  const dark = await ground(page);
  await page.pictures("settings");
  await page.page.emulateMedia({ colorScheme: "dark" });
  await page.page.getByText("Light", { exact: true }).tap();
  const light = await ground(page);
  expect(light).not.toBe(dark);
  await page.page.reload();
  await page.page.getByText("System", { exact: true }).waitFor();
  expect(await ground(page)).toBe(light);
  await page.page.getByText("Dark", { exact: true }).tap();
  await page.page.emulateMedia({ colorScheme: "light" });
  expect(await ground(page)).toBe(dark);
  expect(await page.phone.barriers()).toEqual([]);
  await page.page.getByText("System", { exact: true }).tap();
  expect(await ground(page)).toBe(light);
});

test.concurrent("long lines of the log are broken, or read sideways", async () => {
  const lines = [{ line_no: 1, epoch: 0, source: "screen" as const, text: "x".repeat(5_000) }];
  await using page = await open({
    ...{ path: "/settings", sessions: [shop] },
    before: ({ server }) => server.reply("/api/sessions/webshop/lines", () => ({ body: { lines } })),
  });
  const sideways = async () => {
    await page.page.goto(`${page.server.url}/s/webshop`);
    await page.part("tab-log").tap();
    await shows(page.page.locator(".log-line"), "xxx");
    expect(await page.phone.overflows()).toBe(false);
    return page.page.locator(".log-scroll").evaluate((box) => box.scrollWidth > box.clientWidth);
  };
  expect(await sideways()).toBe(false);
  await page.page.goto(`${page.server.url}/settings`);
  await page.page.getByText("Break long lines").tap();
  expect(await sideways()).toBe(true);
});

test.concurrent("a kept list is there without a connection, with its age, and nothing in it can be approved", async () => {
  await using page = await open({
    ...{ path: "/settings", sessions: [shop, session("docs")], prompts: [ask], failures: true },
    clock: true,
  });
  await page.page.getByText("System", { exact: true }).waitFor();
  await keeping(page);
  await withoutNetwork(page);
  await shows(page.page.locator("h1"), "1 needs you");
  await page.phone.reads(page.page.locator("#banner"), new RegExp(`^${NO_LINE}, as of \\d\\d:\\d\\d$`));
  expect(await page.texts(".project")).toEqual(["webshop", "docs"]);
  await page.pictures("offline-list");
  await page.page.locator(".row").first().tap();
  await shows(page.part("outcome"), /^No contact with the server since \d\d:\d\d\.$/);
  expect(await page.part("approve").isDisabled()).toBe(true);
  expect(await page.part("deny").isDisabled()).toBe(true);
  await page.pictures("offline-card");
  await page.page.goto(`${page.server.url}/s/webshop`);
  await page.page.getByLabel("Message to Claude").fill("when you are back");
  await page.part("send").tap();
  await shows(page.page.locator(".sent-stage"), "Waiting for a connection");
  await page.page.context().setOffline(false);
  const { body } = await page.server.call("/api/sessions/webshop/input");
  expect(body).toMatchObject({ text: "when you are back" });
});

test.concurrent("without the wish nothing is kept, and a page without a connection says only that", async () => {
  await using page = await open({
    ...{ path: "/", sessions: [shop], prompts: [ask], failures: true },
    clock: true,
  });
  await page.page.locator(".row").waitFor();
  await page.page.clock.fastForward(6_000);
  await withoutNetwork(page);
  await page.page.clock.fastForward(4_000);
  await page.phone.reads(page.page.locator("#banner"), new RegExp(`^${NO_LINE}$`));
  expect(await page.page.locator(".row").count()).toBe(0);
  expect((await left(page)).databases).toEqual([]);
});

test.concurrent("SEC-084 SEC-023 a revoked phone keeps nothing, at its next contact", async () => {
  await using page = await open({
    ...{ path: "/settings", sessions: [shop], prompts: [ask], failures: true },
    clock: true,
    async before({ page }) {
      await page.addInitScript(() => {
        const clearAppBadge = async () => void Object.assign(window, { cleared: true });
        Object.assign(Navigator.prototype, { clearAppBadge });
      });
    },
  });
  await page.page.getByText("System", { exact: true }).waitFor();
  await keeping(page);
  await page.page.goto(`${page.server.url}/s/webshop`);
  await page.page.getByLabel("Message to Claude").fill("a draft");
  await page.phone.button("About this session").tap();
  expect((await left(page)).databases).toEqual(["kept"]);
  page.server.drop(401);
  await shows(page.page.locator("h1"), "Pair this phone");
  await page.page.locator("dialog").waitFor({ state: "detached" });
  await gone(page);
  expect(await page.page.evaluate(() => "cleared" in window)).toBe(true);
  // Without a line it shows nothing of what it was told, and makes nothing anew.
  page.server.drop(503);
  const tried = page.page.waitForRequest(/\/events/);
  await page.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await tried;
  const again = page.page.waitForRequest(/\/events/);
  await page.page.clock.fastForward(10_000);
  await again;
  await drawn(page);
  expect(await page.texts("h1:visible")).toEqual(["Pair this phone"]);
  expect(await page.page.title()).toBe("claude-remote");
  await gone(page);
});

/** Waits until nothing is left of it; what is just being made anew goes, too. */
async function gone(page: OpenPage) {
  for (;;) {
    const { databases, cached, local, session } = await left(page);
    if (databases.length + cached.length + local.length + session.length === 0) return;
    await Bun.sleep(20);
  }
}

test.concurrent("SEC-084 whoever signs out leaves nothing, and signs out others by another button", async () => {
  await using page = await open({
    ...{ path: "/settings", sessions: [shop], prompts: [ask], failures: true },
    clock: true,
  });
  page.server.reply("/api/logout/others", () => ({ body: { revoked: 2 } }));
  await page.page.getByText("System", { exact: true }).waitFor();
  await keeping(page);
  await page.phone.button("Sign out everywhere else").tap();
  await page.pictures("settings-sign-out-others");
  await page.phone.button("Sign out others").tap();
  await shows(page.page.locator("[role=status]"), "2 other phones are signed out.");
  page.server.reply("/api/logout", () => {
    page.server.drop(401);
    return {};
  });
  await page.phone.button("Sign out this phone").tap();
  await page.phone.button("Sign out").tap();
  await page.server.call("/api/logout");
  await page.page.waitForURL(`${page.server.url}/`); // It begins anew, with nothing.
  await shows(page.page.locator("h1"), "Pair this phone");
  await until(page, async () => (await indexedDB.databases()).length === 0);
  expect(await left(page)).toMatchObject({ databases: [], local: [] });
});
