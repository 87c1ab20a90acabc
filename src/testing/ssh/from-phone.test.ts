// The whole way: a phone's page, a real server, ssh to a real sshd, our own program put there, a program in claude's place.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { devboxes } from "../../devbox/annex.ts";
import { engine } from "../../devbox/engine.ts";
import { pageAssets } from "../../page.ts";
import { messagesApi } from "../messages-api.ts";
import { openBrowser, Phone } from "../page.ts";
import { program } from "../program.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import { type TestServer, testServer } from "../server.ts";
import { cardReady, outcome } from "../story/acts.ts";
import { textOf, until } from "../story/processes.ts";
import { Hosts } from "./hosts.ts";

/** Copying our program, claude's start, a browser, on a machine that does other things too. */
setDefaultTimeout(180_000);
const PATIENCE = { timeout: 90_000 };

let browser: Browser;
let hosts: Hosts;
let server: TestServer;

/** Answers as claude does to whoever looks, and is the demo else, which carries out what it is told. */
const CLAUDE = `#!/bin/sh
case $1 in
  --version) echo '2.1.329 (Claude Code)' ;;
  auth) echo '{"loggedIn": true}' ;;
  *) exec ${program()} demo-claude --demo-script=/dev/null "$@" ;;
esac
`;

beforeAll(async () => {
  browser = await openBrowser();
  hosts = await Hosts.open({ name: "box1", files: { ".local/bin/claude*": CLAUDE } }, { name: "box2" });
  mkdirSync(join(hosts.host("box1").home, "src", "webshop"), { recursive: true });
  const reach = engine({ setup: () => hosts.setup });
  const options = { enabled: true, modes: ["default", "plan"] as const, local: () => false };
  server = await testServer({
    assets: await pageAssets(),
    annexes: [devboxes({ engine: reach, ...options })],
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await hosts?.[Symbol.asyncDispose]();
  await browser?.close();
});

/** A phone that is paired, at that address. */
async function phoneAt(path: string): Promise<Phone> {
  const phone = await Phone.open(browser);
  const { url } = await server.admin("POST", "/pair", { yes: true });
  await phone.goto(String(url));
  await phone.button("Pair this phone").tap();
  await phone.part("link").filter({ hasText: "Live" }).waitFor();
  await phone.goto(server.url + path);
  return phone;
}

/** What runs on the devbox, but for the connection that the server keeps for a minute: a shell that waits. */
const sessions = (name = "box1") =>
  hosts
    .host(name)
    .processes()
    .filter((pid) => textOf(`/proc/${pid}/comm`).trim() !== "cat");

const label = (phone: Phone, name: string) => phone.page.getByLabel(name, { exact: true });

async function start(phone: Phone, dir: string, prompt: string) {
  await label(phone, "Directory").fill(dir);
  await label(phone, "First message").fill(prompt);
  await phone.button("Start").tap();
}

test("SEC-066 a phone adds a devbox, starts a session there, answers it, ends it: nothing is left, no secret is seen", async () => {
  const box = hosts.host("box1");
  await using phone = await phoneAt("/devboxes");
  await phone.page.getByLabel("Name", { exact: true }).waitFor();
  await label(phone, "Name").fill("box1");
  await label(phone, "Host").fill("127.0.0.1");
  await label(phone, "Port").fill(String(box.port));
  await phone.button("Add and test").tap();
  await phone.reads(phone.page.locator(".devbox"), /Reached now/, PATIENCE);

  await phone.button("New session: box1").tap();
  await label(phone, "Directory").fill("~/src/");
  await phone.button("webshop/").tap();
  await start(phone, "~/src/webshop", "RUN: echo done-there >result.txt");
  await phone.reads(phone.page.locator(".launch-title"), /Starting on box1/);
  await phone.reads(phone.part("badge"), /box1/, PATIENCE);
  await phone.picture("devbox-session");
  await phone.page.locator("a.ask-bar:visible").tap(PATIENCE);
  await cardReady(phone, "Run this command?");
  expect(await phone.page.locator(".card-view").innerText()).toContain("box1");
  await phone.part("approve").tap();
  await outcome(phone, /Claude accepted/, PATIENCE.timeout);
  const result = join(box.home, "src", "webshop", "result.txt");
  await until("the command ran there", () => existsSync(result), PATIENCE.timeout);
  const { secret } = await server.admin("POST", "/devboxes/box1/enrol", {});
  for (const pid of box.processes())
    for (const file of ["cmdline", "environ"])
      expect(textOf(`/proc/${pid}/${file}`)).not.toContain(String(secret));

  await phone.goto(`${server.url}/`);
  await phone.page.locator("a.row:visible").first().tap();
  await phone.part("more").tap();
  await phone.button("Stop …").tap();
  await phone.button("Stop Claude").tap();
  await phone.reads(phone.part("word"), /Ended/, PATIENCE);
  await until("the end of the session", () => sessions().length === 0, PATIENCE.timeout);
  expect(readdirSync(join(box.home, ".local", "share", "claude-remote"))).toEqual(["bin"]);
});

/** With the first of them others end by themselves. */
function end(pid: number) {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

test("what fails there is said with what to do, and the same can be tried again when it is done", async () => {
  const box = hosts.host("box1");
  await using phone = await phoneAt("/new");
  await start(phone, "~/not-there", "hello");
  await phone.reads(phone.page.locator(".failure"), /not-there[\s\S]*Name a folder/, PATIENCE);
  mkdirSync(join(box.home, "not-there"));
  await phone.button("Try again").tap();
  await phone.reads(phone.part("badge"), /box1/, PATIENCE);
  for (const pid of sessions()) end(pid);
  await until("the end of the session", () => sessions().length === 0, PATIENCE.timeout);
});

const newest = claudeVersions.at(-1) ?? "";

test(`claude ${newest} on a devbox: a phone starts it, approves what it asks, and ends it`, async () => {
  await using api = await messagesApi();
  const box = hosts.host("box2");
  const shop = join(box.home, "shop");
  mkdirSync(shop);
  await using home = await claudeHome({ api, projects: [shop] });
  for (const file of [".claude.json", ".claude/settings.json"])
    box.put(file, readFileSync(join(home.home, file), "utf8"));
  const { HOME, PATH, SHELL, ...env } = home.env;
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  box.put(".profile", exports.join(""));
  box.put(".local/bin/claude", `#!/bin/sh\nexec ${claudePath(newest)} "$@"\n`, true);
  await using phone = await phoneAt("/devboxes");
  await label(phone, "Name").waitFor({ state: "attached" });
  if (!(await label(phone, "Name").isVisible())) await phone.page.getByText("Add a devbox").tap();
  await label(phone, "Name").fill("box2");
  await label(phone, "Host").fill("127.0.0.1");
  await label(phone, "Port").fill(String(box.port));
  await phone.button("Add and test").tap();
  await phone.button("New session: box2").tap(PATIENCE);
  await phone.page.getByRole("radio", { name: "Ask" }).check();
  await start(phone, "~/shop", "RUN: echo from-afar >result.txt");
  await phone.page.locator("a.ask-bar:visible").tap(PATIENCE);
  await cardReady(phone, "Run this command?");
  await phone.picture("devbox-claude-card");
  await phone.part("approve").tap();
  await outcome(phone, /Claude accepted/, PATIENCE.timeout);
  await until("the command ran there", () => existsSync(join(shop, "result.txt")), PATIENCE.timeout);
  await phone.goto(`${server.url}/`);
  await phone.page.locator("a.row:visible", { hasText: "box2" }).first().tap();
  await phone.part("more").tap();
  await phone.button("Stop …").tap();
  await phone.button("Stop Claude").tap();
  await phone.reads(phone.part("word"), /Ended/, PATIENCE);
  await until("the end of the session", () => sessions("box2").length === 0, PATIENCE.timeout);
});

test("a server that stops closes its connections: nothing of ours runs there any more", async () => {
  await server.stop();
  for (const name of ["box1", "box2"])
    await until("the end of everything", () => hosts.host(name).processes().length === 0, PATIENCE.timeout);
});
