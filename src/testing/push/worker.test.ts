// The service worker in a real Chromium, installed by the real page from a real server; pushes are handed to it by the debugger.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { pageAssets } from "../../page.ts";
import { push } from "../../server/push/push.ts";
import { testOf } from "../../server/push/wording.ts";
import { prompt, TestLink } from "../link.ts";
import { ARGS, CHROMIUM } from "../page.ts";
import { PushService } from "../push-service.ts";
import { type TestServer, testServer } from "../server.ts";
import { asked, everyKind, of, one, WORDING } from "./kinds.ts";

setDefaultTimeout(60_000);

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
  await ready();
});
afterAll(async () => {
  clearInterval(resending);
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

let resending: ReturnType<typeof setInterval> | undefined;

/** A push service delivers at least once; the debugger now and then not at all, so it is told again until the next push. */
async function deliver(data: string) {
  const send = () =>
    cdp.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId, data });
  clearInterval(resending);
  resending = setInterval(() => void send().catch(() => {}), 2_000);
  await send();
}

function shown(): Promise<Shown[]> {
  return page.evaluate(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications();
    return all.map((one) => {
      const { actions = [] } = one as Notification & { actions?: { action: string }[] };
      const { title, body, tag, silent } = one;
      return { title, body, tag, silent: silent === true, actions: actions.map(({ action }) => action) };
    });
  });
}

/** The debugger's first pushes are lost where the browser has not stored the registration yet: until one has come. */
async function ready() {
  while ((await shown()).length === 0) {
    await deliver(testOf(WORDING).payload);
    await Bun.sleep(300);
  }
  await closeAll();
}

async function closeAll() {
  clearInterval(resending);
  await page.evaluate(async () => {
    for (const one of await (await navigator.serviceWorker.ready).getNotifications()) one.close();
  });
  await shows();
}

/** Waits until exactly that is shown. */
async function shows(...titles: string[]): Promise<Shown[]> {
  for (;;) {
    const now = await shown();
    if (now.length === titles.length && titles.every((title) => now.some((one) => one.title === title)))
      return now;
    await Bun.sleep(20);
  }
}

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

test("buttons stand there only for what can be judged there", async () => {
  const title = "webshop: needs approval";
  const buttons = async (count: number) => {
    for (;;) {
      const actions = (await shown()).find((one) => one.title === title)?.actions;
      if (actions?.length === count) return actions;
      await Bun.sleep(20);
    }
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
  clearInterval(resending);
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
  while (!(await shown()).some((one) => one.tag === tag)) await Bun.sleep(20);
  const told = tap(tag, "approve");
  expect((await link.next("answer")).answer).toEqual({ option: "approve" as never });
  expect(await told).toStartWith("Approved: ");
  link.say({ type: "accepted", prompt: first.id });
  await link.acked("accepted", first.id);

  await closeAll(); // Also what other tests left of that session.
  await deliver(one(asked("permission", { id: first.id })));
  while (!(await shown()).some((one) => one.tag === "session s1")) await Bun.sleep(20);
  await tap("session s1", "");
  await page.waitForURL(`${server.url}/p/${first.id}`);
  link[Symbol.dispose]();
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
