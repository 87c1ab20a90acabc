// What does not exist cannot be abused: no chat bot, and no way to approve but the page's own (docs/security.md).
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS } from "./config.ts";
import type { AuditEntry, PromptId, PromptState } from "./protocol.ts";
import { api } from "./server/api.ts";
import { TestLink } from "./testing/link.ts";
import { testServer } from "./testing/server.ts";
import { TestViewer } from "./testing/viewer.ts";

const root = join(import.meta.dir, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const routes = api(
  new Proxy({} as Parameters<typeof api>[0], { get: (_, name) => (name === "assets" ? new Map() : {}) }),
);

/** Sources of a room, without its tests. */
const sourcesOf = (folder: string) =>
  [...new Bun.Glob(`${folder}/**/*.{ts,html,js}`).scanSync(root)]
    .filter((path) => !/\.test\.ts$|\/testing\/|\/testdata\//.test(path))
    .map((path) => ({ path, text: read(path) }));

test("SEC-040 no notification offers an answer, unless by the one rule that has tests of its own", () => {
  const sources = sourcesOf("public");
  expect(sources.length).toBeGreaterThan(20);
  const showing = sources.filter(({ text }) => /showNotification|new Notification\(/.test(text));
  const rule = join(root, "src/server/push/wording.test.ts");
  const tested = existsSync(rule) && readFileSync(rule, "utf8").includes("SEC-040");
  expect(showing.map(({ path }) => [path, tested])).toEqual(showing.map(({ path }) => [path, true]));
});

test("SEC-041 no address answers a prompt by being fetched, and no link carries an answer", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  await viewer.listen();
  const { link } = await TestLink.session(server);
  const asked = await link.ask();
  const { id, digest } = await viewer.until("the prompt", () => viewer.prompts.get(asked.id));
  const answer = new URLSearchParams({ digest, answer_id: "a1", option: "approve" });
  const paths = [...routes.map(({ path }) => path.replace(":id", id)), `/p/${id}`];
  for (const verb of ["approve", "reject", "answer"]) {
    // By any way a link, a picture, a prefetch or a form could come.
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
      expect((await viewer.request(method, `/api/prompts/${id}/${verb}?${answer}`)).status).toBe(405);
    const forms = { "content-type": "application/x-www-form-urlencoded" };
    const form = { headers: forms, body: String(answer) };
    expect((await viewer.request("POST", `/api/prompts/${id}/${verb}`, form)).status).toBe(403);
    expect((await viewer.post(`/api/prompts/${id}/${verb}?${answer}`)).status).toBe(400);
  }
  for (const path of new Set(paths))
    if (path !== "/events" && !path.startsWith("/api/audit"))
      for (const method of ["GET", "HEAD"]) await viewer.request(method, `${path}?${answer}`);
  expect(viewer.prompts.get(id)?.stage).toBe("open");
  expect(link.heard.filter(({ type }) => type === "answer")).toEqual([]);
  const { entries } = (await viewer.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  expect(entries.filter(({ action }) => action === "answer")).toEqual([]);
  link[Symbol.dispose]();
});

test("SEC-041 an answer dies with its prompt: sent again to the next one, it answers nothing", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  await viewer.listen();
  const { link } = await TestLink.session(server);
  const shown = async () => {
    const { id } = await link.ask();
    return viewer.until("the prompt", () => viewer.prompts.get(id));
  };
  const first = await shown();
  const body = { digest: first.digest, answer_id: "once" };
  const send = (id: PromptId) => viewer.post(`/api/prompts/${id}/approve`, body);
  expect((await send(first.id)).status).toBe(200);
  const second: PromptState = await shown();
  expect((await send(second.id)).status).toBe(409);
  expect(viewer.prompts.get(second.id)?.stage).toBe("open");
  link[Symbol.dispose]();
});

test("SEC-042 there is no chat bot: no route, command or setting of one, and none may answer", () => {
  const bots = /telegram|slack|discord|whatsapp|signal.?bot|matrix|chat.?bot|webhook|\bbot\b/i;
  expect(routes.length).toBeGreaterThan(15);
  expect(routes.map(({ path }) => path).filter((path) => bots.test(path))).toEqual([]);
  expect(Object.keys(SETTINGS).filter((name) => bots.test(name.replaceAll("_", " ")))).toEqual([]);
  const commands = /COMMANDS[^{]*\{([\s\S]*?)\n\};/.exec(read("src/cli.ts"))?.[1] ?? "";
  expect(commands).toContain("serve:");
  expect(commands).not.toMatch(bots);
  // Only a paired browser answers; no token and nothing public can.
  const answering = routes.filter(
    ({ path, method }) => method === "POST" && path.startsWith("/api/prompts/"),
  );
  expect(answering).toHaveLength(3);
  for (const { path, who } of answering) expect([path, who]).toEqual([path, ["viewer"]]);
  const secrets = /api\.telegram\.org|hooks\.slack\.com|discord\.com\/api/;
  for (const { path, text } of [...sourcesOf("src"), ...sourcesOf("public")])
    expect([path, secrets.test(text)]).toEqual([path, false]);
});
