// What a point of the acceptance list is tried in: an engine, whatever it asks elsewhere, and the page before a server.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { FakeServer } from "../../../public/testing/fake-server.ts";
import type { Glass, Shown } from "../../../public/testing/screens.ts";
import { state } from "../../../public/testing/world.ts";
import { pageAssets } from "../../page.ts";
import { withHeaders } from "../../server/headers.ts";
import type { ServerOptions } from "../../server/server.ts";
import { type TestServer, testServer } from "../server.ts";
import { Elsewhere } from "./elsewhere.ts";
import { type Engine, type EngineOptions, reads } from "./engine.ts";
import { ENGINES, type EngineName } from "./engines.ts";

export const assets = await pageAssets();
const ARTEFACTS =
  process.env.CLAUDE_REMOTE_ARTEFACTS || resolve(import.meta.dir, "../../../.cache/artefacts");

export type World = AsyncDisposable & { name: EngineName; engine: Engine; elsewhere: Elsewhere };

/** A browser of that engine, of which everything is heard that it asks of others. */
export async function openWorld(name: EngineName, theme: EngineOptions["theme"] = "dark"): Promise<World> {
  const elsewhere = new Elsewhere();
  const engine = await ENGINES[name]({ theme, proxy: elsewhere.port });
  return {
    ...{ name, engine, elsewhere },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      elsewhere[Symbol.dispose]();
    },
  };
}

/** The page of a scene, played to by the fake server; leaving it fails if it broke the policy or asked anybody else. */
export class OpenScene implements Glass, AsyncDisposable {
  readonly server: FakeServer;
  readonly #world: World;

  private constructor(world: World, files: typeof assets) {
    this.#world = world;
    this.server = new FakeServer(files, (response) => world.elsewhere.dress(withHeaders(response)));
  }

  static async open(
    world: World,
    { path = "/", sessions = [], prompts = [], before }: Shown["scene"] & { path?: string },
    files = assets,
  ): Promise<OpenScene> {
    const scene = new OpenScene(world, files);
    scene.server.begin(() => state(sessions, prompts));
    await before?.(scene);
    await world.engine.goto(scene.server.url + path);
    return scene;
  }

  has(selector: string): Promise<void> {
    return this.#world.engine.until(reads(selector, /^/));
  }

  async tap(selector: string): Promise<void> {
    await this.has(selector);
    await this.#world.engine.click(selector);
  }

  async fill(selector: string, text: string): Promise<void> {
    await this.has(selector);
    await this.#world.engine.type(selector, text);
  }

  async [Symbol.asyncDispose]() {
    const { engine, elsewhere } = this.#world;
    await engine.goto("about:blank");
    await this.server[Symbol.asyncDispose]();
    if (elsewhere.heard.length > 0) throw new Error(`asked elsewhere:\n${elsewhere.heard.join("\n")}`);
  }
}

/** A real server that serves the real page. */
export const realServer = (options: Partial<ServerOptions> = {}): Promise<TestServer> =>
  testServer({ assets, ...options });

/** Pairs as a person does it: by the link, a tap, and the owner's yes beforehand. */
export async function paired({ engine }: World, server: TestServer, url = server.url): Promise<void> {
  const { code } = await server.admin("POST", "/pair", { yes: true });
  await engine.goto(`${url}/pair#${code}`);
  await engine.until(reads(".pair-view h1", /Pair this phone/));
  await engine.click('[data-part="go"]');
  await engine.until(reads(".list-view h1", /^/));
}

/** Keeps a picture for people to look at, as `engine-<name>-<what>.png`. */
export async function picture({ name, engine }: World, what: string): Promise<void> {
  mkdirSync(ARTEFACTS, { recursive: true });
  writeFileSync(join(ARTEFACTS, `engine-${name}-${what}.png`), await engine.picture());
}
