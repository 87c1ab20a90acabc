// A new session on a phone: chosen with few taps, followed step by step, and never started twice by one tap.
import { expect, test } from "bun:test";
import type { ConversationId, DevboxState, Launch, LaunchBody, LaunchId } from "../src/protocol.ts";
import type { OpenPage, Scene } from "./testing/open-page.ts";
import { drawn, opener, patient } from "./testing/opener.ts";
import { session, state } from "./testing/world.ts";

const open = opener();

const devbox = (name: string, more: Partial<DevboxState> = {}): DevboxState => ({
  ...{ name, kind: "ssh", host: `${name}.example.org`, user: "ada", port: null, key: null, dir: null },
  ...{ created_at: 0, last_used: null, seen_at: null, state: "active", error: null, fingerprint: null },
  ...more,
});
const DEVBOXES = [
  devbox("local", { kind: "local", host: "laptop", user: null }),
  devbox("box1"),
  devbox("gpu-box", {
    port: 2222,
    state: "unreachable",
    error: { class: "timeout", message: "m", next: "n" },
  }),
];
const OVERVIEW = {
  enabled: true,
  modes: ["default", "plan", "acceptEdits"],
  devboxes: DEVBOXES,
  choices: [
    { devbox: "box1", dir: "~/src/webshop", mode: "plan" },
    { devbox: "box1", dir: "/srv/api", mode: null },
    { devbox: "local", dir: "~/notes", mode: null },
  ],
  public_key: null,
};
const CONVERSATIONS = [
  {
    id: "talk-1",
    dir: "/home/ada/src/webshop",
    title: "Fix the checkout tests",
    last_at: Date.now() - 3_600_000,
  },
  { id: "talk-2", dir: "/srv/api", title: "", last_at: Date.now() - 7_200_000, alive_in: "s9" },
].map((one) => ({ alive_in: null, ...one }));

/** The server's part, with what it was asked to start. */
function serves({ server }: OpenPage, overview: object = OVERVIEW) {
  server.reply("/api/devboxes", () => ({ body: overview }));
  server.reply("/api/devboxes/box1/conversations", () => ({ body: { conversations: CONVERSATIONS } }));
  for (const name of ["local", "gpu-box"])
    server.reply(`/api/devboxes/${name}/conversations`, () => ({ body: { conversations: [] } }));
  server.reply("/api/devboxes/box1/directories", ({ query }) => {
    const under = query.get("under") ?? "";
    const all = ["~/src/webshop", "~/src/web-api", "~/src/webshop/<b>x", "~/src/webshop/docs"];
    const deep = under.split("/").length;
    const directories = all.filter((path) => path.startsWith(under) && path.split("/").length === deep);
    return { body: { directories, more: false } };
  });
  server.reply("/api/sessions", ({ body }) => ({ body: { launch: launched(body as LaunchBody) } }));
}

const launched = (body: LaunchBody, more: Partial<Launch> = {}): Launch => ({
  ...{ id: body.launch, devbox: body.devbox, dir: body.dir, step: "connecting", percent: null },
  ...{ began_at: Date.now(), ended_at: null, session: null, error: null },
  ...more,
});

const asked = async (page: OpenPage, nth = 0) =>
  (await page.server.call("/api/sessions", nth)).body as LaunchBody;
const onForm = (scene: Scene = {}) => open({ path: "/new", before: serves, ...scene });

test.concurrent("the last choice is filled in: one word and one tap start a session there", async () => {
  await using page = await onForm();
  await page.phone.reads(page.page.locator(".recent"), /webshop/);
  expect(await page.page.getByLabel("Directory").inputValue()).toBe("~/src/webshop");
  expect(await page.page.getByRole("radio", { name: /^box1/ }).isChecked()).toBe(true);
  expect(await page.page.getByRole("radio", { name: "Plan first" }).isChecked()).toBe(true);
  await page.page.getByLabel("First message").fill("Run the tests and fix what fails");
  await page.pictures("new-session");
  expect(await page.phone.overflows()).toBe(false);
  await page.phone.button("Start").tap();
  expect(await asked(page)).toEqual({
    launch: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as LaunchId,
    ...{ devbox: "box1", dir: "~/src/webshop", prompt: "Run the tests and fix what fails", mode: "plan" },
  });
});

test.concurrent("a launch is shown step by step, and leads into its session", async () => {
  await using page = await onForm();
  await page.phone.button("Start").tap();
  const body = await asked(page);
  const tell = (more: Partial<Launch>) => page.server.send("launch", { launch: launched(body, more) });
  await page.phone.reads(page.page.locator(".launch-title"), /Starting on box1/);
  tell({ step: "checking" });
  tell({ step: "copying", percent: 64, began_at: Date.now() - 12_000 });
  await page.phone.reads(page.page.locator(".launch-step.now"), /claude-remote there: 64 %/);
  await page.phone.reads(page.page.locator(".launch > p"), /so far/);
  await page.pictures("new-session-copying");
  tell({ step: "starting" });
  await page.phone.reads(page.page.locator(".launch-step.now"), /Starting Claude/);
  expect(await page.page.locator(".launch-step.skipped").count()).toBe(1); // No tunnel was needed.
  const begun = session("webshop", { devbox: "box1" });
  page.server.begin(() => state([begun]));
  page.server.send("session_start", { session: begun });
  tell({ step: "started", session: begun.id });
  await page.phone.reads(page.part("badge"), /box1/);
  expect(new URL(page.page.url()).pathname).toBe("/s/webshop");
  await page.pictures("new-session-badge");
});

test.concurrent("a failure says what and what to do; Try again is another launch, Change keeps what was typed", async () => {
  const before = async (one: OpenPage) => {
    serves(one);
    await patient(one);
  };
  await using page = await onForm({ before });
  await page.page.getByLabel("First message").fill("hello");
  await page.phone.button("Start").tap();
  const first = await asked(page);
  const error = {
    class: "auth",
    message: "box1: ada@box1.example.org: Permission denied (publickey)",
    next: "Put the server's key into ~/.ssh/authorized_keys there, then try again.",
  };
  page.server.send("launch", { launch: launched(first, { step: "failed", error, ended_at: Date.now() }) });
  await page.phone.reads(page.page.locator(".failure"), /Permission denied[\s\S]*authorized_keys/);
  await page.pictures("new-session-failed");
  const held = Promise.withResolvers<void>();
  await page.page.route("**/api/sessions", async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.phone.button("Try again").tap();
  await page.phone.button("Starting …").waitFor(); // Never a screen without a word.
  held.resolve();
  const second = await asked(page, 1);
  expect({ ...second, launch: "" }).toEqual({ ...first, launch: "" } as never);
  expect(second.launch).not.toBe(first.launch);
  page.server.send("launch", { launch: launched(second, { step: "failed", error, ended_at: Date.now() }) });
  await page.phone.button("Change").tap();
  expect(await page.page.getByLabel("First message").inputValue()).toBe("hello");
});

test.concurrent("a tap whose answer was lost is the same launch when it is tapped again", async () => {
  await using page = await onForm({ failures: true });
  page.server.reply("/api/sessions", () => ({ status: 503 }));
  await page.phone.button("Start").tap();
  const first = await asked(page);
  await page.phone.reads(page.page.locator(".new-session .problem"), /not well/);
  page.server.reply("/api/sessions", ({ body }) => ({ body: { launch: launched(body as LaunchBody) } }));
  await page.phone.button("Start").tap();
  expect((await asked(page, 1)).launch).toBe(first.launch);
  await page.phone.reads(page.page.locator(".launch-title"), /Starting on box1/);
});

test.concurrent("one tap is one start; one that fails behind one's back leads nowhere, and is told where one comes back", async () => {
  const before = async (one: OpenPage) => {
    serves(one);
    await patient(one);
  };
  await using page = await onForm({ failures: true, before });
  const [conversations, start] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.page.route("**/conversations", async (route) => {
    await conversations.promise;
    await route.continue();
  });
  let lost: LaunchBody | null = null;
  await page.page.route("**/api/sessions", async (route) => {
    lost = route.request().postDataJSON() as LaunchBody;
    await start.promise;
    await route.fulfill({ status: 503 });
  });
  await page.page.reload();
  await page.page.getByLabel("First message").fill("hello");
  await page.phone.button("Start").tap();
  const [read] = await Promise.all([page.page.waitForResponse("**/conversations"), conversations.resolve()]);
  await read.finished();
  await drawn(page);
  expect(await page.phone.button("Starting …").isDisabled()).toBe(true);

  await page.page.locator("a.back").tap();
  await page.part("empty").waitFor();
  const [failed] = await Promise.all([page.page.waitForResponse("**/api/sessions"), start.resolve()]);
  await failed.finished();
  await drawn(page);
  expect(new URL(page.page.url()).pathname).toBe("/");
  await page.page.unroute("**/api/sessions");
  await page.page.getByRole("link", { name: "New session" }).tap();
  await page.phone.reads(page.page.locator(".new-session .problem"), /not well/);
  await page.phone.button("Start").tap();
  expect(await asked(page)).toEqual(lost as never);
});

test.concurrent("a page that is loaded anew goes on with its launch", async () => {
  await using page = await onForm();
  await page.phone.button("Start").tap();
  const body = await asked(page);
  // Only a tab that has heard the answer knows which launch is its own.
  await page.phone.reads(page.page.locator(".launch-title"), /Starting on box1/);
  const under = launched(body, { step: "copying", percent: 12 });
  page.server.reply("/api/launches", () => ({ body: { launches: [under] } }));
  await page.page.reload();
  await page.phone.reads(page.page.locator(".launch-step.now"), /12 %/);
  const begun = session("webshop", { devbox: "box1" });
  page.server.begin(() => state([begun]));
  page.server.send("session_start", { session: begun });
  page.server.send("launch", { launch: { ...under, step: "started", session: begun.id } });
  await page.phone.reads(page.part("badge"), /box1/);
});

const elsewhere: Launch = launched({
  launch: "their-launch" as LaunchId,
  devbox: "box1",
  dir: "~/src/webshop",
});

test.concurrent("the list has what any phone starts; the row leads to its steps, where it can be called off", async () => {
  await using page = await open({ before: serves, sessions: [session("notes")] });
  const rows = page.part("launch-rows").locator("a.row");
  let theirs = elsewhere;
  const tell = (more: Partial<Launch>) => {
    theirs = { ...theirs, ...more };
    page.server.send("launch", { launch: theirs });
  };
  page.server.begin(() => ({ ...state([session("notes")]), launches: [theirs] }));
  page.server.reply("/api/launches", () => ({ body: { launches: [theirs] } }));
  page.server.drop();
  page.server.accept();
  await page.phone.reads(rows, /webshop[\s\S]*box1[\s\S]*Connecting/);
  tell({ step: "copying", percent: 64 });
  await page.phone.reads(rows, /Putting claude-remote there: 64 %/);
  await page.pictures("list-launch");
  await rows.tap();
  await page.phone.reads(page.page.locator(".launch-step.now"), /64 %/);
  await page.pictures("launch-elsewhere");
  await page.phone.button("Call off").tap();
  expect(await page.server.call("/api/launches/their-launch")).toMatchObject({ method: "DELETE" });
  await page.phone.reads(page.phone.button("Calling off …"), /Calling/);
  const error = { class: "stopped", message: "box1: called off", next: "Start it again when you like." };
  tell({ step: "failed", error, ended_at: Date.now(), percent: null });
  await page.phone.reads(page.page.locator(".failure"), /Called off/);
  expect(await page.page.locator(".launch-step.bad").count()).toBe(0); // Nothing went wrong.
  await page.pictures("launch-called-off");
  // What was to be typed there is not known here.
  expect(await page.phone.button("Try again").count()).toBe(0);
  await page.phone.button("New session").tap();
  await page.page.getByLabel("First message").waitFor();
  expect(new URL(page.page.url()).search).toBe("");
  await page.phone.goto(`${page.server.url}/`);
  await page.phone.reads(page.part("open"), /notes/);
  expect(await rows.count()).toBe(0);
});

test.concurrent("a call-off that does not get through can be tapped again", async () => {
  const before = (page: OpenPage) => {
    serves(page);
    page.server.reply("/api/launches", () => ({ body: { launches: [elsewhere] } }));
    page.server.reply("/api/launches/their-launch", () => ({ status: 503 }));
  };
  await using page = await open({ before, path: "/new?launch=their-launch", failures: true });
  await page.phone.button("Call off").tap();
  await page.phone.reads(page.part("trouble"), /not well/);
  page.server.reply("/api/launches/their-launch", () => ({ body: { launch: elsewhere } }));
  await page.phone.button("Call off").tap();
  await page.server.call("/api/launches/their-launch", 1);
});

test.concurrent("folders are offered while one is typed; a tap takes one, and nothing of it is markup", async () => {
  await using page = await onForm();
  const dir = page.page.getByLabel("Directory");
  await dir.fill("~/src/we");
  await page.page.getByRole("button", { name: "web-api/" }).waitFor();
  expect(await page.texts(".folder")).toEqual(["webshop/", "web-api/"]);
  await page.pictures("new-session-folders");
  await page.page.getByRole("button", { name: "webshop/" }).tap();
  expect(await dir.inputValue()).toBe("~/src/webshop/");
  await page.phone.reads(page.page.locator(".folder"), /<b>x/);
  expect(await page.page.locator(".folder b").count()).toBe(0);
  await dir.fill("src");
  await page.phone.reads(page.page.locator(".folders .quiet"), /begins with \/ or ~/);
  // The keyboard says "next" there, and starts nothing.
  await dir.press("Enter");
  expect(await page.page.getByLabel("First message").evaluate((one) => one === document.activeElement)).toBe(
    true,
  );
  expect(page.server.asked.some(({ path }) => path === "/api/sessions")).toBe(false);
});

test.concurrent("an earlier conversation goes on in its folder; one that is running is asked about first", async () => {
  await using page = await onForm();
  await page.page.getByText("Continue a conversation").tap();
  await page.page.getByRole("radio", { name: /checkout tests/ }).check();
  expect(await page.page.getByLabel("Directory").inputValue()).toBe("/home/ada/src/webshop");
  await page.pictures("new-session-resume");
  await page.page.getByRole("radio", { name: /running now/ }).check();
  await page.phone.button("Continue").tap();
  await page.phone.reads(page.page.locator("dialog"), /running now/);
  await page.phone.button("Cancel").tap();
  expect(page.server.asked.some(({ path }) => path === "/api/sessions")).toBe(false);
  await page.phone.button("Continue").tap();
  await page.phone.button("Go on here too").tap();
  expect(await asked(page)).toMatchObject({ dir: "/srv/api", resume: "talk-2", anyway: true });
});

test.concurrent("an ended session leads to its conversation's next one, on the machine where it was", async () => {
  const over = session("webshop", {
    ...{ devbox: "box1", status: "ended", ended_at: Date.now(), conversation: "talk-1" as ConversationId },
  });
  await using page = await open({ path: "/s/webshop", sessions: [over], before: serves });
  await page.page.getByRole("link", { name: "Continue this conversation" }).tap();
  await page.phone.reads(page.page.locator("summary"), /Continues: Fix the checkout tests/);
  await page.pictures("new-session-continued");
  await page.phone.button("Continue").tap();
  expect(await asked(page)).toMatchObject({ devbox: "box1", resume: "talk-1", dir: "/home/ada/src/webshop" });
});

test.concurrent("a conversation that is not there any more is told of, not passed over", async () => {
  await using page = await open({ path: "/new?devbox=box1&resume=long-gone", before: serves });
  await page.phone.reads(page.page.locator(".earlier .problem"), /not among those/);
  expect(await page.phone.button("Start").isEnabled()).toBe(true);
});

test.concurrent("another devbox brings its own folder; what was typed is there after a reload", async () => {
  await using page = await onForm();
  await page.page.getByRole("radio", { name: /server's own machine/ }).check();
  expect(await page.page.getByLabel("Directory").inputValue()).toBe("~/notes");
  await page.page.getByLabel("First message").fill("half a sente");
  await page.page.reload();
  await page.page.getByLabel("First message").waitFor();
  expect(await page.page.getByLabel("First message").inputValue()).toBe("half a sente");
  expect(await page.page.getByRole("radio", { name: /server's own machine/ }).isChecked()).toBe(true);
  await page.page.getByRole("radio", { name: /gpu-box/ }).check();
  expect(await page.page.getByLabel("Directory").inputValue()).toBe("~/");
});

test.concurrent("where phones may not start anything, or nothing is there to start on, the page says what to do", async () => {
  await using page = await open({
    path: "/new",
    before: (one) => serves(one, { ...OVERVIEW, enabled: false }),
  });
  await page.phone.reads(page.page.locator(".disabled"), /launch = true/);
  await using bare = await open({
    path: "/new",
    before: (one) => serves(one, { ...OVERVIEW, devboxes: [], choices: [] }),
  });
  await bare.page.getByRole("link", { name: "Add a devbox" }).tap();
  await bare.phone.reads(bare.part("title"), /Devboxes/);
});

test.concurrent("the list leads to a new session, and marks what runs on a devbox", async () => {
  const sessions = [session("webshop", { devbox: "box1" }), session("notes")];
  await using page = await open({ sessions, before: serves });
  const badges = page.page.locator(".host.badge");
  await badges.first().waitFor();
  expect(await badges.allInnerTexts()).toEqual(["box1"]);
  await page.pictures("list-badge");
  await page.page.getByRole("link", { name: "New session" }).tap();
  await page.page.getByLabel("Directory").waitFor();
  expect(new URL(page.page.url()).pathname).toBe("/new");
});

test.concurrent("it fits the smallest phone, a wide one, and one held sideways", async () => {
  for (const [width, height] of [
    [320, 568],
    [820, 1180],
    [844, 390],
  ] as const) {
    await using page = await onForm({ width, height });
    await page.page.getByLabel("Directory").waitFor();
    expect([width, await page.phone.overflows()]).toEqual([width, false]);
    const start = await page.phone.button("Start").boundingBox();
    expect((start?.y ?? height) + (start?.height ?? 1)).toBeLessThanOrEqual(height);
    await page.phone.picture(`new-session-${width}x${height}`);
  }
});
