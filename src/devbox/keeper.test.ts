import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceId } from "../protocol.ts";
import { type HostOptions, Hosts } from "../testing/ssh/hosts.ts";
import { kill, nameOf, until } from "../testing/story/processes.ts";
import { keepTunnel } from "./keeper.ts";
import { hostedFolder } from "./order.ts";
import { Retries } from "./retries.ts";
import { lendAgent, type TunnelOrder, type TunnelReply, tunnelRuns } from "./tunnel.ts";

/** How long a test waits for what takes a moment on a quiet machine. */
const PATIENCE_MS = 30_000;
/** On its disk nothing can be removed, and whoever tries waits. */
const HANGING: HostOptions = {
  name: "hanging",
  files: {
    ".bashrc": "PATH=$HOME/slow:$PATH\n",
    "slow/rm*": '#!/bin/sh\n: >"$HOME/begun"\nexec sleep 120\n',
  },
};

let hosts: Hosts;
const agent = process.env.SSH_AUTH_SOCK;
setDefaultTimeout(120_000);
beforeAll(async () => {
  hosts = await Hosts.open({ name: "box" }, HANGING);
});
afterAll(async () => {
  if (agent === undefined) delete process.env.SSH_AUTH_SOCK;
  else process.env.SSH_AUTH_SOCK = agent;
  await hosts?.[Symbol.asyncDispose]();
});

/** A way back from that host to nobody; each with a data folder of its own. */
function orderFor(name: string, folder = hosts.setup.folder): TunnelOrder {
  const data = join(hosts.folder, `data-${crypto.randomUUID()}`);
  const device = "0199-box" as DeviceId;
  const setup = { run: hosts.setup.run, folder };
  return { devbox: hosts.host(name).devbox, setup, device, to: "/nowhere.sock", by: null, data };
}

/** Keeps it; `said` is how its first attempt went. */
function kept(order: TunnelOrder, retries = new Retries()) {
  const said: TunnelReply[] = [];
  const ended = new AbortController();
  const { signal } = ended;
  const code = keepTunnel(order, { say: (reply) => void said.push(reply), signal, retries });
  return { said, code, end: () => ended.abort() };
}

test("what keeps a way back ends when it is told to, also while the devbox hangs", async () => {
  const order = orderFor("hanging");
  const keeper = kept(order);
  await until("it hangs", () => existsSync(join(hosts.host("hanging").home, "begun")), PATIENCE_MS);
  expect(tunnelRuns(order)).toBe(true);
  keeper.end();
  expect(await keeper.code).toBe(1);
  expect(keeper.said).toMatchObject([{ error: { class: "stopped" } }]);
});

test("a way back that somebody has ended is not begun again", async () => {
  const keeper = kept({ ...orderFor("box"), again: true });
  expect(await keeper.code).toBe(0);
  expect(keeper.said).toEqual([]);
});

/** Notes when a way that was there is lost: from then on it is tried at once and often. */
class Losses extends Retries {
  seen = 0;
  override lost() {
    super.lost();
    this.seen++;
  }
}

test("a way that was there for days is tried at once, however it is lost", async () => {
  const order = orderFor("box");
  const host = hosts.host("box");
  const begins = `.local/share/claude-remote/${hostedFolder(order.device)}/launching.x`;
  host.put(begins, ""); // So that it is needed.
  const retries = new Losses();
  const keeper = kept(order, retries);
  const shells = () => host.processes().filter((pid) => /sh -s/.test(nameOf(pid)));
  await until("its watch there", () => keeper.said.length > 0 && shells().length > 0, PATIENCE_MS);
  for (const pid of shells()) kill(pid, "SIGKILL"); // The connection stands, and ends with nothing of its own.
  await until("the loss", () => retries.seen === 1, PATIENCE_MS);
  rmSync(join(host.home, begins));
  expect(await keeper.code).toBe(0); // It was there again, and nothing needed it.
});

test("an agent that is gone is followed by the one with which somebody started a session there last", async () => {
  const folder = join(hosts.folder, "agents");
  mkdirSync(folder, { mode: 0o700 });
  const known = readFileSync(join(hosts.folder, "ssh", "known_hosts"));
  writeFileSync(join(folder, "known_hosts"), known, { mode: 0o600 });
  writeFileSync(join(folder, "config"), "", { mode: 0o600 });
  const order = orderFor("box", folder);
  process.env.SSH_AUTH_SOCK = join(folder, "gone");
  const refused = kept(order);
  expect(await refused.code).toBe(1);
  expect(refused.said).toMatchObject([{ error: { class: "auth" } }]);

  const socket = join(folder, "agent");
  const begun = Bun.spawnSync(["ssh-agent", "-s", "-a", socket]).stdout.toString();
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(begun)?.[1]);
  try {
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    expect(Bun.spawnSync(["ssh-add", "-q", join(hosts.folder, "ssh", "id_ed25519")], { env }).exitCode).toBe(
      0,
    );
    process.env.SSH_AUTH_SOCK = socket; // Of whoever starts a session.
    lendAgent(order);
    process.env.SSH_AUTH_SOCK = join(folder, "gone"); // Of what keeps the way.
    const keeper = kept(order);
    expect(await keeper.code).toBe(0); // Nothing there needs it.
    expect(keeper.said).toEqual([{ up: true }]);
    expect(existsSync(join(order.data, "tunnels", `${order.device}.agent`))).toBe(false);
  } finally {
    kill(pid, "SIGTERM");
  }
});
