// Point 5: with the keyboard open, what is typed and what is decided stay in sight, in both ways that phones open it.
import { expect } from "bun:test";
import { bash, session } from "../../../../public/testing/world.ts";
import { drawn, type Engine, has, reads, run } from "../engine.ts";
import { OpenScene, picture } from "../world.ts";
import type { Point } from "./point.ts";

const shop = session("webshop", { status: "waiting", title: "Fix the cart total" });
const ask = bash("p1", shop, "npm test && git push", "Run the tests and push");
const lines = Array.from({ length: 200 }, (_, i) => ({
  ...{ line_no: i, epoch: 0, source: "screen" as const, text: `line ${i}` },
}));
const TEXT = '[data-part="text"]';
/** px that a keyboard takes, upright and across. */
const KEYBOARD = { upright: 336, across: 200 };

/** Android: the page is made smaller. iOS: it is covered, and told so by the visual viewport alone. */
type Kind = "resizes" | "covers";
const KINDS: Kind[] = ["resizes", "covers"];

async function keyboard(engine: Engine, kind: Kind, width: number, height: number, px: number) {
  await engine.size(width, kind === "resizes" ? height - px : height);
  if (kind === "covers") {
    const cover = (covered: number) => {
      const visible = () => innerHeight - covered;
      Object.defineProperty(visualViewport, "height", { get: visible, configurable: true });
      visualViewport?.dispatchEvent(new Event("resize"));
    };
    await engine.page(`(${cover})(${px})`);
  }
  await drawn(engine);
}

/** Waits until it is wholly above the keyboard, and not covered by anything. */
const inSight = (engine: Engine, selector: string, visible: number) => {
  const look = (wanted: string, end: number) => {
    const one = [...document.querySelectorAll(wanted)].filter((each) => each.checkVisibility()).at(-1);
    const { left = 0, right = 0, top = -1, bottom = 0 } = one?.getBoundingClientRect() ?? {};
    const free = one?.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
    return top >= 0 && bottom <= end + 0.5 && free;
  };
  return engine.until(`(${look})(${JSON.stringify(selector)}, ${visible})`);
};

/** Waits until so many whole lines of the log can be read. */
const readable = (engine: Engine, visible: number, least: number) => {
  const look = (height: number, wanted: number) => {
    const box = document.querySelector(".log-scroll")?.getBoundingClientRect() ?? new DOMRect();
    const bottom = Math.min(box.bottom, height);
    const whole = [...document.querySelectorAll(".log-line")].filter((line) => {
      const { top, bottom: end } = line.getBoundingClientRect();
      return top >= box.top - 0.5 && end <= bottom + 0.5;
    });
    return whole.length >= wanted;
  };
  return engine.until(`(${look})(${visible}, ${least})`);
};

const inLog = {
  ...{ path: "/s/webshop", sessions: [shop], prompts: [ask] },
  before: ({ server }: Pick<OpenScene, "server">) =>
    server.reply("/api/sessions/webshop/lines", () => ({ body: { lines } })),
};
const focus = (engine: Engine) => engine.page(`document.querySelector('${TEXT}').focus()`);
const upright = [390, 844, KEYBOARD.upright] as const;
const across = [844, 390, KEYBOARD.across] as const;

const composing = (kind: Kind): Point => ({
  numbers: [5],
  says: `composer, question and three lines stay in sight (the keyboard ${kind})`,
  async run(open) {
    await using world = await open();
    const { engine } = world;
    await using scene = await OpenScene.open(world, inLog);
    await scene.tap('[data-part="tab-log"]');
    await engine.until(reads(".log-line", /^line 199$/));
    for (const [[width, height, px], least] of [
      [upright, 6],
      [[320, 568, 253], 3],
      [across, 3],
    ] as const) {
      await focus(engine);
      await keyboard(engine, kind, width, height, px);
      const visible = height - px;
      for (const wanted of [TEXT, '[data-part="send"]', '[data-part="ask"]', ".log-line"])
        await inSight(engine, wanted, visible);
      await readable(engine, visible, least);
      await picture(world, `keyboard-${kind}-${width}`);
    }
  },
});

const answering = (kind: Kind): Point => ({
  numbers: [5],
  says: `whoever writes to claude still sees both answers (the keyboard ${kind})`,
  async run(open) {
    await using world = await open();
    const { engine } = world;
    await using scene = await OpenScene.open(world, { path: "/p/p1", sessions: [shop], prompts: [ask] });
    await engine.until(has('[data-part="deny"]:enabled'));
    for (const [width, height, px] of [upright, across]) {
      await keyboard(engine, kind, width, height, px);
      for (const wanted of ["approve", "deny"]) await inSight(engine, `[data-part="${wanted}"]`, height - px);
    }
    await scene.tap('[data-part="tell"]');
    await scene.fill('[data-part="reply-text"]', "Use the test database.");
    for (const [width, height, px] of [across, upright]) {
      await keyboard(engine, kind, width, height, px);
      for (const wanted of ["reply-text", "reply-send"])
        await inSight(engine, `[data-part="${wanted}"]`, height - px);
      await picture(world, `keyboard-reply-${kind}-${width}`);
    }
  },
});

const reading: Point = {
  numbers: [5],
  says: "opening the keyboard does not move what is read",
  async run(open) {
    await using world = await open();
    const { engine } = world;
    await using scene = await OpenScene.open(world, inLog);
    await scene.tap('[data-part="tab-log"]');
    await engine.until(reads(".log-line", /^line 199$/));
    await run(engine, () => document.querySelector(".log-scroll")?.scrollTo(0, 1_000));
    await engine.until(reads('[data-part="pill"]', /To the end/));
    const place = () =>
      run(engine, () => {
        const one = [...document.querySelectorAll(".log-line")].find(
          (line) => line.textContent === "line 60",
        );
        return one?.getBoundingClientRect().top;
      });
    const before = await place();
    expect(before).toBeGreaterThan(0);
    await focus(engine);
    await keyboard(engine, "covers", ...upright);
    expect(await place()).toBe(before);
  },
};

export const keyboardPoints: Point[] = [...KINDS.map(composing), ...KINDS.map(answering), reading];
