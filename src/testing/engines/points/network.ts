// Points 3 and 11: half a minute without a network, and event streams that do not come through.
import { expect } from "bun:test";
import { BufferingProxy } from "../../buffering-proxy.ts";
import { TestLink } from "../../link.ts";
import { type Engine, has, reads, run } from "../engine.ts";
import { Wire } from "../wire.ts";
import { paired, picture, realServer } from "../world.ts";
import type { Point } from "./point.ts";

/** What a lift takes. */
const OUTAGE_MS = 30_000;
/** How soon the page has to be live. */
const LIVE_MS = 6_000;
const TICK_MS = 50;

const line = (line_no: number) => ({ line_no, epoch: 0, source: "screen" as const, text: `line ${line_no}` });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const onDisk = (link: TestLink, upto: number) =>
  link.until("them on disk", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === upto),
  );

/** Where a line of the log stands on the glass. */
const placeOf = (engine: Engine, text: string) =>
  run(
    engine,
    (wanted) => {
      const one = [...document.querySelectorAll(".log-line")].find(
        ({ textContent }) => textContent === wanted,
      );
      const { x, y, width, height } = one?.getBoundingClientRect() ?? new DOMRect();
      return [x, y, width, height];
    },
    text,
  );

/** Reads the log of a session up to line 299, a little above its end. */
async function readingLog(engine: Engine, url: string, id: string) {
  await engine.goto(`${url}/s/${id}`);
  await engine.until(has('[data-part="tab-log"]'));
  await engine.click('[data-part="tab-log"]');
  await engine.until(reads(".log-line", /^line 299$/));
  await run(engine, () => document.querySelector(".log-scroll")?.scrollTo(0, 2_000));
  await engine.until(reads('[data-part="pill"]', /To the end/));
  return placeOf(engine, "line 120");
}

/** How long until that is so, in ms of the page's time: a tick that a busy machine holds back counts once. */
const ticksUntil = (engine: Engine, condition: string) =>
  engine.page<number>(`
    for (let ticks = 0; ; ticks++) {
      if (${condition}) return ticks * ${TICK_MS};
      await new Promise((resolve) => setTimeout(resolve, ${TICK_MS}));
    }`);

export const network: Point[] = [
  {
    numbers: [3],
    says: "offline for 30 s with 500 events: no gap, no duplicate, and what is read stays put",
    async run(open) {
      let port = 0;
      using wire = new Wire(() => port);
      await using server = await realServer({ publicUrl: wire.url });
      port = server.port;
      const { link, id } = await TestLink.session(server, { cwd: "/home/ada/three" });
      using _ = link.beats();
      link.say({ type: "lines", lines: range(0, 300).map(line) });
      await onDisk(link, 299);
      await using world = await open();
      const { engine } = world;
      await paired(world, server, wire.url);
      const before = await readingLog(engine, wire.url, id);
      wire.cut();
      await engine.offline?.(true);
      const over = Bun.sleep(OUTAGE_MS);
      for (let from = 300; from < 800; from += 50)
        link.say({ type: "lines", lines: range(from, from + 50).map(line) });
      await onDisk(link, 799);
      await over;
      await engine.until(reads("#banner", engine.offline ? /^Offline/ : /^(Offline|Reconnecting)/));
      await picture(world, "offline");
      wire.mend();
      await engine.offline?.(false);
      await engine.until(reads('[data-part="pill"]', /^New output \(500\)$/));
      await engine.until('!document.querySelector("#banner").checkVisibility()');
      const texts = await run(engine, () =>
        [...document.querySelectorAll(".log-line")].map(({ textContent }) => textContent),
      );
      expect(texts).toEqual(range(0, 800).map((n) => `line ${n}`));
      expect(await placeOf(engine, "line 120")).toEqual(before);
    },
  },
  {
    numbers: [11],
    says: "behind a proxy that collects streams the page is live within six seconds, and stays so",
    async run(open) {
      await using proxy = new BufferingProxy();
      await using server = await realServer({ publicUrl: proxy.url });
      proxy.target = server.url;
      const { link, id } = await TestLink.session(server, { cwd: "/home/ada/eleven" });
      using _ = link.beats();
      link.say({ type: "lines", lines: range(0, 300).map(line) });
      await onDisk(link, 299);
      await using world = await open();
      const { engine } = world;
      await paired(world, server, proxy.url);
      await run(engine, () => localStorage.removeItem("polling-since"));
      proxy.asked.length = 0;
      await engine.goto(proxy.url);
      const took = await ticksUntil(engine, reads(".link-state", /^Live$/));
      console.log(`acceptance 11 in ${world.name}: live after ${took} ms of the page's time`);
      expect(took).toBeLessThanOrEqual(LIVE_MS);
      expect(proxy.asked.some((path) => path.includes("poll="))).toBe(true);

      const before = await readingLog(engine, proxy.url, id);
      link.say({ type: "lines", lines: range(300, 350).map(line) });
      await engine.until(reads('[data-part="pill"]', /^New output \(50\)$/));
      expect(await placeOf(engine, "line 120")).toEqual(before);
      const asked = await link.ask();
      await engine.until(reads('[data-part="ask"]', /^/));
      await engine.click('[data-part="ask"]');
      await engine.until(has('[data-part="approve"]:enabled'));
      await engine.click('[data-part="approve"]');
      expect((await link.next("answer")).prompt).toBe(asked.id);

      // The next visit begins by polling at once.
      const streams = () => proxy.asked.filter((path) => path === "/events").length;
      const tried = streams();
      await engine.goto(proxy.url);
      await engine.until(reads(".link-state", /^Live$/));
      expect(streams()).toBe(tried);
    },
  },
];
