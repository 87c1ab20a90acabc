// What a launch carries to a devbox arrives there as it is, is text and nothing else, and shows in no list of processes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Enrolled } from "../../devbox/address.ts";
import { Connections } from "../../devbox/connections.ts";
import { type LaunchRequest, type LaunchStep, launch } from "../../devbox/launch.ts";
import { order } from "../../devbox/order.ts";
import { Ssh } from "../../devbox/ssh.ts";
import { LaunchError } from "../../devbox/ssh-errors.ts";
import { tunnelRuns } from "../../devbox/tunnel.ts";
import type { ConversationId, SessionId } from "../../protocol.ts";
import { VERSION } from "../../version.ts";
import { nameOf, textOf, until } from "../story/processes.ts";
import { mayMakeUsers } from "./hosts.ts";
import { DevboxWorld, PATIENCE_MS, standIn } from "./world.ts";

const TEST_MS = 120_000;
/** One of each kind; the others are told apart by scripts alone (src/devbox/ssh.test.ts). */
const KINDS = ["/bin/sh", "/usr/bin/fish", "/usr/bin/tcsh"];
const MORE = process.env.CLAUDE_REMOTE_TEST_ALL === "1" ? ["/bin/bash", "/usr/bin/zsh"] : [];
const SHELLS: (string | undefined)[] = mayMakeUsers ? [...KINDS, ...MORE] : [undefined];
const nameOfShell = (shell: string | undefined) => `box${(shell ?? "").replaceAll("/", "-")}`;
/** Writes down what it was started with, and stays until it is told to end. */
const TELLS = standIn(`{ pwd -P; printf x; } >"$HOME/pwd"
for word; do printf '%s\\0' "$word"; done >"$HOME/words.new"
env >"$HOME/env"
mv "$HOME/words.new" "$HOME/words"
cat >"$HOME/typed"`);
const DIRS = [
  "plain",
  "a'b",
  'a"b',
  "a\\b",
  "trailing\\",
  "a\nb",
  "$(touch owned)",
  "`touch owned`",
  "!!",
  "*",
  "-rf",
  "🐱 ü",
];
const WORDS = [
  ...DIRS,
  "--model=a;b",
  "-x",
  "%s",
  "{a,b}",
  "~",
  "$HOME",
  "",
  "\r",
  "|| touch owned",
  "'\\''",
  "a\tb",
];

let world: DevboxWorld;
beforeAll(async () => {
  const hosts = SHELLS.map((shell) => ({
    name: nameOfShell(shell),
    ...(shell ? { shell } : {}),
    files: { ".local/bin/claude*": TELLS },
  }));
  world = await DevboxWorld.open(hosts);
  await Promise.all(hosts.map(({ name }) => world.add(name)));
}, TEST_MS);
afterAll(() => world[Symbol.asyncDispose](), TEST_MS);

const request = (change: Partial<LaunchRequest> & Pick<LaunchRequest, "devbox">): LaunchRequest => ({
  ...{ dir: null, args: [], prompt: null, mode: null, resume: null },
  ...change,
});

/** What the server gives a launch. */
async function enrolled(name: string): Promise<Enrolled> {
  const unix = join(world.folder, "cr", "data", "admin.sock");
  return (
    await fetch(`http://localhost/devboxes/${name}/enrol`, { method: "POST", unix })
  ).json() as Promise<Enrolled>;
}

/** Launches by hand; what stands in claude's place says when it runs. */
async function launched(
  name: string,
  change: Partial<LaunchRequest>,
  connections: Connections,
  onStep: (step: LaunchStep) => void = () => {},
  signal = new AbortController().signal,
) {
  const host = world.hosts.host(name);
  return launch(
    request({ devbox: host.devbox, ...change }),
    {
      enrol: () => enrolled(name),
      waitFor: async (id) => {
        signal.throwIfAborted();
        await until("it runs", () => existsSync(join(host.home, "words")), PATIENCE_MS);
        return id as SessionId;
      },
      connections,
      socket: join(world.folder, "cr", "data", "server.sock"),
      data: join(world.folder, "cr", "data"),
      signal,
    },
    onStep,
  );
}

function endAll(name: string) {
  const host = world.hosts.host(name);
  for (const pid of host.processes())
    if (textOf(`/proc/${pid}/cmdline`).includes("\0hosted\0--run")) process.kill(pid, "SIGTERM");
  return until(
    "its end",
    () => !host.processes().some((pid) => textOf(`/proc/${pid}/cmdline`).includes("hosted")),
    60_000,
  );
}

for (const shell of SHELLS) {
  test.concurrent(
    `SEC-060 folders and arguments arrive byte for byte where the login shell is ${shell ?? "this user's"}`,
    async () => {
      const name = nameOfShell(shell);
      const host = world.hosts.host(name);
      await using connections = new Connections(world.hosts.setup);
      const [dir = ""] = DIRS.slice(SHELLS.indexOf(shell) * 2 + 1); // Another one for each.
      const folder = join(host.home, dir);
      mkdirSync(folder, { recursive: true });
      if (host.user) Bun.spawnSync(["chown", `${host.user}:`, folder]);
      await launched(name, { dir: folder, args: WORDS }, connections);
      const words = readFileSync(join(host.home, "words"), "utf8").split("\0").slice(0, -1);
      expect(words.filter((word) => !word.startsWith("--plugin-dir="))).toEqual(WORDS);
      expect(readFileSync(join(host.home, "pwd"), "utf8")).toBe(`${folder}\nx`);
      await endAll(name);
      expect(existsSync(join(host.home, "owned"))).toBe(false);
      expect(existsSync(join(folder, "owned"))).toBe(false);
      rmSync(join(host.home, "words"));
    },
    TEST_MS,
  );
}

test(
  "SEC-064 what a phone says is typed, never a word of claude's; its mode and conversation are flags of ours",
  async () => {
    const name = nameOfShell(SHELLS[0]);
    const host = world.hosts.host(name);
    await using connections = new Connections(world.hosts.setup);
    const prompt = "--dangerously-skip-permissions";
    const resume = "7e4f1c1a-0000-4000-8000-000000000000" as ConversationId;
    await launched(name, { prompt, mode: "plan", resume }, connections);
    const words = readFileSync(join(host.home, "words"), "utf8").split("\0").slice(0, -1);
    expect(words.filter((word) => !word.startsWith("--plugin-dir="))).toEqual([
      ...["--permission-mode", "plan", "--resume", resume],
    ]);
    await endAll(name);
    rmSync(join(host.home, "words"));
    const refused = { mode: "bypassPermissions" } as unknown as Partial<LaunchRequest>;
    for (const change of [
      refused,
      { resume: "--settings=x" as ConversationId },
      { dir: "-rf" },
      { args: ["a\0b"] },
    ]) {
      const error = await launched(name, change, connections).catch((reason) => reason);
      expect(error).toBeInstanceOf(LaunchError);
    }
    expect(existsSync(join(host.home, "words"))).toBe(false);
  },
  TEST_MS,
);

test(
  "a launch that is called off ends at its step, and leaves nothing there but our program",
  async () => {
    const name = nameOfShell(SHELLS[0]);
    const host = world.hosts.host(name);
    const { home } = host;
    const begun = () => host.processes().some((pid) => nameOf(pid).includes("hosted --run"));
    const bin = join(home, ".local/share/claude-remote/bin");
    rmSync(join(bin, `claude-remote-${VERSION}`)); // So that it has to be put there.
    await using connections = new Connections(world.hosts.setup);
    const { device } = await enrolled(name);
    for (const [wanted, when] of [
      ["copying", () => true],
      ["tunnel", () => true],
      ["starting", begun],
    ] as const) {
      const steps: string[] = [];
      const ended = new AbortController();
      const callOff = ({ step, percent = 100 }: LaunchStep) => {
        steps.push(step);
        if (step === wanted && percent > 20) until("its time", when).then(() => ended.abort());
      };
      const error = await launched(name, {}, connections, callOff, ended.signal).catch((reason) => reason);
      expect([wanted, error.class]).toEqual([wanted, "stopped"]);
      expect(steps.at(-1)).toBe(wanted);
      await world.clean(name);
      await until("no way back", () => !tunnelRuns({ data: join(world.folder, "cr", "data"), device }));
      expect([wanted, readdirSync(bin)]).toEqual([
        wanted,
        [".keep", ...(wanted === "copying" ? [] : [`claude-remote-${VERSION}`])],
      ]);
      rmSync(join(home, "words"), { force: true });
    }
  },
  TEST_MS,
);

test(
  "whoever was let in by a password is told that the way back cannot be told it",
  async () => {
    const name = nameOfShell(SHELLS[0]);
    const host = world.hosts.host(name);
    const key = readFileSync(join(host.home, ".ssh/authorized_keys"), "utf8");
    await using connections = new Connections({ ...world.hosts.setup, ask: true });
    connections.take(await Ssh.open(host.devbox, connections.setup));
    const forget = ({ step }: LaunchStep) => step === "tunnel" && host.put(".ssh/authorized_keys", "");
    const error = await launched(name, {}, connections, forget).catch((reason) => reason);
    host.put(".ssh/authorized_keys", key);
    expect(error).toMatchObject({
      class: "tunnel",
      message: expect.stringContaining("nobody can tell a password"),
    });
    expect(error.next).toMatch(/ssh-copy-id[\s\S]*ssh-add[\s\S]*an address that this devbox reaches/);
    await world.clean(name);
  },
  TEST_MS,
);

test(
  "SEC-066 no process, there or here, has the secret among its words or in its environment, then or later",
  async () => {
    const name = nameOfShell(SHELLS[0]);
    const host = world.hosts.host(name);
    const { secret } = await enrolled(name);
    const seen = new Set<string>();
    let looks = 0;
    const look = () => {
      looks++;
      for (const pid of readdirSync("/proc").filter(
        (one) => /^\d+$/.test(one) && Number(one) !== process.pid,
      ))
        if (`${textOf(`/proc/${pid}/cmdline`)}\0${textOf(`/proc/${pid}/environ`)}`.includes(secret))
          seen.add(pid);
    };
    const timer = setInterval(look, 25);
    await using connections = new Connections(world.hosts.setup);
    await launched(name, {}, connections);
    look();
    clearInterval(timer);
    expect(looks).toBeGreaterThan(2);
    expect([...seen]).toEqual([]);
    const env = readFileSync(join(host.home, "env"), "utf8");
    expect(env).not.toMatch(/CLAUDE_REMOTE_/);
    const files = readdirSync(join(host.home, ".local"), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((one) => /\.(json|pid|log)$|address$/.test(one)))
      expect(readFileSync(join(host.home, ".local", file), "utf8")).not.toContain(secret);
    await endAll(name);
    rmSync(join(host.home, "words"));
  },
  TEST_MS,
);

test(
  "SEC-063 a launch has no environment, and an order that brings one is refused",
  async () => {
    const name = nameOfShell(SHELLS[0]);
    await using connections = new Connections(world.hosts.setup);
    const ssh = await connections.get(world.hosts.host(name).devbox);
    const sent = {
      ...{ dir: null, args: [], prompt: null, mode: null, resume: null, claude: null },
      ...{ launch: "l", device: "d", secret: "s".repeat(43) },
      ...{ address: { kind: "tunnel" }, size: { cols: 80, rows: 24 } },
    };
    expect(v.is(order, sent)).toBe(true);
    for (const name of ["LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "GIT_SSH_COMMAND", "PATH"])
      expect([name, v.is(order, { ...sent, env: { [name]: "/tmp/x" } })]).toEqual([name, false]);
    const file = (await ssh.script('ls "$HOME"/.local/share/claude-remote/bin/claude-remote-*')).out.trim();
    const stdin = `${JSON.stringify({ ...sent, env: { LD_PRELOAD: "/tmp/x" } })}\n`;
    expect((await ssh.script(`'${file}' hosted`, { stdin })).out).toMatch(/the order makes no sense/);
    expect(existsSync(join(world.hosts.host(name).home, "words"))).toBe(false);
  },
  TEST_MS,
);
