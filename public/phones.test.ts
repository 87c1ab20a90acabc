// The phones page in a real browser: what this phone has to do, how each phone stands, and what became of every push.
import { expect, test } from "bun:test";
import {
  PROTOCOL,
  type PushDelivery,
  type PushOverview,
  type PushPhone,
  type Viewer,
  type ViewerId,
} from "../src/protocol.ts";
import type { OpenPage, Scene } from "./testing/open-page.ts";
import { opener, patient, shows } from "./testing/opener.ts";
import { ago, session, state } from "./testing/world.ts";

const openScene = opener();

const MINUTE = 60_000;
const viewer = (id: string, name: string, seen: number): Viewer => ({
  ...{
    id: id as ViewerId,
    name,
    address: "10.0.0.7",
    created_at: 0,
    last_seen: seen === 0 ? Date.now() : ago(seen),
    revoked_at: null,
  },
});
const push = (id: string, change: Partial<PushPhone> = {}): PushPhone => ({
  ...{ viewer: id as ViewerId, platform: "android", permission: "granted", state: "works", reason: null },
  ...{ service: "fcm.googleapis.com", sent_at: Date.now(), private: false, quiet: null },
  ...change,
});
const viewers = () => [
  viewer("v1", "Pixel 8 (Chrome)", 0),
  viewer("v2", "iPhone (Safari)", 3 * MINUTE),
  viewer("v3", "Old tablet\u202E (Firefox)", 50 * 24 * 60 * MINUTE),
  viewer("v4", "Work laptop", 2 * 60 * MINUTE),
];
const REFUSED =
  "refused: BadJwtToken: Apple does not accept `sub` = https://box.local; it must be an https address that the world knows, or a real mail address (push_contact)";
const PHONES = [
  push("v1"),
  push("v2", { platform: "ios", state: "refused", reason: REFUSED, service: "web.push.apple.com" }),
  push("v3", { state: "off", reason: "the browser has given its subscription up", service: null }),
];
const delivery = (id: number, change: Partial<PushDelivery> = {}): PushDelivery => ({
  ...{ id, viewer_id: "v1" as ViewerId, at: Date.now() - id * MINUTE, kind: "permission" },
  ...{ title: "webshop: needs approval", outcome: "sent", status: 201, reason: null },
  ...change,
});
const DELIVERIES = [
  delivery(1),
  delivery(2, { outcome: "answered_first", status: null }),
  delivery(3, {
    outcome: "limited",
    status: 429,
    reason: "its push service has had enough",
    title: "docs: done",
  }),
];

/** The phones page, as a server with these phones tells it. */
function open(
  scene: Scene & { phones?: PushPhone[]; snoozed?: PushOverview["snoozed"] } = {},
): Promise<OpenPage> {
  const { phones = PHONES, snoozed = {}, ...more } = scene;
  return openScene({
    path: "/phones",
    sessions: [session("webshop"), session("docs")],
    ...more,
    before: async (page) => {
      const overview: PushOverview = { key: "B".repeat(87), own: "v1" as ViewerId, phones, snoozed };
      page.server.reply("/api/viewers", () => ({ body: { viewers: viewers(), own: "v1" } }));
      page.server.reply("/api/push", () => ({ body: overview }));
      page.server.reply("/api/push/deliveries", () => ({ body: { deliveries: DELIVERIES } }));
      await more.before?.(page);
    },
  });
}

/** The browser as it is on that phone; whatever asks the system is played. */
function browserOf(facts: {
  permission?: NotificationPermission;
  grants?: NotificationPermission;
  agent?: string;
  secure?: boolean;
  subscribed?: boolean;
}) {
  return async ({ page }: OpenPage) => {
    await page.addInitScript((given) => {
      const { permission = "default", grants = "granted", agent, secure = true, subscribed = false } = given;
      const asked: string[] = [];
      let state = permission;
      let subscription: object | null = null;
      const make = () => ({
        toJSON: () => ({ endpoint: "https://fcm.googleapis.com/x", keys: { p256dh: "p", auth: "a" } }),
        unsubscribe: async () => {
          subscription = null;
          return true;
        },
        options: { applicationServerKey: null },
      });
      if (subscribed) subscription = make();
      const pushManager = {
        getSubscription: async () => subscription,
        subscribe: async () => {
          subscription = make();
          return subscription;
        },
      };
      const registration = Object.assign(new EventTarget(), {
        pushManager,
        getNotifications: async () => [],
        update: async () => {},
      });
      const container = Object.assign(new EventTarget(), {
        register: async () => registration,
        getRegistration: async () => registration,
        ready: Promise.resolve(registration),
        controller: null,
      });
      Object.defineProperty(navigator, "serviceWorker", { value: container });
      Object.defineProperty(window, "isSecureContext", { value: secure });
      Object.defineProperty(Notification, "permission", { get: () => state });
      Notification.requestPermission = async () => {
        asked.push("permission");
        state = grants;
        return state;
      };
      if (agent) Object.defineProperty(navigator, "userAgent", { value: agent });
      Object.assign(window, { asked });
    }, facts);
  };
}

const asks = ({ page }: OpenPage) => page.evaluate(() => (window as unknown as { asked: string[] }).asked);
const ANDROID =
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";

test.concurrent("every phone says when it was seen and how its notifications stand, this one first", async () => {
  await using page = await open({
    before: browserOf({ permission: "granted", subscribed: true, agent: ANDROID }),
  });
  await shows(page.part("name"), "Work laptop");
  expect(await page.texts(".phone .project")).toEqual([
    ...["Pixel 8 (Chrome)", "iPhone (Safari)", "Work laptop", "Old tablet<U+202E> (Firefox)"],
  ]);
  expect(await page.texts(".phone .chip:visible")).toEqual(["this phone"]);
  expect(await page.texts(".phone .push-state")).toEqual([
    "Notifications work",
    "Notifications are refused",
    "Notifications never turned on",
    "Notifications went off",
  ]);
  expect(await page.texts(".phone [data-part=seen]")).toEqual([
    "seen now",
    "seen 3 min ago",
    "seen 2 h ago",
    "seen 50 d ago",
  ]);
  await shows(page.part("reason"), "Apple does not accept `sub` = https://box.local");
  expect(await page.phone.overflows()).toBe(false);
  await page.page.locator(".phone details summary").first().click();
  await shows(page.part("deliveries"), "answered before it was sent");
  expect(await page.texts(".delivery .what")).toEqual([
    ...["webshop: needs approval", "webshop: needs approval", "docs: done"],
  ]);
  await page.pictures("phones");
  await page.phone.button(/^Revoke Old tablet/).tap();
  await shows(page.page.locator(".dialog-title"), "Revoke Old tablet<U+202E> (Firefox)?");
});

test.concurrent("permission is asked by the tap, never before; then a test comes, and whether it arrived", async () => {
  await using page = await open({ phones: [], before: browserOf({ agent: ANDROID }) });
  const on = page.phone.button("Turn on notifications");
  await on.waitFor();
  expect(await asks(page)).toEqual([]);
  await page.pictures("phones-off");
  page.server.reply("/api/push/test", () => ({ body: { outcome: "sent", status: 201, reason: null } }));
  await on.tap();
  const { body } = await page.server.call("/api/push/phone");
  expect(body).toMatchObject({
    platform: "android",
    permission: "granted",
    subscription: { keys: { auth: "a" } },
  });
  expect(await asks(page)).toEqual(["permission"]);
  await shows(page.part("lead"), "Did it arrive?");
  await page.pictures("phones-test");
  await page.phone.button("It did not").tap();
  expect((await page.server.call("/api/push/tested")).body).toEqual({ arrived: false });
  await shows(page.part("fixes"), "Battery is not “Restricted”");
  await page.pictures("phones-fixes");
  await page.phone.button("Send a test").tap();
  await page.phone.button("It arrived").tap();
  expect((await page.server.call("/api/push/tested", 1)).body).toEqual({ arrived: true });
  await shows(page.part("lead"), "It arrived.");
});

test.concurrent("a test that the worker has seen needs no answer", async () => {
  await using page = await open({
    phones: [],
    before: browserOf({ permission: "granted", subscribed: true }),
  });
  page.server.reply("/api/push/test", () => ({ body: { outcome: "sent", status: 201, reason: null } }));
  await page.phone.button("Send a test").tap();
  await shows(page.part("lead"), "Did it arrive?");
  await page.page.evaluate(() =>
    navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data: { type: "arrived" } })),
  );
  await shows(page.part("lead"), "It arrived.");
  expect((await page.server.call("/api/push/tested")).body).toEqual({ arrived: true });
});

test.concurrent("a denied permission says where to change it, and has no button", async () => {
  await using page = await open({ phones: [], before: browserOf({ agent: ANDROID, grants: "denied" }) });
  await page.phone.button("Turn on notifications").tap();
  await shows(page.part("is-denied"), "Permissions → Notifications → Allow");
  await page.phone.button("Turn on notifications").waitFor({ state: "hidden" });
  expect((await page.server.call("/api/push/phone")).body).toMatchObject({
    permission: "denied",
    subscription: null,
  });
  expect(await page.part("problem").isVisible()).toBe(false); // It would say the same again.
  await page.pictures("phones-denied");
});

test.concurrent("an iPhone in Safari is led to the Home Screen first", async () => {
  await using page = await open({ phones: [], before: browserOf({ agent: IPHONE }) });
  await shows(page.part("is-install"), "Add to Home Screen");
  expect(await page.phone.button("Turn on notifications").isVisible()).toBe(false);
  await page.pictures("phones-iphone");
});

test.concurrent("over http it says why not, and the three ways to https", async () => {
  await using page = await open({ phones: [], before: browserOf({ agent: ANDROID, secure: false }) });
  await shows(page.part("is-insecure"), "over https only");
  expect(await page.texts(".ways li")).toHaveLength(3);
  expect(await page.phone.button("Turn on notifications").isVisible()).toBe(false);
  await page.pictures("phones-http");
});

test.concurrent("what went wrong with turning it on is said", async () => {
  await using page = await open({
    phones: [],
    failures: true,
    before: async (opened) => {
      await browserOf({ agent: ANDROID })(opened);
      opened.server.reply("/api/push/phone", () => {
        const message = "subscription.endpoint: it is no push service known here";
        return { status: 400, body: { error: { code: "invalid", message, request: "r" } } };
      });
    },
  });
  await page.phone.button("Turn on notifications").tap();
  await shows(page.part("problem"), "no push service known here");
});

test.concurrent("privacy and quiet hours are told to the server as they are set", async () => {
  await using page = await open({
    async before(one) {
      await browserOf({ permission: "granted", subscribed: true })(one);
      await patient(one);
    },
  });
  // The second tap comes while the first is on its way.
  const held = Promise.withResolvers<void>();
  await page.page.route("**/api/push/settings", async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.part("private").check();
  await page.part("quiet").check();
  held.resolve();
  expect((await page.server.call("/api/push/settings")).body).toEqual({ private: true, quiet: null });
  const { body } = await page.server.call("/api/push/settings", 1);
  expect(body).toMatchObject({ private: true, quiet: { from: "22:00", to: "07:00" } });
  await page.part("from").fill("23:30");
  await page.part("from").blur();
  expect((await page.server.call("/api/push/settings", 2)).body).toMatchObject({ quiet: { from: "23:30" } });
  await page.pictures("phones-quiet");
});

test.concurrent("test, rename, revoke and snooze ask the server for just that", async () => {
  const until = Date.now() + 30 * MINUTE;
  await using page = await open({ snoozed: { docs: until }, before: browserOf({}) });
  page.server.reply("/api/push/test", () => ({ body: { outcome: "refused", status: 403, reason: "no" } }));
  await page.phone.button("Test iPhone (Safari)").tap();
  expect((await page.server.call("/api/push/test")).body).toEqual({ viewer: "v2" });
  await shows(page.part("told"), "Not sent: no.");
  await page.phone.button("Rename iPhone (Safari)").tap();
  await page.page.locator("dialog input").fill("Ada's phone");
  await page.page.locator('dialog [data-part="yes"]').tap();
  expect(await page.server.call("/api/viewers/v2")).toMatchObject({
    method: "PATCH",
    body: { name: "Ada's phone" },
  });
  await page.phone.button("Revoke iPhone (Safari)").tap();
  await page.page.locator('dialog [data-part="yes"]').tap();
  expect(await page.server.call("/api/viewers/v2", 1)).toMatchObject({ method: "DELETE" });
  await page.phone.button("Snooze 1 h: webshop").tap();
  expect((await page.server.call("/api/push/snooze")).body).toEqual({ session: "webshop", minutes: 60 });
  await page.phone.button("Wake docs").tap();
  expect((await page.server.call("/api/push/snooze", 1)).body).toEqual({ session: "docs", minutes: 0 });
});

test.concurrent("the list leads to it once, until that is not wanted", async () => {
  await using page = await open({ path: "/", before: browserOf({ agent: ANDROID }) });
  await shows(page.part("nudge-text"), "Turn on notifications");
  await page.pictures("list-nudge");
  await page.phone.button("Not now").tap();
  await page.page.reload();
  await shows(page.page.locator(".project"), "webshop");
  expect(await page.part("nudge").isVisible()).toBe(false);
  await page.page.getByRole("link", { name: "Phones and notifications" }).tap();
  await shows(page.page.locator("h1"), "Phones");
});

test.concurrent("a server that speaks another protocol gets one clear screen", async () => {
  await using page = await open({
    path: "/",
    before: async (opened) => {
      await browserOf({ agent: ANDROID })(opened);
      // As over plain http.
      await opened.page.addInitScript(() => void Reflect.deleteProperty(window, "caches"));
      opened.server.begin(() => ({ ...state([session("webshop")], []), protocol: PROTOCOL + 1 }));
    },
  });
  await shows(page.page.locator("h1"), "Reload to go on");
  await page.pictures("outdated");
  await page.phone.button("Reload").tap();
  await page.server.streams(2);
});
