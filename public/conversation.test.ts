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

setDefaultTimeout(60_000);

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

const CART = talk([
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
]);

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
