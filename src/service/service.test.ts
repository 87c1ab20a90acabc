// The service: the text of its units, read back by systemd's own tool, and the command, with a systemctl that is played.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
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
import { ownAdmin } from "../background.ts";
import { pathsFor } from "../paths.ts";
import { ended } from "../testing/ended.ts";
import { keptEnv, launchdAgent, systemdUnit } from "./units.ts";

setDefaultTimeout(120_000);

const cli = [process.execPath, join(import.meta.dir, "..", "cli.ts")];
const root = mkdtempSync(join(tmpdir(), "cr-service-"));
const homes: string[] = [];
afterAll(async () => {
  for (const folder of homes) {
    await ownAdmin(pathsFor({ CLAUDE_REMOTE_HOME: folder }), "POST", "/shutdown", {}).catch(() => {});
    while (existsSync(join(folder, "data", "admin.sock")) && (await answers(folder))) await Bun.sleep(20);
  }
  rmSync(root, { recursive: true, force: true });
});

const answers = (folder: string) =>
  ownAdmin(pathsFor({ CLAUDE_REMOTE_HOME: folder }), "GET", "/status").then(
    () => true,
    () => false,
  );

const FACTS = {
  command: ["/opt/bin/claude-remote", "serve", "--public-url", "https://claude.example.com"],
  env: {
    CLAUDE_REMOTE_PORT: "7300",
    PATH: "/usr/local/bin:/usr/bin:/bin",
  },
};
/** What systemd, launchd or XML would take for something else. */
const ODD = {
  command: ["/opt/my programs/claude-remote", "serve", '--host=a"b\\c%i$HOME$x<&>'],
  env: { PATH: '/bin:/with space:/q"uote:/back\\slash:/per%cent:/dol$lar:/<&>' },
};
const golden = (name: string) => readFileSync(join(import.meta.dir, "testdata", name), "utf8");

test("the unit and the agent are these texts, for plain words and for odd ones", () => {
  expect(systemdUnit(FACTS)).toBe(golden("plain.service"));
  expect(systemdUnit(ODD)).toBe(golden("odd.service"));
  expect(launchdAgent(FACTS, "/Users/ada/state/service.log")).toBe(golden("plain.plist"));
  expect(launchdAgent(ODD, "/Users/<ada>/service.log")).toBe(golden("odd.plist"));
});

test("systemd's own tool finds nothing wrong with the unit, and something with one that is wrong", () => {
  const runtime = mkdtempSync(join(root, "run-"));
  const verify = (text: string) => {
    const file = join(mkdtempSync(join(root, "unit-")), "claude-remote.service");
    writeFileSync(file, text);
    const { success, stderr } = Bun.spawnSync(["systemd-analyze", "--user", "verify", file], {
      env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime, HOME: root },
    });
    return { success, said: stderr.toString() };
  };
  const odd = join(root, "my %programs $HOME", "program");
  mkdirSync(join(odd, ".."), { recursive: true });
  writeFileSync(odd, "#!/bin/sh\n", { mode: 0o755 });
  const facts = { command: [odd, "serve", "100%", "$x"], env: ODD.env };
  expect(verify(systemdUnit(facts))).toEqual({ success: true, said: "" });
  expect(verify(systemdUnit({ ...facts, command: ["/nowhere"] }))).toMatchObject({ success: false });
  expect(verify(systemdUnit(facts).replace("KillMode", "KillMod")).said).toContain("KillMod");
});

test("launchd is asked to begin the agent only once the one before it is gone", () => {
  const bin = mkdtempSync(join(root, "launchctl-"));
  const there = join(bin, "there");
  // Told to end it, it does so while it is asked for the third time.
  const played = `#!/bin/sh
case $1 in
  print) [ -f ${there} ] || exit 1; [ ! -f ${there}.ends ] || { echo >>${there}.ends; [ "$(wc -l <${there}.ends)" -lt 3 ] || rm ${there} ${there}.ends; } ;;
  bootout) : >${there}.ends ;;
  bootstrap) [ ! -f ${there} ] || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }; : >${there} ;;
esac
`;
  writeFileSync(join(bin, "launchctl"), played, { mode: 0o755 });
  const manager = JSON.stringify(join(import.meta.dir, "manager.ts"));
  const env = { HOME: bin, PATH: `${bin}:${process.env.PATH}` };
  const does = (...words: string[]) => {
    const code = `import { launchd } from ${manager}; const one = launchd("/dev/null"); ${words.join(" ")}`;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", code], { env });
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  };
  does("one.start();", "one.start();");
  expect(existsSync(there)).toBe(true);
  does("one.stop();");
  expect(existsSync(there)).toBe(false);
});

test("of the environment the unit gets what says where things are, and no secret", () => {
  const env = {
    ...{ PATH: "/bin", HOME: "/root", CLAUDE_REMOTE_METRICS_TOKEN: "secret", CLAUDE_REMOTE_OFF: "1" },
    ...{
      CLAUDE_REMOTE_HOME: "/data",
      ANTHROPIC_API_KEY: "secret",
      XDG_DATA_HOME: "/d",
      XDG_RUNTIME_DIR: "/run",
    },
    CLAUDE_REMOTE_PUBLIC_URL: "",
  };
  expect(keptEnv(env)).toEqual({ CLAUDE_REMOTE_HOME: "/data", PATH: "/bin", XDG_DATA_HOME: "/d" });
});

/** A machine with a systemctl that does what the unit says, without a systemd. */
function machine({ linger = "no", bus = true } = {}) {
  const folder = mkdtempSync(join(root, "home-"));
  const bin = join(folder, "bin");
  homes.push(folder);
  mkdirSync(bin);
  const program = (name: string, script: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const at = (name: string) => `"${join(folder, name)}"`;
  const unit = join(folder, "config", "systemd", "user", "claude-remote.service");
  program("loginctl", linger === "" ? "exit 1" : `echo ${linger}`);
  program(
    "systemctl",
    `[ "$1" = --user ] || exit 9; shift; echo "$*" >>${at("asked")}
${bus ? "" : 'echo "Failed to connect to bus: No medium found" >&2; exit 1'}
alive() { [ -s ${at("pid")} ] && kill -0 "$(cat ${at("pid")})" 2>/dev/null; }
end() { if alive; then kill "$(cat ${at("pid")})"; while alive; do sleep 0.05; done; fi; rm -f ${at("pid")}; }
case "$*" in
  show-environment|daemon-reload) ;;
  "enable "*) touch ${at("enabled")} ;;
  "restart "*) end
    setsid sh -c "exec $(sed -n 's/^ExecStart=//p' "${unit}")" >${at("said")} 2>&1 </dev/null &
    echo $! >${at("pid")} ;;
  "disable --now "*) end; rm -f ${at("enabled")} ;;
  "is-active "*) if alive; then echo active; else echo inactive; exit 3; fi ;;
  "is-enabled "*) if [ -e ${at("enabled")} ]; then echo enabled; else echo disabled; exit 1; fi ;;
  *) exit 8 ;;
esac`,
  );
  const probe = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const port = String(probe.port);
  probe.stop(true);
  const env: Record<string, string> = {
    ...{ PATH: `${bin}:${process.env.PATH}`, HOME: folder, XDG_CONFIG_HOME: join(folder, "config") },
    ...{ CLAUDE_REMOTE_HOME: folder, CLAUDE_REMOTE_PORT: port },
  };
  const asked = () => readFileSync(join(folder, "asked"), "utf8").trim().split("\n");
  return { folder, env, unit, port, asked };
}

async function run(args: string[], env: Record<string, string>) {
  const child = Bun.spawn([...cli, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return ended(child);
}

test("it is installed, runs, is told of, is installed again, and goes without the data", async () => {
  const { env, unit, folder, asked, port } = machine();
  const before = await run(["service", "status"], env);
  expect([before.code, before.out]).toEqual([1, expect.stringMatching(/^not installed/)]);
  const first = await run(["service", "install", "--log-level", "debug"], env);
  expect(first).toMatchObject({ code: 0, out: "" });
  expect(first.err).toContain(`http://127.0.0.1:${port} runs as a service (${unit})`);
  expect(first.err).toMatch(/ends when you log out.*loginctl enable-linger/);
  expect(readFileSync(unit, "utf8")).toContain('"serve" "--log-level" "debug"');
  expect(statSync(unit).mode & 0o777).toBe(0o600);
  expect(asked().slice(-3)).toEqual([
    ...["daemon-reload", "enable claude-remote.service", "restart claude-remote.service"],
  ]);
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  const { out } = await run(["service", "status", "--json"], env);
  expect(JSON.parse(out)).toMatchObject({
    ...{ installed: true, active: true, enabled: true, linger: false, file: unit },
    url: `http://127.0.0.1:${port}`,
  });

  const again = await run(["service", "install", "--log-level", "debug"], env);
  expect(again).toMatchObject({ code: 0, err: expect.stringContaining("just so") });
  expect(asked().filter((line) => line.startsWith("restart"))).toHaveLength(1);
  const without = await run(["service", "install"], env);
  expect(without.err).toContain("It was installed with --log-level, which this time nobody said");
  expect((await run(["service", "install"], env)).err).not.toContain("nobody said");
  expect(asked().filter((line) => line.startsWith("restart"))).toHaveLength(2);
  expect(readFileSync(unit, "utf8")).not.toContain("--log-level");

  expect(await run(["service", "uninstall"], env)).toMatchObject({ code: 0 });
  expect(existsSync(unit)).toBe(false);
  expect(await answers(folder)).toBe(false);
  expect(existsSync(join(folder, "data", "claude-remote.db"))).toBe(true);
  expect((await run(["service", "uninstall"], env)).err).toContain("not installed");
});

test("a server that a wrapper started gives way; one that the user started does not", async () => {
  const { env, folder } = machine({ linger: "yes" });
  const auto = Bun.spawn([...cli, "serve", "--auto"], { env, stdio: ["ignore", "ignore", "ignore"] });
  while (!(await answers(folder))) await Bun.sleep(20);
  while (!existsSync(join(folder, "data", "server.json"))) await Bun.sleep(20);
  const installed = await run(["service", "install"], env);
  expect([installed.code, installed.err]).toEqual([0, expect.not.stringContaining("log out")]);
  await auto.exited;
  await run(["service", "uninstall"], env);

  const own = Bun.spawn([...cli, "serve"], { env, stdio: ["ignore", "ignore", "ignore"] });
  while (!(await answers(folder))) await Bun.sleep(20);
  while (JSON.parse(readFileSync(join(folder, "data", "server.json"), "utf8")).auto) await Bun.sleep(20);
  expect(await run(["service", "install"], env)).toMatchObject({
    code: 5,
    err: expect.stringContaining("you started yourself"),
  });
  own.kill();
  await own.exited;
});

test("where systemd does not run, or settings are wrong, it says so and leaves nothing", async () => {
  const { env, unit } = machine({ bus: false });
  const refused = await run(["service", "install"], env);
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toMatch(/No medium found.*In a container.*loginctl enable-linger/s);
  expect(existsSync(unit)).toBe(false);
  expect(await run(["service", "install"], { ...env, PATH: "/nowhere" })).toMatchObject({
    code: 1,
    err: expect.stringContaining("no systemd here"),
  });
  expect((await run(["service", "install", "--port", "x"], env)).code).toBe(3);
  expect((await run(["service", "install"], { ...env, CLAUDECODE: "1" })).code).toBe(5);
  for (const args of [
    ["service"],
    ["service", "start"],
    ["service", "status", "x"],
    ["service", "install", "--json"],
  ])
    expect((await run(args, env)).code).toBe(2);
  const printed = await run(["service", "install", "--print", "--port", "7300"], env);
  expect([printed.code, printed.out]).toEqual([0, expect.stringContaining('"--port" "7300"')]);
  expect(existsSync(unit)).toBe(false);
});

/** Runs the words after it below a systemd of this user's own, where root may start one: it wants to see that the machine was booted with it. */
const BELOW_SYSTEMD = `mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system || exit 9
/lib/systemd/systemd --user >/dev/null 2>&1 & manager=$!
until systemctl --user show-environment >/dev/null 2>&1; do kill -0 $manager || exit 8; sleep 0.1; done
"$@"; code=$?
kill $manager; wait $manager; exit $code`;

function belowSystemd(folder: string, env: Record<string, string>, ...words: string[]) {
  const runtime = join(folder, "runtime");
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  return Bun.spawnSync(["unshare", "-m", "sh", "-c", BELOW_SYSTEMD, "sh", ...words], {
    env: { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: runtime, ...env },
    timeout: 110_000,
  });
}

const hasSystemd =
  process.getuid?.() === 0 && belowSystemd(mkdtempSync(join(root, "probe-")), {}, "true").exitCode === 0;

if (hasSystemd)
  test("a real systemd runs it, starts it again when it is killed, and lets it go", () => {
    const { folder, env, port } = machine();
    const ours = cli.map((word) => `'${word}'`).join(" ");
    const script = `set -e
${ours} service install --log-level warn
systemctl --user show claude-remote -p KillMode -p OOMPolicy -p NoNewPrivileges -p ActiveState
first=$(systemctl --user show claude-remote -p MainPID --value)
kill -9 "$first"
until [ "$(systemctl --user show claude-remote -p NRestarts --value)" = 1 ]; do sleep 0.2; done
until ${ours} healthcheck 2>/dev/null; do sleep 0.2; done
${ours} service status
${ours} service uninstall
! systemctl --user cat claude-remote 2>/dev/null`;
    const { exitCode, stdout, stderr } = belowSystemd(
      folder,
      { ...env, PATH: process.env.PATH ?? "", XDG_CONFIG_HOME: join(folder, ".config") },
      ...["bash", "-c", script],
    );
    expect([exitCode, stderr.toString()]).toEqual([0, expect.stringContaining("runs as a service")]);
    for (const line of [
      "KillMode=process",
      "OOMPolicy=continue",
      "NoNewPrivileges=yes",
      "ActiveState=active",
    ])
      expect(stdout.toString()).toContain(line);
    expect(stdout.toString()).toContain(`runs, at http://127.0.0.1:${port}\nstarts by itself`);
    expect(existsSync(join(folder, "data", "claude-remote.db"))).toBe(true);
  });
