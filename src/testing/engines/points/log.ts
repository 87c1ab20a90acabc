// Point 4: 50,000 lines go by; memory holds, and so does what is read.
import { expect } from "bun:test";
import { session } from "../../../../public/testing/world.ts";
import { type Engine, reads, run } from "../engine.ts";
import { pageMemory } from "../memory.ts";
import { OpenScene, picture } from "../world.ts";
import type { Point } from "./point.ts";

/** Everything that the page's process keeps for itself, which is more than its heap. */
const MEMORY_BYTES = 150_000_000;
const LINES = 50_000;
const BATCH = 1_000;
const lines = (from: number, count = BATCH) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ line_no: from + i, epoch: 0, source: "screen" as const },
    text: `line ${from + i} of what claude has to say about it`,
  }));

/** The line that is read in the middle of the box, or that one again, and where it stands on the glass. */
const reading = (engine: Engine, text: string | null = null) =>
  run(
    engine,
    (wanted) => {
      const box = document.querySelector(".log-scroll")?.getBoundingClientRect() ?? new DOMRect();
      const middle = (box.top + box.bottom) / 2;
      const one = [...document.querySelectorAll(".log-line")].find((line) =>
        wanted === null ? line.getBoundingClientRect().bottom > middle : line.textContent === wanted,
      );
      return { text: one?.textContent ?? "", top: Math.round(one?.getBoundingClientRect().top ?? -1) };
    },
    text,
  );

/** Scrolls up for 120 frames; their times in ms, in order of length. */
async function scrolled() {
  const scroll = document.querySelector(".log-scroll") ?? document.body;
  const times: number[] = [];
  for (let i = 0, last = performance.now(); i < 120; i++) {
    scroll.scrollTop -= 400;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    times.push(performance.now() - last);
    last = performance.now();
  }
  return times.sort((a, b) => a - b);
}

export const log: Point[] = [
  {
    numbers: [4],
    says: "50,000 lines go by; memory holds, and so does what is read",
    async run(open) {
      await using world = await open();
      const { engine, name } = world;
      const shop = session("webshop");
      const serves = ({ server }: Pick<OpenScene, "server">) =>
        server.reply("/api/sessions/webshop/lines", () => ({ body: { lines: [] } }));
      await using scene = await OpenScene.open(world, {
        path: "/s/webshop",
        sessions: [shop],
        before: serves,
      });
      await scene.tap('[data-part="tab-log"]');
      const small = pageMemory(engine.pid);
      for (let from = 0; from < LINES; from += BATCH) {
        scene.server.send("lines", { session: shop.id, lines: lines(from) });
        const last = `line ${from + BATCH - 1} of`;
        await engine.until(
          `[...document.querySelectorAll(".log-line")].at(-1)?.textContent.startsWith("${last}")`,
        );
      }
      const grown = pageMemory(engine.pid) - small;
      const frames = await run(engine, scrolled);
      const before = await reading(engine);
      scene.server.send("lines", { session: shop.id, lines: lines(LINES, 5) });
      await engine.until(reads('[data-part="pill"]', /^New output \(5\)$/));
      expect(await reading(engine, before.text)).toEqual(before);
      await picture(world, "long-log");
      const ms = (share: number) => frames[Math.floor(frames.length * share)]?.toFixed(1);
      console.log(
        `acceptance 4 in ${name}: ${LINES} lines: ${(grown / 1e6).toFixed(1)} MB more, frame median ${ms(0.5)} ms, 95 % ${ms(0.95)} ms`,
      );
      expect(grown).toBeLessThan(MEMORY_BYTES);
    },
  },
];
