// The service worker in a real Chromium, installed by the real page from a real server; pushes are handed to it by the debugger.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { pageAssets } from "../../page.ts";
import { push } from "../../server/push/push.ts";
import { prompt, TestLink } from "../link.ts";
import { ARGS, CHROMIUM } from "../page.ts";
import { PushService } from "../push-service.ts";
import { type TestServer, testServer } from "../server.ts";
import { asked, everyKind, of, one } from "./kinds.ts";

setDefaultTimeout(180_000);

type Shown = { title: string; body: string; tag: string; silent: boolean; actions: string[] };

let service: PushService;
let server: TestServer;
let context: BrowserContext;
let page: Page;
let cdp: CDPSession;
let registrationId = "";
const profile = mkdtempSync(join(tmpdir(), "claude-remote-chromium-"));

beforeAll(async () => {
  service = new PushService();
  server = await testServer({ assets: await pageAssets(), annexes: [push({ anywhere: true })] });
  const options = { executablePath: CHROMIUM, args: ARGS, viewport: { width: 390, height: 844 } };
  context = await chromium.launchPersistentContext(profile, { ...options, permissions: ["notifications"] });
  page = context.pages()[0] ?? (await context.newPage());
  await paired();
  cdp = await context.newCDPSession(page);
  const known = Promise.withResolvers<string>();
  cdp.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
    for (const one of versions) if (one.status === "activated") known.resolve(one.registrationId);
  });
  await cdp.send("ServiceWorker.enable");
  registrationId = await known.promise;
  await heard();
});
afterAll(async () => {
  await context.close();
  await server[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  rmSync(profile, { recursive: true, force: true });
});

/** By the page itself, as a person does it. */
async function paired() {
  const { code } = await server.admin("POST", "/pair", { yes: true });
  await page.goto(`${server.url}/pair#${code}`);
  await page.getByRole("button", { name: "Pair this phone" }).click();
  await page.getByText("No Claude session yet").waitFor();
}

/** What was pushed last, and when it was told to the worker. */
let pushed = "";
let pushedAt = 0;

/** A push service delivers at least once; the debugger now and then not at all: `sees` tells it again until it is seen. */
async function deliver(data: string) {
  pushed = data;
  pushedAt = Date.now();
  await cdp.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId, data });
}

/** Looks until that is seen. Nothing that was told twice is under way by then: the worker has heard what was told after it. */
async function sees(look: (now: Shown[]) => boolean): Promise<Shown[]> {
  let again = false;
  for (;;) {
    const now = await shown();
    if (look(now) && !again) return now;
    if (look(now)) {
      await heard();
      again = false;
    } else if (Date.now() - pushedAt > AGAIN_MS) {
      again = true;
      await deliver(pushed);
    } else await Bun.sleep(20);
  }
}

const AGAIN_MS = 2_000;
/** A notification that only says that the worker hears. */
const MARK = "mark";
let marks = 0;

/** The worker hears, also that the browser's first pushes are lost until it has stored the registration. */
async function heard() {
  const title = `mark ${++marks}`;
  const data = JSON.stringify({ notification: { title, tag: MARK } });
  for (let told = 0; ; await Bun.sleep(20)) {
    if ((await all()).some((one) => one.title === title)) return;
    if (Date.now() - told < AGAIN_MS) continue;
    told = Date.now();
    await cdp.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId, data });
  }
}

/** Everything that is shown but for marks. */
const shown = async () => (await all()).filter(({ tag }) => tag !== MARK);

function all(): Promise<Shown[]> {
  return page.evaluate(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications();
    return all.map((one) => {
      const { actions = [] } = one as Notification & { actions?: { action: string }[] };
      const { title, body, tag, silent } = one;
      return { title, body, tag, silent: silent === true, actions: actions.map(({ action }) => action) };
    });
  });
}

async function closeAll() {
  do
    await page.evaluate(async () => {
      for (const one of await (await navigator.serviceWorker.ready).getNotifications()) one.close();
    });
  while ((await shown()).length > 0);
}

/** Waits until exactly that is shown. */
const shows = (...titles: string[]): Promise<Shown[]> =>
  sees(
    (now) => now.length === titles.length && titles.every((title) => now.some((one) => one.title === title)),
  );

test("acceptance 10: every kind of push shows exactly one notification, and closes what stood there of the same thing", async () => {
  for (const [payload, ...titles] of everyKind()) {
    await deliver(payload);
    await shows(...titles);
  }
  const all = await shown();
  expect(all.find(({ title }) => title === "Answered on Pixel")?.silent).toBe(true);
  expect(all.find(({ title }) => title === "webshop: done")?.silent).toBe(false);
});

test("a push that nobody can read shows something all the same", async () => {
  await closeAll();
  await deliver("nonsense");
  await shows("A session needs you");
  await closeAll();
  await deliver("");
  await shows("A session needs you");
});

test("one push after another: the older one does not close the newer one of the same thing", async () => {
  await closeAll();
  const worker = context.serviceWorkers()[0];
  if (!worker) throw new Error("no service worker");
  const order = await worker.evaluate(async () => {
    const { registration } = self as unknown as { registration: ServiceWorkerRegistration };
    const steps: string[] = [];
    const show = registration.showNotification.bind(registration);
    const look = registration.getNotifications.bind(registration);
    const both = new Promise<void>((done) => {
      registration.showNotification = (title, options) => {
        steps.push(title);
        return show(title, options);
      };
      registration.getNotifications = async (filter) => {
        steps.push("look");
        const found = await look(filter);
        if (steps.length === 4) done();
        return found;
      };
    });
    const PushEvent = (self as unknown as { PushEvent: new (name: string, init: object) => Event }).PushEvent;
    for (const title of ["older", "newer"])
      self.dispatchEvent(
        new PushEvent("push", { data: JSON.stringify({ notification: { title, tag: "same" } }) }),
      );
    await both;
    Object.assign(registration, { showNotification: show, getNotifications: look });
    return steps;
  });
  expect(order).toEqual(["older", "look", "newer", "look"]);
  expect((await shown()).map(({ title }) => title)).toEqual(["newer"]);
});

test("buttons stand there only for what can be judged there", async () => {
  const title = "webshop: needs approval";
  const buttons = async (count: number) => {
    const own = (now: Shown[]) => now.find((one) => one.title === title)?.actions;
    return own(await sees((now) => own(now)?.length === count));
  };
  await deliver(one(asked("permission")));
  expect(await buttons(1)).toEqual(["open"]);
  await deliver(one(asked("permission", { tool: "Read", input: { file_path: `${of.cwd}/a.ts` } })));
  expect(await buttons(2)).toEqual(["approve", "reject"]);
});

/**
 * The worker's own end: a tap on a notification, as the browser tells it. Resolves with the title of what is shown in its
 * place, or "": what was sent again a moment before may come after that, and take its place.
 */
async function tap(tag: string, action: string): Promise<string> {
  const worker = context.serviceWorkers()[0];
  if (!worker) throw new Error("no service worker");
  return worker.evaluate(
    async ([wanted, pressed]) => {
      const scope = self as unknown as { registration: ServiceWorkerRegistration };
      const { registration } = scope;
      const show = registration.showNotification.bind(registration);
      const next = new Promise<string>((resolve) => {
        registration.showNotification = (title, options) => {
          if (/^(Approved|Denied|Not answered): /.test(title)) resolve(title);
          return show(title, options);
        };
      });
      const notification = (await scope.registration.getNotifications()).find((one) => one.tag === wanted);
      const event = new (
        self as unknown as { NotificationEvent: new (name: string, init: object) => Event }
      ).NotificationEvent("notificationclick", { notification, action: pressed });
      self.dispatchEvent(event);
      return pressed ? next : "";
    },
    [tag, action] as const,
  );
}

test("SEC-041 a tap on Approve answers the prompt; a tap beside it opens the prompt in the page that is open", async () => {
  const { link, id } = await TestLink.session(server);
  const subscription = service.subscribe();
  const said = { platform: "android", permission: "granted", subscription };
  const status = await page.evaluate(async (body) => {
    const key = localStorage.getItem("login-key") ?? "";
    const headers = { "content-type": "application/json", "x-claude-remote-key": key };
    return (await fetch("/api/push/phone", { method: "POST", headers, body: JSON.stringify(body) })).status;
  }, said);
  expect(status).toBe(200);
  const first = prompt({ tool: "Read", input: { file_path: "/home/me/project/a.ts" } });
  link.say({ type: "prompt", prompt: first });
  const [pushed] = await service.pushes(1);
  await deliver(pushed?.text ?? "");
  const tag = `session ${id}`;
  await sees((now) => now.some((one) => one.tag === tag));
  const told = tap(tag, "approve");
  expect((await link.next("answer")).answer).toEqual({ option: "approve" as never });
  expect(await told).toStartWith("Approved: ");
  link.say({ type: "accepted", prompt: first.id });
  await link.acked("accepted", first.id);

  await closeAll(); // Also what other tests left of that session.
  await deliver(one(asked("permission", { id: first.id })));
  await sees((now) => now.some((one) => one.tag === "session s1"));
  await tap("session s1", "");
  await page.waitForURL(`${server.url}/p/${first.id}`);
  link[Symbol.dispose]();
});

test("a login page in the place of the server's answer is no yes to a tap on Approve", async () => {
  await closeAll();
  await deliver(one(asked("permission", { tool: "Read", input: { file_path: `${of.cwd}/a.ts` } })));
  await sees((now) => now.some((one) => one.tag === "session s1"));
  const worker = context.serviceWorkers()[0];
  await worker?.evaluate(() => {
    const { fetch } = self;
    self.fetch = (async () => {
      self.fetch = fetch;
      return new Response("<h1>Sign in</h1>", { headers: { "content-type": "text/html" } });
    }) as unknown as typeof fetch;
  });
  expect(await tap("session s1", "approve")).toStartWith("Not answered: ");
});

test("the manifest and its icons are good enough to install the page", async () => {
  const { errors, data } = await cdp.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  expect((await cdp.send("Page.getInstallabilityErrors")).installabilityErrors).toEqual([]);
  type Icon = { src: string; sizes: string; purpose?: string };
  const { icons, short_name, ...manifest } = JSON.parse(data ?? "{}") as {
    icons: Icon[];
    short_name: string;
  } & Record<string, unknown>;
  expect(manifest).toMatchObject({ id: "/", start_url: "/?src=pwa", scope: "/", display: "standalone" });
  expect(short_name.length).toBeLessThanOrEqual(12);
  for (const { src, sizes } of [...icons, { src: "/icons/180.png", sizes: "180x180" }]) {
    if (sizes === "any") continue;
    const bytes = Buffer.from(await (await fetch(server.url + src)).arrayBuffer());
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, src).toBe(sizes); // A PNG's own word.
  }
  const purposes = icons.map(({ purpose = "any", sizes }) => `${purpose} ${sizes}`);
  for (const wanted of ["any 192x192", "any 512x512", "maskable 512x512", "monochrome 96x96"])
    expect(purposes).toContain(wanted);
  const { headers } = await fetch(`${server.url}/manifest.webmanifest`);
  expect(headers.get("content-type")).toStartWith("application/manifest+json");
});

test("the page opens without the server, and nothing of the API is kept", async () => {
  const kept = await page.evaluate(async () => {
    const paths: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    return paths;
  });
  expect(kept).toContain("/");
  expect(kept).toContain("/app.js");
  expect(kept.filter((path) => /^\/(api|events|s\/|p\/|health)/.test(path))).toEqual([]);
  await server.stop();
  await page.goto(server.url);
  await page.locator(".brand").waitFor();
  await server.restart();
});

test("SEC-084 a phone that was revoked keeps nothing: no file, no key, no notification, no subscription", async () => {
  await page.goto(server.url);
  await page
    .getByText(/Nothing needs you|No Claude session yet/)
    .first()
    .waitFor();
  await page.evaluate(() => localStorage.setItem("draft:s1", "a secret draft"));
  const { viewers } = (await server.admin("GET", "/viewers")) as { viewers: { id: string }[] };
  for (const { id } of viewers) await server.admin("DELETE", `/viewers/${id}`);
  await page.getByText("This browser is not paired").first().waitFor();
  for (;;) {
    const left = await page.evaluate(async () => ({
      caches: await caches.keys(),
      stored: Object.keys(localStorage),
      workers: (await navigator.serviceWorker.getRegistrations()).length,
    }));
    if (left.caches.length + left.stored.length + left.workers === 0) break;
    await Bun.sleep(20);
  }
});
