// The page's side of notifications: its service worker, this browser's subscription, and what a tap on a notification opens.
import type { PushOverview, PushPlatform, PushStatement } from "../src/protocol.ts";
import { get, loginHeaders, post } from "./api.ts";
import type { Model } from "./model.ts";
import { type Facts, permissionOf, platformOf, situationOf } from "./phone.ts";
import type { FromWorker, ToWorker } from "./sw.ts";

/** After the first load has had the line for itself. */
const REGISTER_AFTER_MS = 3_000;
/** A browser whose push service cannot be reached may never say so. */
const SUBSCRIBE_MS = 20_000;
/** A newer worker takes over in some tens of milliseconds; after this the page does not wait for it. */
const TAKEOVER_MS = 2_000;
/** Here the owner turned notifications on: a subscription that the browser lost is made anew. */
const WANTED = "notifications";
const LOGIN_CACHE = "login";
/** The build that was to be replaced by a load, and how often that was tried: a worker that takes its time may bring it again. */
const RENEWED = "renewed";
/** Where that brought the same page every time, it is not in a circle. */
const MOST_RENEWALS = 3;

/** Why notifications could not be turned on, for people. */
export class PushFailure extends Error {
  override name = "PushFailure";
}

const platform: PushPlatform = platformOf(navigator.userAgent, navigator.maxTouchPoints);
const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** Only what the page's own policy names may be run. */
function workerUrl(): string {
  const types = (
    window as {
      trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): unknown } };
    }
  ).trustedTypes;
  const policy = types?.createPolicy(`worker-${Date.now()}`, { createScriptURL: (url: string) => url });
  return (policy?.createScriptURL("/sw.js") ?? "/sw.js") as string;
}

let registering: Promise<ServiceWorkerRegistration> | null = null;

/** The page's service worker, installed if it was not. Rejects where there is none. */
function worker(): Promise<ServiceWorkerRegistration> {
  registering ??= navigator.serviceWorker.register(workerUrl(), { updateViaCache: "none" });
  registering.catch(() => {
    registering = null;
  });
  return registering;
}

/** What is true of this browser now. */
export async function facts(): Promise<Facts> {
  const installed =
    matchMedia("(display-mode: standalone)").matches ||
    (navigator as { standalone?: boolean }).standalone === true;
  const permission = "Notification" in window ? Notification.permission : "denied";
  const secure = isSecureContext;
  const registration = able() ? await navigator.serviceWorker.getRegistration("/") : undefined;
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  return { platform, secure, installed, able: able(), permission, subscribed: subscription !== null };
}

/** Tells the server what this browser is; throws ApiFailure. */
async function state(): Promise<void> {
  const registration = able() ? await navigator.serviceWorker.getRegistration("/") : undefined;
  const { endpoint, keys } = (await registration?.pushManager.getSubscription())?.toJSON() ?? {};
  const subscription = endpoint && keys ? { endpoint, keys } : null;
  const now = await facts();
  await post("/api/push/phone", { platform, permission: permissionOf(now), subscription } as PushStatement);
}

/** To be called from a tap alone: asks, subscribes, tells the server. Throws PushFailure or ApiFailure. */
export async function turnOn(): Promise<void> {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") {
    await state();
    throw new PushFailure(
      permission === "denied" ? "This browser does not let the page notify you." : "Not allowed yet.",
    );
  }
  await subscribe();
  localStorage.setItem(WANTED, "on");
  await state();
}

async function subscribe() {
  const { key } = (await get("/api/push")) as PushOverview;
  const registration = await worker().catch(() => {
    throw new PushFailure("This browser does not run the page in the background (a private window?).");
  });
  const active = await within(
    navigator.serviceWorker.ready,
    "The page's background part did not start. Load the page again.",
  );
  const old = await registration.pushManager.getSubscription();
  if (old && !isFor(old, key)) await old.unsubscribe();
  const applicationServerKey = bytesOf(key);
  const asked = active.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  await within(asked, "The browser's push service did not answer. See this phone's network, then try again.");
}

/** No more notifications on this browser. Throws ApiFailure. */
export async function turnOff(): Promise<void> {
  localStorage.removeItem(WANTED);
  const registration = await navigator.serviceWorker?.getRegistration("/");
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  await state();
}

async function within<T>(work: Promise<T>, late: string): Promise<T> {
  const timeout = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new PushFailure(late)), SUBSCRIBE_MS),
  );
  const failed = (error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new PushFailure(`The browser could not turn notifications on: ${why}`);
  };
  return Promise.race([work.catch(failed), timeout]);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether a subscription was made for that key: a server with another one cannot use it. */
function isFor({ options }: PushSubscription, key: string): boolean {
  const own = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const wanted = bytesOf(key);
  return own.length === wanted.length && own.every((byte, i) => byte === wanted[i]);
}

/** Keeps what the server knows true at each opening: iOS tells nobody that it dropped a subscription. */
async function recheck() {
  if (localStorage.getItem(WANTED) !== "on") return;
  if ("Notification" in window && Notification.permission === "granted") await subscribe();
  if (localStorage.getItem(WANTED) !== "on") return turnOff(); // A tap has come in between.
  await state();
}

/** What the worker keeps in this browser, gone: it is not paired any more. */
async function forget() {
  const badge = navigator as { clearAppBadge?: () => Promise<void> };
  badge.clearAppBadge?.().catch(() => {});
  if ("caches" in window) for (const name of await caches.keys()) await caches.delete(name);
  const registration = await navigator.serviceWorker?.getRegistration("/");
  if (!registration) return;
  for (const shown of await registration.getNotifications()) shown.close();
  await (await registration.pushManager?.getSubscription())?.unsubscribe();
  await registration.unregister();
}

/** Over plain http the worker needs the half of the login that it cannot read from localStorage. */
async function handKey() {
  const key = loginHeaders()["x-claude-remote-key"];
  if (key) await (await caches.open(LOGIN_CACHE)).put("/login-key", new Response(key));
}

/** Sessions that wait for somebody, however much each asks: the number in the page's title as well. */
const needing = (model: Model) => model.ordered().filter((session) => model.look(session) === "waiting");

/** Notifications of questions that are over, closed: iOS leaves them, and the number on the icon, to us. */
async function tidy(model: Model) {
  const badge = navigator as { setAppBadge?: (count: number) => Promise<void> };
  badge.setAppBadge?.(needing(model).length).catch(() => {});
  const registration = await navigator.serviceWorker?.getRegistration("/");
  for (const shown of (await registration?.getNotifications()) ?? []) {
    const { prompt: id } = shown.data ?? {};
    const prompt = id && model.prompt(id);
    // A push may be here before the stream has told of its prompt; what is older than the page would be known.
    const stale = prompt ? prompt.stage !== "open" : id && shownAt(shown) < performance.timeOrigin;
    if (stale) shown.close();
  }
}

const shownAt = (shown: Notification) => (shown as { timestamp?: number }).timestamp ?? 0;

export type PushEvents = {
  go: (path: string) => void;
  /** A newer page is there; `apply` loads it. */
  onUpdate: (apply: () => void) => void;
  /** Somebody is in the middle of something. */
  busy: () => boolean;
};

const arrivals = new Set<() => void>();

/** Calls `listener` when a test has arrived on this browser, until the returned function is called. */
export function onArrival(listener: () => void): () => void {
  arrivals.add(listener);
  return () => void arrivals.delete(listener);
}

/** Begins once the page is paired and shows something. Nothing here may stop the page: notifications are beside it. */
export function startPush(model: Model, { go, onUpdate, busy }: PushEvents) {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  let begun = false;
  let forgotten = false;
  let openBefore = "";
  let version: string | null = null;
  const quietly = (work: Promise<unknown>) => void work.catch(() => {});

  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "open") go(data.path);
    if (data.type === "arrived") for (const arrived of arrivals) arrived();
  });
  // A page and a worker of two builds miss each other's files.
  const replaced = () => (busy() ? onUpdate(() => location.reload()) : location.reload());
  navigator.serviceWorker.addEventListener("controllerchange", replaced);
  quietly(startNewest(busy, replaced));

  async function begin() {
    try {
      await prepare();
    } finally {
      if (model.connection.kind === "logged_out") await forget(); // It was revoked in the middle.
    }
  }

  async function prepare() {
    await handKey();
    const registration = await worker();
    const look = () => {
      const { waiting } = registration;
      if (waiting && navigator.serviceWorker.controller) onUpdate(() => apply(waiting, busy));
    };
    registration.addEventListener("updatefound", () =>
      registration.installing?.addEventListener("statechange", look),
    );
    look();
    await recheck();
  }

  /** Where there is no line by then, the next word of the server begins it. */
  function later() {
    if (model.connection.kind === "live") quietly(begin());
    else begun = false;
  }

  model.subscribe(() => {
    if (model.connection.kind === "logged_out") {
      if (!forgotten) quietly(forget());
      forgotten = true;
      begun = false;
      registering = null;
      return;
    }
    if (model.version === null) return; // The server has not spoken yet.
    forgotten = false;
    const open = [...model.open(), ...needing(model)].map(({ id }) => id);
    if (open.join() !== openBefore || !begun) quietly(tidy(model));
    openBefore = open.join();
    if (!begun) setTimeout(later, REGISTER_AFTER_MS);
    begun = true;
    // Another server than the one before: its page is loaded beside this one, without a word.
    if (version !== null && model.version !== version) quietly(worker().then((found) => found.update()));
    version = model.version;
  });
}

/**
 * A newer page was loaded during the last visit: now, before anything is read or typed, is its time. Its worker may also
 * have taken over while this page was on its way: then what is kept is of another build than what is shown.
 */
async function startNewest(busy: () => boolean, replaced: () => void) {
  if (!fromWorker()) return;
  const registration = await navigator.serviceWorker.getRegistration("/");
  const { build = "" } = document.documentElement.dataset;
  const [of, times] = (sessionStorage.getItem(RENEWED) ?? "").split(" ");
  const before = of === build ? Number(times) : 0;
  if (before >= MOST_RENEWALS) return;
  const renewing = () => sessionStorage.setItem(RENEWED, `${build} ${before + 1}`);
  if (registration?.waiting && !busy()) {
    renewing();
    return apply(registration.waiting, busy);
  }
  if (!registration?.active || registration.waiting || registration.installing) return;
  await activated(registration.active);
  const kept = await newestPage();
  if (!kept || kept.includes(`data-build="${build}"`)) return;
  renewing();
  replaced();
}

/** Whether a worker has brought this page; where another took over meanwhile, it may have none now. */
function fromWorker(): boolean {
  const [load] = performance.getEntriesByType("navigation");
  const brought = load instanceof PerformanceNavigationTiming && load.workerStart > 0;
  return brought || navigator.serviceWorker.controller !== null;
}

/** The page as its worker keeps it; beside it may stand that of the build before. */
async function newestPage(): Promise<string | undefined> {
  const newest = (await caches.keys()).findLast((name) => name.startsWith("shell-"));
  return newest && (await (await caches.match("/", { cacheName: newest }))?.text());
}

async function activated(worker: ServiceWorker): Promise<void> {
  if (worker.state !== "activating") return;
  await new Promise<void>((done) => worker.addEventListener("statechange", () => done(), { once: true }));
}

/**
 * The newer worker takes over, and with it the newer page. Chromium was seen to hold it back for as long as a page of
 * the older one stood: then that page starts again.
 */
function apply(waiting: ServiceWorker, busy: () => boolean) {
  waiting.postMessage({ type: "activate" } satisfies ToWorker);
  setTimeout(() => waiting.state === "activating" || busy() || location.reload(), TAKEOVER_MS);
}

/** Loads the page as the server has it now, whatever was kept of it. */
export async function renew() {
  // Over plain http there is neither of them.
  if ("caches" in window)
    for (const name of await caches.keys().catch(() => []))
      if (name.startsWith("shell-")) await caches.delete(name);
  const registration = await navigator.serviceWorker?.getRegistration("/");
  await registration?.update().catch(() => {});
  registration?.waiting?.postMessage({ type: "activate" } satisfies ToWorker);
  location.reload();
}

/** Whether the one next step of this browser is to turn notifications on, or what leads there. */
export async function nextStep() {
  return situationOf(await facts());
}
