// Search, ended sessions and usage on the page: found, opened, led to their place; names, deletion; hostile texts.
import { expect, test } from "bun:test";
import type { SearchHit, Session, Used } from "../src/protocol.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { opener, shows } from "./testing/opener.ts";
import { answer, call, result, TALK, talk, tells, user } from "./testing/talk.ts";
import { bash, session } from "./testing/world.ts";
import { costWords, short, tokenWords, usedWords, workedWords } from "./used-words.ts";

const open = opener();

const MINUTE = 60_000;
const shop = session("webshop", {
  conversation: TALK,
  title: "✳ Claude Code",
  opening: "Mend the voucher bug",
});
const over = session("billing", {
  ...{
    status: "ended",
    ended_at: Date.now() - 3 * MINUTE,
    end_reason: "exit",
    connected: false,
    conversation: TALK,
  },
  ...{
    title: "◐ Claude Code",
    opening: "Why is the invoice off by a cent?",
    kept_until: Date.now() + 30 * 86_400_000,
  },
});

const HOSTILE =
  '<img src=x onerror="globalThis.bad=1"><script>bad=1</script>\u202egnp.exe\u0007 [x](javascript:bad)';

/** A message that was found; `[` and `]` are around what is marked. */
function hit(text: string, more: Partial<SearchHit> = {}): SearchHit {
  const from = text.indexOf("[");
  const plain = text.replace("[", "").replace("]", "");
  const marks = from < 0 ? [] : [[from, text.indexOf("]") - 1]];
  const at = Date.now() - 5 * MINUTE;
  const place = { id: 7, session: shop.id, at, text: plain, marks, before: false, after: true };
  return {
    ...place,
    in: "messages",
    conversation: TALK,
    uuid: "talk-1-0",
    seq: 0,
    role: "user",
    part: "text",
    ...more,
  } as SearchHit;
}
const line = (text: string, line_no: number): SearchHit =>
  hit(text, { in: "lines", line_no, id: 1_000 + line_no, source: "screen" } as Partial<SearchHit>);

/** The server finds these, page by page, as the real one does. */
function finds({ server }: OpenPage, messages: SearchHit[], lines: SearchHit[] = []) {
  server.reply("/api/search", ({ query }) => {
    const within = query.has("session");
    const number = (one: SearchHit) => (within && one.in === "lines" ? one.line_no : one.id);
    const all = query.get("in") === "lines" ? lines : messages;
    const [before, after, limit] = [query.get("before"), query.get("after"), Number(query.get("limit"))];
    const rest = all
      .filter((one) => (after === null ? number(one) < Number(before ?? 1e15) : number(one) > Number(after)))
      .sort((a, b) => (after === null ? number(b) - number(a) : number(a) - number(b)));
    const hits = rest.slice(0, limit);
    const next = rest.length > limit && hits.at(-1) ? number(hits.at(-1) as SearchHit) : null;
    return { body: { hits, next, reached: null, many: false, sessions: [shop, over] } };
  });
}

const talked = talk([
  user("The voucher is wrong"),
  ...Array.from({ length: 400 }, (_, i) =>
    answer(`Answer ${i} of many, with some words to fill a line or two on a phone`),
  ),
  call("t1", "Bash", { command: "grep -rn total src" }),
  result(
    "t1",
    Array.from({ length: 60 }, (_, i) => `src/${i}.ts: ${i === 50 ? "VOUCHER total" : "total"}`).join("\n"),
  ),
  ...Array.from({ length: 300 }, (_, i) => answer(`Later ${i}`)),
]);
const seqOf = (i: number) => ({ seq: i * 100, uuid: `talk-1-${i}`, id: i + 1 });

test.concurrent("words lead to hits, a hit to its place in the conversation, marked; earlier and later go on from there", async () => {
  await using page = await open({ sessions: [shop] });
  tells(page.server, shop.id, talked);
  finds(page, [
    hit("The [voucher] is wrong", seqOf(0)),
    hit("src/50.ts: [VOUCHER] total", { ...seqOf(402), part: "result" } as Partial<SearchHit>),
    hit("a [voucher] of another", { ...seqOf(900), session: over.id }),
  ]);
  await page.page.getByRole("link", { name: "Search" }).click();
  await page.phone.reads(page.page.locator("h1"), /Search/);
  await page.page.getByRole("searchbox").fill("voucher");
  await shows(page.page.locator(".hit"), "a voucher of another");
  expect(await page.texts(".hit mark")).toEqual(["voucher", "VOUCHER", "voucher"]);
  expect(await page.texts(".hit .project")).toEqual(["billing", "webshop", "webshop"]);
  await page.pictures("search");
  await page.page.locator(".hit").nth(1).click();
  const found = page.page.locator(".said.found");
  await found.waitFor();
  await shows(found, "VOUCHER total");
  // Also a word that is far down in what is found.
  await page.page.waitForFunction(isMarkInView);
  await shows(page.part("what"), "voucher");
  await shows(page.page.locator(".find-bar"), "Result");
  await page.pictures("search-hit");
  await page.page.getByRole("button", { name: "Earlier" }).click();
  await shows(found, "The voucher is wrong");
  await page.page.waitForFunction(isInView, ".said.found");
  await page.page.getByRole("button", { name: "Earlier" }).click();
  await shows(page.page.locator(".find-bar"), "Nothing earlier.");
  await page.page.getByRole("button", { name: "Later" }).click();
  await shows(found, "VOUCHER total");
  // From there on one reads to the end, without a gap.
  await page.page.getByRole("button", { name: "To the end" }).click();
  await shows(page.page.locator(".said"), "Later 299");
  await page.page.goBack();
  await shows(page.page.locator(".hit"), "a voucher of another");
  expect(await page.page.getByRole("searchbox").inputValue()).toBe("voucher");
});

const isMarkInView = () => {
  const range = [...(CSS.highlights.get("found") ?? [])][0];
  const { top = -1, bottom = 0 } = range instanceof Range ? range.getBoundingClientRect() : {};
  return top > 150 && bottom < innerHeight - 120;
};
const isInView = (selector: string) => {
  const { top = -1, bottom = -1 } = document.querySelector(selector)?.getBoundingClientRect() ?? {};
  return bottom > 0 && top < innerHeight;
};

test.concurrent("within one session only that is searched, and a line of the log is found however far back it is", async () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => ({
    ...{
      line_no: i,
      epoch: 0,
      source: "screen",
      text: i === 40 ? "error TS2304: Cannot find name" : `line ${i}`,
    },
  }));
  await using page = await open({ sessions: [shop], path: `/s/${shop.id}` });
  tells(page.server, shop.id, talked.slice(0, 3));
  page.server.reply(`/api/sessions/${shop.id}/lines`, ({ query }) => {
    const [before, after, limit] = [query.get("before"), query.get("after"), Number(query.get("limit"))];
    const rest = lines.filter(({ line_no }) =>
      after === null ? line_no < Number(before ?? 1e9) : line_no > Number(after),
    );
    return { body: { lines: after === null ? rest.slice(-limit) : rest.slice(0, limit) } };
  });
  finds(page, [], [line("error [TS2304]: Cannot find name", 40)]);
  await page.page.getByRole("link", { name: "Search in this session" }).click();
  await shows(page.page.locator(".within"), "webshop");
  await page.page.getByRole("button", { name: "Logs" }).click();
  await page.page.getByRole("searchbox").fill("ts2304");
  await page.page.locator(".hit").click();
  const asked = await page.server.call("/api/search");
  expect(asked.query.get("session")).toBe(shop.id);
  const found = page.page.locator(".log-line.found");
  await shows(found, "error TS2304: Cannot find name");
  await page.page.waitForFunction(isInView, ".log-line.found");
  await page.pictures("search-log-hit");
  // What follows is read on from there, until it joins what is at the end.
  await page.page.getByRole("button", { name: "Show later lines" }).click();
  await shows(page.page.locator(".log-line"), "line 500");
  await page.page.getByRole("button", { name: "To the end" }).click();
  await shows(page.page.locator(".log-line"), "line 4999");
  // The same words, searched everywhere.
  await page.page.getByRole("link", { name: "Search in this session" }).click();
  await shows(page.page.locator(".hit"), "error TS2304");
  await page.page.getByRole("link", { name: "Search everything" }).click();
  await page.page.locator(".within").waitFor({ state: "hidden" });
  await shows(page.page.locator(".hit"), "error TS2304");
  const last = page.server.asked.findLast(({ path }) => path === "/api/search")?.query;
  expect([last?.get("session"), last?.get("q"), last?.get("in")]).toEqual([null, "ts2304", "lines"]);
});

test.concurrent("what was not found, not yet, or not at all because of the server, is said as such", async () => {
  await using page = await open({ sessions: [shop], path: "/search", failures: true });
  const told = page.page.locator(".search-told");
  page.server.reply("/api/search", () => ({
    body: { hits: [], next: null, reached: null, many: false, sessions: [] },
  }));
  await page.page.getByRole("searchbox").fill("nowhere");
  await shows(told, "Nothing found in the conversations.");
  const reached = Date.now();
  page.server.reply("/api/search", () => ({
    body: { hits: [], next: 77, reached, many: false, sessions: [] },
  }));
  await page.page.getByRole("button", { name: "Logs" }).click();
  await shows(told, "Looked back to");
  page.server.reply("/api/search", ({ query }) => {
    expect(query.get("before")).toBe("77");
    return {
      status: 429,
      body: { error: { code: "rate_limited", message: "Others search just now.", request: "r" } },
    };
  });
  await page.page.getByRole("button", { name: "Search further back" }).click();
  await shows(told, "Others search just now.");
});

test.concurrent("SEC-049 hostile texts in hits, names, openings, logs and usage are text", async () => {
  const bad = session("bad", {
    name: HOSTILE,
    opening: HOSTILE,
    title: HOSTILE,
    cwd: `/${HOSTILE}`,
    device_name: HOSTILE,
  });
  const gone = { ...over, name: null, opening: HOSTILE, device_name: HOSTILE };
  await using page = await open({ sessions: [bad, gone], path: "/search" });
  const hostile = hit(`${HOSTILE} [voucher] ${HOSTILE}`, { session: bad.id });
  page.server.reply("/api/search", () => {
    return {
      body: {
        hits: [hostile, line(HOSTILE, 3)],
        next: null,
        reached: null,
        many: false,
        sessions: [bad, gone],
      },
    };
  });
  await page.page.getByRole("searchbox").fill(HOSTILE);
  await shows(page.page.locator(".hit"), "<script>");
  await page.pictures("search-hostile");
  page.server.reply("/api/history", () => ({ body: { sessions: [gone], before: null } }));
  const used = { input: 5, output: 5, cache_read: 0, cache_write: 0, cost_usd: 1, worked_ms: 5 };
  page.server.reply("/api/usage", () => ({
    body: { days: [{ day: HOSTILE, ...used }], sessions: [{ session: bad, used }] },
  }));
  for (const [path, where] of [
    ["/history", ".history-row"],
    ["/usage", ".usage-day"],
    ["/", ".row"],
  ] as const) {
    await page.phone.goto(page.server.url + path);
    await shows(page.page.locator(where), "<script>");
    expect(await page.phone.overflows(), path).toBe(false);
  }
  tells(page.server, bad.id, talk([user(`${HOSTILE} voucher`)]));
  await page.phone.goto(
    `${page.server.url}/s/${bad.id}?find=${encodeURIComponent(HOSTILE)}&in=messages&at=0`,
  );
  await page.page.locator(".said.found").waitFor();
  await page.page.getByRole("button", { name: "About this session" }).click();
  await shows(page.page.locator("dialog"), "<script>");
  expect(await page.page.evaluate("globalThis.bad")).toBeUndefined();
  expect(await page.page.locator("dialog img, dialog script, .hit img").count()).toBe(0);
});

test.concurrent("ended sessions are listed by what they were about, page by page, and can be named and deleted", async () => {
  const many = Array.from({ length: 50 }, (_, i): Session => {
    return {
      ...over,
      id: `old-${i}` as Session["id"],
      cwd: `/home/ada/project-${i}`,
      opening: `Task number ${i}`,
    };
  });
  await using page = await open({ sessions: [shop, over] });
  page.server.reply("/api/history", ({ query }) => {
    const first = query.get("before") === null;
    return {
      body: {
        sessions: first
          ? [over, ...many]
          : [{ ...over, id: "last", cwd: "/home/ada/first", opening: "The first one" }],
        before: first ? "5.x" : null,
      },
    };
  });
  page.server.reply(`/api/sessions/${over.id}/usage`, () => ({
    body: {
      used: {
        input: 12_300,
        output: 4_560,
        cache_read: 210_000,
        cache_write: 0,
        cost_usd: 0.42,
        worked_ms: 190_000,
      },
    },
  }));
  page.server.reply(`/api/sessions/${over.id}`, ({ method, body }) => {
    const { title } = (body ?? {}) as { title?: string };
    return { body: method === "PATCH" ? { session: { ...over, name: title || null } } : { ok: true } };
  });
  await shows(page.page.locator(".row .what"), "Why is the invoice off by a cent?");
  expect(await page.texts(".row .what")).toEqual([
    "Mend the voucher bug",
    "Why is the invoice off by a cent?",
  ]);
  await page.pictures("home");
  await page.page.getByRole("link", { name: "All ended sessions" }).click();
  await shows(page.page.locator(".history-row"), "Task number 49");
  await shows(page.page.locator(".history-row"), "Kept until");
  await page.pictures("history");
  await page.page.getByRole("button", { name: "Show earlier sessions" }).click();
  await shows(page.page.locator(".history-row"), "The first one");
  await page.page.getByRole("button", { name: "About billing" }).click();
  await shows(page.page.locator("dialog"), "12.3k in, 4.6k out, 210k from cache · 3 min worked · $0.42");
  await shows(page.page.locator("dialog"), "Kept until");
  await page.pictures("session-about");
  await page.page.getByRole("button", { name: "Give it a name" }).click();
  await page.page.getByLabel("Name").fill("Invoice cent");
  await page.page.getByRole("button", { name: "Save" }).click();
  await shows(page.page.locator(".history-row"), "Invoice cent");
  expect(page.server.asked.find(({ method }) => method === "PATCH")?.body).toEqual({ title: "Invoice cent" });
  await page.page.getByRole("button", { name: "About Invoice cent" }).click();
  await page.page.getByRole("button", { name: "Delete …" }).click();
  await shows(page.page.locator("dialog"), "for good");
  await page.pictures("session-delete");
  await page.page.getByRole("button", { name: "Cancel" }).last().click();
  expect(page.server.asked.some(({ method }) => method === "DELETE")).toBe(false);
  await page.page.getByRole("button", { name: "Delete …" }).click();
  await page.page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.page.getByRole("button", { name: "About Invoice cent" }).waitFor({ state: "detached" });
  expect(
    page.server.asked.filter(
      ({ method, path }) => method === "DELETE" && path === `/api/sessions/${over.id}`,
    ),
  ).toHaveLength(1);
});

test.concurrent("what runs is known with its terminals; a name stands on every screen in place of the project", async () => {
  const named = session("shop", { name: "Voucher bug", attached: 2, title: "✳ Totals", opening: "Mend it" });
  const alone = session("alone", { terminal: false });
  await using page = await open({ sessions: [named, alone] });
  await shows(page.page.locator(".row .project"), "Voucher bug");
  expect(await page.texts(".row .host")).toEqual(["shop · laptop", "laptop"]);
  expect(await page.texts(".row .what")).toEqual(["Totals", ""]);
  const about = page.page.getByRole("button", { name: "About this session" });
  await page.page.locator('.row[href="/s/shop"]').click();
  await page.phone.reads(page.page.locator("h1"), /Voucher bug/);
  await page.phone.reads(page.part("word"), /Working · shop · laptop/);
  await about.click();
  await shows(page.page.locator("dialog"), "its own, 2 attached from elsewhere");
  await shows(page.page.locator("dialog"), "nothing known");
  await page.page.getByRole("button", { name: "Cancel" }).click();
  await page.page.goBack();
  await page.page.locator('.row[href="/s/alone"]').click();
  await about.click();
  await shows(page.page.locator("dialog"), "no terminal; Claude goes on without");
});

test.concurrent("title, heading and badge have one number: of the sessions that wait, however much each asks", async () => {
  const asks = session("asks");
  const waits = session("waits", { status: "waiting", waiting_for: "dialog open" });
  await using page = await open({
    sessions: [asks, waits, shop],
    prompts: [bash("p1", asks, "one"), bash("p2", asks, "two")],
    before: async ({ page }) => {
      await page.addInitScript(() => {
        const told: number[] = [];
        Object.assign(window, { told });
        Object.assign(Navigator.prototype, { setAppBadge: async (count: number) => void told.push(count) });
      });
    },
  });
  await shows(page.page.locator("h1"), "2 need you");
  expect(await page.page.title()).toBe("(2) claude-remote");
  const badge = () => page.page.evaluate(() => (window as unknown as { told: number[] }).told.at(-1));
  expect(await badge()).toBe(2);
  page.server.send("session_start", { session: { ...waits, status: "idle", waiting_for: null } });
  await shows(page.page.locator("h1"), "1 needs you");
  expect(await badge()).toBe(1);
});

test.concurrent("an old session, which no state names, is opened as often as one likes, over reconnects too", async () => {
  const old = { ...over, id: "old" as Session["id"], cwd: "/home/ada/old" };
  await using page = await open({
    ...{ sessions: [shop], path: "/history", failures: true },
    before: ({ server }) => {
      server.reply("/api/history", () => ({ body: { sessions: [old], before: null } }));
      server.reply("/api/sessions/old", () => ({ body: { session: old, screen: null } }));
    },
  });
  for (const _ of [1, 2]) {
    await page.page.locator(".history-row .row").click();
    await page.phone.reads(page.page.locator("h1"), /^old$/);
    page.server.drop();
    page.server.accept();
    await page.server.streams(page.server.opened.length + 1);
    await page.phone.reads(page.page.locator("h1"), /^old$/);
    await page.page.goBack();
    await page.phone.reads(page.page.locator("h1"), /Ended sessions/);
  }
});

test.concurrent("usage is told by day and by session, money only where it is known", async () => {
  const used = (scale: number, cost_usd: number | null): Used => ({
    ...{
      input: 12_000 * scale,
      output: 3_000 * scale,
      cache_read: 900_000 * scale,
      cache_write: 20_000 * scale,
    },
    ...{ cost_usd, worked_ms: 600_000 * scale },
  });
  await using page = await open({
    sessions: [shop],
    path: "/usage",
    before: ({ server }) => {
      server.reply("/api/usage", () => ({
        body: {
          days: [
            { day: "2026-11-21", ...used(4, 3.2) },
            { day: "2026-11-20", ...used(1, null) },
            { day: "2026-11-18", ...used(9, 0.001) },
          ],
          sessions: [
            { session: shop, used: used(9, 3.2) },
            { session: over, used: used(1, null) },
          ],
        },
      }));
    },
  });
  await shows(page.page.locator(".usage-day"), "Sat 21 Nov");
  expect(await page.page.locator(".usage-total strong").innerText()).toBe("490k tokens");
  expect(await page.texts(".usage-head")).toEqual([
    "Sat 21 Nov\n140k",
    "Fri 20 Nov\n35k",
    "Wed 18 Nov\n315k",
  ]);
  expect(await page.page.locator(".usage-day .quiet").first().innerText()).toEndWith("worked · $3.20");
  await shows(page.page.locator(".row"), "webshop");
  await page.pictures("usage");
  expect(await page.phone.overflows()).toBe(false);
});

test("counts are told shortly and truly", () => {
  expect([0, 999, 1_000, 12_345, 99_499, 123_456, 999_499, 999_500, 12_345_678].map(short)).toEqual([
    ...["0", "999", "1k", "12.3k", "99.5k", "123k", "999k", "1M", "12.3M"],
  ]);
  const nothing: Used = { input: 0, output: 0, cache_read: 0, cache_write: 0, cost_usd: null, worked_ms: 0 };
  expect([usedWords(nothing), tokenWords(nothing), costWords(nothing), workedWords(nothing)]).toEqual([
    "",
    "",
    "",
    "",
  ]);
  expect(
    usedWords({ ...nothing, input: 10, output: 20, cache_write: 5, worked_ms: 3_700_000, cost_usd: 0 }),
  ).toBe("15 in, 20 out · 1 h 2 min worked · under $0.01");
});
