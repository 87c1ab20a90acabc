import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cuttable } from "../testing/ssh/cuttable.ts";
import { type Host, Hosts, mayMakeUsers } from "../testing/ssh/hosts.ts";
import { kill, until } from "../testing/story/processes.ts";
import { Connections } from "./connections.ts";
import type { SshDevbox, SshSetup } from "./devbox.ts";
import { shellWord } from "./script.ts";
import { hostKey, ownKey, trust } from "./setup.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError } from "./ssh-errors.ts";

/** Text that some shell or program would read as something else (SEC-060). */
const HOSTILE = [
  ...[
    "'",
    '"',
    "\\",
    "trailing\\",
    "a\nb",
    "$(touch owned)",
    "`touch owned`",
    "!!",
    "*",
    "~",
    "-rf",
    "--",
    "; touch owned",
  ],
  ...[
    "🐱 ü \u202e",
    "%s%n",
    "{a,b}",
    "$HOME",
    "a\tb",
    "'\\''",
    "|| touch owned",
    "\r",
    "#",
    "<(touch owned)",
    "^",
    "a=b",
  ],
];
const SHELLS = ["/bin/sh", "/bin/bash", "/usr/bin/zsh", "/usr/bin/fish", "/usr/bin/tcsh"];

/** Logins one after the other, each of which a busy machine makes seconds long. */
setDefaultTimeout(120_000);

let hosts: Hosts;
let box: Host;

beforeAll(async () => {
  const users = mayMakeUsers
    ? SHELLS.map((shell) => ({ name: `user${shell.replaceAll("/", "-")}`, shell }))
    : [];
  hosts = await Hosts.open(
    { name: "own", files: { ".bashrc": "echo welcome\necho noise >&2\n" } },
    { name: "forced", lines: ["ForceCommand echo forced: $SSH_ORIGINAL_COMMAND"] },
    { name: "narrow", lines: ["MaxSessions 1", "AllowTcpForwarding no", "AllowStreamLocalForwarding no"] },
    ...users,
  );
  box = hosts.host("own");
});
afterAll(() => hosts[Symbol.asyncDispose]());

const open = (devbox: SshDevbox = box.devbox, setup: SshSetup = hosts.setup) => Ssh.open(devbox, setup);
const failing = async (promise: Promise<unknown>): Promise<LaunchError> => {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  if (!(error instanceof LaunchError)) throw new Error(`no LaunchError: ${error}`);
  return error;
};
/** The same ssh with a folder of its own. */
function otherFolder(name: string): SshSetup {
  const folder = join(hosts.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of ["config", "known_hosts"]) writeFileSync(join(folder, file), "", { mode: 0o600 });
  return { ...hosts.setup, folder };
}

test("a script's output, errors and exit code are its own, whatever the login shell prints", async () => {
  await using ssh = await open();
  const result = await ssh.script("echo out; echo err >&2; exit 7");
  expect(result).toEqual({ code: 7, out: "out\n", err: "err\n" });
  expect(await ssh.script("printf x")).toEqual({ code: 0, out: "x", err: "" });
});

test("what is killed there without a word is lost, not ended", async () => {
  await using ssh = await open();
  expect((await failing(ssh.script("kill -9 $$"))).class).toBe("lost");
  expect((await ssh.script("sh -c 'kill -9 $$'")).code).toBe(137);
});

test("input arrives as the bytes that it is, also for shells that read ahead", async () => {
  await using ssh = await open();
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256);
  const { out } = await ssh.script("sha256sum", { stdin: bytes });
  expect(out.slice(0, 64)).toBe(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"));
});

for (const shell of mayMakeUsers ? SHELLS : ["own"]) {
  test(`SEC-060 hostile text arrives byte for byte where the login shell is ${shell}`, async () => {
    const host = shell === "own" ? box : hosts.host(`user${shell.replaceAll("/", "-")}`);
    await using ssh = await open(host.devbox);
    const words = HOSTILE.map(shellWord).join(" ");
    const stdin = HOSTILE.join("\0");
    const { out, code } = await ssh.script(`printf '%s\\0' ${words}; cat`, { stdin });
    expect([code, ...out.split("\0")]).toEqual([0, ...HOSTILE, ...HOSTILE]);
    expect(existsSync(join(host.home, "owned"))).toBe(false);
  });
}

test("a file is there when it is whole, and its rest is not there when the connection is cut", async () => {
  const file = join(hosts.folder, "large");
  writeFileSync(file, crypto.getRandomValues(new Uint8Array(65_536)));
  for (let i = 0; i < 7; i++) writeFileSync(file, Buffer.concat([readFileSync(file), readFileSync(file)]));
  const target = join(box.home, "a b'c", "program");
  {
    await using ssh = await open();
    const seen: number[] = [];
    await ssh.copy(file, target, 0o700, (bytes) => seen.push(bytes));
    expect(readFileSync(target).equals(readFileSync(file))).toBe(true);
    expect(seen.at(-1)).toBe(Bun.file(file).size);
  }
  await using link = await Cuttable.open(box.port);
  box.knownAt(link.port);
  await using ssh = await open({ ...box.devbox, port: link.port });
  const cut = (bytes: number) => bytes > 2_000_000 && link.set("refuse");
  expect((await failing(ssh.copy(file, `${target}2`, 0o700, cut))).class).toMatch(/^(lost|refused)$/);
  const folder = join(box.home, "a b'c");
  await until("the rest removed", () => readdirSync(folder).length === 1);
  expect(readdirSync(folder)).toEqual(["program"]);
});

test("a place that cannot be written is named", async () => {
  await using ssh = await open();
  const file = join(hosts.folder, "ssh", "known_hosts");
  writeFileSync(join(box.home, "a-file"), "");
  expect((await failing(ssh.copy(file, join(box.home, "a-file", "x"), 0o600))).class).toBe("forbidden");
  if (!mayMakeUsers) return;
  mkdirSync(join(box.home, "full"));
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", join(box.home, "full")]);
  expect(mounted.exitCode).toBe(0);
  const large = join(hosts.folder, "noise");
  writeFileSync(large, crypto.getRandomValues(new Uint8Array(65_536)).toString().repeat(4));
  const error = await failing(ssh.copy(large, join(box.home, "full", "x"), 0o600));
  Bun.spawnSync(["umount", join(box.home, "full")]);
  expect(error.class).toBe("disk_full");
});

test("SEC-061 an unknown host key ends it, shows the fingerprint, and is believed only after a yes", async () => {
  const setup = otherFolder("fresh");
  await Bun.write(
    join(hosts.folder, "fresh", "id_ed25519"),
    Bun.file(join(hosts.folder, "ssh", "id_ed25519")),
  );
  Bun.spawnSync(["chmod", "600", join(hosts.folder, "fresh", "id_ed25519")]);
  const error = await failing(open(box.devbox, setup));
  const listed = Bun.spawnSync(["ssh-keygen", "-lf", join(hosts.folder, "own.key.pub")]).stdout.toString();
  expect(error.class).toBe("host_key_unknown");
  expect(listed).toContain(error.fingerprint ?? "no fingerprint");
  expect(readFileSync(join(hosts.folder, "fresh", "known_hosts"), "utf8")).toBe("");
  await trust(box.devbox, setup, await hostKey(box.devbox, setup));
  await using ssh = await open(box.devbox, setup);
  expect((await ssh.script("exit 3")).code).toBe(3);
});

test("SEC-061 a changed host key ends it, with the fingerprint that is shown now", async () => {
  const setup = otherFolder("changed");
  const other = readFileSync(join(hosts.folder, "forced.key.pub"), "utf8");
  writeFileSync(join(hosts.folder, "changed", "known_hosts"), `[127.0.0.1]:${box.port} ${other}`);
  const error = await failing(open(box.devbox, setup));
  expect(error.class).toBe("host_key_changed");
  expect(error.message).toContain("SHA256:");
});

test("a refused login is one attempt for all who wait for it, and names what to look at", async () => {
  const setup = otherFolder("stranger");
  await ownKey(join(hosts.folder, "stranger"));
  const known = readFileSync(join(hosts.folder, "ssh", "known_hosts"), "utf8");
  writeFileSync(join(hosts.folder, "stranger", "known_hosts"), known);
  const log = () =>
    readFileSync(join(hosts.folder, "own.log"), "utf8").split("closed by authenticating user").length;
  const before = log();
  await using connections = new Connections(setup);
  const [error] = await Promise.all([1, 2, 3].map(() => failing(connections.get(box.devbox))));
  if (!error) throw new Error("no error");
  expect(error.class).toBe("auth");
  expect(error.next).toContain("authorized_keys");
  await until("sshd's own word", () => log() > before);
  expect(log()).toBe(before + 1);
});

test("what does not listen, does not exist, says nothing or forces a command is told apart", async () => {
  await using link = await Cuttable.open(box.port);
  link.set("hold");
  const at = (change: Partial<SshDevbox>, setup = hosts.setup) =>
    failing(open({ ...box.devbox, ...change }, setup));
  expect((await at({ host: "no-such-host.invalid" })).class).toBe("dns");
  expect((await at({ port: link.port }, { ...hosts.setup, connectSeconds: 1 })).class).toBe("timeout");
  expect((await failing(open(hosts.host("forced").devbox))).class).toBe("no_shell");
  const { port } = link;
  await link[Symbol.asyncDispose]();
  expect((await at({ port })).class).toBe("refused");
  writeFileSync(join(hosts.folder, "ssh", "config"), "Foo bar\n");
  const error = await at({});
  writeFileSync(join(hosts.folder, "ssh", "config"), "");
  expect(error.class).toBe("config");
});

test("a host with one session a connection serves all the same; one without forwarding says so", async () => {
  await using ssh = await open(hosts.host("narrow").devbox);
  expect((await ssh.script("echo hi")).out).toBe("hi\n");
  const error = await failing(ssh.forward("127.0.0.1:0", "/nowhere.sock"));
  expect(error.class).toBe("tunnel");
});

test("one connection serves many, is replaced when it is lost, and leaves nothing behind", async () => {
  await using link = await Cuttable.open(box.port);
  box.knownAt(link.port);
  const devbox = { ...box.devbox, port: link.port };
  {
    await using connections = new Connections(hosts.setup);
    const all = await Promise.all([connections.get(devbox), connections.get(devbox)]);
    expect(all[0]).toBe(all[1] ?? null);
    await Promise.all([1, 2, 3].map(() => connections.get(devbox).then((ssh) => ssh.script("true"))));
    expect(link.made).toBe(1);
    link.reset();
    await all[0]?.closed;
    expect((await (await connections.get(devbox)).script("echo again")).out).toBe("again\n");
  }
  await until("nothing runs there", () => box.processes().length === 0);
  expect(readdirSync(hosts.setup.run)).toEqual([]);
});

test("a login is everybody's who waits for it: it outlives whoever called off, and ends when nobody waits any more", async () => {
  await using link = await Cuttable.open(box.port);
  box.knownAt(link.port);
  const devbox = { ...box.devbox, port: link.port };
  await using connections = new Connections(hosts.setup);
  link.set("hold");
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
  const left = failing(connections.get(devbox, first.signal));
  const got = connections.get(devbox, second.signal);
  const called = failing(connections.get(devbox, third.signal));
  await until("the login under way", () => link.made === 1);
  first.abort();
  third.abort();
  for (const error of [await left, await called]) expect(error.class).toBe("stopped");
  link.set("pass");
  expect((await (await got).script("echo there")).out).toBe("there\n");
  expect(link.made).toBe(1);

  link.reset();
  await (await got).closed;
  link.set("hold");
  const last = new AbortController();
  const nobody = failing(connections.get(devbox, last.signal));
  await until("another login", () => link.made === 2);
  last.abort();
  expect((await nobody).class).toBe("stopped");
  const again = connections.get(devbox); // Not the one that was just given up.
  await until("a third login", () => link.made === 3);
  link.set("pass");
  expect((await (await again).script("echo there")).out).toBe("there\n");
});

test("a login that is given up is over at once, also where what leads over another host hangs and holds its pipes", async () => {
  const setup = otherFolder("hanging");
  const file = join(hosts.folder, "hanging", "proxy");
  const hangs = `sh -c 'echo $$ >${file}.new; mv ${file}.new ${file}; exec sleep 120'`;
  writeFileSync(join(hosts.folder, "hanging", "config"), `Host *\n  ProxyCommand ${hangs}\n`);
  const ended = new AbortController();
  const given = failing(Ssh.open(box.devbox, setup, ended.signal));
  await until("the way over another host", () => existsSync(file));
  ended.abort();
  expect((await given).class).toBe("stopped");
  kill(Number(readFileSync(file, "utf8")), "SIGTERM");
});

test("of two connections to one machine neither ends with the other", async () => {
  const first = await open();
  await using second = await open({ ...box.devbox, name: "again", dir: "~/src" });
  const begun = join(box.home, "second-runs");
  const script = second.script(`touch ${shellWord(begun)}; cat`, { stdin: waited(begun) });
  await until("it runs there", () => existsSync(begun));
  await first[Symbol.asyncDispose]();
  writeFileSync(`${begun}.ended`, "");
  expect(await script).toEqual({ code: 0, out: "whole", err: "" });
});

/** Says its last word once somebody wrote that file. */
async function* waited(file: string) {
  await until("the other's end", () => existsSync(`${file}.ended`));
  yield new TextEncoder().encode("whole");
}

test("a process of ours that is killed takes its connection with it", async () => {
  const code = `import { Ssh } from ${JSON.stringify(join(import.meta.dir, "ssh.ts"))};
    const ssh = await Ssh.open(${JSON.stringify(box.devbox)}, ${JSON.stringify(hosts.setup)});
    console.log("open"); await ssh.script("cat", { stdin: (async function* () { await new Promise(() => {}); })() });`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
  for await (const _ of child.stdout) break;
  await until("it runs there", () => box.processes().length > 0);
  child.kill("SIGKILL");
  await child.exited;
  await until("nothing runs there", () => box.processes().length === 0);
});
