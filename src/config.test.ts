import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig } from "./config.ts";
import { pathsFor, privateFolder } from "./paths.ts";

function home(toml = "") {
  const folder = mkdtempSync(join(tmpdir(), "cr-config-"));
  if (toml) writeFileSync(join(folder, "config.toml"), toml);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

test("flags win over the environment, which wins over config.toml, which wins over the defaults", () => {
  using own = home('port = 1001\nhost = "0.0.0.0"\nlog_level = "warn"\n');
  const env = {
    CLAUDE_REMOTE_HOME: own.folder,
    CLAUDE_REMOTE_PORT: "1002",
    CLAUDE_REMOTE_LOG_LEVEL: "error",
  };
  const config = loadConfig({ log_level: "debug" }, env);
  expect(config).toMatchObject({
    host: "0.0.0.0",
    port: 1002,
    log_level: "debug",
    pty: "bun",
    keep_awake: true,
  });
  expect(loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere", HOME: "/h" }).port).toBe(7200);
});

test("a wrong value names the setting, where it came from and what is wrong, and changes nothing", () => {
  using own = home("port = 70000\n");
  const load = (env: Record<string, string>) => () =>
    loadConfig({}, { CLAUDE_REMOTE_HOME: own.folder, ...env });
  expect(load({})).toThrow(
    `port in ${join(own.folder, "config.toml")}: must be a whole number from 0 to 65535 (it is 70000)`,
  );
  using fine = home();
  const other = { CLAUDE_REMOTE_HOME: fine.folder };
  expect(() => loadConfig({}, { ...other, CLAUDE_REMOTE_PUBLIC_URL: "phone" })).toThrow(
    "must be an http(s) URL",
  );
  expect(() => loadConfig({ pty: "screen" }, other)).toThrow("--pty: must be one of bun, bun-pty");
  for (const wrong of ["x", "-1", "7.5", "7200 ", "1e3"])
    expect(() => loadConfig({}, { ...other, CLAUDE_REMOTE_PORT: wrong })).toThrow(
      `CLAUDE_REMOTE_PORT: must be a whole number from 0 to 65535 (it is ${JSON.stringify(wrong)})`,
    );
  expect(() => loadConfig({ max_streams: "many" }, other)).toThrow("must be a whole number from 1 to 10000");
});

test("an address is one without path, query or password, which nobody would get and which is not said again", () => {
  const given = (url: string) => () =>
    loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere", CLAUDE_REMOTE_URL: url });
  expect(given("https://box.example:8443//")().url).toBe("https://box.example:8443");
  for (const wrong of [
    "box.example",
    "https://h/path",
    "https://h?",
    "https://h#x",
    "https://h:99999",
    "ftp://h",
  ])
    expect(given(wrong), wrong).toThrow("CLAUDE_REMOTE_URL: must be an http(s) URL without a path");
  expect(given("https://ada:secret@h")).toThrow(/claude\.example\.com$/);
});

test("an unknown setting and a broken file are refused", () => {
  using unknown = home("prot = 1\n");
  expect(() => loadConfig({}, { CLAUDE_REMOTE_HOME: unknown.folder })).toThrow("there is no such setting");
  using broken = home("port = = 1\n");
  expect(() => loadConfig({}, { CLAUDE_REMOTE_HOME: broken.folder })).toThrow("cannot be read");
});

test("files are in the XDG folders, or all below CLAUDE_REMOTE_HOME", () => {
  expect(pathsFor({ HOME: "/h", XDG_RUNTIME_DIR: "/run/user/1" })).toEqual({
    data: "/h/.local/share/claude-remote",
    config: "/h/.config/claude-remote",
    state: "/h/.local/state/claude-remote",
    run: "/run/user/1/claude-remote",
  });
  expect(pathsFor({ CLAUDE_REMOTE_HOME: "/x" })).toEqual({
    data: "/x/data",
    config: "/x",
    state: "/x/state",
    run: "/x/run",
  });
});

test("a deep home does not make socket paths longer than the system allows", () => {
  const { run } = pathsFor({ CLAUDE_REMOTE_HOME: `/${"x".repeat(120)}` });
  expect(run.length).toBeLessThan(80);
});

test("SEC-080 a private folder is 0700 whatever the umask, and somebody else's link is refused", () => {
  using own = home();
  const before = process.umask(0);
  try {
    const folder = privateFolder(join(own.folder, "a"));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    mkdirSync(join(own.folder, "wide"));
    expect(statSync(privateFolder(join(own.folder, "wide"))).mode & 0o777).toBe(0o700); // One that was there already, too.
    mkdirSync(join(own.folder, "target"));
    symlinkSync(join(own.folder, "target"), join(own.folder, "link"));
    expect(() => privateFolder(join(own.folder, "link"))).toThrow("not a folder of yours");
  } finally {
    process.umask(before);
  }
});

test("the tools that ask are names and nothing else, however they are given", () => {
  using own = home('ask = ["Bash", "mcp__x-y__*"]');
  expect(loadConfig({}, { CLAUDE_REMOTE_HOME: own.folder }).ask).toEqual(["Bash", "mcp__x-y__*"]);
  const env = { CLAUDE_REMOTE_HOME: own.folder, CLAUDE_REMOTE_ASK: " Bash , Write,," };
  expect(loadConfig({}, env).ask).toEqual(["Bash", "Write"]);
  expect(loadConfig({ ask: "" }, env).ask).toEqual([]);
  for (const name of ["Ba sh", "Bash(rm *)", "a|b", ".*", "$(id)", "Bäsh", '"', "x".repeat(101)]) {
    expect(() => loadConfig({ ask: `Write,${name}` }, env), name).toThrow("--ask: must be names of tools");
  }
  expect(() => loadConfig({ ask: true }, env)).toThrow("--ask: must be names of tools");
});

test("SEC-081 a metrics token that cannot be used is refused without being said again", () => {
  using own = home('metrics_token = "short-secret"');
  const load = (env: Record<string, string> = {}) =>
    loadConfig({}, { CLAUDE_REMOTE_HOME: own.folder, ...env });
  expect(() => load()).toThrow(/metrics_token in .*: must be 20 to 100 letters/);
  expect(() => load()).not.toThrow("short-secret");
  using none = home("");
  const env = { CLAUDE_REMOTE_HOME: none.folder };
  expect(loadConfig({}, env).metrics_token).toBeUndefined();
  const token = "a-good_token-of-letters";
  expect(loadConfig({}, { ...env, CLAUDE_REMOTE_METRICS_TOKEN: token }).metrics_token).toBe(token);
});

test("SEC-012 trusted proxies are addresses and networks, and nothing else", () => {
  const given = (value: string) => loadConfig({ trusted_proxies: value }, { CLAUDE_REMOTE_HOME: "/nowhere" });
  expect(given("127.0.0.1, 10.0.0.0/8,fd00::/8").trusted_proxies).toEqual([
    "127.0.0.1",
    "10.0.0.0/8",
    "fd00::/8",
  ]);
  for (const wrong of [
    "*",
    "localhost",
    "10.0.0.0/33",
    "10.0.0/8",
    "10.0.0.1/8/8",
    "::/129",
    "1.2.3.4/-1",
    ",",
  ])
    expect(() => given(wrong), wrong).toThrow(ConfigError);
  expect(loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere" }).trusted_proxies).toBeUndefined();
});

test("SEC-075 how many streams and wrappers there may be is a whole number of sense", () => {
  const given = (value: string) => loadConfig({ max_streams: value }, { CLAUDE_REMOTE_HOME: "/nowhere" });
  expect(given("1000").max_streams).toBe(1_000);
  for (const wrong of ["0", "-1", "1.5", "1e9", "10001", "many"])
    expect(() => given(wrong)).toThrow(ConfigError);
});

test("how long and how much is kept are whole numbers of sense", () => {
  const given = (value: string) => loadConfig({ keep_days: value }, { CLAUDE_REMOTE_HOME: "/nowhere" });
  expect(given("7").keep_days).toBe(7);
  expect(loadConfig({}, { CLAUDE_REMOTE_HOME: "/nowhere" })).toMatchObject({
    keep_days: 30,
    keep_megabytes: 200,
  });
  for (const value of ["0", "-1", "1.5", "3651", "a week", ""])
    expect(() => given(value), value).toThrow("--keep-days");
});
