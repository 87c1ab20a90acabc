// Points 1 and 2: a prompt is a card, approved once; what changes under the finger is not answered by it.
import { expect } from "bun:test";
import { bash, session } from "../../../../public/testing/world.ts";
import type { Digest } from "../../../protocol.ts";
import { TestLink } from "../../link.ts";
import { has, reads, run } from "../engine.ts";
import { OpenScene, paired, picture, realServer, type World } from "../world.ts";
import type { Point } from "./point.ts";

const APPROVE = '[data-part="approve"]';
const shop = session("webshop", { status: "waiting" });
const ask = bash("p1", shop, "ls");

/** How long until the list shows a question, by the page's own clock: ms since 1970. */
const shown = (world: World) =>
  run(
    world.engine,
    () =>
      new Promise<number>((done) => {
        const look = () => {
          if (/Run this command\?/.test(document.querySelector(".list-view")?.textContent ?? ""))
            done(Date.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
  );

/** What the server wrote down about a prompt. */
async function written({ engine }: World, id: string): Promise<string[]> {
  const body = (about: string) => {
    const headers = { "x-claude-remote-key": localStorage.getItem("login-key") ?? "" };
    type Entries = { entries: { action: string; subject: string }[] };
    const own = ({ entries }: Entries) =>
      entries.filter(({ subject }) => subject === about).map(({ action }) => action);
    return fetch("/api/audit?limit=100", { headers })
      .then((response) => response.json() as Promise<Entries>)
      .then(own);
  };
  return run(engine, body, id);
}

export const answers: Point[] = [
  {
    numbers: [1],
    says: "a prompt is a card, approved once by however many taps, and accepted",
    async run(open) {
      await using server = await realServer();
      await using world = await open();
      const { engine } = world;
      await paired(world, server);
      const { link } = await TestLink.session(server, { cwd: "/home/ada/one" });
      using _ = link.beats();
      await engine.until(reads(".row", /one/));
      const seen = shown(world);
      const said = Date.now();
      const asked = await link.ask();
      console.log(
        `acceptance 1 in ${world.name}: from the wrapper's word to the glass: ${(await seen) - said} ms`,
      );
      await engine.click(`a.row[href="/p/${asked.id}"]`);
      await engine.until(has(`${APPROVE}:enabled`));
      await picture(world, "card");
      // As a nervous thumb does it; after the first, there is nothing to press.
      for (let i = 0; i < 4; i++) await engine.click(APPROVE).catch(() => {});
      const { answer_id } = await link.next("answer");
      link.say({ type: "delivered", prompt: asked.id, answer_id }, { type: "accepted", prompt: asked.id });
      await engine.until(reads('[data-part="outcome"]', /^Claude accepted \d\d:\d\d/));
      const actions = await written(world, asked.id);
      expect(actions.filter((action) => action === "answer")).toHaveLength(1);
      expect(actions).not.toContain("answer refused");
    },
  },
  {
    numbers: [2],
    says: "a tap on what the server knows to have changed is refused, and says so",
    async run(open) {
      await using world = await open();
      const { engine } = world;
      await using scene = await OpenScene.open(world, { path: "/p/p1", sessions: [shop], prompts: [ask] });
      await engine.until(has(`${APPROVE}:enabled`));
      const lift = await engine.press(APPROVE);
      const message = "The question has changed. Look at it again.";
      scene.server.reply("/api/prompts/p1/approve", () => ({
        ...{ status: 409, body: { error: { code: "changed", message, request: "r" } } },
      }));
      await lift();
      await engine.until(reads('[data-part="outcome"]', /The question has changed\. Look at it again\./));
      expect(await engine.page(`return ${has(APPROVE)}.disabled`)).toBe(true);
      await picture(world, "changed");
    },
  },
  {
    numbers: [2],
    says: "a question swapped under the finger is not answered by it",
    async run(open) {
      await using world = await open();
      const { engine } = world;
      await using scene = await OpenScene.open(world, { path: "/p/p1", sessions: [shop], prompts: [ask] });
      await engine.until(has(`${APPROVE}:enabled`));
      const lift = await engine.press(APPROVE);
      const other = { ...bash("p1", shop, "rm -rf /"), digest: "f".repeat(64) as Digest };
      scene.server.send("prompt", { prompt: other });
      await engine.until(reads(".literal", /rm -rf/));
      await lift();
      await engine.until(has(`${APPROVE}:enabled`));
      expect(scene.server.asked.filter(({ method }) => method === "POST")).toEqual([]);
    },
  },
];
