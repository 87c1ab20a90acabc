// One session on a phone: its screen, its log, what is typed to it, and what happens when the line drops.
import { expect, test } from "bun:test";
import type { Row } from "../src/screen.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { opener, ready, shows } from "./testing/opener.ts";
import { ask, firstFrame, inSession, run, screenRows, session, shop, working } from "./testing/world.ts";

const open = opener();

/** So much real time for a step of a faked clock: a slow machine must not look like a silent server. */
const REAL_MS = 20;
/** Lets the page draw what has come, and hear of what has moved. */
const frames = ({ page }: OpenPage) =>
  page.evaluate(async () => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
/** px from what is seen of a box to its end. */
const toEnd = ({ page }: OpenPage, selector: string) =>
  page.locator(selector).evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
const numbered = (line_no: number) => ({
  ...{ line_no, epoch: 0, source: "transcript" as const, text: `line ${line_no}` },
});
const some = (from: number, count: number) => Array.from({ length: count }, (_, i) => numbered(from + i));
const LINES = "/api/sessions/webshop/lines";

test.concurrent("an ended session says so once, however long it is looked at", async () => {
  const over = {
    ...shop,
    conversation: null,
    status: "ended" as const,
    ended_at: Date.now(),
    connected: false,
  };
  await using page = await open({ path: "/s/webshop", sessions: [over] });
  await shows(page.part("over"), "This session has ended.");
  for (const device_name of ["desk-1", "desk-2"]) {
    page.server.send("session_end", { session: { ...over, device_name } });
    await shows(page.page.locator(".session-view .state"), device_name);
  }
  expect(await page.part("over").innerText()).toBe("This session has ended.");
});

/** The terminal as it is on the page: text and looks of every run, and where it stands in cells. */
function drawn(page: OpenPage) {
  return page.page.evaluate(() => {
    const cell = Number.parseFloat(getComputedStyle(document.querySelector(".cursor") as Element).width);
    return [...document.querySelectorAll(".line")].map((line) =>
      [...line.querySelectorAll(":scope > span")].map((span) => {
        const { color, backgroundColor, fontWeight, textDecorationLine } = getComputedStyle(span);
        const at = (span.getBoundingClientRect().left - line.getBoundingClientRect().left) / cell;
        const cells = span.getBoundingClientRect().width / cell;
        return {
          ...{
            text: span.textContent,
            color,
            backgroundColor,
            bold: fontWeight === "700",
            textDecorationLine,
          },
          ...{ at: Math.round(at * 10) / 10, cells: Math.round(cells * 10) / 10 },
        };
      }),
    );
  });
}

test.concurrent("the screen on the page is the screen: text, colours, and wide letters of exactly two cells", async () => {
  await using page = await open(inSession);
  await page.server.streams(1);
  page.server.send("output", { session: shop.id, frame: firstFrame(screenRows, 60, 8) });
  await shows(page.page.locator(".line"), "bold");
  const lines = await drawn(page);
  expect(lines).toHaveLength(8);
  expect(lines.map((line) => line.map(({ text }) => text).join(""))).toEqual([
    ...screenRows.map((row) => row.map(({ text }) => text).join("")),
    ...["", "", ""],
  ]);
  const [first, second, , fourth] = lines;
  expect(first?.map(({ color }) => color).slice(0, 3)).toEqual([
    ...["rgb(215, 119, 87)", "rgb(230, 227, 221)", "rgb(255, 0, 0)"],
  ]);
  expect(first?.[3]?.backgroundColor).toBe("rgb(0, 95, 175)");
  expect(first?.map(({ bold }) => bold)).toEqual([false, true, false, false]);
  expect(second?.map(({ at, cells }) => [at, cells])).toEqual([
    [0, 1],
    [1, 2],
    [3, 2],
    [5, 2],
  ]);
  expect(fourth?.[0]).toMatchObject({ color: "rgb(23, 22, 20)", backgroundColor: "rgb(230, 227, 221)" });
  expect(fourth?.[2]?.textDecorationLine).toBe("underline line-through");
  expect(lines[4]?.[1]?.cells).toBe(4);
  await page.pictures("session");
});

test.concurrent("only the rows that a frame names are touched, and a scroll moves them", async () => {
  await using page = await open(inSession);
  await page.server.streams(1);
  const rows = Array.from({ length: 10 }, (_, i): Row => [run(`line ${i}`)]);
  page.server.send("output", { session: shop.id, frame: firstFrame(rows, 60) });
  await shows(page.page.locator(".line"), "line 9");
  await page.page.evaluate(() => {
    const touched: string[] = [];
    Object.assign(window, { touched });
    new MutationObserver((changes) => {
      for (const { target } of changes) if (target instanceof HTMLElement) touched.push(target.className);
    }).observe(document.querySelector(".grid") as Element, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  const touched = () =>
    page.page.evaluate(() => (window as unknown as { touched: string[] }).touched.splice(0));
  page.server.send("output", { session: shop.id, frame: { lines: [{ y: 3, row: [run("changed")] }] } });
  await shows(page.page.locator(".line").nth(3), "changed");
  expect(await touched()).toEqual(["line"]);
  page.server.send("output", {
    session: shop.id,
    frame: { scroll: 2, lines: [{ y: 9, row: [run("new")] }] },
  });
  await shows(page.page.locator(".line").nth(9), "new");
  expect((await touched()).filter((name) => name === "line")).toHaveLength(2);
  expect((await page.texts(".line")).map((text) => text.trim())).toEqual([
    ...["line 2", "changed", "line 4", "line 5", "line 6", "line 7", "line 8", "line 9", "", "new"],
  ]);
});

test.concurrent("a short drop goes unmentioned, a longer one is named, and nothing is shown twice", async () => {
  await using page = await open({ ...inSession, failures: true, clock: "stands" });
  /** The page's time goes on, and some real time for what it asks of the server meanwhile. */
  const pass = async (ms: number) => {
    await page.page.clock.runFor(ms);
    await Bun.sleep(REAL_MS);
  };
  const banner = page.page.locator("#banner");
  /** Lets the clock go on in small steps until there are so many of these. */
  const until = async (count: number, selector: string) => {
    while ((await page.page.locator(selector).count()) !== count) await pass(50);
  };
  const lines = (...numbers: number[]) =>
    page.server.send("lines", {
      session: shop.id,
      lines: numbers.map((line_no) => ({ line_no, epoch: 0, source: "screen", text: `line ${line_no}` })),
    });
  await until(1, ".session-view");
  await page.part("tab-log").tap();
  lines(1, 2);
  await until(2, ".log-line");
  // Shortly before the next heartbeat: how long ago the last word came says nothing of how long the line is gone.
  await pass(4_500);
  // While a stream is asked for, the page's time stands: a slow machine must not look like a line that keeps it back.
  const underWay = new Set<unknown>();
  page.page.on("request", (request) => {
    if (request.url().includes("/events")) underWay.add(request);
  });
  page.page.on("response", (response) => underWay.delete(response.request()));
  page.page.on("requestfailed", (request) => underWay.delete(request));
  const passUntil = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo()))
      if (underWay.size > 0) await Bun.sleep(REAL_MS);
      else await pass(200);
  };
  page.server.drop();
  await passUntil(() => banner.isVisible());
  expect(page.server.refused.length).toBeGreaterThan(0);
  expect(await banner.innerText()).toMatch(/^Reconnecting … \([3-5] s\)$/); // The first that is said of it.
  page.server.accept();
  await passUntil(() => page.server.opened.length === 2);
  lines(1, 2, 3);
  page.server.send("output", { session: shop.id, frame: firstFrame([[run("again")]], 60) });
  await until(3, ".log-line");
  await until(1, "#banner[hidden]");
  expect(await page.texts(".log-line")).toEqual(["line 1", "line 2", "line 3"]);
  await page.part("tab-screen").tap();
  await until(1, ".line > span");
  expect(await page.texts(".line")).toEqual(["again"]);
  expect(page.server.opened).toEqual(["/events?session=webshop", "/events?session=webshop"]);
});

test.concurrent("whoever comes back gets a new stream, and an offline phone says so", async () => {
  await using page = await open({
    ...{ path: "/p/p1", sessions: [shop], prompts: [ask], failures: true },
    clock: true,
  });
  const opened = (count: number) => page.server.streams(count);
  await opened(1);
  await page.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await opened(2);
  await page.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await opened(3);
  await page.page.clock.fastForward(7_000); // As after a minute in somebody's pocket.
  await opened(4);
  // From Wi-Fi to the mobile network: nobody ends the old connection.
  await page.page.evaluate(() => {
    const { connection } = navigator as unknown as { connection: EventTarget };
    connection.dispatchEvent(new Event("change"));
  });
  await opened(5);
  await page.page.context().setOffline(true);
  await shows(page.page.locator("#banner"), "Offline");
  await shows(page.part("outcome"), "This phone is offline.");
  expect(await page.part("approve").isDisabled()).toBe(true);
  await page.page.context().setOffline(false);
  await opened(6);
  await ready(page);
  await page.page.locator("#banner").waitFor({ state: "hidden" }); // It may be said for a moment that it reconnects.
});

test.concurrent("the log stays where it is read, and leads back to its end", async () => {
  const line = numbered;
  await using page = await open({
    ...inSession,
    before: ({ server }) => server.reply(LINES, () => ({ body: { lines: some(1_000, 300) } })),
  });
  await page.part("tab-log").tap();
  await shows(page.page.locator(".log-line"), "line 1299");
  const scroll = page.page.locator(".log-scroll");
  const top = () => scroll.evaluate((box) => box.scrollTop);
  const atEnd = () => scroll.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 2);
  expect(await atEnd()).toBe(true);
  page.server.send("lines", { session: shop.id, lines: [line(1_300)] });
  await shows(page.page.locator(".log-line"), "line 1300");
  expect(await atEnd()).toBe(true);
  await scroll.evaluate((box) => box.scrollTo(0, 2_000));
  await shows(page.part("pill"), "To the end");
  page.server.send("lines", { session: shop.id, lines: [line(1_301), line(1_302)] });
  await shows(page.part("pill"), "New output (2)");
  expect(await top()).toBe(2_000);
  const seen = await page.page.locator(".log-line", { hasText: "line 1100" }).boundingBox();
  page.server.send("lines", { session: shop.id, lines: [line(998), line(999)] });
  await shows(page.page.locator(".log-line").first(), "line 998");
  const still = await page.page.locator(".log-line", { hasText: "line 1100" }).boundingBox();
  expect(Math.abs((still?.y ?? 0) - (seen?.y ?? 0))).toBeLessThan(1);
  await page.pictures("session-log");
  await page.part("pill").tap();
  await page.part("pill").waitFor({ state: "hidden" });
  expect(await atEnd()).toBe(true);
});

test.concurrent("whoever scrolls away in the log or on the screen is led back by nothing", async () => {
  await using page = await open({
    ...inSession,
    before: ({ server }) => server.reply(LINES, () => ({ body: { lines: some(1_000, 300) } })),
  });
  await page.server.streams(1);
  const rows = Array.from({ length: 150 }, (_, i): Row => [run(`row ${i}`)]);
  page.server.send("output", { session: shop.id, frame: firstFrame(rows, 60) });
  await shows(page.page.locator(".line"), "row 149");
  for (const [name, other, selector, size] of [
    ["screen", "log", ".terminal", ".terminal"],
    ["log", "screen", ".log-scroll", ".lines"],
  ] as const) {
    await page.part(`tab-${name}`).tap();
    await page.page.locator(selector).waitFor();
    if (name === "log") await shows(page.page.locator(".log-line"), "line 1299");
    expect(await toEnd(page, selector)).toBeLessThan(2);
    // In the frame in which something changes its size: what tells of scrolling comes in the next one.
    await page.page.locator(selector).evaluate(async (box, inner) => {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      box.scrollTop = 200;
      document.querySelector<HTMLElement>(inner)?.style.setProperty("padding-bottom", "30px");
    }, size);
    await frames(page);
    expect(await toEnd(page, selector), `${name}, another size`).toBeGreaterThan(500);
    // Still moving when another tab is chosen: what tells of it comes to a box that nobody sees.
    await page.page.locator(selector).evaluate((box, tab) => {
      box.scrollTop = 150;
      document.querySelector<HTMLElement>(tab)?.click();
    }, `[data-part="tab-${other}"]`);
    await frames(page);
    await page.part(`tab-${name}`).tap();
    await page.page.locator(selector).waitFor();
    await frames(page);
    expect(await toEnd(page, selector), `${name}, another tab`).toBeGreaterThan(500);
  }
});

test.concurrent("a line that was found leads on line by line, and back to an end that nothing has to scroll to", async () => {
  const all = some(0, 700);
  const hit = { in: "lines", id: 40, line_no: 40, source: "screen", session: shop.id, at: Date.now() };
  const found = { ...hit, text: "line 40", marks: [[0, 7]], before: false, after: false };
  const none = { next: null, reached: null, many: false, sessions: [] };
  let later: (hits: object[]) => void = () => {};
  await using page = await open({
    ...inSession,
    path: "/s/webshop?find=line&in=lines&at=40",
    before({ server }) {
      server.reply("/api/search", ({ query }) =>
        query.has("after")
          ? new Promise((resolve) => {
              later = (hits) => resolve({ body: { ...none, hits } });
            })
          : { body: { ...none, hits: [found] } },
      );
      server.reply(LINES, ({ query }) => {
        const [before, after] = [query.get("before"), query.get("after")];
        const rest = all.filter(({ line_no }) =>
          after === null ? line_no < Number(before ?? 1e9) : line_no > Number(after),
        );
        return { body: { lines: after === null ? rest.slice(-300) : rest.slice(0, 300) } };
      });
    },
  });
  await shows(page.page.locator(".log-line.found"), "line 40");
  const scroll = page.page.locator(".log-scroll");
  const top = await scroll.evaluate(async (box) => {
    box.scrollTop = box.scrollHeight;
    for (let i = 0; i < 3; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    document.querySelector<HTMLElement>('[data-part="newer"]')?.click();
    return box.scrollTop;
  });
  await page.page.locator(".log-line", { hasText: "line 699" }).waitFor({ state: "attached" });
  expect(await scroll.evaluate((box) => box.scrollTop)).toBe(top);
  // Of a log that fits on the screen nothing scrolls: its end is reached all the same, and what comes is followed.
  all.splice(5);
  Object.assign(found, { id: 3, line_no: 3 });
  await page.phone.goto(`${page.server.url}/s/webshop?find=line&in=lines&at=3`);
  await shows(page.page.locator(".log-line.found"), "line 3");
  await page.page.locator(".log [data-part='pill']").waitFor({ state: "hidden" });
  // Who has closed the search is led nowhere by its answer.
  await page.phone.button("Later").tap();
  await page.server.call("/api/search", 2);
  await page.page.locator('.find-bar [data-part="close"]').tap();
  await page.part("tab-screen").tap();
  const came = page.page.waitForResponse((response) => response.url().includes("after="));
  later([found]);
  await (await came).finished();
  await frames(page);
  expect(await page.page.locator("#tab-screen").getAttribute("aria-selected")).toBe("true");
});

test.concurrent("a log that could not be read is read again, and what comes to one that was left stays out of the next", async () => {
  let answer: (lines: ReturnType<typeof some>) => void = () => {};
  let fails = true;
  await using page = await open({
    ...{ ...inSession, failures: true, clock: true },
    before: ({ server }) =>
      server.reply(LINES, ({ query }) => {
        if (fails)
          return {
            status: 503,
            body: { error: { code: "unreachable", message: "The disk sleeps.", request: "r" } },
          };
        if (query.get("before") === null) return { body: { lines: some(1_000, 300) } };
        return new Promise((resolve) => {
          answer = (lines) => resolve({ body: { lines } });
        });
      }),
  });
  await page.part("tab-log").tap();
  await shows(page.page.locator(".log-empty"), "The disk sleeps.");
  fails = false;
  await page.page.clock.runFor(3_500);
  await shows(page.page.locator(".log-line"), "line 1299");
  await page.phone.button("Show earlier lines").evaluate((button) => (button as HTMLElement).click());
  await page.server.call(LINES, 2);
  await page.page.locator(".session-view .back").tap();
  await page.page.locator('.row[href="/s/webshop"]').tap();
  await page.part("tab-log").tap();
  await shows(page.page.locator(".log-line"), "line 1299");
  const came = page.page.waitForResponse((response) => response.url().includes("before="));
  answer(some(100, 300));
  await (await came).finished();
  page.server.send("lines", { session: shop.id, lines: [numbered(1_300)] });
  await shows(page.page.locator(".log-line"), "line 1300");
  expect(await page.page.locator(".log-line").first().innerText()).toBe("line 1000");
});

test.concurrent("a text is sent, and refused text is offered to be added, to replace, or to be kept", async () => {
  const idle = { ...shop, status: "idle" } as const;
  await using page = await open({ path: "/s/webshop", sessions: [idle] });
  const path = "/api/sessions/webshop/input";
  const text = page.page.getByLabel("Message to Claude");
  await text.fill("First line");
  await text.press("Enter");
  await text.pressSequentially("second");
  await page.page.reload();
  await page.page.waitForFunction(() => document.querySelector("textarea")?.value === "First line\nsecond");
  await page.part("send").tap();
  const first = (await page.server.call(path)) as { body: { id: never } };
  expect(first.body as unknown).toEqual({
    id: expect.any(String),
    text: "First line\nsecond",
    mode: "if_empty",
  });
  expect(await text.inputValue()).toBe("");
  await shows(page.page.locator(".sent-stage"), "Sent, on its way");
  const tell = (stage: "delivered" | "seen" | "refused", id: never, reason: "desk_typing" | null = null) =>
    page.server.send("input", { session: shop.id, id, stage, reason });
  tell("refused", first.body.id, "desk_typing");
  await shows(page.page.locator(".sent-stage"), "Not typed. Somebody is typing at the desk.");
  await text.fill("!git status");
  await shows(page.part("meaning"), "! A shell command: runs at once, without asking.");
  await page.pictures("session-refused");
  // Twice, before anything is drawn.
  await page.phone.button("Add to it").evaluate((button) => {
    for (const _ of [1, 2]) (button as HTMLElement).click();
  });
  const second = (await page.server.call(path, 1)) as { body: { id: never } };
  expect(second.body as unknown).toMatchObject({ text: "First line\nsecond", mode: "append" });
  expect(second.body.id).not.toBe(first.body.id);
  tell("delivered", second.body.id);
  await shows(page.page.locator(".sent-stage"), "Typed into Claude");
  tell("seen", second.body.id);
  await shows(page.page.locator(".sent-stage"), "Seen by Claude");
  expect(await text.inputValue()).toBe("!git status");
  expect(page.server.asked.filter((asked) => asked.path === path)).toHaveLength(2);
});

test.concurrent("a text written without a connection waits for one, and can be taken back", async () => {
  await using page = await open({ ...inSession, failures: true });
  const text = page.page.getByLabel("Message to Claude");
  await text.waitFor();
  page.server.drop();
  await page.server.refusals(1);
  for (const words of ["one", "two"]) {
    await text.fill(words);
    await page.page.locator(".send:enabled").tap();
  }
  await shows(page.page.locator(".sent-stage"), "Waiting for a connection");
  // Twice, before anything is drawn.
  await page.page
    .locator(".sent", { hasText: "two" })
    .getByText("Edit")
    .evaluate((button) => {
      for (const _ of [1, 2]) (button as HTMLElement).click();
    });
  expect(await text.inputValue()).toBe("two");
  page.server.accept();
  const { body } = await page.server.call("/api/sessions/webshop/input");
  expect(body).toMatchObject({ text: "one" });
  expect(page.server.asked.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test.concurrent("keys go in their order, and what cannot be taken back asks first", async () => {
  await using page = await open(inSession);
  const path = "/api/sessions/webshop/input";
  for (const name of ["Esc", "Shift Tab", "PgUp, page up"]) await page.phone.button(name).tap();
  await page.phone.button("Ctrl-C").tap();
  await page.phone.button("Cancel").tap();
  await page.phone.button("Ctrl-C").tap();
  await page.phone.button("Press Ctrl-C").tap();
  await page.server.call(path, 3);
  const keys = page.server.asked.map(({ body }) => (body as { key: string }).key);
  expect(keys).toEqual(["escape", "shift_tab", "page_up", "ctrl_c"]);
  // Twice, before what it shows has come.
  await page.part("more").evaluate((button) => {
    for (const _ of [1, 2]) (button as HTMLElement).click();
  });
  await page.phone.button("Cancel").tap();
  await page.page.locator("dialog").waitFor({ state: "detached" });
  await page.part("interrupt").tap();
  await page.pictures("session-interrupt");
  // What it asks by now is not to be answered by that.
  page.server.send("session_start", { session: { ...working, status: "waiting" } });
  await page.part("interrupt").waitFor({ state: "hidden" });
  await page.page.locator("dialog").getByRole("button", { name: "Interrupt" }).tap();
  await shows(page.part("note"), "Not interrupted: Claude was not working any more.");
  page.server.send("session_start", { session: working });
  await page.part("interrupt").tap();
  expect(page.server.asked.filter((asked) => asked.path.endsWith("/interrupt"))).toEqual([]);
  await page.page.locator("dialog").getByRole("button", { name: "Interrupt" }).tap();
  await page.server.call("/api/sessions/webshop/interrupt");
});

test.concurrent("a session leads to what claude asks, and back", async () => {
  await using page = await open({ path: "/", sessions: [shop, session("docs")], prompts: [ask] });
  await page.page.getByText("docs").tap();
  await page.part("back").or(page.page.locator(".back")).first().tap();
  await page.page.locator(".list-view h1").waitFor();
  await page.page.evaluate(() => history.pushState({ from: "/" }, "", "/s/webshop"));
  await page.page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
  await shows(page.part("ask"), "Run this command?");
  page.server.send("output", { session: shop.id, frame: firstFrame(screenRows, 100, 30) });
  await page.pictures("session-asks");
  await page.part("ask").tap();
  await shows(page.page.locator("h1"), "Run this command?");
  expect(await page.page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
  await page.page.keyboard.press("Escape");
  await shows(page.page.locator("h1"), "webshop");
  expect(new URL(page.page.url()).pathname).toBe("/s/webshop");
});
