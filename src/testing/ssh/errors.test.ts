// Each way in which a devbox can fail, brought about for real, with the whole text that is shown of it: in a terminal, by the
// API, and in a launch that ended.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { Connections } from "../../devbox/connections.ts";
import { type LaunchContext, launch } from "../../devbox/launch.ts";
import { Ssh } from "../../devbox/ssh.ts";
import type { DevboxState, DeviceId, Launch } from "../../protocol.ts";
import { VERSION } from "../../version.ts";
import { claudePath, claudeVersions } from "../real-claude.ts";
import { nameOf, until } from "../story/processes.ts";
import type { TestViewer } from "../viewer.ts";
import { CASES, type Case, ELSEWHERE, PLAIN, unmount } from "./errors.ts";
import { DEMO, DevboxWorld, PATIENCE_MS } from "./world.ts";

const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
setDefaultTimeout(180_000);
const cases = CASES.filter(({ slow }) => ALL || !slow);
/** Sessions that are started at once, and devboxes that are tested at once. */
const AT_ONCE = 4;

const isWrapper = (name: string) => name.includes("hosted --run");

/** With the real claude, in which nobody is logged in. */
const REAL = "real";

let world: DevboxWorld;
let phone: TestViewer;
const servers: Server[] = [];
const sockets: Socket[] = [];

const file = (name: string) => join(world.sshFolder, name);
const publicKey = (path: string) => readFileSync(path, "utf8").split(" ").slice(0, 2).join(" ");

beforeAll(async () => {
  // Nothing is wrong where much is said, either.
  const noise = "echo Welcome\necho 'Connection closed by nobody' >&2\n";
  const claude = { lines: ["Banner /etc/issue"], files: { ".local/bin/claude*": DEMO, ".bashrc": noise } };
  const own = cases.flatMap(({ name, host }) => (host ? [{ name, ...host }] : []));
  const others = [{ name: "keyed" }, { name: REAL }];
  world = await DevboxWorld.open([{ name: PLAIN, ...claude }, ...others, ...own]);
  await world.run("devbox", "list"); // From now on there is a server.
  makeKeys();
  const ports = await elsewhere();
  const known = (name: string) => publicKey(join(world.hosts.folder, `${name}.key.pub`));
  appendFileSync(file("known_hosts"), `changed ${known("keyed")}\n@revoked revoked ${known(PLAIN)}\n`);
  const text = [PLAIN_CASE, ...cases].map((one) => aliasOf(one, ports)).join("");
  appendFileSync(file("config"), text);
  for (const one of cases) {
    const home = one.host && world.hosts.host(one.name).home;
    if (home) one.prepare?.(home, join(home, ".local/share/claude-remote/bin", `claude-remote-${VERSION}`));
  }
  for (const { name, key } of cases) await added(name, key);
  await added(PLAIN);
  phone = await world.phone();
}, 120_000);

afterAll(async () => {
  for (const one of cases) if (world && one.host) unmount(world.hosts.host(one.name).home);
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await world?.[Symbol.asyncDispose]();
});

/** A key that `keyed` lets in, once with a passphrase and once for everybody to read. */
function makeKeys() {
  const made = Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", file("locked")]);
  expect(made.exitCode).toBe(0);
  Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("open")]);
  chmodSync(file("open"), 0o644);
  const keys = ["locked", "open"].map((name) => readFileSync(`${file(name)}.pub`, "utf8")).join("");
  world.hosts.host("keyed").put(".ssh/authorized_keys", keys);
}

/** Ports where nobody listens, something else does, or something that says nothing; and one sshd that is full. */
async function elsewhere(): Promise<Record<string, number>> {
  const listen = async (onSocket: (socket: Socket) => void) => {
    const server = createServer(onSocket);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const at = server.address();
    return typeof at === "object" && at ? at.port : 0;
  };
  const web = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const silent = await listen((socket) => void sockets.push(socket));
  const nobody = await listen(() => {});
  await new Promise((done) => servers.pop()?.close(done));
  const waiting = connect(world.hosts.host("crowded").port, "127.0.0.1");
  sockets.push(waiting);
  await new Promise((done) => waiting.once("data", done));
  return { [ELSEWHERE.web]: web, [ELSEWHERE.silent]: silent, [ELSEWHERE.nobody]: nobody };
}

type Placed = Pick<Case, "name" | "host" | "of" | "ssh">;
const PLAIN_CASE: Placed = { name: PLAIN, host: {} };

function aliasOf({ name, host, of = name, ssh = [] }: Placed, ports: Record<string, number>): string {
  const machine = host || of !== name ? world.hosts.host(of) : null;
  const place = machine ? ["HostName 127.0.0.1", `Port ${machine.port}`] : [];
  const user = machine?.user ? [`User ${machine.user}`] : [];
  const given = ssh.map((line) => line.replace(/^Port (\w+)$/, (_, port) => `Port ${ports[port]}`));
  return [`Host ${name}`, ...given, ...place, ...user, ""].join("\n  ").trimEnd().concat("\n");
}

/** As a devbox of the server, whether it works or not. */
async function added(name: string, key?: string) {
  const unix = join(world.folder, "cr", "data", "admin.sock");
  const path = key === undefined ? null : key.startsWith("/") ? key : file(key);
  const body = JSON.stringify({ name, host: name, key: path });
  const headers = { "content-type": "application/json" };
  const reply = await fetch("http://localhost/devboxes", { method: "POST", unix, headers, body });
  expect([name, reply.status]).toEqual([name, 200]);
}

type Told = { class: string; message: string; next: string } | null | undefined;

/** Holds what was told to the whole text. */
function checked({ name, class: failure, message, next }: Case, told: Told) {
  const said = told?.message.replace(`${name}: `, "");
  expect([name, told?.class, said]).toEqual([name, failure, expect.stringMatching(message)]);
  expect(told?.next).toEqual(typeof next === "string" ? next : expect.stringMatching(next));
}

/** Does it with all of them, some at once. */
async function forEach(all: readonly Case[], work: (one: Case) => Promise<void>) {
  const waiting = [...all];
  const lane = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

const states = async () => (await phone.get("/api/devboxes")).body as unknown as { devboxes: DevboxState[] };

async function launched(name: string, dir: string): Promise<Launch> {
  const asked = Bun.randomUUIDv7();
  const { status } = await phone.post("/api/sessions", { launch: asked, devbox: name, dir });
  expect([name, status]).toEqual([name, 200]);
  return phone.until(`the end of ${name}`, ({ launches }) =>
    launches.findLast(({ id, ended_at }) => id === asked && ended_at !== null),
  );
}

test("`devbox status` says of each what failed, why, and what to do", async () => {
  const { out, code } = await world.ran("devbox", "status");
  expect(code).toBe(1);
  for (const one of cases.filter(({ seen }) => seen !== "launch")) {
    const start = `${one.name.padEnd(16)}  ${one.class.padEnd(12)}  `;
    const lines = out.split("\n");
    const line = lines.findIndex((text) => text.startsWith(start));
    const message = lines[line]?.slice(start.length) ?? "";
    checked(one, line < 0 ? null : { class: one.class, message, next: lines[line + 1]?.trim() ?? "" });
  }
  expect(out).toMatch(new RegExp(`^${PLAIN} +active +2\\.1\\.329 \\(Claude Code\\) linux-`, "m"));
});

test("a test from a phone says the same, and the list keeps it", async () => {
  const some = ["refused", "crowded", "jump-key", "new", "no-user", "forced"];
  const seen = cases.filter(({ seen, name }) => seen === "test" && (ALL || some.includes(name)));
  await forEach(seen, async (one) => {
    const { body } = await phone.post(`/api/devboxes/${one.name}/test`);
    checked(one, (body as unknown as { devbox: DevboxState }).devbox.error);
  });
  const { devboxes } = await states();
  for (const one of seen) {
    const state = devboxes.find(({ name }) => name === one.name);
    expect([one.name, state?.state]).toEqual([one.name, "unreachable"]);
    checked(one, state?.error);
  }
});

test("a launch ends with the reason, and nothing is left of it", async () => {
  const others = ["refused", "changed", "bare"];
  const seen = cases.filter((one) => one.seen === "launch" || others.includes(one.name));
  await forEach(seen, async (one) => {
    const { step, session, error } = await launched(one.name, one.dir ?? "~/");
    expect([one.name, step, session]).toEqual([one.name, "failed", null]);
    checked(one, error);
  });
  await Promise.all(seen.map(({ name, host }) => host && world.clean(name)));
});

test("`ssh` and `devbox add` say it on two lines, and end with 1", async () => {
  const of = (name: string) => cases.find((one) => one.name === name) as Case;
  for (const words of [
    ["ssh", "--detach", "changed"],
    ["ssh", "--detach", "alone"],
    ["devbox", "add", "another", "refused"],
  ]) {
    const { err, code } = await world.ran(...words);
    const [message = "", next = ""] = err.trim().split("\n").slice(-2);
    const one = of(words.at(-1) ?? "");
    expect([words, code]).toEqual([words, 1]);
    checked(one, { class: one.class, message: message.replace(/^claude-remote: (another: )?/, ""), next });
  }
  expect((await states()).devboxes.map(({ name }) => name)).not.toContain("another");
});

test("where ssh is missing, or its configuration is broken, that is said", async () => {
  const env = { ...world.env };
  try {
    world.env.PATH = "/no/such";
    expect((await world.ran("devbox", "status", PLAIN)).out).toMatch(
      /^plain +no_ssh +there is no ssh on this machine\n +Install the OpenSSH client \(openssh-client\)\.\n$/,
    );
  } finally {
    Object.assign(world.env, env);
  }
  const config = readFileSync(file("config"), "utf8");
  writeFileSync(file("config"), `${config}Hots x\n`);
  const { out } = await world.ran("devbox", "status", PLAIN);
  writeFileSync(file("config"), config);
  expect(out).toMatch(
    /^plain +config +plain: your ssh configuration cannot be used \(\/\S+: line \d+: Bad configuration option: hots\)\n +Mend the line that ssh names\.\n$/,
  );
});

test("what is mended works at the next try", async () => {
  world.hosts.host("bare").put(".local/bin/claude", DEMO, true);
  const { session, error } = await launched("bare", "~/");
  expect(error).toBeNull();
  const bare = (await states()).devboxes.find(({ name }) => name === "bare");
  expect(bare).toMatchObject({ state: "active", error: null });
  await world.run("stop", session ?? "");
  await world.clean("bare");
});

for (const version of ALL ? claudeVersions : claudeVersions.slice(-1))
  test(`claude ${version}, in which nobody is logged in, is told from one that is missing`, async () => {
    const host = world.hosts.host(REAL);
    host.put(".local/bin/claude", `#!/bin/sh\nexec '${claudePath(version)}' "$@"\n`, true);
    const add = ["devbox", "add", REAL, "127.0.0.1", "--port", String(host.port), "--json"];
    const { err, code } = await world.ran(...add);
    expect([code, err.trim().split("\n").slice(-2)]).toEqual([
      1,
      [
        "claude-remote: real: claude is there, but nobody is logged in",
        "Log in there once: ssh to it, run claude, and follow what it says.",
      ],
    ]);
    host.put(".profile", "export ANTHROPIC_API_KEY=sk-ant-none\n");
    host.put(".bash_profile", ". ~/.profile\n");
    expect(JSON.parse(await world.run(...add))).toMatchObject({ state: "active", error: null });
    await world.run("devbox", "remove", REAL, "--yes");
    for (const file of [".profile", ".bash_profile"]) host.put(file, "");
  });

test("a line that breaks in the middle is a lost connection", async () => {
  const link = await world.line(PLAIN);
  world.hosts.host(PLAIN).knownAt(link.port);
  await using ssh = await Ssh.open({ ...world.hosts.host(PLAIN).devbox, port: link.port }, world.hosts.setup);
  const begun = join(world.hosts.host(PLAIN).home, "begun");
  const script = ssh
    .script('touch "$HOME"/begun; while kill -0 $PPID; do sleep 1; done')
    .catch((reason) => reason);
  await until("it runs there", () => existsSync(begun), PATIENCE_MS);
  link.reset();
  const { class: failure, message, next } = await script;
  expect(failure).toBe("lost");
  expect(message).toMatch(/^plain: the connection was lost(, or what ran there was killed)?( \(.*\))?$/);
  expect(next).toMatch(/^Try again/);
});

if (ALL)
  test("a wrapper that does not reach the server is ended, and its own log says why", async () => {
    await using connections = new Connections(world.hosts.setup);
    const unix = join(world.folder, "cr", "data", "admin.sock");
    const enrol = async () =>
      (await fetch(`http://localhost/devboxes/${PLAIN}/enrol`, { method: "POST", unix })).json();
    const waitFor = (_: string, signal: AbortSignal) =>
      new Promise<never>((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    const { devbox } = world.hosts.host(PLAIN);
    const request = { devbox, dir: null, args: [], prompt: null, mode: null, resume: null };
    const folder = { socket: join(world.folder, "nobody.sock"), data: join(world.folder, "elsewhere") };
    const context = { enrol: enrol as LaunchContext["enrol"], waitFor, connections, ...folder };
    const error = await launch(request, context, () => {}).catch((reason) => reason);
    expect(error.class).toBe("server");
    expect(error.message).toMatch(
      /^plain: claude ran there, but its wrapper did not reach this server \(.+\)$/,
    );
    expect(error.next).toBe("See that the server runs and that its address leads there, then try again.");
    // It waits a minute for somebody to hear its last word.
    const wrappers = () => world.hosts.host(PLAIN).processes().map(nameOf).filter(isWrapper);
    await until("the wrapper's end", () => wrappers().length === 0, 4 * PATIENCE_MS);
  });

if (ALL)
  test("a wrapper that the server does not let in is ended at once, and the launch says why", async () => {
    await using connections = new Connections(world.hosts.setup);
    const secret = Buffer.alloc(32, 7).toString("base64url");
    const enrol = async () => ({ device: "nobody" as DeviceId, secret, url: "http://127.0.0.1:1" });
    const waitFor = (_: string, signal: AbortSignal) =>
      new Promise<never>((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    const { devbox } = world.hosts.host(PLAIN);
    const request = { devbox, dir: null, args: [], prompt: null, mode: null, resume: null };
    const socket = join(world.folder, "cr", "data", "server.sock");
    const context = { enrol, waitFor, connections, socket, data: join(world.folder, "elsewhere") };
    const error = await launch(request, context, () => {}).catch((reason) => reason);
    expect(error.message).toMatch(
      /^plain: claude ran there, but the server does not let its wrapper in \(The server does not know this machine/,
    );
    expect(error.next).toBe("Remove this devbox and add it again.");
  });

test("a login that is refused is tried by nobody but a person: not by a page, nor by letters typed", async () => {
  const box = world.hosts.host(PLAIN);
  const log = () => readFileSync(join(world.hosts.folder, `${PLAIN}.log`), "utf8");
  const refused = () => log().match(/closed by authenticating user/g)?.length ?? 0;
  const key = readFileSync(join(box.home, ".ssh", "authorized_keys"), "utf8");
  const added = await phone.post("/api/devboxes", {
    name: "typed-at",
    host: "127.0.0.1",
    port: box.port,
    user: box.user,
  });
  expect(added).toMatchObject({ body: { devbox: { name: "typed-at" } } });
  box.put(".ssh/authorized_keys", "");
  const before = refused();
  const typed = (under: string) => phone.get(`/api/devboxes/typed-at/directories?under=${under}`);
  for (const answers of [[await typed("~/s")], await Promise.all(["~/sr", "~/src", "~/src/"].map(typed))])
    for (const { status } of answers) expect(status).toBe(503);
  for (let look = 0; look < 3; look++) await states();
  expect((await launched("typed-at", "~/")).error?.class).toBe("auth"); // A person's own.
  await until("sshd's word of both", () => refused() >= before + 2, PATIENCE_MS);
  box.put(".ssh/authorized_keys", key);
  expect((await phone.post("/api/devboxes/typed-at/test")).body).toMatchObject({ devbox: { error: null } });
  expect((await typed("~/")).status).toBe(200);
  expect(refused()).toBe(before + 2);
});
