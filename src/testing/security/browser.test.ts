// A hostile page in a real browser in which a phone is paired: on another port of the same host, and on another site.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, BrowserContext } from "playwright-core";
import { pageAssets } from "../../page.ts";
import { prompt, TestLink } from "../link.ts";
import { openBrowser } from "../page.ts";
import { type TestServer, testServer } from "../server.ts";
import { TestViewer } from "../viewer.ts";

let browser: Browser;
let server: TestServer;
/** Serves whatever page an attacker wants, under any name of this machine. */
let evil: Bun.Server<undefined>;
let evilHtml = "";

beforeAll(async () => {
  browser = await openBrowser();
  server = await testServer({ assets: await pageAssets() });
  evil = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    fetch: () => new Response(evilHtml, { headers: { "content-type": "text/html" } }),
  });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await evil?.stop(true);
  await server?.stop();
});

/** A browser whose cookie is a login: of the plain kind, which goes to every port of the host. */
async function paired(): Promise<{ context: BrowserContext; viewer: TestViewer } & AsyncDisposable> {
  const viewer = await TestViewer.pair(server, "Victim");
  const context = await browser.newContext();
  const [name = "", value = ""] = viewer.cookie.split("=");
  await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: "Strict" }]);
  return { context, viewer, [Symbol.asyncDispose]: () => context.close() };
}

/** Another port is another origin of the same site, so Strict cookies go there; another name is another site. */
const HOSTS = ["127.0.0.1", "localhost"] as const;

/** What a hostile page tries, all by itself; what it saw of each. */
const ATTACK = `async (target) => {
  const seen = {};
  const json = { "content-type": "application/json" };
  const tries = {
    simple: { method: "POST", mode: "no-cors", credentials: "include", body: "{}" },
    form: { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ a: "b" }) },
    parts: { method: "POST", mode: "no-cors", credentials: "include", body: new FormData() },
    json: { method: "POST", credentials: "include", headers: json, body: "{}" },
    read: { method: "GET", credentials: "include" },
    remove: { method: "DELETE", credentials: "include" },
  };
  const paths = ["/api/logout", "/api/viewers", "/api/sessions", "/api/prompts", "/events"];
  for (const [name, init] of Object.entries(tries))
    for (const path of paths)
      seen[name + " " + path] = await fetch(target + path, init).then(
        async (reply) => reply.type + " " + reply.status + " " + (await reply.text()),
        () => "refused",
      );
  seen.events = await new Promise((resolve) => {
    const source = new EventSource(target + "/events", { withCredentials: true });
    source.addEventListener("state", () => resolve("open"));
    source.onerror = () => resolve(source.readyState === 2 ? "refused" : "again");
  });
  seen.socket = await new Promise((resolve) => {
    const socket = new WebSocket(target.replace("http", "ws") + "/ws");
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
  seen.beacon = String(navigator.sendBeacon(target + "/api/logout", "{}"));
  return seen;
}`;

test.each(HOSTS)(
  "SEC-003 SEC-004 SEC-005 SEC-006 a page on %s reads nothing, changes nothing and opens no stream or socket",
  async (host) => {
    await using victim = await paired();
    const { link } = await TestLink.session(server);
    const asked = await link.ask(prompt());
    evilHtml = "<!doctype html><title>evil</title>";
    const page = await victim.context.newPage();
    await page.goto(`http://${host}:${evil.port}/`);
    const seen = (await page.evaluate(`(${ATTACK})(${JSON.stringify(server.url)})`)) as Record<
      string,
      string
    >;
    const { beacon, events, socket, ...rest } = seen;
    expect({ events, socket }).toEqual({ events: "refused", socket: "refused" });
    expect(beacon).toBe("true"); // It was sent, and nobody learns what became of it.
    expect(Object.keys(rest)).toHaveLength(30);
    // A browser shows such a page nothing of an answer: an opaque one at best.
    for (const [name, what] of Object.entries(rest)) expect(["refused", "opaque 0 "], name).toContain(what);
    expect((await victim.viewer.get("/api/sessions")).status).toBe(200);
    const { prompts } = (await victim.viewer.get("/api/prompts?open=1")).body as never as {
      prompts: { id: string; stage: string }[];
    };
    expect(prompts.find(({ id }) => id === asked.id)?.stage).toBe("open");
    expect((await victim.viewer.get("/api/viewers")).status).toBe(200);
    link[Symbol.dispose]();
  },
);

test.each(HOSTS)("SEC-004 a form of a page on %s that sends itself changes nothing", async (host) => {
  await using victim = await paired();
  for (const type of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
    evilHtml = `<!doctype html><form method=post enctype="${type}" action="${server.url}/api/logout">
      <input name='{"a":"' value='b"}'></form><script>document.forms[0].submit()</script>`;
    const page = await victim.context.newPage();
    const answered = page.waitForResponse((reply) => reply.url().startsWith(server.url));
    await page.goto(`http://${host}:${evil.port}/`);
    expect([401, 403]).toContain((await answered).status());
    expect((await victim.viewer.get("/api/sessions")).status).toBe(200);
    await page.close();
  }
});

test.each(HOSTS)("SEC-011 a page on %s cannot show ours in a frame, an object or an embed", async (host) => {
  await using victim = await paired();
  const frames = ["/", "/pair", "/s/x", "/health"].map(
    (path) => `<iframe src="${server.url}${path}"></iframe>`,
  );
  evilHtml = `<!doctype html>${frames.join("")}<object data="${server.url}/"></object><embed src="${server.url}/">`;
  const page = await victim.context.newPage();
  const refused: string[] = [];
  page.on("console", (message) => {
    if (/frame-ancestors/.test(message.text())) refused.push(message.text());
  });
  await page.goto(`http://${host}:${evil.port}/`);
  await page.waitForLoadState("networkidle");
  expect(refused.length).toBeGreaterThanOrEqual(frames.length);
  const inside = page.frames().filter((frame) => frame !== page.mainFrame());
  expect(inside.length).toBeGreaterThanOrEqual(frames.length);
  for (const frame of inside) {
    expect(frame.url()).not.toStartWith(server.url);
    expect(await frame.locator("main, [data-part], pre").count()).toBe(0);
  }
});

test("SEC-003 SEC-010 our own page opens in that browser, with no word of its policy being broken", async () => {
  await using victim = await paired();
  const page = await victim.context.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(server.url);
  await page.locator("main, [data-part]").first().waitFor();
  await page.locator("[data-part=empty]:visible, .row").first().waitFor();
  expect(said.filter((text) => /Content Security Policy|Trusted ?Type/i.test(text))).toEqual([]);
  // The policy does what it says: neither a script nor markup of another's gets in, by whatever way.
  const broken = await page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve)); // While the debugger's own words run, they may do anything.
    const tries: Record<string, () => unknown> = {
      html: () => (document.body.innerHTML = "<b>x</b>"),
      eval: () => new Function("return 1")(),
      script: () => document.createElement("script").setAttribute("src", "data:,1"),
    };
    return Object.entries(tries).filter(([, attempt]) => {
      try {
        attempt();
        return true;
      } catch {
        return false;
      }
    });
  });
  expect(broken.map(([name]) => name)).toEqual([]);
});
