// The main path in the engines beside Chromium: pair, list, card, approve, session, a lost line, a message.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pageAssets } from "../../page.ts";
import type { SessionId } from "../../protocol.ts";
import { barriersIn } from "../barriers.ts";
import { TestLink } from "../link.ts";
import { type TestServer, testServer } from "../server.ts";
import { type Engine, reads } from "./engine.ts";
import { ENGINES, type EngineName } from "./engines.ts";

setDefaultTimeout(180_000);

const ARTEFACTS =
  process.env.CLAUDE_REMOTE_ARTEFACTS || resolve(import.meta.dir, "../../../.cache/artefacts");
let server: TestServer;
beforeAll(async () => {
  server = await testServer({ assets: await pageAssets() });
});
afterAll(() => server[Symbol.asyncDispose]());

const line = (line_no: number) => ({ line_no, epoch: 0, source: "screen" as const, text: `line ${line_no}` });

/** Nothing in the way of anybody, nothing wider than the page; and a picture for people to look at. */
async function sound(engine: Engine, name: string) {
  const found = await engine.page<string[]>(barriersIn());
  const isWide = "return document.documentElement.scrollWidth > innerWidth";
  if (await engine.page<boolean>(isWide)) found.push("wider than the page");
  mkdirSync(ARTEFACTS, { recursive: true });
  writeFileSync(join(ARTEFACTS, `${name}.png`), await engine.picture());
  expect([name, ...found]).toEqual([name]);
}

async function connected(ends: DisposableStack, id?: SessionId) {
  const { link, id: own } = await TestLink.session(server, { cwd: "/home/ada/webshop", ...(id && { id }) });
  return { link: ends.use(link.beats()), id: own };
}

test.each(Object.keys(ENGINES) as EngineName[])(
  "%s goes the main path: pair, list, card, approve, session, a lost line, a message",
  async (name) => {
    await using engine = await ENGINES[name]();
    const { code } = await server.admin("POST", "/pair", { yes: true });
    await engine.goto(`${server.url}/pair#${code}`);
    await engine.until(reads(".pair-view h1", /Pair this phone/));
    expect(await engine.page<string>("return location.href")).toBe(`${server.url}/pair`);
    await engine.click('[data-part="go"]');
    await engine.until(reads(".summary", /Nothing needs you/));

    using ends = new DisposableStack();
    const { link, id } = await connected(ends);
    const asked = await link.ask();
    await engine.until(reads(".summary", /1 needs you/));
    await sound(engine, `engine-${name}-list`);
    await engine.click(`a.row[href="/p/${asked.id}"]`);
    await engine.until(`document.querySelector('[data-part="approve"]:enabled')`);
    await sound(engine, `engine-${name}-card`);
    await engine.click('[data-part="approve"]');
    const { answer_id, digest } = await link.next("answer");
    expect(digest).toBe(asked.digest);
    link.say({ type: "delivered", prompt: asked.id, answer_id }, { type: "accepted", prompt: asked.id });
    await engine.until(reads('[data-part="outcome"]', /Claude accepted/));

    await engine.goto(`${server.url}/s/${id}`);
    await engine.until(`document.querySelector(".session-view")`);
    link.say({
      type: "output",
      frame: { size: { cols: 60, rows: 3 }, lines: [{ y: 0, row: [{ text: "hello phone" }] }] },
    });
    await engine.until(reads(".line", /hello phone/));
    link.say({ type: "lines", lines: [0, 1, 2].map(line) });
    await engine.click('[data-part="tab-log"]');
    await engine.until(reads(".log-line", /line 2/));

    // The server goes, and comes back with more than there was.
    await server.restart();
    const { link: again } = await connected(ends, id);
    again.say({ type: "lines", lines: [3, 4].map(line) });
    await engine.until(reads(".log-line", /line 4/));
    expect(
      await engine.page<string[]>(
        `return [...document.querySelectorAll(".log-line")].map((one) => one.innerText)`,
      ),
    ).toEqual([0, 1, 2, 3, 4].map((n) => `line ${n}`));
    await engine.type('[data-part="text"]', "run the tests");
    await engine.click('[data-part="send"]');
    const input = await again.next("input");
    expect(input.text).toBe("run the tests");
    again.say({ type: "input_delivered", id: input.id });
    await engine.until(reads(".sent-stage", /Typed into Claude/));
    await sound(engine, `engine-${name}-session`);

    // Colours against the system's: the rules for the dark are switched, in every engine.
    await engine.goto(`${server.url}/settings`);
    const ground = () => engine.page<string>("return getComputedStyle(document.body).backgroundColor");
    await engine.until(`document.querySelector(".themes")`);
    const light = await ground();
    await engine.click(".themes label:nth-of-type(3)");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await sound(engine, `engine-${name}-settings`);
    await engine.goto(`${server.url}/settings`);
    await engine.until(`document.querySelector(".themes")`);
    expect(await ground()).toBe(dark);
  },
);
