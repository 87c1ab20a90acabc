// The service worker: shows pushes, opens what they are about, answers by their buttons, and keeps the page's own files.
// Nothing of the API is ever kept: no session, prompt or transcript.
import type { PushActBody } from "../src/protocol.ts";

/** SHA-256 of each file of the page, by its path; put in when the page is built. */
declare const SHELL: Record<string, string>;

type Waiting = Event & { waitUntil(work: Promise<unknown>): void };
type PushCame = Waiting & { data: { text(): string } | null };
type Clicked = Waiting & { notification: Notification; action: string };
type Fetched = Waiting & { request: Request; respondWith(response: Promise<Response>): void };
type Moved = Waiting & { oldSubscription: PushSubscription | null; newSubscription: PushSubscription | null };
type Page = { focused: boolean; focus(): Promise<unknown>; postMessage(message: FromWorker): void };
type Scope = {
  registration: ServiceWorkerRegistration;
  clients: {
    matchAll(options: object): Promise<Page[]>;
    openWindow(path: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
};

/** What the worker tells an open page. */
export type FromWorker = { type: "open"; path: string } | { type: "arrived" };
/** What a page tells the worker. */
export type ToWorker = { type: "activate" };

/** What our server sends: the declarative form, which iOS reads by itself. */
type Pushed = {
  title: string;
  body?: string;
  navigate?: string;
  tag?: string;
  silent?: boolean;
  app_badge?: string;
  actions?: { action: string; title: string }[];
  data?: { id?: string; kind?: string; prompt?: string; digest?: string; nonce?: string };
};

const worker = self as unknown as Scope;
const SHELL_CACHE = `shell-${Object.values(SHELL)
  .map((hash) => hash.slice(0, 8))
  .join("")}`;
/** Half of a login over plain http, where this worker finds it (see push.ts). */
const LOGIN_CACHE = "login";

const on = <E extends Event>(name: string, listener: (event: E) => void) =>
  self.addEventListener(name, (event) => listener(event as E));

on<PushCame>("push", (event) => event.waitUntil(shows(read(event.data?.text() ?? ""))));
on<Clicked>("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clicked(event.notification, event.action));
});
on<Moved>("pushsubscriptionchange", (event) => event.waitUntil(resubscribe(event)));
on<Waiting>("install", (event) => event.waitUntil(keepShell()));
on<Waiting>("activate", (event) => event.waitUntil(dropOldShells()));
on<Fetched>("fetch", (event) => {
  const path = shellPath(event.request);
  if (path) event.respondWith(fromShell(path, event.request));
});
on<MessageEvent<ToWorker>>("message", ({ data }) => {
  if (data.type === "activate") worker.skipWaiting();
});

// ── pushes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whatever comes is shown: a browser takes the subscription from whoever shows nothing. */
function read(text: string): Pushed {
  try {
    const { notification } = JSON.parse(text);
    if (typeof notification?.title === "string") return notification;
  } catch {
    // Not ours, or cut: still somebody wants something.
  }
  return { title: "A session needs you", tag: "unknown", navigate: "/" };
}

let last: Promise<unknown> = Promise.resolve();

/** One after another: what came before would close what comes after it for another of the same thing. */
function shows(pushed: Pushed): Promise<void> {
  const shown = last.then(() => show(pushed));
  last = shown.catch(() => {});
  return shown;
}

/** Shows first, then closes what stood there of the same thing: not every browser replaces by the tag. */
async function show({ title, body = "", tag = "unknown", silent = false, ...more }: Pushed) {
  const { actions = [], data = {}, navigate = "/", app_badge } = more;
  const id = data.id ?? crypto.randomUUID();
  const buttons = actions.slice(0, (Notification as unknown as { maxActions?: number }).maxActions ?? 0);
  const options = {
    ...{ body, tag, silent, actions: buttons, icon: "/icons/192.png", badge: "/icons/96-monochrome.png" },
    ...{ renotify: !silent, data: { ...data, id, navigate } },
  };
  await worker.registration.showNotification(title, options);
  for (const old of await worker.registration.getNotifications())
    if (old.tag === tag && old.data?.id !== id) old.close();
  await setBadge(app_badge);
  if (data.kind === "test") for (const page of await pages()) page.postMessage({ type: "arrived" });
}

async function setBadge(count: string | undefined) {
  const able = navigator as { setAppBadge?: (count: number) => Promise<void> };
  if (count !== undefined) await able.setAppBadge?.(Number(count)).catch(() => {});
}

// ── taps ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const pages = () => worker.clients.matchAll({ type: "window", includeUncontrolled: true });

async function clicked({ data, tag, title, body }: Notification, action: string) {
  // Only the path counts: a push opens nothing but this page.
  const path = new URL(data?.navigate ?? "/", location.origin).pathname;
  if ((action !== "approve" && action !== "reject") || !data?.nonce) return open(path);
  const problem = await answer({ ...data, action });
  const done = action === "approve" ? "Approved" : "Denied";
  const words = problem
    ? { title: `Not answered: ${title}`, body: problem }
    : { title: `${done}: ${title}`, body };
  await shows({ ...words, tag, silent: problem === null, navigate: path });
}

/** Shows that path in the page that is open, or in a new one. */
async function open(path: string) {
  const all = await pages();
  const page = all.find(({ focused }) => focused) ?? all[0];
  if (!page) return worker.clients.openWindow(path);
  page.postMessage({ type: "open", path }); // Before the focus, which a browser may refuse, or never give.
  await page.focus().catch(() => {});
}

/** Null: the server has taken it. Else why not, for people. */
async function answer({ prompt, digest, nonce, action }: PushActBody): Promise<string | null> {
  try {
    const response = await post("/api/push/act", { prompt, digest, nonce, action });
    const told = await response.json(); // A page is not the server's: something between asks for a login.
    if (response.ok) return null;
    return told?.error?.message ?? "Tap to look at it.";
  } catch {
    return "The server did not answer. Tap to look whether the question is still open.";
  }
}

async function post(path: string, body: object): Promise<Response> {
  const kept = await caches.match("/login-key", { cacheName: LOGIN_CACHE });
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (kept) headers["x-claude-remote-key"] = await kept.text();
  const signal = AbortSignal.timeout(10_000);
  return fetch(path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    credentials: "same-origin",
    redirect: "error",
    signal,
  });
}

// ── the subscription ────────────────────────────────────────────────────────────────────────────────────────────────

/** The browser has made another one, or wants us to. */
async function resubscribe({ oldSubscription, newSubscription }: Moved) {
  const options = oldSubscription?.options ?? { userVisibleOnly: true };
  const fresh = newSubscription ?? (await worker.registration.pushManager.subscribe(options));
  const { endpoint, keys } = fresh.toJSON();
  const platform = /Android/.test(navigator.userAgent) ? "android" : "desktop";
  await post("/api/push/phone", { platform, permission: "granted", subscription: { endpoint, keys } });
}

// ── the page's own files ────────────────────────────────────────────────────────────────────────────────────────────

/** All of them, each exactly as it was built, or none. */
async function keepShell() {
  const files = await Promise.all(Object.entries(SHELL).map(fetchFile));
  const cache = await caches.open(SHELL_CACHE);
  await Promise.all(files.map(({ path, response }) => cache.put(path, response)));
}

async function fetchFile([path, hash]: [string, string]) {
  const response = await fetch(path, { cache: "no-cache", credentials: "omit" });
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (!response.ok || found !== hash) throw new Error(`${path} is not what was built`);
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  return { path, response: new Response(bytes, { headers }) };
}

/** All but the last: a page of the build before may still stand open, and ask for a part of itself. */
async function dropOldShells() {
  const old = (await caches.keys()).filter(isOld).slice(0, -1);
  await Promise.all(old.map((name) => caches.delete(name)));
}

const isOld = (name: string) => name.startsWith("shell-") && name !== SHELL_CACHE;

/** Addresses of the page; what of them leads nowhere, the page itself says. What the server answers is none of it. */
const SCREENS = /^\/(?!(api|events|health|metrics|ws)(\/|$))([\w-]*|[sp]\/[\w.:-]+)$/;

/** Named by their contents: whichever build they are of, they are the right ones. */
const PART = /^\/part-[\w-]+\.js$/;

/** Which of the page's files a request is for, if it is for one. */
function shellPath({ url, method, mode }: Request): string | null {
  const { origin, pathname, search } = new URL(url);
  if (method !== "GET" || origin !== location.origin || search === "?through") return null;
  if (mode === "navigate" && SCREENS.test(pathname)) return "/";
  return pathname !== "/" && (Object.hasOwn(SHELL, pathname) || PART.test(pathname)) ? pathname : null;
}

async function fromShell(path: string, request: Request): Promise<Response> {
  // Not opened, which would make anew what a revoked phone has deleted.
  const own = await caches.match(path, { cacheName: SHELL_CACHE });
  return own ?? (await caches.match(path)) ?? fetch(request);
}
