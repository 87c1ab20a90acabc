// Three machines: a server, a laptop that joined it, and a devbox that the laptop alone can reach by ssh.
import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { REFUSED } from "../../command.ts";
import { LEAVE } from "../attach/place.ts";
import { kill, until } from "../story/processes.ts";
import type { TestViewer } from "../viewer.ts";
import { Cuttable } from "./cuttable.ts";
import { Laptop } from "./laptop.ts";
import { DEMO, DevboxWorld, PATIENCE_MS } from "./world.ts";

const TEST_MS = 180_000;
/** RFC 5737: nobody's. */
const DOCUMENTED = "192.0.2.77";
const demoBox = { name: "box", files: { ".local/bin/claude*": DEMO } };

/** A server whose own ssh reaches nothing, on a machine with a claude; `box` is a name that the laptop's ssh knows. */
async function open(): Promise<DevboxWorld> {
  const world = await DevboxWorld.open([demoBox]);
  const bin = join(world.folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "claude"), "#!/bin/sh\n");
  chmodSync(join(bin, "claude"), 0o755);
  world.env.PATH = `${bin}:${world.env.PATH}`;
  world.env.CLAUDE_REMOTE_SSH_FOLDER = join(world.folder, "no-ssh");
  const host = world.hosts.host("box");
  writeFileSync(join(world.sshFolder, "config"), `Host box\n  HostName 127.0.0.1\n  Port ${host.port}\n`);
  return world;
}

const openPrompt = (phone: TestViewer) =>
  phone.until("a card", ({ prompts }) => [...prompts.values()].find(({ stage }) => stage === "open"));

test.concurrent(
  "SEC-026 claude-remote ssh on a laptop that only reports is refused, with what to do; on one that operates it works",
  async () => {
    await using world = await open();
    const url = `http://127.0.0.1:${world.port}`;
    {
      await using reports = await Laptop.join(world, "reports", url);
      const desk = reports.terminal("ssh", "box");
      expect((await desk.exited).code).toBe(REFUSED);
      const said = desk.screen().replace(/\s+/g, ""); // A terminal has lines of its own.
      expect(said).toContain(`thismachinereportsto${url}andmaynotoperateit`);
      expect(said).toMatch(/deviceadd<name>--operate`thereand`claude-remotejoin`here/);
    }
    await using laptop = await Laptop.join(world, "laptop", url, "--operate");
    const phone = await world.phone();
    const desk = laptop.terminal("ssh", "box");
    await desk.waitFor(/box is no devbox yet\. Add it[^\n]*\[y\/N\]\s*$/, { timeout: PATIENCE_MS });
    desk.write("y\r");
    await desk.wrote(/attached to/, { timeout: 4 * PATIENCE_MS });
    const said = Buffer.from(desk.bytes()).toString();
    expect(said).toMatch(/its way there leads through this machine/);
    const prompt = await openPrompt(phone);
    const id = prompt.session_id;
    const at = () => phone.sessions.get(id);
    await phone.until("its terminal", () => at()?.terminal === true);
    expect(at()?.device_name).toBe("box");
    expect((await phone.answer("approve", prompt)).status).toBe(200);
    await phone.until("accepted", (viewer) => viewer.prompts.get(prompt.id)?.stage === "accepted");

    // The terminal is closed, not left: the session goes on, and so does its way back.
    desk.kill("SIGHUP");
    await desk.exited;
    await phone.until("no terminal", () => at()?.terminal === false);
    expect(at()).toMatchObject({ connected: true, ended_at: null });
    expect(world.tunnels()).toEqual([]); // Nothing of it is the server's.
    const back = laptop.terminal("attach");
    await back.wrote(/attached to/, { timeout: PATIENCE_MS });
    await phone.until("a terminal", () => at()?.terminal === true); // From then on its keys are the session's.
    back.write(LEAVE);
    expect((await back.exited).code).toBe(0);

    // The server's own machine is not this one.
    const local = await laptop.ran(["ssh", "--detach", "local"]);
    expect(local.err).toMatch(/"local" is the machine on which the server[\s\S]*from a phone/);
    expect((await laptop.ran(["devbox", "list"])).out).toContain("the server's machine");

    // What keeps the way back is killed: its connection ends with it, and another one comes by itself.
    const keeper = () => {
      const known = laptop.keeper();
      return known?.connections.length === 2 && known;
    };
    const killed = await until("its connections", keeper, PATIENCE_MS);
    const lost = phone.until("out of reach", () => at()?.connected === false);
    kill(killed.pid, "SIGKILL");
    await until("their end", () => !killed.connections.some((pid) => kill(pid, 0)), PATIENCE_MS);
    await lost;
    await phone.until("in reach again", () => at()?.connected === true);

    // The laptop restarts: then any command about the server opens it again.
    laptop.off();
    await phone.until("out of reach once more", () => at()?.connected === false);
    const listed = await laptop.ran(["sessions"]);
    expect(listed.out).toContain(id.slice(0, 8));
    await phone.until("in reach once more", () => at()?.connected === true);

    expect((await laptop.ran(["stop", id])).code).toBe(0);
    await phone.until("its end", () => at()?.end_reason === "stopped");
    await world.clean("box");
    await until("nothing keeps a way back", () => laptop.processes().length === 0, PATIENCE_MS);
    expect(existsSync(join(laptop.folder, "cr", "data", "admin.sock"))).toBe(false); // No server of its own.
  },
  TEST_MS,
);

/** An address of this machine that is not loopback's, so that it is tried like another machine's. */
class PublicAddress implements Disposable {
  readonly text: string;
  readonly #made: boolean;

  constructor() {
    const all = Object.values(networkInterfaces()).flatMap((ones) => ones ?? []);
    const found = all.find(({ family, internal }) => family === "IPv4" && !internal);
    this.text = found?.address ?? DOCUMENTED;
    this.#made = !found; // A machine without a network gets one on its loopback device.
    if (this.#made) Bun.spawnSync(["ip", "address", "add", `${DOCUMENTED}/32`, "dev", "lo"]);
  }

  [Symbol.dispose]() {
    if (this.#made) Bun.spawnSync(["ip", "address", "del", `${DOCUMENTED}/32`, "dev", "lo"]);
  }
}

test.concurrent(
  "a devbox that is seen to reach the server by itself needs nobody: no way back, no ssh, no laptop; and finds another when it does not",
  async () => {
    await using world = await open();
    using address = new PublicAddress();
    await using way = await Cuttable.open(world.port, address.text);
    const url = `http://${address.text}:${way.port}`;
    world.env.CLAUDE_REMOTE_PUBLIC_URL = url;
    await using laptop = await Laptop.join(world, "laptop", `http://127.0.0.1:${world.port}`, "--operate");
    expect((await laptop.ran(["devbox", "add", "box", "box"])).code).toBe(0);
    const phone = await world.phone();
    const { id, said } = await laptop.launch("box");
    const at = () => phone.sessions.get(id);
    expect(said).not.toMatch(/way/);
    expect([...laptop.processes(), ...world.tunnels()]).toEqual([]);
    expect(way.made).toBeGreaterThan(0);

    // The laptop is gone, with every connection that ssh has there: nobody notices.
    const heard = await phone.until("connected", () => at()?.connected && at()?.heard_at);
    laptop.off();
    const host = world.hosts.host("box");
    await host.stop(true);
    const prompt = await openPrompt(phone);
    expect((await phone.answer("approve", prompt)).status).toBe(200);
    await phone.until("accepted", ({ prompts }) => prompts.get(prompt.id)?.stage === "accepted");
    await phone.until("heard after that", () => (at()?.heard_at ?? 0) > heard);
    expect(at()).toMatchObject({ connected: true, ended_at: null });

    // A short outage of the address heals by itself.
    way.set("refuse");
    await phone.until("out of reach", () => at()?.connected === false);
    way.set("pass");
    await phone.until("in reach again", () => at()?.connected === true);

    // Where it stays away, the next launch says so and opens a way back, which the older session finds as well.
    way.set("refuse");
    await phone.until("out of reach again", () => at()?.connected === false);
    await host.start();
    const second = await laptop.launch("box");
    expect(second.said).toContain(`box does not reach ${url} (`);
    expect(second.said).toMatch(/its way there leads through this machine/);
    for (const one of [second.id, id])
      await phone.until("in reach by the way back", () => phone.sessions.get(one)?.connected === true);
    expect(laptop.keeper()).not.toBeNull();

    for (const one of [id, second.id]) expect((await laptop.ran(["stop", one])).code).toBe(0);
    await world.clean("box");
    await until("nothing keeps a way back", () => laptop.processes().length === 0, PATIENCE_MS);
  },
  TEST_MS,
);
