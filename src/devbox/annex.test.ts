// What viewers and the owner's commands may ask of devboxes; the engine below is a stand-in that a test holds in its hand.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  ConversationId,
  DevboxState,
  DeviceId,
  EarlierConversation,
  Json,
  Launch,
  SessionId,
} from "../protocol.ts";
import { LIMITS } from "../server/limits.ts";
import { type FakeClock, fakeClock } from "../testing/clock.ts";
import { statement, TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Changes } from "../testing/wait.ts";
import { type DevboxesOptions, devboxes } from "./annex.ts";
import type { Engine } from "./engine.ts";
import type { LaunchContext, LaunchRequest, LaunchStep } from "./launch.ts";
import type { Core } from "./places.ts";
import { LaunchError, type LaunchFailure } from "./ssh-errors.ts";

type Started = {
  request: LaunchRequest;
  context: Omit<LaunchContext, "connections">;
  step: (step: LaunchStep) => void;
  done: PromiseWithResolvers<{ session: SessionId }>;
};

/** Does what a test says. Scripts run in a real shell of this machine. */
class Reach implements Engine {
  readonly started: Started[] = [];
  readonly trusted: string[] = [];
  /** How every connection fails, if it does. */
  failure: LaunchError | null = null;
  /** Scripts wait until this is resolved. */
  gate: Promise<void> = Promise.resolve();
  scripts = 0;
  closed = false;
  /** Devices for which a way back was opened, each time. */
  readonly backs: DeviceId[] = [];
  readonly changes = new Changes();

  launch(request: LaunchRequest, context: Started["context"], step: Started["step"]) {
    const done = Promise.withResolvers<{ session: SessionId }>();
    context.signal?.addEventListener("abort", () => done.reject(failed("stopped")));
    this.started.push({ request, context, step, done });
    this.changes.changed();
    return done.promise;
  }

  async back(_: unknown, device: DeviceId) {
    this.backs.push(device);
    this.changes.changed();
    if (this.failure) throw this.failure;
  }

  async script(_: unknown, text: string, stdin: string) {
    this.scripts++;
    this.changes.changed();
    await this.gate;
    if (this.failure) throw this.failure;
    const child = Bun.spawn(["/bin/sh", "-c", text], { stdin: Buffer.from(stdin), stdout: "pipe" });
    return { out: await new Response(child.stdout).text(), err: "", code: await child.exited };
  }

  async fingerprint() {
    return `SHA256:${"k".repeat(43)}`;
  }

  async trust(_: unknown, fingerprint: string) {
    this.trusted.push(fingerprint);
    this.failure = null;
  }

  async publicKey() {
    return "ssh-ed25519 AAAA claude-remote";
  }

  async aliases() {
    return ["box1", "box2"];
  }

  async [Symbol.asyncDispose]() {
    this.closed = true;
  }
}

const failed = (name: LaunchFailure) => new LaunchError(name, `box1: ${name}`, "Do this.");

/** Each write waits for the disk, which a busy machine makes slow. */
setDefaultTimeout(60_000);

type World = { server: TestServer; viewer: TestViewer; reach: Reach; clock: FakeClock };
const worlds: World[] = [];
afterEach(async () => {
  for (const { server, viewer } of worlds.splice(0)) {
    await viewer[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  }
});

/** `spoil`: is shown the server's core before anything is asked of it. */
async function world(
  options: Partial<DevboxesOptions> = {},
  spoil: (core: Core) => void = () => {},
): Promise<World> {
  const reach = new Reach();
  const clock = fakeClock();
  const usual = { enabled: true, modes: ["default", "plan"] as const, local: () => true };
  const server = await testServer({
    clock,
    annexes: [
      (core) => {
        spoil(core);
        return devboxes({ engine: reach, ...usual, ...options })(core);
      },
    ],
  });
  const made = { server, viewer: await TestViewer.pair(server), reach, clock };
  worlds.push(made);
  return made;
}

const BOX = { name: "box1", host: "box1.example.org", user: "ada" };
const errorOf = ({ body }: { body: { error?: { code: string } } }) => body.error?.code;
const listed = async (viewer: TestViewer) =>
  (await viewer.get("/api/devboxes")).body as unknown as {
    devboxes: DevboxState[];
    choices: object[];
    aliases: string[];
  };

let ids = 0;
const asked = (more: object = {}) => ({ launch: `launch-${ids++}`, devbox: "box1", dir: "~/shop", ...more });

async function begun(viewer: TestViewer, more: object = {}) {
  const reply = await viewer.post("/api/sessions", asked(more));
  return { status: reply.status, launch: (reply.body as unknown as { launch: Launch }).launch };
}

test("a devbox is added, listed beside the server's own machine, and removed with its right to report", async () => {
  const { viewer, server } = await world();
  expect((await viewer.post("/api/devboxes", BOX)).status).toBe(200);
  const { devboxes: known, aliases } = await listed(viewer);
  expect(aliases).toEqual(["box1", "box2"]);
  expect(known).toEqual([
    expect.objectContaining({ name: "local", kind: "local", state: "active" }),
    expect.objectContaining({ ...BOX, kind: "ssh", port: null, key: null, dir: null, error: null }),
  ]);
  expect(JSON.stringify(known)).not.toContain("device_id");
  expect(errorOf(await viewer.post("/api/devboxes", BOX))).toBe("invalid");
  const { device, secret } = await server.admin("POST", "/devboxes/box1/enrol", {});
  const key = {
    device: device as DeviceId,
    secret: new Uint8Array(Buffer.from(String(secret), "base64url")),
  };
  const { link, id } = await TestLink.session(server, {}, key);
  await viewer.listen();
  expect(viewer.sessions.get(id)).toMatchObject({ devbox: "box1", device_name: "box1" });
  const gone = await viewer.request("DELETE", "/api/devboxes/box1", { headers: { origin: server.url } });
  expect(gone.status).toBe(200);
  await link.until("the close", () => link.closed);
  expect((await TestLink.connect(server, key)).refused).toMatchObject({ code: "revoked" });
  expect((await listed(viewer)).devboxes.map(({ name }) => name)).toEqual(["local"]);
  // One of the same name later is another machine.
  await viewer.post("/api/devboxes", BOX);
  expect((await server.admin("POST", "/devboxes/box1/enrol", {})).device).not.toBe(device);
});

test("the server's own machine is a devbox only where it has a claude, and cannot be removed or taken", async () => {
  const { viewer } = await world();
  expect((await viewer.request("DELETE", "/api/devboxes/local")).status).toBe(403);
  expect(errorOf(await viewer.post("/api/devboxes", { ...BOX, name: "local" }))).toBe("invalid");
  const bare = await world({ local: () => false });
  expect((await listed(bare.viewer)).devboxes).toEqual([]);
  expect((await bare.viewer.post("/api/devboxes/local/test")).status).toBe(404);
  expect((await bare.viewer.post("/api/sessions", asked({ devbox: "local" }))).status).toBe(404);
});

const HOSTILE_HOSTS = [
  "-oProxyCommand=touch /tmp/x",
  "-F/tmp/x",
  "--",
  "",
  "a b",
  "$(id)",
  "ssh://h",
  "a@b@c",
];
const HOSTILE_FIELDS = [
  ...HOSTILE_HOSTS.map((host) => ({ host })),
  ...["h\n", "h\0", "%h", "~", "*", "h;id", "h`id`", "\ud800", "x".repeat(300)].map((host) => ({ host })),
  ...["-l", "-lroot", "$(id)", "a b", "%u", "~", "*", "a\nb", "a\0b", ""].map((user) => ({ user })),
  ...["22;id", "22", 0, 70_000, -1, 1.5, true].map((port) => ({ port })),
  ...["-i", "key", "/a\0b", "/a\nb", "$(id)", "/%h", "/a;b", "~x/y"].map((key) => ({ key })),
  ...["relative", "-x", "", "~other/x", "/a\0b", `/${"x".repeat(5_000)}`].map((dir) => ({ dir })),
  ...["../x", "-x", "", "a b", "a/b", "a\0", "<b>", "x".repeat(41)].map((name) => ({ name })),
];

test("SEC-058 SEC-059 SEC-062 hosts, users, ports, keys and folders that are none are refused before anything runs", async () => {
  const { viewer, server, reach } = await world();
  for (const field of HOSTILE_FIELDS) {
    const body = { ...BOX, name: "hostile", ...field };
    expect([field, (await viewer.post("/api/devboxes", body)).status]).toEqual([field, 400]);
    expect(await server.admin("POST", "/devboxes", body)).toMatchObject({ error: { code: "invalid" } });
  }
  expect((await listed(viewer)).devboxes).toHaveLength(1);
  expect(reach.started).toEqual([]);
});

test("SEC-062 folders asked for, and what a launch says, are valid text or refused", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  for (const under of ["", "x", "../", "-rf", "%00", "/a%00b", "~root/"]) {
    const reply = await viewer.get(`/api/devboxes/box1/directories?under=${under}`);
    expect([under, reply.status]).toEqual([under, 400]);
  }
  const bad = [
    ...[{ dir: "shop" }, { dir: "/a\0" }, { dir: "\ud800" }, { dir: "-x" }, { dir: 1 }],
    ...[{ prompt: "a\0b" }, { prompt: "\udfff" }, { prompt: "x".repeat(100_001) }, { launch: "-x" }],
    ...[{ launch: "" }, { resume: "--dangerously-skip-permissions" }, { resume: "../x" }, { devbox: "-x" }],
  ];
  for (const more of bad)
    expect([more, (await viewer.post("/api/sessions", asked(more))).status]).toEqual([more, 400]);
  expect(reach.started).toEqual([]);
});

test("a refused login is not tried again for each letter of a folder, until somebody says so", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  const type = async (under: string) => {
    const { status, body } = await viewer.get(`/api/devboxes/box1/directories?under=${under}`);
    return [status, (body.error as { message?: string } | undefined)?.message ?? ""] as const;
  };
  reach.failure = new LaunchError("timeout", "box1: it does not answer", "Wake it.");
  expect(await type("~/s")).toEqual([503, "box1: it does not answer. Wake it."]);
  reach.failure = new LaunchError("auth", "box1: it lets nobody in", "Give it the key.");
  const told = "box1: it lets nobody in. It is not tried again by itself: test it under Devboxes.";
  for (const under of ["~/sr", "~/src", "~/src/"]) expect(await type(under)).toEqual([503, told]);
  expect(reach.scripts).toBe(2);
  reach.failure = null;
  expect((await viewer.post("/api/devboxes/box1/test")).status).toBe(200);
  expect((await type("~/src/w"))[0]).toBe(200);
});

test("SEC-063 nothing but what a launch has can be asked for: no environment, arguments or flags", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  for (const name of [
    "env",
    "args",
    "command",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "PATH",
    "__proto__x",
    "settings",
  ])
    expect((await viewer.post("/api/sessions", asked({ [name]: { LD_PRELOAD: "/tmp/x.so" } }))).status).toBe(
      400,
    );
  for (const name of ["proxy", "options", "identity", "env"])
    expect(
      (await viewer.post("/api/devboxes", { ...BOX, name: "b", [name]: "-oProxyCommand=x" })).status,
    ).toBe(400);
  expect(reach.started).toEqual([]);
});

test("SEC-064 what a phone writes is a prompt, whatever it looks like; modes are those the host allows", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  const prompt = "--dangerously-skip-permissions --mcp-config=/tmp/x '$(id)'\n!ls";
  expect((await begun(viewer, { prompt, mode: "plan" })).status).toBe(200);
  expect(reach.started[0]?.request).toMatchObject({
    args: [],
    prompt,
    mode: "plan",
    resume: null,
    dir: "~/shop",
  });
  for (const mode of ["auto", "acceptEdits"]) expect((await begun(viewer, { mode })).status).toBe(403); // This host has not allowed it.
  for (const mode of ["bypassPermissions", "dontAsk", "", "PLAN", "--plan"])
    expect((await begun(viewer, { mode })).status).toBe(400);
  expect(reach.started).toHaveLength(1);
});

test("SEC-065 a server whose phones may not start anything lets none try", async () => {
  const { viewer, server, reach } = await world({ enabled: false });
  expect((await viewer.get("/api/devboxes")).body).toMatchObject({ enabled: false, aliases: [] });
  const tries = [
    viewer.post("/api/devboxes", BOX),
    viewer.post("/api/sessions", asked({ devbox: "local" })),
    viewer.post("/api/devboxes/local/test"),
    viewer.get("/api/devboxes/local/directories?under=~/"),
    viewer.request("DELETE", "/api/devboxes/local", { headers: { origin: server.url } }),
  ];
  for (const reply of await Promise.all(tries))
    expect([reply.status, errorOf(reply)]).toEqual([403, "forbidden"]);
  // The owner's own commands go on.
  expect(await server.admin("POST", "/devboxes", BOX)).toMatchObject({ devbox: { name: "box1" } });
  expect(reach.started).toEqual([]);
});

test("nobody without a login asks anything of devboxes", async () => {
  const { server } = await world();
  const nobody = new TestViewer(server, "");
  const paths = [
    "/api/devboxes",
    "/api/launches",
    "/api/devboxes/local/directories",
    "/api/devboxes/local/conversations",
  ];
  for (const path of paths) expect((await nobody.get(path)).status).toBe(401);
  for (const path of ["/api/devboxes", "/api/sessions", "/api/devboxes/local/test"])
    expect((await nobody.post(path, BOX)).status).toBe(401);
});

test("a launch is told step by step to every phone, and kept for a page that comes back", async () => {
  const { viewer, server, reach, clock } = await world();
  await using other = await (await TestViewer.pair(server, "Tablet")).listen();
  await viewer.post("/api/devboxes", BOX);
  const { launch } = await begun(viewer, { prompt: "hello" });
  expect(launch).toMatchObject({
    devbox: "box1",
    dir: "~/shop",
    step: "connecting",
    session: null,
    error: null,
  });
  const [started] = reach.started;
  started?.step({ step: "checking" });
  started?.step({ step: "copying", percent: 3 });
  for (let percent = 4; percent < 64; percent++) started?.step({ step: "copying", percent }); // Too often to tell.
  clock.advance(300);
  started?.step({ step: "copying", percent: 64 });
  started?.step({ step: "starting" });
  const session = Bun.randomUUIDv7() as SessionId;
  started?.done.resolve({ session });
  await other.until("the end", () => other.launches.at(-1)?.step === "started");
  const told = other.launches.map(({ step, percent }) => (percent === null ? step : `${step} ${percent}`));
  expect(told).toEqual(["connecting", "checking", "copying 3", "copying 64", "starting", "started"]);
  expect((await viewer.get("/api/launches")).body).toEqual({ launches: [other.launches.at(-1)] } as never);
  clock.advance(61 * 60_000);
  expect((await viewer.get("/api/launches")).body).toEqual({ launches: [] } as never);
});

test("the same launch id is the same launch, and no other one", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  const body = asked({ prompt: "hello" });
  for (let time = 0; time < 3; time++) expect((await viewer.post("/api/sessions", body)).status).toBe(200);
  expect(reach.started).toHaveLength(1);
  expect((await viewer.post("/api/sessions", { ...body, dir: "/" })).status).toBe(400);
  reach.started[0]?.done.reject(failed("auth"));
  await viewer.listen();
  const { body: again } = await viewer.post("/api/sessions", body);
  expect(again).toMatchObject({ launch: { step: "failed", error: { class: "auth" } } });
  expect(reach.started).toHaveLength(1);
});

test("a launch that fails says why and what to do, and the devbox remembers it until it is there again", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  await begun(viewer);
  reach.started[0]?.done.reject(failed("refused"));
  const ended = await viewer.until("the failure", () =>
    viewer.launches.find(({ step }) => step === "failed"),
  );
  const error = { class: "refused", message: "box1: refused", next: "Do this." };
  expect(ended).toMatchObject({ session: null, error });
  const box = async () => (await listed(viewer)).devboxes.find(({ name }) => name === "box1");
  expect(await box()).toMatchObject({ state: "unreachable", error });
  reach.failure = failed("auth");
  expect((await viewer.post("/api/devboxes/box1/test")).body).toMatchObject({
    devbox: { state: "unreachable", error: { class: "auth" } },
  });
  reach.failure = null;
  expect((await viewer.post("/api/devboxes/box1/test")).body).toMatchObject({
    devbox: { state: "active", error: null },
    fingerprint: null,
  });
  // A fault of ours names nothing of the inside.
  await begun(viewer);
  reach.started[1]?.done.reject(new Error("/secret/path is broken"));
  const fault = await viewer.until("the fault", () =>
    viewer.launches.find(({ error: e }) => e?.class === "failed"),
  );
  expect(JSON.stringify(fault)).not.toContain("secret");
});

test("a launch that found no room or no claude leaves its devbox reachable", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  for (const [at, name] of (["disk_full", "claude_missing"] as const).entries()) {
    await begun(viewer);
    reach.started[at]?.done.reject(failed(name));
    await viewer.until("the failure", () => viewer.launches.some(({ error }) => error?.class === name));
    const [, box] = (await listed(viewer)).devboxes;
    expect(box).toMatchObject({ state: "active", error: { class: name } });
  }
  await begun(viewer);
  reach.started[2]?.done.reject(failed("no_dir"));
  await viewer.until("the failure", () => viewer.launches.some(({ error }) => error?.class === "no_dir"));
  expect((await listed(viewer)).devboxes[1]).toMatchObject({ error: { class: "claude_missing" } });
});

test("the session of a launch is the one that the devbox's own wrapper states", async () => {
  const { viewer, server, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  const { launch } = await begun(viewer);
  const context = reach.started[0]?.context;
  if (!context) throw new Error("nothing was started");
  const { device, secret } = await context.enrol({ kind: "local", name: "box1", dir: null });
  const found = context.waitFor(launch.id, new AbortController().signal);
  // Another machine that knows the id states it first.
  using stranger = (await TestLink.session(server, { launch: launch.id })).link;
  const key = { device, secret: new Uint8Array(Buffer.from(secret, "base64url")) };
  const { link, id } = await TestLink.session(server, { launch: launch.id }, key);
  expect(await found).toBe(id);
  // Asked later, also by the owner's commands, it is known as well.
  expect(await context.waitFor(launch.id, new AbortController().signal)).toBe(id);
  expect((await server.admin("GET", `/launches/${launch.id}`)).session).toBeString();
  expect(await server.admin("GET", "/launches/nobody")).toEqual({ session: null });
  const late = context.waitFor("never", AbortSignal.abort(failed("stopped")));
  expect(late).rejects.toThrow("stopped");
  expect(stranger.closed).toBe(false);
  link[Symbol.dispose]();
});

test("a conversation goes on only where it was, and only once unless that is meant", async () => {
  const { viewer, server, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  const { device, secret } = await server.admin("POST", "/devboxes/box1/enrol", {});
  const key = {
    device: device as DeviceId,
    secret: new Uint8Array(Buffer.from(String(secret), "base64url")),
  };
  const conversation = "0a1b2c3d-talk" as ConversationId;
  const stated = { conversation, cwd: "/home/ada/shop", title: "Fix the tests" };
  const { link, id } = await TestLink.session(server, stated, key);
  const of = async (name: string) =>
    (
      (await viewer.get(`/api/devboxes/${name}/conversations`)).body as unknown as {
        conversations: EarlierConversation[];
      }
    ).conversations;
  expect(await of("box1")).toEqual([
    { id: conversation, dir: stated.cwd, title: stated.title, last_at: expect.any(Number), alive_in: id },
  ]);
  expect(await of("local")).toEqual([]);
  link.say({ type: "session", session: { ...statement(stated), id, title: "" } });
  const words = { time: 1, parts: [{ type: "text", text: "Why do they fail?" }] };
  const body = words as unknown as Json;
  link.say({ type: "message", message: { conversation, uuid: "u1", seq: 0, role: "user", body } });
  await link.until("the message", () =>
    link.heard.find((m) => m.type === "ack" && m.stream === "messages" && m.upto === 0),
  );
  expect((await of("box1"))[0]?.title).toBe("Why do they fail?"); // Without a title of its own.
  const resume = (more: object) => viewer.post("/api/sessions", asked({ resume: conversation, ...more }));
  expect((await resume({ devbox: "local" })).status).toBe(404);
  const alive = await resume({});
  expect([alive.status, errorOf(alive)]).toEqual([409, "alive"]);
  expect((await resume({ anyway: true })).status).toBe(200);
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await link.until("the ack", () => link.heard.find((m) => m.type === "ack" && m.stream === "exit"));
  expect((await of("box1"))[0]?.alive_in).toBeNull();
  expect((await resume({})).status).toBe(200);
  expect(reach.started.map(({ request }) => request.resume)).toEqual([conversation, conversation]);
  link[Symbol.dispose]();
});

/** A conversation that a session on the devbox has had. */
async function hadThere(server: TestServer, viewer: TestViewer): Promise<ConversationId> {
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  const { device, secret } = await server.admin("POST", "/devboxes/box1/enrol", {});
  const key = {
    device: device as DeviceId,
    secret: new Uint8Array(Buffer.from(String(secret), "base64url")),
  };
  const conversation = "0a1b2c3d-talk" as ConversationId;
  using link = (await TestLink.session(server, { conversation }, key)).link;
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await link.until("the ack", () => link.heard.find((m) => m.type === "ack" && m.stream === "exit"));
  return conversation;
}

test("before a conversation goes on there, its newest files are brought; what does not come says what to do", async () => {
  const carried: unknown[] = [];
  let failure: Error | null = null;
  const carry = async (...what: unknown[]) => {
    carried.push(what);
    if (failure) throw failure;
  };
  const { viewer, server, reach } = await world({ carry });
  const conversation = await hadThere(server, viewer);
  await begun(viewer, { resume: conversation });
  await reach.changes.until("the launch", () => reach.started.length === 1);
  expect(carried).toEqual([
    [expect.objectContaining({ name: "box1" }), conversation, "~/shop", expect.any(AbortSignal)],
  ]);
  failure = Object.assign(new Error("a claude there has it open"), { class: "open_there", next: "End it." });
  await begun(viewer, { resume: conversation });
  const ended = await viewer.until("the failure", () =>
    viewer.launches.find(({ step }) => step === "failed"),
  );
  expect(ended.error).toEqual({ class: "open_there", message: failure.message, next: "End it." });
  expect(reach.started).toHaveLength(1);
  expect((await listed(viewer)).devboxes[1]).toMatchObject({ state: "active", error: null });
});

test("a launch is called off also while its conversation's files hang on the way", async () => {
  const carrying = Promise.withResolvers<void>();
  const carry = () => {
    carrying.resolve();
    return new Promise<void>(() => {});
  };
  const { viewer, server } = await world({ carry });
  const conversation = await hadThere(server, viewer);
  const { launch } = await begun(viewer, { resume: conversation });
  await carrying.promise;
  await viewer.request("DELETE", `/api/launches/${launch.id}`, { headers: { origin: server.url } });
  const ended = await viewer.until("its end", () => viewer.launches.find(({ step }) => step === "failed"));
  expect(ended.error?.class).toBe("stopped");
});

test("a host key that nobody knows is asked about by its fingerprint, and believed only after a yes", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  reach.failure = failed("host_key_unknown");
  const fingerprint = await reach.fingerprint();
  const first = await viewer.post("/api/devboxes/box1/test");
  expect(first.body).toMatchObject({ devbox: { state: "unreachable" }, fingerprint });
  expect(reach.trusted).toEqual([]);
  for (const wrong of ["SHA256:short", "MD5:aa", `SHA256:${"k".repeat(42)}\n`, 1])
    expect((await viewer.post("/api/devboxes/box1/test", { fingerprint: wrong })).status).toBe(400);
  expect((await viewer.post("/api/devboxes/box1/test", { fingerprint })).body).toMatchObject({
    devbox: { state: "active", fingerprint },
    fingerprint: null,
  });
  expect(reach.trusted).toEqual([fingerprint]);
  // One that has changed is never offered.
  reach.failure = new LaunchError("host_key_changed", "changed", "Compare.", fingerprint);
  expect((await viewer.post("/api/devboxes/box1/test")).body).toMatchObject({ fingerprint: null });
});

test("folders are completed as they are typed, hidden ones for who types their dot", async () => {
  const { viewer } = await world();
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-folders-"));
  const names = ["shop", "shop two", "-rf", "$(id)", "other", ".hidden", "a'b\"c", "new\nline"];
  for (const name of names) mkdirSync(join(folder, name));
  await Bun.write(`${folder}/shop.txt`, "");
  const of = async (under: string) => {
    const { body } = await viewer.get(`/api/devboxes/local/directories?under=${encodeURIComponent(under)}`);
    return body as unknown as { directories: string[]; more: boolean };
  };
  expect((await of(`${folder}/sh`)).directories).toEqual([`${folder}/shop`, `${folder}/shop two`]);
  const seen = names.filter((name) => name !== ".hidden").map((name) => `${folder}/${name}`);
  expect((await of(`${folder}/`)).directories.sort()).toEqual(seen.sort());
  expect((await of(`${folder}/.`)).directories).toContain(`${folder}/.hidden`);
  expect(await of(`${folder}/nothing/`)).toEqual({ directories: [], more: false });
  expect((await of(folder.slice(0, -1))).directories).toContain(folder);
  const many = Array.from({ length: LIMITS.directories + 5 }, (_, at) => `m${at}`);
  for (const name of many) mkdirSync(join(folder, name));
  const { directories, more } = await of(`${folder}/m`);
  expect([directories.length, more]).toEqual([LIMITS.directories, true]);
  rmSync(folder, { recursive: true });
});

test("a listing is remembered for a moment, and too many at once are refused", async () => {
  const { viewer, reach, clock } = await world();
  const opened = Promise.withResolvers<void>();
  reach.gate = opened.promise;
  const ask = (under: string) => viewer.get(`/api/devboxes/local/directories?under=/tmp/${under}`);
  const waiting = Array.from({ length: LIMITS.listings }, (_, at) => ask(`x${at}`));
  await reach.changes.until("all of them", () => reach.scripts === LIMITS.listings);
  expect((await ask("one-more")).status).toBe(429);
  const again = ask("x0"); // The same listing needs no other shell.
  opened.resolve();
  for (const { status } of await Promise.all([...waiting, again])) expect(status).toBe(200);
  expect(reach.scripts).toBe(LIMITS.listings);
  clock.advance(11_000);
  reach.failure = failed("timeout");
  expect(errorOf(await ask("x0"))).toBe("unreachable");
});

test("tests at once are bounded", async () => {
  const { viewer, reach } = await world();
  const opened = Promise.withResolvers<void>();
  reach.gate = opened.promise;
  const ask = () => viewer.post("/api/devboxes/local/test");
  const waiting = Array.from({ length: LIMITS.devboxTests }, ask);
  await reach.changes.until("all of them", () => reach.scripts === LIMITS.devboxTests);
  expect((await ask()).status).toBe(429);
  opened.resolve();
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  expect((await ask()).status).toBe(200);
});

test("launches at once are bounded, and so are devboxes", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  for (let at = 0; at < LIMITS.launches; at++) expect((await begun(viewer)).status).toBe(200);
  expect((await begun(viewer)).status).toBe(429);
  reach.started[0]?.done.resolve({ session: "s" as SessionId });
  await viewer.until("the first", () => viewer.launches.some(({ step }) => step === "started"));
  expect((await begun(viewer)).status).toBe(200);
  for (let at = 2; at <= LIMITS.devboxes; at++)
    await viewer.post("/api/devboxes", { name: `many${at}`, host: "h" });
  expect((await viewer.post("/api/devboxes", { name: "last", host: "h" })).status).toBe(400);
});

test("a launch can be called off by any phone, once; one that is over stays as it is", async () => {
  const { viewer, server, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await using other = await TestViewer.pair(server);
  const { launch } = await begun(viewer);
  await other.listen();
  expect(other.state?.launches).toEqual([expect.objectContaining({ id: launch.id, ended_at: null })]);
  const callOff = (id: string) =>
    other.request("DELETE", `/api/launches/${id}`, { headers: { origin: server.url } });
  expect((await callOff(launch.id)).status).toBe(200);
  await other.until("the end", () => other.launches.find(({ step }) => step === "failed"));
  expect(reach.started[0]?.context.signal?.aborted).toBe(true);
  const again = (await callOff(launch.id)).body as unknown as { launch: Launch };
  expect(again.launch).toMatchObject({ step: "failed", error: { class: "stopped" } });
  const second = (await begun(viewer)).launch;
  await reach.changes.until("the second", () => reach.started.length === 2);
  reach.started[1]?.done.resolve({ session: "s" as SessionId });
  await other.until("the session", () => other.launches.find(({ step }) => step === "started"));
  expect((await callOff(second.id)).body).toMatchObject({ launch: { step: "started", session: "s" } });
  expect((await callOff("nobodys")).status).toBe(404);
  const { entries } = (await viewer.get("/api/audit")).body as unknown as {
    entries: { action: string; subject: string; detail: object }[];
  };
  expect(entries.filter(({ action }) => action === "launch called off")).toEqual([
    expect.objectContaining({
      subject: launch.id,
      detail: expect.objectContaining({ devbox: "box1" }) as object,
    }),
  ]);
});

test("where and how a session was started last is remembered, the newest first", async () => {
  const { viewer, clock } = await world();
  await viewer.post("/api/devboxes", BOX);
  await begun(viewer, { dir: "~/shop", mode: "plan" });
  clock.advance(1_000);
  await begun(viewer, { dir: "/srv/api", devbox: "local" });
  clock.advance(1_000);
  await begun(viewer, { dir: "~/shop" });
  const { choices } = await listed(viewer);
  expect(choices).toEqual([
    expect.objectContaining({ devbox: "box1", dir: "~/shop", mode: null }),
    expect.objectContaining({ devbox: "local", dir: "/srv/api", mode: null }),
  ]);
});

test("a devbox that is added without a folder has the one of the server's settings", async () => {
  const { viewer } = await world({ dir: "~/src" });
  const added = async (given: object) => (await viewer.post("/api/devboxes", given)).body;
  expect(await added(BOX)).toMatchObject({ devbox: { dir: "~/src" } });
  expect(await added({ ...BOX, name: "box2", dir: "/srv/api" })).toMatchObject({
    devbox: { dir: "/srv/api" },
  });
});

test("who started what, and who believed which key, is in the audit log", async () => {
  const { viewer, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  const { launch } = await begun(viewer, { prompt: "run the tests", mode: "plan" });
  reach.started[0]?.done.reject(failed("auth"));
  await viewer.until("the failure", () => viewer.launches.some(({ step }) => step === "failed"));
  await viewer.post("/api/devboxes/box1/test", { fingerprint: await reach.fingerprint() });
  const { entries } = (await viewer.get("/api/audit")).body as unknown as {
    entries: { action: string; name: string; subject: string; detail: object }[];
  };
  const of = (action: string) => entries.find((entry) => entry.action === action);
  expect(of("devbox added")).toMatchObject({ name: "Phone", subject: "box1", detail: { host: BOX.host } });
  expect(of("launch")).toMatchObject({
    ...{ name: "Phone", subject: launch.id },
    detail: { devbox: "box1", dir: "~/shop", mode: "plan", prompt: "run the tests" },
  });
  expect(of("launch failed")).toMatchObject({ subject: launch.id, detail: { class: "auth" } });
  expect(of("host key trusted")).toMatchObject({ subject: "box1", name: "Phone" });
});

/** A devbox with a session that can lose the server, and come back. */
async function withSession({ viewer, server }: World, name = BOX.name) {
  await viewer.post("/api/devboxes", { ...BOX, name });
  const { device, secret } = await server.admin("POST", `/devboxes/${name}/enrol`, {});
  const key = {
    device: device as DeviceId,
    secret: new Uint8Array(Buffer.from(String(secret), "base64url")),
  };
  let { link, id } = await TestLink.session(server, {}, key);
  const connected = (wanted: boolean) =>
    viewer.until(`connected: ${wanted}`, () => viewer.sessions.get(id)?.connected === wanted);
  return {
    device: key.device,
    async lose() {
      link[Symbol.dispose]();
      await connected(false);
    },
    async comeBack() {
      ({ link } = await TestLink.session(server, { id }, key));
      await connected(true);
    },
  };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Lets time pass: what begins in it ends in it, as far as it needs no time. */
async function pass({ clock }: World, ms: number) {
  for (let past = 0; past < ms; past += 10 * SECOND) {
    clock.advance(10 * SECOND);
    await new Promise<void>((done) => setImmediate(done));
  }
}

test("sessions that lost the server are given a way back where its ssh got before, ever less often, never after a refusal", async () => {
  const made = await world();
  const { viewer, reach } = made;
  await viewer.listen();
  const near = await withSession(made);
  const far = await withSession(made, "reached-by-a-laptop-alone");
  expect((await viewer.post("/api/devboxes/box1/test")).status).toBe(200);
  for (const one of [near, far]) await one.lose();
  await pass(made, 20 * SECOND); // An outage so short heals by itself.
  expect(reach.backs).toEqual([]);
  reach.failure = failed("timeout");
  await pass(made, 10 * SECOND);
  expect(reach.backs).toEqual([near.device]);
  const box = async () => (await listed(viewer)).devboxes.find(({ name }) => name === "box1");
  expect(await box()).toMatchObject({ state: "unreachable", error: { class: "timeout" } });
  for (const [minutes, times] of [
    [1, 2],
    [1, 2],
    [1, 3],
    [4, 4],
    [7, 4],
    [1, 5],
  ] as const) {
    await pass(made, minutes * MINUTE);
    expect(reach.backs).toHaveLength(times);
  }
  reach.failure = failed("auth");
  await pass(made, 16 * MINUTE);
  expect(reach.backs).toHaveLength(6);
  await pass(made, 60 * MINUTE);
  expect(reach.backs).toHaveLength(6);

  // Somebody looked after it; and the next outage is one of its own.
  reach.failure = null;
  expect((await viewer.post("/api/devboxes/box1/test")).status).toBe(200);
  await pass(made, 10 * SECOND);
  expect(reach.backs).toHaveLength(7);
  expect(await box()).toMatchObject({ state: "active", error: null });
  await near.comeBack();
  await pass(made, 10 * SECOND);
  await near.lose();
  await pass(made, 30 * SECOND);
  expect(reach.backs).toHaveLength(8);
  expect(new Set(reach.backs)).toEqual(new Set([near.device]));
});

test("a launch that ends while the disk is full ends all the same, and the server goes on", async () => {
  let full = false;
  const { viewer, reach } = await world({}, (core) => {
    const { audit } = core.store;
    const add = audit.add.bind(audit);
    audit.add = (...entry) => {
      if (full) throw new Error("database or disk is full");
      return add(...entry);
    };
  });
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  await begun(viewer);
  full = true;
  reach.started[0]?.done.reject(failed("auth"));
  await viewer.until("the failure", () => viewer.launches.some(({ step }) => step === "failed"));
  full = false;
  expect((await begun(viewer)).status).toBe(200);
});

test("a devbox is known whole or not at all", async () => {
  let full = false;
  const { viewer } = await world({}, (core) => {
    const { devices } = core.store;
    const add = devices.add.bind(devices);
    devices.add = (...device) => {
      if (full) throw new Error("database or disk is full");
      return add(...device);
    };
  });
  full = true;
  expect((await viewer.post("/api/devboxes", BOX)).status).toBe(500);
  expect((await listed(viewer)).devboxes).toHaveLength(1);
  full = false;
  expect((await viewer.post("/api/devboxes", BOX)).status).toBe(200);
});

test("a devbox whose right was revoked is not let in: its launch says so, and so does the owner's command", async () => {
  const { viewer, server, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  const { devices } = (await server.admin("GET", "/devices")) as { devices: { id: string; name: string }[] };
  const { id } = devices.find(({ name }) => name === BOX.name) ?? {};
  expect((await viewer.request("DELETE", `/api/devices/${id}`)).status).toBe(200);
  await begun(viewer);
  const { context, request, done } = reach.started[0] ?? {};
  if (!context || !request) throw new Error("nothing was started");
  const refused = await context.enrol(request.devbox).catch((reason) => reason);
  done?.reject(refused);
  const failure = await viewer.until("the failure", () =>
    viewer.launches.find(({ step }) => step === "failed"),
  );
  const message = "box1: it may not report to this server any more, for its right was revoked";
  expect(failure.error).toEqual({ class: "server", message, next: "Remove this devbox and add it again." });
  const told = (await server.admin("POST", "/devboxes/box1/enrol", {})).error;
  expect(told).toMatchObject({ code: "forbidden", message: expect.stringContaining(message) });
});

/** SQLite itself refuses every write, as it does where there is no room. */
const refuseWrites = ({ store }: Core, now: boolean) =>
  void store.tables.run(`PRAGMA query_only = ${now ? 1 : 0}`);

test("SEC-079 on a full disk nothing is started and no devbox goes half, but what is under way is called off", async () => {
  const cores: Core[] = [];
  const { viewer, reach, server } = await world({}, (core) => void cores.push(core));
  const full = (now: boolean) => {
    for (const core of cores) refuseWrites(core, now);
  };
  await viewer.post("/api/devboxes", BOX);
  await viewer.listen();
  const { launch } = await begun(viewer);
  full(true);
  expect((await begun(viewer)).status).toBe(507);
  expect((await viewer.request("DELETE", `/api/devboxes/${BOX.name}`)).status).toBe(507);
  const yes = { fingerprint: await reach.fingerprint() };
  expect((await viewer.post(`/api/devboxes/${BOX.name}/test`, yes)).status).toBe(507);
  expect(reach.trusted).toEqual([]);
  expect((await viewer.request("DELETE", `/api/launches/${launch.id}`)).status).toBe(200);
  await viewer.until("its end", () => viewer.launches.some(({ step }) => step === "failed"));
  expect(reach.started.map(({ context }) => context.signal?.aborted)).toEqual([true]);
  full(false);
  const { devices } = (await server.admin("GET", "/devices")) as { devices: { revoked_at: number | null }[] };
  expect(devices.filter(({ revoked_at }) => revoked_at !== null)).toEqual([]);
  expect((await viewer.request("DELETE", `/api/devboxes/${BOX.name}`)).status).toBe(200);
});

test("a server that stops ends what is on its way, and closes its connections", async () => {
  const { viewer, server, reach } = await world();
  await viewer.post("/api/devboxes", BOX);
  await begun(viewer);
  await server.stop();
  expect(reach.started[0]?.context.signal?.aborted).toBe(true);
  expect(reach.closed).toBe(true);
});
