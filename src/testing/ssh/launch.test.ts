// Sessions on devboxes: started from a terminal, answered on a phone, and alive whatever becomes of the line.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REFUSED } from "../../command.ts";
import { LEAVE } from "../attach/place.ts";
import { kill, nameOf, until } from "../story/processes.ts";
import type { Terminal } from "../terminal.ts";
import { Cuttable } from "./cuttable.ts";
import { DEMO, DevboxWorld, PATIENCE_MS } from "./world.ts";

const TEST_MS = 180_000;
const HOSTED = ".local/share/claude-remote/hosted";
const demoBox = { name: "box", files: { ".bashrc": "echo noise\n", ".local/bin/claude*": DEMO } };

/** At a terminal: once it is asked that, says so. Returns what the screen shows then. */
async function reply(desk: Terminal, question: RegExp, word: "y" | "n"): Promise<string> {
  const asked = new RegExp(`${question.source}[^\n]*\\[y/N\\]\\s*$`);
  const shown = await desk.waitFor(asked, { timeout: 4 * PATIENCE_MS });
  desk.write(`${word}\r`);
  return shown;
}

test.concurrent(
  "claude-remote ssh: our program is put there, the terminal is attached, the phone answers, and nothing is left",
  async () => {
    await using world = await DevboxWorld.open([demoBox], false);
    const { port } = await world.line("box");
    writeFileSync(join(world.sshFolder, "config"), `Host box\n  HostName 127.0.0.1\n  Port ${port}\n`);
    const phone = await world.phone();
    // An alias of ssh's own is asked about, then its host key, which nobody knows here.
    const not = world.terminal("ssh", "box");
    await reply(not, /box is no devbox yet\. Add it/, "n");
    expect((await not.exited).code).toBe(REFUSED);
    expect(not.screen()).toContain("not started");
    expect(await world.devboxes()).toEqual([]);
    const desk = world.terminal("ssh", "box");
    await reply(desk, /box is no devbox yet\. Add it/, "y");
    expect(await reply(desk, /Is it that one\?/, "y")).toContain(world.hosts.host("box").fingerprint());
    await desk.wrote(/attached to/, { timeout: 4 * PATIENCE_MS });
    expect(Buffer.from(desk.bytes()).toString()).toMatch(/claude-remote: putting claude-remote there \d+ %/);
    const prompt = await phone.until("a card", (viewer) =>
      [...viewer.prompts.values()].find((one) => one.stage === "open"),
    );
    expect((await phone.answer("approve", prompt)).status).toBe(200);
    await phone.until("accepted", (viewer) => viewer.prompts.get(prompt.id)?.stage === "accepted");
    desk.write(LEAVE);
    expect((await desk.exited).code).toBe(0);
    await phone.until("no terminal", (viewer) => viewer.sessions.get(prompt.session_id)?.terminal === false);
    expect(await world.devboxes()).toEqual(["box"]);
    const [session] = await world.sessions();
    expect(session).toMatchObject({ ended_at: null, device_name: "box", terminal: false });
    await world.run("stop", session?.id ?? "");
    await phone.until(
      "the end",
      (viewer) => viewer.sessions.get(prompt.session_id)?.end_reason === "stopped",
    );
    await world.run("stop", await world.launch("box")); // Nobody is asked any more.
    await world.clean("box");
  },
  TEST_MS,
);

test.concurrent(
  "a second launch finds everything there; sshd, the line and the server may restart, and the session goes on",
  async () => {
    await using world = await DevboxWorld.open([demoBox]);
    const link = await world.add("box");
    const id = await world.launch("box");
    const phone = await world.phone(id);
    const connected = (what: string) =>
      phone.until(what, (viewer) => viewer.sessions.get(id)?.connected === true);
    const lost = () => phone.until("out of reach", (viewer) => viewer.sessions.get(id)?.connected === false);
    await connected("there");
    await phone.until("its screen", (viewer) => /demo/i.test(viewer.text));

    link.reset();
    await lost();
    await connected("back after the line was reset");

    await world.hosts.host("box").stop(true);
    await lost();
    await world.hosts.host("box").start();
    await connected("back after sshd restarted");

    const before = world.serverPid;
    await fetch("http://localhost/shutdown", {
      method: "POST",
      unix: join(world.folder, "cr", "data", "admin.sock"),
      body: "{}",
    });
    await until("the server's end", () => !nameOf(before).includes("serve"));
    await world.run("sessions");
    await phone.listen(id);
    await connected("back after the server restarted");
    expect(phone.sessions.get(id)?.ended_at).toBeNull();

    // This machine restarts: nothing here ends in order, and nothing is left of it.
    const ended = await world.keeper();
    await until("the end of all of it", () => {
      for (const pid of world.processes()) kill(pid, "SIGKILL");
      return world.processes().length === 0;
    });
    await world.run("sessions");
    await phone.listen(id);
    await connected("back after this machine restarted");
    const after = await world.keeper(ended.pid);

    const second = await world.launch("box");
    expect(second).not.toBe(id);
    expect(world.tunnels()).toEqual([after.pid]);
    for (const one of [id, second]) await world.run("stop", one);
    await world.clean("box");
  },
  TEST_MS,
);

test.concurrent(
  "a wrapper that is killed is told of by the next one; a way back through a port serves where sshd allows no sockets",
  async () => {
    const lines = ["AllowStreamLocalForwarding no"];
    await using world = await DevboxWorld.open([{ ...demoBox, lines }]);
    await world.add("box");
    const phone = await world.phone();
    const killed = await world.launch("box");
    const { home } = world.hosts.host("box");
    const [pid = 0] = world.hosts
      .host("box")
      .processes()
      .filter((one) => nameOf(one).includes("hosted --run"));
    expect(readFileSync(join(home, HOSTED, await only(home), "address"), "utf8")).toMatch(
      /^127\.0\.0\.1:\d+\n$/,
    );
    process.kill(pid, "SIGKILL");
    await phone.until("out of reach", (viewer) => viewer.sessions.get(killed)?.connected === false);
    const next = await world.launch("box");
    await phone.until("lost", (viewer) => viewer.sessions.get(killed)?.end_reason === "lost");
    await world.run("stop", next);
    await world.clean("box");
  },
  TEST_MS,
);

async function only(home: string): Promise<string> {
  const folder = join(home, HOSTED);
  const names = [...new Bun.Glob("*/address").scanSync(folder)].map((path) => path.split("/")[0] ?? "");
  expect(names).toHaveLength(1);
  return names[0] ?? "";
}

test.concurrent(
  "what keeps a way back may be killed: its connections end with it, and another comes; one that is refused is tried when asked for",
  async () => {
    await using world = await DevboxWorld.open([demoBox]);
    const link = await world.add("box");
    const id = await world.launch("box");
    const phone = await world.phone();
    const at = () => phone.sessions.get(id);
    const connected = (wanted: boolean) =>
      phone.until(wanted ? "in reach" : "out of reach", () => at()?.connected === wanted);
    await connected(true);

    const killed = await world.keeper();
    kill(killed.pid, "SIGKILL");
    const gone = () => !killed.connections.some((pid) => kill(pid, 0));
    await until("the end of its connections", gone, PATIENCE_MS);
    const another = await world.keeper(killed.pid);
    await connected(true);

    // It may not log in any more: that is tried once, and then not for a quarter of an hour.
    const host = world.hosts.host("box");
    const key = readFileSync(`${host.home}/.ssh/authorized_keys`, "utf8");
    host.put(".ssh/authorized_keys", "");
    const refusals = () =>
      /closed by authenticating user/.test(readFileSync(`${world.hosts.folder}/box.log`, "utf8"));
    expect(refusals()).toBe(false);
    link.reset();
    await connected(false);
    await until("a try", refusals, PATIENCE_MS);
    host.put(".ssh/authorized_keys", key);
    const refused = await world.ran("ssh", "--detach", "--dir", "/no/such", "box");
    expect(refused.code).toBe(1); // Nothing was started, but somebody asked.
    await connected(true);
    expect(world.tunnels()).toEqual([another.pid]);

    await world.run("stop", id);
    await world.clean("box");
  },
  TEST_MS,
);

test.concurrent(
  "what is missing on a devbox is said with what to do, and nothing is left there",
  async () => {
    await using world = await DevboxWorld.open([
      { name: "bare" },
      {
        name: "stranger",
        files: {
          ".local/bin/claude*": '#!/bin/sh\n[ "$1" = auth ] && echo \'{"loggedIn": false}\'; echo 2.1',
        },
      },
      { ...demoBox, lines: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"] },
    ]);
    const add = async (name: string, port = world.hosts.host(name).port) =>
      world.ran("devbox", "add", name, "127.0.0.1", "--port", String(port), "--json");
    expect((await add("bare")).err).toMatch(/no claude on that user's PATH[\s\S]*npm install -g/);
    expect((await add("stranger")).err).toMatch(/nobody is logged in[\s\S]*Log in there once/);
    const { port: unknown } = await world.line("box");
    const known = readFileSync(join(world.sshFolder, "known_hosts"), "utf8");
    const words = ["devbox", "add", "box", "127.0.0.1", "--port", String(unknown)];
    const not = world.terminal(...words);
    expect(await reply(not, /Is it that one\?/, "n")).toContain(world.hosts.host("box").fingerprint());
    expect((await not.exited).code).toBe(1);
    expect(readFileSync(join(world.sshFolder, "known_hosts"), "utf8")).toBe(known);
    expect(await world.devboxes()).toEqual([]);
    const desk = world.terminal(...words);
    await reply(desk, /Is it that one\?/, "y");
    await desk.waitFor(/Added box/, { timeout: PATIENCE_MS });
    expect((await desk.exited).code).toBe(0);
    const launched = await world.ran("ssh", "--detach", "box");
    expect(launched.code).toBe(1);
    expect(launched.err).toMatch(/no way back to this server[\s\S]*AllowStreamLocalForwarding/);
    const gone = await world.ran("ssh", "--detach", "--dir", "/no/such", "box");
    expect(gone.code).toBe(1);
    await world.clean("box");
    expect(await world.devboxes()).toEqual(["box"]);
    await using closed = await Cuttable.open(1);
    const { port } = closed;
    await closed[Symbol.asyncDispose]();
    expect((await add("gone", port)).err).toMatch(/nothing answers on that port/);
    await world.run("devbox", "remove", "box", "--yes");
    expect((await world.ran("ssh", "--detach", "box")).err).toMatch(/no devbox "box" yet/);
  },
  TEST_MS,
);
