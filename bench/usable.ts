// How long a phone's page takes until it is of use: from the start of its load to the first thing on the glass, to the list
// with real sessions whose question can be tapped, and from that tap to the card. Beside it, in the same run, the least there
// could be: a bare page that asks its server for one line and shows it.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { pageAssets } from "../src/page.ts";
import { TestLink } from "../src/testing/link.ts";
import { type TestServer, testServer } from "../src/testing/server.ts";
import { TestViewer } from "../src/testing/viewer.ts";
import { openBrowser } from "./browser.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { median } from "./samples.ts";

const WARM_LIMIT_MS = 1_000;
const TAP_LIMIT_MS = 100;
/** A phone of the middle is so many times slower than a desk's machine, as Chromium's own tools take it. */
const CPU_SLOWER = 4;
const SESSIONS = 12;
const QUESTIONS = 3;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true };
const CARD = 'a.row[href^="/p/"]';

type Network = { name: string; latency: number; down: number; up: number };

const megabits = (mega: number) => (mega * 1_000_000) / 8;
/** As Chromium's own tools measure them: what each request waits, ms, and bytes a second. */
const NETWORKS: readonly Network[] = [
  { name: "loopback", latency: 0, down: -1, up: -1 },
  { name: "fast 4G", latency: 165, down: megabits(8.1), up: megabits(1.35) },
  { name: "slow 4G", latency: 562.5, down: megabits(1.44), up: megabits(0.675) },
];

/** One way to open a page: who opens it, and what is waited for. */
type Way = { name: string; url: string; usable: string; phone: () => Promise<BrowserContext>; once: boolean };
type Load = { painted: number; usable: number; tapped: number };

/** Runs in the page before its own scripts: when what is looked for, and then a card, was on the glass. */
function watch(usable: string) {
  const shown = (selector: string) =>
    new Promise<number>((done) => {
      const look = () => {
        if (!document.querySelector(selector)?.checkVisibility()) return;
        changes.disconnect();
        // The task after the frame: it is painted by then.
        requestAnimationFrame(() => setTimeout(() => done(performance.now())));
      };
      const changes = new MutationObserver(look);
      changes.observe(document, { subtree: true, childList: true, attributes: true });
    });
  const tap = new Promise<number>((done) =>
    addEventListener("click", ({ timeStamp }) => done(timeStamp), { capture: true, once: true }),
  );
  const card = shown("article.card-view h1");
  const painted = new Promise<number>((done) => {
    const paints = new PerformanceObserver((list) => {
      const [first] = list.getEntriesByName("first-contentful-paint");
      if (first) done(first.startTime);
    });
    paints.observe({ type: "paint", buffered: true });
  });
  const told = (what: object) => console.debug(JSON.stringify(what));
  Promise.all([shown(usable), painted]).then(([at, first]) => told({ usable: at, painted: first }));
  Promise.all([card, tap]).then(([at, from]) => told({ tapped: at - from }));
}

async function slowed(page: Page, { latency, down, up }: Network) {
  const debug = await page.context().newCDPSession(page);
  await debug.send("ServiceWorker.enable");
  // As after an hour in a pocket: nothing of the page runs any more.
  await debug.send("ServiceWorker.stopAllWorkers");
  await debug.send("Network.enable");
  const line = { offline: false, latency, downloadThroughput: down, uploadThroughput: up };
  await debug.send("Network.emulateNetworkConditions", line);
  await debug.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWER });
}

/** What the page tells, by its console: to evaluate anything would cost it more than its own script. */
async function told<T>(page: Page, act: () => Promise<unknown>): Promise<T> {
  const line = page.waitForEvent("console", (message) => message.type() === "debug");
  await act();
  return JSON.parse((await line).text()) as T;
}

async function loaded(way: Way, network: Network): Promise<Load> {
  const context = await way.phone();
  const page = await context.newPage();
  await slowed(page, network);
  await page.addInitScript(watch, way.usable);
  const load = { tapped: Number.NaN };
  Object.assign(load, await told(page, () => page.goto(way.url, { waitUntil: "commit" })));
  if (way.usable === CARD) Object.assign(load, await told(page, () => page.locator(CARD).first().tap()));
  await (way.once ? context.close() : page.close());
  return load as Load;
}

/** Sessions of some machines, and questions that wait; disposing ends them. */
async function fill(server: TestServer): Promise<DisposableStack> {
  const links = new DisposableStack();
  for (let i = 0; i < SESSIONS; i++) {
    const about = { cwd: `/home/ada/project-${i}`, title: `Mend what is broken in part ${i}` };
    const { link } = await TestLink.session(server, about);
    links.use(link.beats());
    if (i < QUESTIONS) await link.ask({ cwd: about.cwd });
  }
  return links;
}

/** A page with nothing in it but the one line that its server answers. */
function bareServer() {
  const page = `<!doctype html><meta name="viewport" content="width=device-width"><h1>Here</h1><p></p><script>
    fetch("/line").then((r) => r.text()).then((text) => { document.querySelector("p").innerHTML = text; });
  </script>`;
  const answer = (request: Request) =>
    request.url.endsWith("/line")
      ? new Response("<b>1 needs you</b>")
      : new Response(page, { headers: { "content-type": "text/html" } });
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
}

/** A browser that has been here, once its worker keeps the page. */
async function beenHere(context: BrowserContext, url: string, worker: boolean) {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator(CARD).first().waitFor();
  if (worker) await page.evaluate(() => navigator.serviceWorker.ready);
  await page.close();
  return context;
}

async function waysOf(browser: Browser, server: TestServer, bare: string): Promise<Way[]> {
  const viewer = await TestViewer.pair(server);
  const [name = "", value = ""] = viewer.cookie.split("=");
  const phone = async (serviceWorkers: "allow" | "block") => {
    const context = await browser.newContext({ ...PHONE, serviceWorkers });
    await context.addCookies([{ name, value, url: server.url }]);
    return context;
  };
  const kept = await beenHere(await phone("allow"), server.url, true);
  const cached = await beenHere(await phone("block"), server.url, false);
  const ours = { url: server.url, usable: CARD };
  return [
    { name: "bare page", url: bare, usable: "b", phone: () => browser.newContext(PHONE), once: true },
    { ...ours, name: "never here before", phone: () => phone("block"), once: true },
    { ...ours, name: "browser's cache", phone: async () => cached, once: false },
    { ...ours, name: "kept by the worker", phone: async () => kept, once: false },
  ];
}

export async function usable({ quick }: BenchOptions): Promise<Report> {
  await using server = await testServer({ assets: await pageAssets() });
  using _ = await fill(server);
  await using browser = await openBrowser();
  const bare = bareServer();
  const ways = await waysOf(browser, server, bare.url.href);
  const rows: (string | number)[][] = [];
  const found = new Map<string, Load>();
  for (const network of NETWORKS) {
    const loads = ways.map(() => [] as Load[]);
    for (let i = 0; i < (quick ? 2 : 9); i++)
      for (const [index, way] of ways.entries()) loads[index]?.push(await loaded(way, network));
    const least = median(loads[0]?.map((load) => load.usable) ?? []);
    for (const [index, way] of ways.entries()) {
      const of = (what: keyof Load) => median(loads[index]?.map((load) => load[what]) ?? []);
      const load = { painted: of("painted"), usable: of("usable"), tapped: of("tapped") };
      found.set(`${way.name}, ${network.name}`, load);
      rows.push([
        `${network.name}, ${way.name}`,
        load.painted,
        load.usable,
        load.usable / least,
        load.tapped,
      ]);
    }
  }
  await bare.stop(true);
  return reportOf(rows, found);
}

function reportOf(rows: (string | number)[][], found: Map<string, Load>): Report {
  const warm = (network: string) => found.get(`kept by the worker, ${network}`);
  const columns = ["ms, median", "first paint", "usable", "to the bare page", "tap to card"];
  const title = `A list of ${SESSIONS} sessions on 390×844, processor ${CPU_SLOWER} times slower`;
  const aim = (what: string, seen: number | undefined, limit: number) =>
    ({ what, seen: seen ?? Number.NaN, limit, unit: "ms" }) as const;
  return {
    name: "usable",
    tables: [{ title, columns, rows }],
    aims: [
      ...NETWORKS.map(({ name }) => aim(`usable again, ${name}`, warm(name)?.usable, WARM_LIMIT_MS)),
      aim("a tap to the card, loopback", warm("loopback")?.tapped, TAP_LIMIT_MS),
    ],
  };
}

if (import.meta.main) await main(usable);
