// The doctor's checks, each on something that is as it should be and on something that is not.
import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, type Flags, loadConfig } from "../config.ts";
import { push } from "../server/push/push.ts";
import { MIGRATIONS } from "../server/store/schema.ts";
import { Store } from "../server/store.ts";
import { systemd } from "../service/manager.ts";
import { TestLink } from "../testing/link.ts";
import { PushService } from "../testing/push-service.ts";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { VERSION } from "../version.ts";
import { COVERED } from "../wrapper/claude-dialogs.ts";
import { type Checked, checkAll, checksText, healthy } from "./checks.ts";
import { claudeCheck, ptyCheck } from "./checks-claude.ts";
import {
  clockOf,
  databaseCheck,
  diskCheck,
  diskOf,
  modesCheck,
  networkDiskCheck,
  spaceOf,
} from "./checks-files.ts";
import {
  asServed,
  logoutCheck,
  phonesCheck,
  publicUrlCheck,
  pushCheck,
  serverCheck,
} from "./checks-server.ts";
import { hooksCheck, rsyncCheck, serviceCheck, sshCheck } from "./checks-tools.ts";

const root = mkdtempSync(join(tmpdir(), "cr-doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Settings with a home of their own, with a data folder in it. */
function home(settings: Flags = {}, name = "home-"): Config {
  const folder = mkdtempSync(join(root, name));
  const config = loadConfig(settings, { CLAUDE_REMOTE_HOME: folder, XDG_RUNTIME_DIR: folder });
  mkdirSync(config.paths.data, { mode: 0o700 });
  return config;
}

/** A program that does what `sh` is told. */
function program(script: string): string {
  const path = join(mkdtempSync(join(root, "bin-")), "program");
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  return path;
}

const database = ({ paths }: Config) => join(paths.data, "claude-remote.db");

test("SEC-080 modes that are too wide are found, and the command that is named mends exactly them", () => {
  const config = home({}, "it's a home ");
  const { data } = config.paths;
  new Store(database(config))[Symbol.dispose]();
  mkdirSync(join(data, "before-restore-x"), { mode: 0o700 });
  writeFileSync(join(data, "before-restore-x", "master.key"), "x", { mode: 0o600 });
  expect(modesCheck(config)).toMatchObject({ status: "ok", next: null });
  const wide = [
    [database(config), 0o644],
    [join(data, "before-restore-x", "master.key"), 0o604],
    [join(data, "before-restore-x"), 0o750],
  ] as const;
  for (const [path, mode] of wide) chmodSync(path, mode);
  const found = modesCheck(config);
  expect(found.status).toBe("fail");
  expect(found.reason).toContain("and 2 more");
  expect(Bun.spawnSync(["sh", "-c", found.next ?? "false"]).exitCode).toBe(0);
  expect(modesCheck(config)).toMatchObject({ status: "ok" });

  const settings = join(config.paths.config, "config.toml");
  writeFileSync(settings, "port = 7200", { mode: 0o644 });
  expect(modesCheck(config)).toMatchObject({ status: "ok" });
  writeFileSync(settings, 'metrics_token = "0123456789012345678901"');
  expect(modesCheck(config).next).toStartWith("chmod 600 ");
});

test("a database is whole, older, newer, damaged, none or not there, and looking changes nothing", () => {
  const config = home();
  const file = database(config);
  expect(databaseCheck(config)).toMatchObject({
    status: "ok",
    reason: "there is none yet; the first start makes it",
  });
  expect(readdirSync(config.paths.data)).toEqual([]);
  new Store(file)[Symbol.dispose]();
  expect(databaseCheck(config)).toEqual({
    status: "ok",
    reason: `whole, version ${MIGRATIONS.length}`,
    next: null,
  });
  const set = (version: number) => {
    using db = new Database(file);
    db.run(`PRAGMA user_version = ${version}`);
  };
  set(1);
  expect(databaseCheck(config).reason).toContain(`version 1 becomes ${MIGRATIONS.length}`);
  set(99);
  expect(databaseCheck(config).reason).toBe(
    `it has version 99, this claude-remote knows up to ${MIGRATIONS.length}`,
  );
  set(MIGRATIONS.length);
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x5a, 8192, 40_960));
  expect(databaseCheck(config)).toMatchObject({ status: "fail" });
  writeFileSync(file, "no database at all".repeat(500));
  expect(databaseCheck(config).reason).toStartWith("it cannot be read: ");
  expect(databaseCheck(config).next).toContain("claude-remote restore");
});

test("disks of other machines, too little room and a clock that cannot be right are told", () => {
  for (const type of [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x00c36400])
    expect(diskOf("/data", type)).toMatchObject({
      status: "fail",
      next: expect.stringContaining("CLAUDE_REMOTE_HOME"),
    });
  for (const type of [0x65735546, 0x01021997]) expect(diskOf("/data", type).status).toBe("warn");
  for (const type of [0xef53, 0x9123683e, 0x58465342, 0x794c7630, 0])
    expect(diskOf("/data", type).status).toBe("ok");
  expect(spaceOf("/data", 49e6).status).toBe("fail");
  expect(spaceOf("/data", 499e6).status).toBe("warn");
  expect(spaceOf("/data", 501e6)).toEqual({ status: "ok", reason: "501 MB are free for /data", next: null });
  const config = home();
  rmSync(config.paths.data, { recursive: true }); // Before the first start.
  expect(networkDiskCheck(config).status).toBe("ok");
  expect(diskCheck(config).reason).toContain("MB are free");

  const now = Date.now();
  expect(clockOf(Date.UTC(1970, 0, 2), null)).toMatchObject({
    status: "fail",
    reason: expect.stringContaining("1970-01-02"),
  });
  expect(clockOf(now, null).status).toBe("ok");
  expect(clockOf(now, now + 4 * 60_000).status).toBe("ok");
  expect(clockOf(now, now + 6 * 60_000).status).toBe("fail");
});

test("a claude is found and covered, or of another version, or none", async () => {
  const of = (script: string) => claudeCheck(home({ claude: program(script) }));
  expect(await of("echo '2.1.329 (Claude Code)'")).toMatchObject({
    status: "ok",
    reason: expect.stringMatching(/^2\.1\.329 at/),
  });
  expect(await of("echo '9.9.9 (Claude Code)'")).toMatchObject({
    status: "warn",
    next: expect.stringContaining("doctor --claude"),
  });
  expect(await of("echo hello")).toMatchObject({
    status: "fail",
    reason: expect.stringContaining("does not tell its version"),
  });
  expect(await of("exit 1")).toMatchObject({ status: "fail" });
  expect(await claudeCheck(home({ claude: "/nowhere/claude" }))).toMatchObject({
    status: "fail",
    reason: "there is no claude at /nowhere/claude (CLAUDE_REMOTE_CLAUDE)",
    next: expect.stringContaining("npm install"),
  });
});

test("a server that somebody started himself needs no claude beside it, unless one is named", async () => {
  const path = process.env.PATH;
  const { paths, ...settings } = home();
  const known = { version: VERSION, pid: 1, url: "http://127.0.0.1:7200", viewers: 0 };
  const of = (auto: boolean, more: object = {}) => {
    writeFileSync(join(paths.data, "server.json"), JSON.stringify({ ...known, auto }));
    return claudeCheck({ ...settings, paths, ...more });
  };
  process.env.PATH = "/nowhere";
  try {
    expect(await of(false)).toMatchObject({
      status: "warn",
      reason: expect.stringContaining("on other machines"),
    });
    expect((await of(true)).status).toBe("fail");
    expect((await of(false, { claude: "/nowhere/claude" })).status).toBe("fail");
  } finally {
    process.env.PATH = path;
  }
});

test("the versions that are covered are those with recordings, and the document says the same", () => {
  const read = (...path: string[]) => join(import.meta.dir, "..", ...path);
  expect(readdirSync(read("wrapper", "dialogs", "testdata")).sort()).toEqual([...COVERED]);
  const document = readFileSync(read("..", "docs", "claude-versions.md"), "utf8");
  for (const version of COVERED)
    expect(document).toMatch(new RegExp(`\\| ${version} \\|.*every test with a real claude`));
});

test("both engines open a terminal", async () => {
  for (const pty of ["bun", "bun-pty"])
    expect(await ptyCheck(home({ pty }))).toEqual({
      status: "ok",
      reason: `the engine ${pty} runs programs`,
      next: null,
    });
});

test("a server is found with its version, or there is none", async () => {
  expect(await serverCheck(home())).toMatchObject({ status: "warn", reason: "none runs" });
  for (const [version, status] of [
    [VERSION, "ok"],
    ["0.0.1", "warn"],
  ] as const) {
    const config = home();
    await using server = await testServer({ data: config.paths.data, version });
    const found = await serverCheck(config);
    expect(found.status).toBe(status);
    expect(found.reason).toContain(version);
    if (status === "ok") expect(found.reason).toContain(server.url);
    else expect(found.next).toContain("start it anew");
  }
});

test("a server that hangs is told as that, and not as none", async () => {
  const config = home();
  const unix = join(config.paths.data, "admin.sock");
  const mute = Bun.listen({ unix, socket: { data() {} } });
  expect(await serverCheck(config, 50)).toMatchObject({
    status: "fail",
    reason: "one runs and does not answer",
  });
  mute.stop(true);
});

test("a public url leads to a claude-remote by https, or it is told what is in its way", async () => {
  expect(await publicUrlCheck(home())).toMatchObject({
    status: "warn",
    reason: expect.stringContaining("there is none"),
  });
  await using server = await testServer();
  expect(await publicUrlCheck(home({ public_url: server.url }))).toMatchObject({
    status: "warn",
    reason: expect.stringContaining("this machine alone"),
  });
  const other = `http://127.0.0.2:${server.port}`;
  using odd = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("<html>hello", { status: 502 }),
  });
  using wrongName = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(null, { status: 421 }),
  });
  using away = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.redirect(`${server.url}/health`),
  });
  const at = ({ port = 0 }) => publicUrlCheck(home({ public_url: `http://127.0.0.1:${port}` }));
  expect(await at(odd)).toMatchObject({
    status: "fail",
    reason: expect.stringContaining("502, and not as a claude-remote"),
  });
  expect(await at(wrongName)).toMatchObject({
    status: "fail",
    reason: expect.stringContaining("does not answer to that name"),
  });
  expect(await at(away)).toMatchObject({ status: "fail" });
  await server.stop();
  expect(await publicUrlCheck(home({ public_url: other }))).toMatchObject({
    status: "fail",
    reason: expect.stringContaining("cannot be reached"),
  });
});

test("push keys and the address that push services are told are looked at", async () => {
  const https = { public_url: "https://claude.example.com" };
  expect(pushCheck(home())).toMatchObject({ status: "warn", next: expect.stringContaining("docs/https.md") });
  expect(pushCheck(home(https))).toMatchObject({
    status: "ok",
    reason: expect.stringContaining("https://claude.example.com"),
  });
  expect(pushCheck(home({ public_url: "https://localhost" }))).toMatchObject({
    status: "warn",
    reason: expect.stringContaining("Apple"),
  });
  const named = { public_url: "https://devbox", push_contact: "mailto:me@example.com" };
  expect(pushCheck(home(named))).toMatchObject({
    status: "ok",
    reason: expect.stringContaining("mailto:me@example.com"),
  });
  const config = home(https);
  writeFileSync(join(config.paths.data, "push.key"), '{"public":"x"}');
  expect(pushCheck(config)).toMatchObject({ status: "fail", reason: expect.stringContaining("is damaged") });
});

test("the address that a running server was given by a flag is the one that is looked at", async () => {
  const config = home();
  expect(await asServed(config)).toEqual(config);
  const publicUrl = "https://claude.example.com";
  await using server = await testServer({ data: config.paths.data, publicUrl });
  expect((await asServed(config)).public_url).toBe(publicUrl);
  expect((await asServed({ ...config, public_url: "https://other.example" })).public_url).toContain("other");
  await server.stop();
});

test("a phone that notifications do not reach any more is told", async () => {
  const config = home();
  expect(await phonesCheck(config)).toMatchObject({ status: "ok", reason: "no server tells of phones" });
  await using service = new PushService();
  const annexes = [push({ anywhere: true })];
  await using server = await testServer({ data: config.paths.data, annexes });
  const phone = await TestViewer.pair(server, "My phone");
  expect(await phonesCheck(config)).toMatchObject({ status: "ok", reason: "none has notifications on" });
  expect(await asServed(config)).toEqual(config); // An address of this machine alone is none.
  const said = { platform: "android", permission: "granted", subscription: service.subscribe() };
  expect((await phone.post("/api/push/phone", said)).status).toBe(200);
  expect(await phonesCheck(config)).toMatchObject({ status: "ok", reason: "on for 1 of 1" });
  service.verdict = () => ({ status: 410 });
  expect((await phone.post("/api/push/test")).body).toMatchObject({ outcome: "gone" });
  expect(await phonesCheck(config)).toMatchObject({
    status: "warn",
    reason: expect.stringContaining("no notification reaches My phone: "),
  });
});

test("what a logout ends is told by the login manager", () => {
  const says = (script: string) => logoutCheck(home(), program(script));
  expect(says("echo yes")).toMatchObject({ status: "ok" });
  expect(says("echo no")).toMatchObject({
    status: "warn",
    next: expect.stringMatching(/^loginctl enable-linger \S+$/),
  });
  expect(says("exit 1")).toMatchObject({ status: "ok" });
  expect(logoutCheck(home(), null)).toMatchObject({ status: "ok" });
});

test("ssh and rsync are there, of a version that can be used, or it is said what is missing", () => {
  const ssh = (script: string) => sshCheck(home(), program(script));
  expect(ssh('echo "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0" >&2')).toEqual({
    ...{ status: "ok", reason: "OpenSSH_9.2p1 Debian-2", next: null },
  });
  expect(ssh('echo "OpenSSH_for_Windows_9.5p1" >&2').status).toBe("ok");
  expect(ssh('echo "OpenSSH_7.4p1" >&2').status).toBe("warn");
  expect(ssh('echo "Dropbear v2022.83" >&2').status).toBe("warn");
  expect(sshCheck(home(), null)).toMatchObject({
    status: "warn",
    next: expect.stringContaining("openssh-client"),
  });
  const rsync = (script: string) => rsyncCheck(home(), program(script));
  expect(rsync('echo "rsync  version 3.2.7  protocol version 31"')).toMatchObject({
    ...{ status: "ok", reason: "rsync 3.2.7" },
  });
  expect(rsync('echo "openrsync: protocol version 29"').status).toBe("warn");
  expect(rsyncCheck(home(), null).status).toBe("warn");
});

test("a service that is installed runs and starts by itself, or it is said what it does not", () => {
  const state = { installed: true, active: true, enabled: true };
  const manager = (change: Partial<typeof state>) =>
    ({ ...systemd({}), state: () => ({ ...state, ...change }) }) as const;
  const found = (change: Partial<typeof state>) => serviceCheck(home(), manager(change)).status;
  expect(found({})).toBe("ok");
  expect(found({ enabled: false })).toBe("warn");
  expect(found({ active: false })).toBe("fail");
  expect(found({ installed: false, active: false })).toBe("ok");
  expect(serviceCheck(home(), null).status).toBe("ok");
});

test("sessions that claude's hooks do not reach are told", async () => {
  const config = home();
  expect(await hooksCheck(config)).toMatchObject({ status: "ok" });
  await using server = await testServer({ data: config.paths.data });
  expect(await hooksCheck(config)).toMatchObject({ status: "ok", reason: "no session is open" });
  const { link } = await TestLink.session(server);
  using _link = link;
  expect(await hooksCheck(config)).toMatchObject({ status: "ok", reason: expect.stringContaining("1 open") });
  const { link: other } = await TestLink.session(server, { hooks: "dead", cwd: "/srv/\u001bx" });
  using _other = other;
  const found = await hooksCheck(config);
  expect(found).toMatchObject({ status: "fail", next: expect.stringContaining("disableAllHooks") });
  expect(found.reason).toContain("1 of 2 open sessions (/srv/?x)");
});

test("a check that breaks has failed, one that fails is enough, and nothing told can move the cursor", async () => {
  const fine = { status: "ok", reason: "fine", next: null } as const;
  const all = await checkAll(home(), {
    one: () => fine,
    two: async () => {
      throw new Error("broke \x1b[2J");
    },
    three: () => ({ status: "warn", reason: "so so", next: "do this" }),
  });
  expect(all.map(({ check, status }) => [check, status])).toEqual([
    ["one", "ok"],
    ["two", "fail"],
    ["three", "warn"],
  ]);
  expect(healthy(all)).toBeFalse();
  expect(healthy(all.filter(({ check }) => check !== "two"))).toBeTrue();
  const text = checksText(all);
  expect(text).toContain("→ do this");
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{C}/u);
});

test("SEC-081 `doctor` ends with 1 where something has failed, with 0 else, and tells no secret", async () => {
  const config = home();
  const secret = "planted-metrics-token-planted";
  const env = {
    ...{
      PATH: process.env.PATH ?? "",
      CLAUDE_REMOTE_HOME: config.paths.config,
      XDG_RUNTIME_DIR: config.paths.config,
    },
    ...{ CLAUDE_REMOTE_METRICS_TOKEN: secret, CLAUDE_REMOTE_CLAUDE: program("echo '2.1.329 (Claude Code)'") },
  };
  await using server = await testServer({ data: config.paths.data, version: VERSION, metricsToken: secret });
  const { code } = await server.admin("POST", "/pair", { yes: true });
  const doctor = async (...args: string[]) => {
    const words = [process.execPath, join(import.meta.dir, "..", "cli.ts"), "doctor", ...args];
    const child = Bun.spawn(words, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err] = [await new Response(child.stdout).text(), await new Response(child.stderr).text()];
    for (const planted of [
      secret,
      String(code),
      readFileSync(join(config.paths.data, "master.key")).toString("base64url"),
    ])
      expect(out + err).not.toContain(planted);
    return { out, err, code: await child.exited };
  };
  const plain = await doctor();
  expect(plain.err).toBe("");
  expect(plain.code).toBe(0);
  expect(plain.out).toContain(`ok    server         ${VERSION}`);
  chmodSync(database(config), 0o666);
  const json = await doctor("--json");
  expect(json.code).toBe(1);
  const told = JSON.parse(json.out) as { ok: boolean; version: string; checks: Checked[] };
  expect(told).toMatchObject({ ok: false, version: VERSION });
  expect(told.checks.find(({ check }) => check === "file modes")).toMatchObject({ status: "fail" });
  expect((await doctor("--all")).code).toBe(2);
  expect((await doctor("claude")).code).toBe(2);
});
