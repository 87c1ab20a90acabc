// The commands as a user runs them: what is printed where, exit codes, the server in the background.

import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { admin, older, serverInfo } from "./background.ts";
import { pathsFor } from "./paths.ts";
import { ended } from "./testing/ended.ts";
import { freePort } from "./testing/port.ts";
import { Terminal } from "./testing/terminal.ts";

const cli = [process.execPath, join(import.meta.dir, "cli.ts")];
const homes: string[] = [];
const PIPES: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

/** A folder of its own for everything this program keeps, and a port of its own. */
function home() {
  const folder = mkdtempSync(join(tmpdir(), "cr-cli-"));
  homes.push(folder);
  const port = String(freePort());
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    CLAUDE_REMOTE_HOME: folder,
    CLAUDE_REMOTE_PORT: port,
  };
  return { folder, env, paths: pathsFor(env), port };
}

async function run(args: string[], env: Record<string, string>) {
  const child = Bun.spawn([...cli, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return ended(child);
}

const running = (folder: string) =>
  admin(pathsFor({ CLAUDE_REMOTE_HOME: folder }), "GET", "/status").then(
    () => true,
    () => false,
  );

async function gone(folder: string) {
  while (await running(folder)) await Bun.sleep(20);
}

afterAll(async () => {
  for (const folder of homes) {
    await admin(pathsFor({ CLAUDE_REMOTE_HOME: folder }), "POST", "/shutdown", {}).catch(() => {});
    await gone(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

test("what is no fault is not painted as one at a terminal", async () => {
  const { env } = home();
  const desk = new Terminal([...cli, "service", "uninstall"], { env });
  await desk.exited;
  expect(desk.screen()).toContain("It is not installed.");
  expect(new TextDecoder().decode(desk.bytes())).not.toContain("\x1b[31m");
});

test("version and help are data on stdout", async () => {
  const { env } = home();
  expect(await run(["version"], env)).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringMatching(/^claude-remote \d/),
  });
  expect((await run(["help"], env)).out).toContain("claude-remote pair");
});

test("a usage error is 2, a configuration error 3, each with a sentence on stderr and nothing on stdout", async () => {
  const { env, folder } = home();
  const usage = await run(["serve", "--prot", "1"], env);
  expect(usage).toMatchObject({ code: 2, out: "" });
  expect(usage.err).toContain("Usage: claude-remote serve");
  writeFileSync(join(folder, "config.toml"), "port = 99999\n");
  const config = await run(["serve"], env);
  expect(config).toMatchObject({ code: 3, out: "" });
  expect(config.err).toContain("config.toml: must be a whole number from 0 to 65535");
});

test("a damaged database is said to be that, and not a matter of room or rights", async () => {
  const { env, paths } = home();
  mkdirSync(paths.data, { mode: 0o700 });
  writeFileSync(join(paths.data, "claude-remote.db"), "no database".repeat(1_000));
  const { code, err } = await run(["serve"], env);
  expect(code).toBe(1);
  expect(err).toContain("Restore a backup");
  expect(err).not.toContain("free space");
});

test("no claude on the PATH: the error says how to get one and how to do without", async () => {
  const { env, folder } = home();
  const { code, err } = await run([], { ...env, PATH: folder });
  expect(code).toBe(1);
  expect(err).toContain("CLAUDE_REMOTE_CLAUDE=");
  expect(err).toContain("claude-remote demo");
});

test("pair --json --yes starts the server, prints one JSON line, and the code pairs a browser", async () => {
  const { env, port } = home();
  const { out, code } = await run(["pair", "--json", "--yes"], env);
  expect(code).toBe(0);
  const printed = JSON.parse(out);
  expect(printed.url).toBe(`http://127.0.0.1:${port}/pair#${printed.code}`);
  const origin = new URL(printed.url).origin;
  const headers = { origin, "content-type": "application/json" };
  const body = JSON.stringify({ code: printed.code, name: "a test" });
  const response = await fetch(`${origin}/api/pair`, { method: "POST", headers, body });
  expect(await response.json()).toMatchObject({ status: "paired", viewer: { name: "a test" } });
  expect(response.headers.get("set-cookie")).toMatch(/^cr=.*HttpOnly; SameSite=Strict/);
});

test("`serve` takes the place of a server in the background, and of none that was started", async () => {
  const { env, paths, port } = home();
  expect((await run(["sessions"], env)).code).toBe(0); // Starts one in the background.
  const before = serverInfo(paths);
  const own = { ...env, CLAUDECODE: "1" };
  const below = await run(["serve"], own);
  expect(below).toMatchObject({ code: 1, err: expect.stringContaining("is running") });
  expect(serverInfo(paths)).toEqual(before);
  await using terminal = new Terminal([...cli, "serve", "--public-url", "https://claude.example.com"], {
    env,
  });
  await terminal.waitFor(/page at https:\/\/claude\.example\.com/);
  expect(serverInfo(paths)).toMatchObject({ auto: false, url: "https://claude.example.com" });
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { headers: { host: "claude.example.com" } });
  expect(answer.status).toBe(200);
  const again = await run(["serve", "--port", "0"], env);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("Stop it first") });
});

test("pairing wants a terminal for its yes, and is refused below a running claude", async () => {
  const { env } = home();
  expect(await run(["pair"], env)).toMatchObject({ code: 5, err: expect.stringContaining("--json --yes") });
  const below = await run(["pair", "--json", "--yes"], { ...env, CLAUDECODE: "1" });
  expect(below).toMatchObject({ code: 5, err: expect.stringContaining("refused below a running claude") });
});

test("no QR code that no phone can open: the ways that work are listed instead; the yes at the terminal lets the phone in", async () => {
  const { env, port } = home();
  await using terminal = new Terminal([...cli, "pair"], { env });
  const screen = await terminal.waitFor(/Code \S+-\S+,/);
  expect(screen).toContain("--public-url");
  expect(screen).not.toMatch(/[▀▄█]/);
  const code = /Code (\S+),/.exec(screen)?.[1] ?? "";
  const origin = `http://127.0.0.1:${port}`;
  const post = async (body: object) => {
    const headers = { origin, "content-type": "application/json" };
    const response = await fetch(`${origin}/api/pair`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return (await response.json()) as { status: string; check: string; claim: string };
  };
  const pending = await post({ code, name: "My \u001b[31mphone" });
  expect(pending.status).toBe("pending");
  const asked = await terminal.waitFor(/Let it in\?/);
  expect(asked).toContain(`shows the number ${pending.check}`);
  expect(Buffer.from(terminal.bytes()).toString()).not.toContain("\u001b[31mphone");
  terminal.write("y\r");
  const claim = { code, name: "My phone", claim: pending.claim };
  while ((await post(claim)).status !== "paired") await Bun.sleep(50);
  await terminal.waitFor(/Paired: My/);
  expect(await terminal.exited).toMatchObject({ code: 0 });
});

test("with a public URL the QR code is shown, black on white, with the code behind #", async () => {
  const { env } = home();
  const options = { env: { ...env, CLAUDE_REMOTE_PUBLIC_URL: "https://claude.example.com" }, rows: 50 };
  await using terminal = new Terminal([...cli, "pair"], options);
  const screen = await terminal.waitFor(/Code \S+-\S+,/);
  expect(screen).toMatch(/https:\/\/claude\.example\.com\/pair#\S+/);
  expect(screen).toMatch(/[▀▄█]{3}/);
  expect(Buffer.from(terminal.bytes()).toString()).toContain("\x1b[30;107m");
});

if (process.platform === "linux")
  test("a server in the background gives way once its program was replaced, though the version is the same", async () => {
    const { env, folder, paths } = home();
    const program = join(folder, "bun");
    const put = () => {
      rmSync(program, { force: true }); // As `cp -f` and `install` do where it runs.
      copyFileSync(process.execPath, program);
      chmodSync(program, 0o755);
    };
    const sessions = () => ended(Bun.spawn([program, cli[1] ?? "", "sessions"], { env, stdio: PIPES }));
    const pid = async () => ((await admin(paths, "GET", "/status")) as { pid: number }).pid;
    put();
    expect((await sessions()).code).toBe(0);
    const first = await pid();
    expect((await sessions()).code).toBe(0);
    expect(await pid()).toBe(first);
    put();
    expect((await sessions()).code).toBe(0);
    expect(await pid()).not.toBe(first);
  });

test("many simultaneous starts leave one server in the background, with the taken port's next free one", async () => {
  const { env, folder, port } = home();
  const next = Number(port) + 1;
  using _taken = Bun.serve({ hostname: "127.0.0.1", port: Number(port), fetch: () => new Response("mine") });
  const starts = await Promise.all([1, 2, 3, 4].map(() => run(["pair", "--json", "--yes"], env)));
  expect(starts.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const urls = new Set(starts.map(({ out }) => new URL(JSON.parse(out).url).port));
  expect([...urls]).toEqual([String(next)]);
  const info = serverInfo(pathsFor(env));
  expect(info).toMatchObject({ auto: true, url: `http://127.0.0.1:${next}` });
  expect(statSync(join(folder, "data", "admin.sock")).mode & 0o777).toBe(0o600);
});

test("a server in the background leaves no word on the terminal, only in its log", async () => {
  const { env, folder } = home();
  const { err } = await run(["pair", "--json", "--yes"], env);
  expect(err).toBe("");
  const log = join(folder, "state", "logs", "server.log");
  expect(existsSync(log)).toBe(true);
  expect(statSync(log).mode & 0o777).toBe(0o600);
  expect(readFileSync(log, "utf8")).toContain('"started"');
});

test("serve says where the page is, refuses a second one, and ends on SIGTERM with 0", async () => {
  const { env, folder } = home();
  const first = Bun.spawn([...cli, "serve"], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  while (!(await running(folder))) await Bun.sleep(20);
  expect(await run(["serve"], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining("A server is running in"),
  });
  first.kill("SIGTERM");
  expect(await first.exited).toBe(0);
  expect(await new Response(first.stderr).text()).toContain(
    `page at http://127.0.0.1:${env.CLAUDE_REMOTE_PORT}`,
  );
});

test("versions are compared by their numbers", () => {
  expect(older("0.1.0", "0.2.0")).toBe(true);
  expect(older("0.10.0", "0.9.9")).toBe(false);
  expect(older("1.0.0", "1.0.0")).toBe(false);
});
