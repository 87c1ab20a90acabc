// Files of conversations over a real sshd: after each turn, before one goes on elsewhere, and when the way is not there.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { conversations } from "../../conversations/annex.ts";
import { projectFolder } from "../../conversations/folder.ts";
import { syncBack, syncThere } from "../../conversations/sync.ts";
import { devboxes } from "../../devbox/annex.ts";
import { Connections } from "../../devbox/connections.ts";
import { engine } from "../../devbox/engine.ts";
import type { ConversationId, DeviceId, Session } from "../../protocol.ts";
import { statement, TestLink } from "../link.ts";
import { testServer } from "../server.ts";
import { Cuttable } from "../ssh/cuttable.ts";
import { Hosts } from "../ssh/hosts.ts";
import { until } from "../transparency/rig.ts";
import { STORY_MS } from "./place.ts";

setDefaultTimeout(STORY_MS);

/** What a machine without rsync has. */
const TOOLS =
  "sh bash head tail sed sort find stat date ps tr mkdir mv sha256sum cat env id kill rm uname printf";
/** How long a test waits for what takes a moment on a quiet machine. */
const PATIENCE_MS = 60_000;
const record = (text: string) => `${JSON.stringify({ type: "user", text })}\n`;

let hosts: Hosts;
let connections: Connections;
beforeAll(async () => {
  hosts = await Hosts.open(
    { name: "buildbox" },
    { name: "noisybox", files: { ".bashrc": "echo Welcome to the box\n" } },
    { name: "barebox", lines: ["PermitUserEnvironment yes"] },
  );
  connections = new Connections(hosts.setup);
  const bare = hosts.host("barebox");
  const bin = join(bare.home, "bin");
  mkdirSync(bin);
  for (const tool of TOOLS.split(" ")) {
    const path = Bun.which(tool);
    if (path) symlinkSync(path, join(bin, tool));
  }
  const key = readFileSync(join(hosts.folder, "ssh", "id_ed25519.pub"), "utf8");
  bare.put(".ssh/authorized_keys", `environment="PATH=${bin}" ${key}`);
}, STORY_MS);
afterAll(async () => {
  await connections[Symbol.asyncDispose]();
  await hosts[Symbol.asyncDispose]();
}, STORY_MS);

const newId = () => crypto.randomUUID() as ConversationId;
const fileIn = (home: string, directory: string, id: string) =>
  join(home, ".claude", "projects", projectFolder(directory), `${id}.jsonl`);
function put(file: string, text: string) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
/** A home here with a claude's folder. */
function homeHere(name: string) {
  const home = join(hosts.folder, `here-${name}`);
  mkdirSync(join(home, ".claude"), { recursive: true });
  return { home, env: { ...process.env, HOME: home, CLAUDE_CONFIG_DIR: undefined } };
}

describe("over ssh", () => {
  test("what was added comes back, subagents too; what is here goes there; both as nobody else may read it", async () => {
    const host = hosts.host("buildbox");
    const { home, env } = homeHere("one");
    const id = newId();
    const there = fileIn(host.home, join(host.home, "app"), id);
    const here = fileIn(home, join(home, "app"), id);
    mkdirSync(join(host.home, "app"), { recursive: true });
    put(there, record("one"));
    put(join(there.replace(".jsonl", ""), "subagents", "agent-a.jsonl"), record("of an agent"));
    const ssh = await connections.get(host.devbox);
    const cwd = join(host.home, "app");
    expect(await syncBack(ssh, { id, cwd }, env)).toEqual({ how: "copied", path: here, note: null });
    appendFileSync(there, record("two"));
    expect(await syncBack(ssh, { id, cwd }, env)).toMatchObject({ how: "grown" });
    expect(readFileSync(here, "utf8")).toBe(record("one") + record("two"));
    expect(readFileSync(join(here.replace(".jsonl", ""), "subagents", "agent-a.jsonl"), "utf8")).toContain(
      "of an agent",
    );
    expect(statSync(here).mode & 0o777).toBe(0o600);
    appendFileSync(here, record("three"));
    expect(await syncThere(ssh, id, "~/app", env)).toMatchObject({ how: "grown", directory: cwd });
    expect(readFileSync(there, "utf8")).toBe(record("one") + record("two") + record("three"));
    expect(await syncBack(ssh, { id, cwd }, env)).toMatchObject({ how: "same" });
  });

  test("a claude folder with blanks and quotes there", async () => {
    const host = hosts.host("buildbox");
    const { home, env } = homeHere("two");
    const id = newId();
    const strange = join(host.home, `it's "here" $(id)`);
    const cwd = join(host.home, "app");
    put(join(strange, "projects", projectFolder(cwd), `${id}.jsonl`), record("one"));
    const ssh = await connections.get(host.devbox);
    const moved = {
      devbox: ssh.devbox,
      setup: ssh.setup,
      script: (text: string, options?: { stdin?: string }) =>
        ssh.script(
          `CLAUDE_CONFIG_DIR='${strange.replaceAll("'", `'\\''`)}'; export CLAUDE_CONFIG_DIR\n${text}`,
          options,
        ),
    };
    expect(await syncBack(moved, { id, cwd }, env)).toMatchObject({ how: "copied" });
    expect(readFileSync(fileIn(home, join(home, "app"), id), "utf8")).toBe(record("one"));
    expect(existsSync(join(host.home, "uid=0"))).toBe(false);
  });

  test("without rsync there it is said so, and what to do; also where the shell there talks", async () => {
    const { env } = homeHere("three");
    const id = newId();
    const bare = hosts.host("barebox");
    const cwd = join(bare.home, "app");
    put(fileIn(bare.home, cwd, id), record("one"));
    const missing = syncBack(await connections.get(bare.devbox), { id, cwd }, env);
    await expect(missing).rejects.toMatchObject({
      class: "no_rsync_there",
      next: expect.stringContaining("apt install rsync"),
    });
    const noisy = hosts.host("noisybox");
    put(fileIn(noisy.home, cwd, id), record("one"));
    const talking = syncBack(await connections.get(noisy.devbox), { id, cwd }, env);
    await expect(talking).rejects.toMatchObject({
      class: "shell_noise",
      next: expect.stringContaining(".bashrc"),
    });
  });
});

test("after each turn the server fetches; a cut line is said on the session, and the next turn makes it whole", async () => {
  const host = hosts.host("buildbox");
  await using line = await Cuttable.open(host.port);
  host.knownAt(line.port);
  const { home, env } = homeHere("four");
  const reach = engine({ setup: () => hosts.setup });
  const annexes = [
    conversations({ connect: reach.connect, env }),
    devboxes({ engine: reach, enabled: true, modes: [], local: () => false }),
  ];
  await using server = await testServer({ annexes });
  await server.admin("POST", "/devboxes", { ...host.devbox, port: line.port });
  const { device } = (await server.admin("POST", "/devboxes/buildbox/enrol", {})) as { device: DeviceId };
  const id = newId();
  const cwd = join(host.home, "app");
  const there = fileIn(host.home, cwd, id);
  const here = fileIn(home, join(home, "app"), id);
  const { link, id: session } = await TestLink.session(
    server,
    { conversation: id, cwd, status: "working" },
    { device },
  );
  using _link = link;
  const state = (status: "idle" | "working") => {
    const stated = statement({ id: session, conversation: id, status });
    const { id: _, cwd: __, command, claude_version, age_ms, open, ...rest } = stated;
    link.say({ type: "status", state: rest });
  };
  const copy = async (wanted: (copy: Session["copy"]) => unknown) =>
    until(
      "the copy",
      async () => {
        const told = (await server.admin("GET", `/sessions/${session}`)) as { session: Session };
        return wanted(told.session.copy) ? told.session.copy : null;
      },
      PATIENCE_MS,
    );
  put(there, record("one"));
  state("idle");
  await copy((told) => told?.problem === null && told.at !== null);
  expect(readFileSync(here, "utf8")).toBe(record("one"));

  line.set("refuse");
  appendFileSync(there, record("two"));
  state("working");
  state("idle");
  const stale = await copy((told) => told?.problem);
  expect(stale.problem?.next.length).toBeGreaterThan(10);
  expect(["lost", "closed", "refused"]).toContain(stale.problem?.class ?? "");
  expect(stale.at).not.toBeNull();
  expect(readFileSync(here, "utf8")).toBe(record("one"));

  line.set("pass");
  state("working");
  state("idle");
  await copy((told) => told?.problem === null);
  expect(readFileSync(here, "utf8")).toBe(record("one") + record("two"));
});
