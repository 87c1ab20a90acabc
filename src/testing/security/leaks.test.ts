// A whole life at the most talkative level, with every secret there is: none stands anywhere where it has no business.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DeviceId } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import { prompt, TestLink } from "../link.ts";
import { PushService } from "../push-service.ts";
import { TestViewer } from "../viewer.ts";
import { OwnServer } from "./own-server.ts";

const METRICS_TOKEN = "planted-metrics-token-0123456789";
const CLI = resolve(import.meta.dir, "../../cli.ts");
/** From source, on a busy machine. */
const LONG_MS = 180_000;

/** Every way in which somebody could have written bytes down. */
const forms = (bytes: Uint8Array) =>
  (["latin1", "hex", "base64", "base64url"] as const).map((form) =>
    Buffer.from(bytes).toString(form).replace(/=+$/, ""),
  );

/** Every file below a folder, as letters. */
function filesOf(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: entry.name, text: readFileSync(join(entry.parentPath, entry.name), "latin1") }));
}

test(
  "SEC-081 at debug level no log, database, error, metric, page, doctor or crash tells a secret",
  async () => {
    await using service = new PushService();
    const env = {
      CLAUDE_REMOTE_PORT: "0",
      CLAUDE_REMOTE_METRICS_TOKEN: METRICS_TOKEN,
      CLAUDE_REMOTE_DANGEROUSLY_PUSH_TO_ANY_ADDRESS: "1",
    };
    await using server = await OwnServer.start({ args: ["--log-level", "debug"], env });
    /** Whatever the server said to anybody who is not meant to know. */
    const said: { where: string; text: string }[] = [];
    const heard = async (viewer: TestViewer, method: string, path: string, init: RequestInit = {}) => {
      const headers = { cookie: viewer.cookie, ...(init.headers as Record<string, string>) };
      const reply = await fetch(server.url + path, { ...init, method, headers });
      const headed = [...reply.headers].filter(([name]) => name !== "set-cookie");
      said.push({
        where: `${method} ${path}`,
        text: `${await reply.text()}
${headed}`,
      });
      return reply;
    };

    // A phone that waits for the yes, with a page's half of the login; and one that is simply let in.
    const json = { "content-type": "application/json" };
    const nobody = new TestViewer(server, "");
    const { code } = await server.admin("POST", "/pair", {});
    const enter = (more: object) => nobody.post("/api/pair", { code, name: "x", bind: true, ...more });
    const { check, claim } = (await enter({})).body as Record<string, string>;
    await server.admin("POST", "/pair/confirm", { check });
    const entered = await enter({ claim });
    const bound = entered.headers.get("set-cookie")?.split(";")[0]?.split("=")[1] ?? "";
    const { key } = entered.body as Record<string, string>;
    const viewer = await TestViewer.pair(server);
    const login = viewer.cookie.split("=")[1] ?? "";
    const { token } = (await server.admin("POST", "/tokens", { name: "t", scopes: ["read"] })) as Record<
      string,
      string
    >;
    const device = (await server.admin("POST", "/devices", { name: "laptop", operate: true })) as Record<
      string,
      string
    >;

    // A session that asks, a push with a nonce, an answer, a text, and an end.
    const subscription = service.subscribe();
    const phone = { platform: "android", permission: "granted", subscription };
    expect((await viewer.post("/api/push/phone", phone)).status).toBe(200);
    const { link, id } = await TestLink.session(server);
    const asked = await link.ask(prompt({ tool: "Read", input: { file_path: "/home/me/project/a.ts" } }));
    const [pushed] = await service.pushes(1);
    const { nonce } = JSON.parse(pushed?.text ?? "{}").notification.data as { nonce?: string };
    await heard(viewer, "POST", `/api/prompts/${asked.id}/approve`, {
      headers: json,
      body: JSON.stringify({ digest: asked.digest, answer_id: "a1" }),
    });
    await heard(viewer, "POST", `/api/sessions/${id}/input`, {
      headers: json,
      body: JSON.stringify({ id: "i1", text: "TYPED-BY-THE-PHONE" }),
    });

    // Everything that goes wrong, with secrets where they do not belong.
    const secrets = { code, claim, login, bound, key, token, device: device.secret, operator: device.token };
    for (const secret of Object.values(secrets)) {
      await heard(nobody, "GET", `/nowhere/${secret}?token=${secret}`, {
        headers: { authorization: `Bearer ${secret}x` },
      });
      await heard(viewer, "POST", "/api/pair", {
        headers: json,
        body: JSON.stringify({ code: secret, name: "x" }),
      });
      await heard(viewer, "POST", `/api/sessions/${id}/input`, {
        headers: json,
        body: `{"id":"${secret}","text":`,
      });
      await heard(viewer, "GET", `/api/sessions/${secret}`, {
        headers: { "x-claude-remote-key": String(secret) },
      });
    }
    link.sayText(`{"type":"prompt","prompt":"${login}"}`);
    await link.cutOff();
    for (const path of [
      "/",
      "/app.js",
      "/sw.js",
      "/api/viewers",
      "/api/tokens",
      "/api/audit",
      "/api/push",
      "/api/prompts",
      "/health",
    ])
      await heard(viewer, "GET", path);
    await heard(nobody, "GET", "/metrics", { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
    const events = await viewer.listen(id);
    said.push({ where: "events", text: JSON.stringify(events.state) });
    events.leave();
    for (const path of ["/status", "/viewers", "/devices", "/tokens", "/sessions", "/pair"])
      said.push({ where: path, text: JSON.stringify(await server.admin("GET", path)) });
    const own = { PATH: process.env.PATH ?? "", HOME: server.home, CLAUDE_REMOTE_HOME: server.home, ...env };
    const doctor = Bun.spawn([process.execPath, CLI, "doctor", "--json"], {
      env: own,
      stdout: "pipe",
      stderr: "pipe",
    });
    for (const stream of [doctor.stdout, doctor.stderr])
      said.push({ where: "doctor", text: await new Response(stream).text() });
    // A start that fails, which says why.
    const crash = Bun.spawn([process.execPath, CLI, "serve"], { env: own, stdout: "pipe", stderr: "pipe" });
    said.push({ where: "a failed start", text: await new Response(crash.stderr).text() });
    expect(await crash.exited).not.toBe(0);
    await server.stop();

    const master = new Uint8Array(readFileSync(join(server.data, "master.key")));
    const vapid = JSON.parse(readFileSync(join(server.data, "push.key"), "utf8")) as { private: string };
    const letters = Object.values(secrets).map(String);
    const planted = [
      ...letters,
      String(code).replace("-", ""),
      ...[METRICS_TOKEN, vapid.private, subscription.keys.auth, nonce ?? ""],
      ...[
        master,
        deviceSecret(master, "local" as DeviceId),
        deviceSecret(master, device.id as DeviceId),
      ].flatMap(forms),
    ].filter((one) => one !== "");
    expect(Math.min(...planted.map((one) => one.length))).toBeGreaterThan(7);
    expect(planted.length).toBeGreaterThan(20);
    const log = server.said;
    for (const secret of planted) {
      expect(log.includes(secret), "the log").toBe(false);
      for (const { where, text } of said) expect(text.includes(secret), where).toBe(false);
    }
    // What was typed is the audit's to keep, and nobody else's.
    expect(log).not.toContain("TYPED-BY-THE-PHONE");
    // Keys stand in the files that are theirs; a subscription in the database, since pushes are sealed with it.
    const theirs: Record<string, string[]> = {
      "master.key": forms(master),
      "push.key": [vapid.private],
      "claude-remote.db": [subscription.keys.auth],
      "claude-remote.db-wal": [subscription.keys.auth],
    };
    for (const { name, text } of filesOf(server.home))
      for (const secret of planted)
        if (!theirs[name]?.includes(secret)) expect(text.includes(secret), name).toBe(false);
    // The scan does see what is there.
    expect(log).toMatch(/"refusal":"[a-z_]+","msg":"request refused"/);
    expect(filesOf(server.home).some(({ text }) => text.includes("/home/me/project/a.ts"))).toBe(true);
    expect(said.map(({ text }) => text).join("")).toContain("claude_remote_");
  },
  LONG_MS,
);
