// Point 10: every push shows exactly one notification and closes what stood there of the same thing.
import { expect } from "bun:test";
import { session } from "../../../../public/testing/world.ts";
import { everyKind } from "../../push/kinds.ts";
import { type Engine, run } from "../engine.ts";
import { assets, OpenScene } from "../world.ts";
import type { Point } from "./point.ts";

type Shown = { title: string; silent: boolean };

/** For an engine that has neither pushes nor notifications for a worker: a push is a message, and a list is what is shown. */
function makesBelieve() {
  const scope = self as unknown as {
    registration: object;
    ExtendableEvent: new (name: string) => Event & { waitUntil(work: Promise<unknown>): void };
  };
  type One = { title: string; close(): void };
  const all = new Set<One>();
  Object.assign(scope.registration, {
    async showNotification(title: string, options: object) {
      const one = { title, ...options, close: () => void all.delete(one) };
      all.add(one);
    },
    getNotifications: async () => [...all],
  });
  Object.assign(self, { Notification: {} });
  self.addEventListener("message", (event) => {
    const { data, ports } = event as MessageEvent<{ push?: string; shown?: true }>;
    if (data.push !== undefined) {
      const came = new scope.ExtendableEvent("push");
      self.dispatchEvent(Object.assign(came, { data: { text: () => data.push } }));
    }
    if (data.shown) ports[0]?.postMessage(JSON.parse(JSON.stringify([...all])));
  });
}

/** The page's files with a worker that makes believe, or as they are. */
function filesFor({ push }: Engine): typeof assets {
  const own = assets.get("/sw.js");
  if (push || !own) return assets;
  const text = `(${makesBelieve})();\n${Buffer.from(own.body as Uint8Array)}`;
  return new Map(assets).set("/sw.js", { ...own, gzip: Bun.gzipSync(text) });
}

const toWorker = (engine: Engine, message: object) =>
  run(
    engine,
    async (data) => {
      const { active } = await navigator.serviceWorker.ready;
      const { port1, port2 } = new MessageChannel();
      const answered = new Promise<Shown[]>((resolve) => {
        port1.onmessage = (event) => resolve(event.data);
      });
      active?.postMessage(data, [port2]);
      return "shown" in data ? answered : [];
    },
    message,
  );

const shownBy = (engine: Engine): Promise<Shown[]> =>
  engine.push
    ? engine.page(`
        const all = await (await navigator.serviceWorker.ready).getNotifications();
        return all.map(({ title, silent }) => ({ title, silent: silent === true }));`)
    : toWorker(engine, { shown: true });

export const pushes: Point[] = [
  {
    numbers: [10],
    says: "every kind of push shows exactly one notification, and closes what stood there of the same thing",
    async run(open) {
      await using world = await open();
      const { engine } = world;
      await using scene = await OpenScene.open(world, { sessions: [session("webshop")] }, filesFor(engine));
      await scene.has(".row");
      await engine.page("await navigator.serviceWorker.ready; return null;");
      for (const [payload, ...titles] of everyKind()) {
        if (engine.push) await engine.push(scene.server.url, payload);
        else await toWorker(engine, { push: payload });
        for (let now = ""; now !== titles.sort().join(); await Bun.sleep(20))
          now = (await shownBy(engine))
            .map(({ title }) => title)
            .sort()
            .join();
      }
      const all = await shownBy(engine);
      expect(all.find(({ title }) => title === "Answered on Pixel")?.silent).toBe(true);
      expect(all.find(({ title }) => title === "webshop: done")?.silent).toBe(false);
    },
  },
];
