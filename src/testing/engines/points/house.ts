// Points 8, 9 and 12: nothing foreign and that it would be heard, a small first load, and what an installation needs.
import { expect } from "bun:test";
import { FakeServer } from "../../../../public/testing/fake-server.ts";
import { bash, session } from "../../../../public/testing/world.ts";
import { run } from "../engine.ts";
import { assets, OpenScene, picture } from "../world.ts";
import type { Point } from "./point.ts";

const shop = session("webshop", { status: "waiting" });
const scene = { sessions: [shop], prompts: [bash("p1", shop, "ls")] };
const FIRST_LOAD_BYTES = 60_000;
/** Some of what opens the page, by which it is seen that everything is counted; Chromium's test has them all. */
const FIRST = ["/", "/app.css", "/app.js"];
/** Not every engine takes one for a tab that nobody sees. */
const ICON = "/icons/icon.svg";

/** Everything that the page itself asked for so far, by path. */
const asked = () =>
  ["navigation", "resource"]
    .flatMap((kind) => performance.getEntriesByType(kind))
    .map(({ name }) => new URL(name).pathname);

/** A page without a policy, for which anything may be asked. */
const LAX = new Map([["/", { type: "text/html", gzip: Bun.gzipSync("<!doctype html><title>lax</title>") }]]);

/** The size of a picture as this engine reads it, and whether anything behind it shines through. */
async function iconOf(src: string) {
  const image = new Image();
  image.src = src;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context?.drawImage(image, 0, 0);
  const { data } = context?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
  let clear = false;
  for (let i = 3; i < data.length; i += 4) clear ||= data[i] !== 255;
  return { size: `${image.naturalWidth}x${image.naturalHeight}`, clear };
}

type Manifest = { id: string; start_url: string; scope: string; display: string; icons: Icon[] };
type Icon = { src: string; sizes: string };

export const house: Point[] = [
  {
    numbers: [8],
    says: "what breaks the policy is heard of, and so is whatever is asked of anybody else",
    async run(open) {
      await using world = await open();
      const { engine, elsewhere } = world;
      const broken = async () => {
        await using opened = await OpenScene.open(world, scene);
        await opened.has(".row");
        await run(engine, () => {
          new Image().src = "http://elsewhere.example/picture.png";
        });
        while (!elsewhere.heard.some((text) => /^POST \/csp /.test(text))) await Bun.sleep(20);
      };
      await expect(broken()).rejects.toThrow(/img-src/);
      expect(elsewhere.heard.filter((text) => !text.startsWith("POST /csp "))).toEqual([]);

      await using lax = new FakeServer(LAX, (response) => response);
      await engine.goto(lax.url);
      await run(engine, () => {
        new Image().src = "http://elsewhere.example/picture.png";
      });
      while (!elsewhere.heard.some((text) => text.startsWith("GET http://elsewhere.example/")))
        await Bun.sleep(20);
    },
  },
  {
    numbers: [9],
    says: "the first load is under 60 KB",
    async run(open) {
      await using world = await open();
      await using opened = await OpenScene.open(world, scene);
      await opened.has(".row");
      const paths = (await run(world.engine, asked)).filter((path) => assets.has(path));
      for (const path of FIRST) expect(paths).toContain(path);
      const bytes = [...new Set([...paths, ICON])].reduce(
        (sum, path) => sum + (assets.get(path)?.gzip?.length ?? 0),
        0,
      );
      console.log(`acceptance 9 in ${world.name}: ${bytes} bytes`);
      expect(bytes).toBeLessThan(FIRST_LOAD_BYTES);
    },
  },
  {
    numbers: [12],
    says: "manifest and icons are valid, and the page opens without its server",
    async run(open) {
      await using world = await open();
      const { engine } = world;
      await using opened = await OpenScene.open(world, scene);
      await opened.has(".row");
      const { url } = opened.server;
      const manifest = await engine.page<Manifest>(
        `return (await fetch(document.querySelector('link[rel="manifest"]').href)).json()`,
      );
      expect(manifest).toMatchObject({ id: "/", start_url: "/?src=pwa", scope: "/", display: "standalone" });
      // As the engine itself reads it, where it reads one.
      const own = await engine.manifest?.();
      if (own) expect(own).toMatchObject({ id: `${url}/`, scope: `${url}/`, display: "standalone" });
      for (const { src, sizes } of manifest.icons)
        if (sizes !== "any") expect([src, (await run(engine, iconOf, src)).size]).toEqual([src, sizes]);
      const apple = await engine.page<string>(
        `return document.querySelector('link[rel="apple-touch-icon"]').getAttribute("href")`,
      );
      expect(await run(engine, iconOf, apple)).toEqual({ size: "180x180", clear: false });
      await engine.page("await navigator.serviceWorker.ready; return null;");
      await opened.server[Symbol.asyncDispose]();
      await engine.goto(url);
      await opened.has(".brand");
      await picture(world, "no-server");
    },
  },
];
