// How long a lone change takes from the terminal to the phone: a byte that the program writes, until the page's DOM shows
// it. Beside it, in the same browser, the least there could be: an event of a bare server into a bare page.
import type { Page } from "playwright-core";
import { openBrowser, openPage, openPhone } from "./browser.ts";
import { Outer } from "./outer.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig } from "./rig.ts";
import { median, p99, shuffled } from "./samples.ts";
import { Sightings } from "./sightings.ts";

const LIMIT_MS = 40;
/** Long enough that every change comes after quiet, and never in step with anything periodic. */
const APART_MS = { least: 250, most: 500 };

/** Shows something new; resolves with when it was written and when the page had it. */
type Side = {
  name: string;
  show: (text: string) => Promise<{ written: number; seen: number }>;
  times: number[];
};

/** An event stream and a page that shows what comes, and nothing else. */
function bareServer() {
  let send = (_text: string) => {};
  const page = `<!doctype html><p></p><script>
    new EventSource("/events").onmessage = ({ data }) => { document.querySelector("p").textContent = data; };
  </script>`;
  const events = () =>
    new ReadableStream<string>({
      start(controller) {
        send = (text) => controller.enqueue(`data: ${text}\n\n`);
        send("open");
      },
    });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: ({ url }) =>
      url.endsWith("/events")
        ? new Response(events(), { headers: { "content-type": "text/event-stream" } })
        : new Response(page, { headers: { "content-type": "text/html" } }),
  });
  return { url: server.url.href, send: (text: string) => send(text), stop: () => server.stop(true) };
}

async function ours(page: Page, outer: Outer): Promise<Side> {
  const sightings = await Sightings.in(page);
  const show = async (text: string) => {
    const seen = await sightings.of(text);
    const echoed = outer.seen(text);
    outer.write(`\r${text}`);
    return { written: await echoed, seen: await seen() };
  };
  return { name: "terminal to phone", show, times: [] };
}

async function bare(page: Page, send: (text: string) => void): Promise<Side> {
  const sightings = await Sightings.in(page);
  const show = async (text: string) => {
    const seen = await sightings.of(text);
    const written = performance.now();
    send(text);
    return { written, seen: await seen() };
  };
  return { name: "bare event, bare page", show, times: [] };
}

export async function dom({ quick }: BenchOptions): Promise<Report> {
  await using rig = await Rig.open();
  await using browser = await openBrowser();
  await using outer = new Outer([BINARY], {
    env: rig.env(rig.script("echo", "stty raw -echo\nprintf READY\nexec cat")),
  });
  await outer.seen("READY");
  const viewer = await rig.pair();
  const phone = await openPhone(browser, rig, viewer, `/s/${await rig.session(viewer)}`);
  await phone.getByText("READY").waitFor();
  const server = bareServer();
  const other = await openPage(browser);
  await other.goto(server.url);
  await other.getByText("open").waitFor();
  const sides = [await bare(other, server.send), await ours(phone, outer)];
  const { least, most } = APART_MS;
  for (let i = 0; i < (quick ? 20 : 200); i++) {
    for (const { show, times } of shuffled(sides)) {
      await Bun.sleep(least + Math.random() * (most - least));
      const { written, seen } = await show(`k${i};`);
      times.push(seen - written);
    }
  }
  server.stop();
  return reportOf(sides);
}

function reportOf(sides: readonly Side[]): Report {
  const [floor = 0, mine = 0] = sides.map(({ times }) => median(times));
  return {
    name: "dom",
    tables: [
      {
        title: `A lone change, ${sides[0]?.times.length} times`,
        columns: ["ms", "p50", "p99", "p50 added"],
        rows: sides.map(({ name, times }) => [name, median(times), p99(times), median(times) - floor]),
      },
    ],
    aims: [{ what: "p50, terminal to the page's DOM", seen: mine, limit: LIMIT_MS, unit: "ms" }],
  };
}

if (import.meta.main) await main(dom);
