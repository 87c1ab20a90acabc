// What does not exist cannot be abused: no chat bot, and no way to approve but the page's own (docs/security.md).
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COMPLETED } from "./completion.ts";
import { loadConfig, SETTINGS } from "./config.ts";
import type { AuditEntry, PromptId, PromptState } from "./protocol.ts";
import { annexesOf } from "./serve.ts";
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

/** What a feature that does not exist would be called, and what its code would need. */
const ABSENT: [name: string, named: RegExp, used: RegExp][] = [
  [
    "SEC-027 passkeys",
    /passkey|webauthn|fido|\brp.?id\b|attestation/i,
    /navigator\.credentials|PublicKeyCredential|clientDataJSON/,
  ],
  [
    "SEC-028 sign-on by OIDC, OAuth or a JWT",
    /oidc|openid|oauth|\bsso\b|saml|\bjwt\b|\bjwks\b|issuer|callback/i,
    /\.well-known\/openid|id_token|code_verifier|jwks_uri|verifyJwt|client_secret/,
  ],
  [
    "SEC-069 a proxy to previews",
    /preview|tunnel|forward(ed)?.?port|\bports\b/i,
    /proxy_pass|http-proxy|createProxy|fetch\(`http:\/\/(127\.0\.0\.1|localhost):\$/,
  ],
  [
    "SEC-071 messages to addresses that anybody else than a push service has",
    /ntfy|webhook|gotify|pushover|smtp|mail.?to|callback.?url/i,
    /nodemailer|ntfy\.sh|api\.pushover\.net/,
  ],
  [
    "SEC-088 a program that fetches another version of itself",
    /\bupdate\b|upgrade|self.?update|auto.?update/i,
    /api\.github\.com|releases\/(latest|download)|registry\.npmjs\.org/,
  ],
  [
    "SEC-093 encryption between wrapper and phone, past the server",
    /end.?to.?end|\be2e\b|ciphertext|room.?key/i,
    /subtle\.(encrypt|decrypt)|libsodium|nacl\.secretbox/,
  ],
];

test.each(ABSENT)("%s: there is no route, command, setting or code of it", async (_, named, used) => {
  const config = loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere" });
  await using server = await testServer({ annexes: annexesOf(config) });
  const paths = server.routes.map(({ path }) => path.replaceAll(/[/_:-]/g, " "));
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => named.test(path))).toEqual([]);
  expect(Object.keys(SETTINGS).filter((name) => named.test(name.replaceAll("_", " ")))).toEqual([]);
  const commands = Object.entries(COMPLETED).flatMap(([name, { words = [], flags = {} }]) => [
    name,
    ...words,
    ...Object.keys(flags),
  ]);
  expect(commands).toContain("serve");
  expect(commands.filter((word) => named.test(word))).toEqual([]);
  // Neither is written here, nor brought by something that is written elsewhere.
  const sources = [...sourcesOf("src"), ...sourcesOf("public")];
  expect(sources.filter(({ text }) => used.test(text)).map(({ path }) => path)).toEqual([]);
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((name) => named.test(name) || used.test(name))).toEqual([]);
});

test("SEC-071 SEC-072 the server asks nobody but push services for anything, and no switch trusts a wrong certificate", () => {
  const asking = sourcesOf("src/server")
    .filter(({ text }) => /\bfetch\(|https?\.request\(|new WebSocket\(|\bconnect\(\{|tls\.connect/.test(text))
    .map(({ path }) => path);
  expect(asking).toEqual(["src/server/push/send.ts"]);
  const careless = /rejectUnauthorized|NODE_TLS_REJECT|insecureSkipVerify|checkServerIdentity/i;
  for (const { path, text } of [...sourcesOf("src"), ...sourcesOf("public")])
    expect([path, careless.test(text)]).toEqual([path, false]);
  const dangerous = Object.keys(SETTINGS).filter((name) => /any|insecure|trust|skip|unsafe/.test(name));
  expect(dangerous.sort()).toEqual(["dangerously_push_to_any_address", "insecure_http", "trusted_proxies"]);
});
