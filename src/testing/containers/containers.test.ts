// The self-hosted server as its users get it: in a container where a Docker engine answers (`just containers` brings
// one), else the compiled program under the same conditions. It says which.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../program.ts";
import { until } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { TestViewer } from "../viewer.ts";
import { Bare } from "./bare.ts";
import { Compose, engineAnswers } from "./compose.ts";
import { launchFromContainer } from "./from-container.ts";
import { output, type Place } from "./place.ts";

/** Building an image, and starting what is in it, on a machine that does other things too. */
const START_MS = 600_000;
/** A whole story with a server that comes back in the middle. */
const STORY_MS = 180_000;
/** What comes by itself, however slow the machine is. */
const PATIENT_MS = 60_000;

const engine = await engineAnswers();

let place: Place;
beforeAll(async () => {
  place = engine ? await Compose.up() : await Bare.up();
  console.log(`the server runs ${place.way}`);
}, START_MS);
afterAll(async () => {
  if (place instanceof Compose) console.log(`figures: ${JSON.stringify(place.figures)}`);
  await place?.[Symbol.asyncDispose]();
}, START_MS);

/** Another machine: a home of its own, in which the compiled program runs. */
class Laptop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "cr-laptop-"));
  readonly env: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: this.folder,
    TMPDIR: this.folder,
    CLAUDE_REMOTE_HOME: this.folder,
  };

  /** By the link on stdin. */
  async join(link: string): Promise<void> {
    await output([program(), "join", "-"], { env: this.env, input: link });
  }

  /** The demo's claude with a script, which carries out what is approved. */
  demo(script: string): Terminal {
    const file = join(this.folder, "script");
    writeFileSync(file, script);
    return new Terminal([program(), "demo", `--demo-script=${file}`], { cwd: this.folder, env: this.env });
  }

  has = (name: string) => existsSync(join(this.folder, name));

  [Symbol.dispose]() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function phone(): Promise<TestViewer> {
  const { code } = JSON.parse(await place.command("pair", "--json", "--yes"));
  return TestViewer.enter(place, code);
}

const openPrompt = (viewer: TestViewer, text: string) =>
  until(
    `a question about ${text}`,
    () =>
      [...viewer.prompts.values()].find(
        (one) => one.stage === "open" && JSON.stringify(one.input).includes(text),
      ),
    PATIENT_MS,
  );

/** The stream again, as a phone does that lost it. */
async function listenAgain(viewer: TestViewer) {
  while (viewer.closed) await viewer.listen().catch(() => Bun.sleep(50));
}

test("the page, its health and their headers are there on loopback names, and no other name is answered", async () => {
  for (const name of ["127.0.0.1", "localhost"]) {
    const page = await fetch(place.url.replace("127.0.0.1", name));
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await page.text()).toContain("<title>");
  }
  const health = await (await fetch(`${place.url}/health`)).json();
  expect(health).toMatchObject({ ok: true });
  for (const host of ["0.0.0.0:7200", "server:7200", "evil.example"])
    expect((await fetch(place.url, { headers: { host } })).status).toBe(421);
  expect((await fetch(`${place.url}/api/sessions`)).status).toBe(401);
  expect(await place.command("healthcheck")).toBe("");
});

test("SEC-088 the server runs as a user without any right, on a disk that it cannot write", async () => {
  const found = await place.conditions();
  const strict = { uid: 10_001, capabilities: "none", noNewPrivileges: true, readOnlyRoot: true };
  const here = { ...found, uid: process.getuid?.() ?? found.uid }; // Where the system does not let us do more.
  expect(found).toEqual(place instanceof Bare && !place.strict ? here : strict);
});

if (engine)
  describe("with an engine", () => {
    test("SEC-088 seen from outside: no rights, a read-only disk, one volume, one port on loopback, healthy", async () => {
      const stack = place as Compose;
      const { State, Config, HostConfig, Mounts } = await stack.inspect();
      const number = new URL(stack.url).port;
      expect(State.Health.Status).toBe("healthy");
      expect(Config).toMatchObject({
        User: "10001:10001",
        Healthcheck: { Test: ["CMD", "claude-remote", "healthcheck"] },
      });
      expect(HostConfig).toMatchObject({
        ReadonlyRootfs: true,
        Privileged: false,
        CapAdd: null,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        PortBindings: { [`${number}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: number }] },
      });
      expect(Mounts.filter(({ Type }) => Type !== "tmpfs")).toMatchObject([
        { Type: "volume", Destination: "/data" },
      ]);
      expect(await stack.exec("sh", "-c", "command -v npm node bun curl gcc || true")).toBe("");
    });

    test("what is written stands below /data, for this user alone", async () => {
      const stack = place as Compose;
      const open = await stack.exec("find", "/data", "-perm", "/077", "-not", "-type", "l");
      expect(open).toBe("");
      const kept = await stack.exec("find", "/data", "-name", "*.db", "-o", "-name", "master.key");
      expect(kept.trim().split("\n").sort()).toEqual([
        "/data/data/claude-remote.db",
        "/data/data/master.key",
      ]);
    });
  });

test(
  "a machine joins, its prompt is approved from a phone, and again after the server was killed",
  async () => {
    using laptop = new Laptop();
    await laptop.join(await place.command("device", "add", "laptop", "--yes"));
    await using viewer = await (await phone()).listen();
    await using desk = laptop.demo("RUN: touch first.txt ;; RUN: touch second.txt");
    const first = await openPrompt(viewer, "first.txt");
    expect(viewer.sessions.get(first.session_id)).toMatchObject({ device_name: "laptop", connected: true });
    expect((await viewer.answer("approve", first)).status).toBe(200);
    await until("what was approved", () => laptop.has("first.txt"), PATIENT_MS);
    const second = await openPrompt(viewer, "second.txt");

    const killedAt = performance.now();
    await place.killAndRestart();
    const answeredAt = performance.now();
    await until("the end of the stream", () => viewer.closed, PATIENT_MS);
    await listenAgain(viewer); // The same login as before.
    await until("the session", () => viewer.sessions.get(first.session_id)?.connected, PATIENT_MS);
    const again = await openPrompt(viewer, "second.txt");
    const trueAt = performance.now();
    const ms = (from: number, to: number) => Math.round(to - from);
    console.log(
      `killed to answering ${ms(killedAt, answeredAt)} ms, to the truth ${ms(killedAt, trueAt)} ms`,
    );
    console.log(`the server holds ${Math.round((await place.memory()) / 2 ** 20)} MiB`);

    expect(again.id).toBe(second.id);
    expect((await viewer.get("/api/prompts")).body).toMatchObject({
      prompts: expect.arrayContaining([expect.objectContaining({ id: first.id, outcome: "accepted" })]),
    });
    expect(laptop.has("second.txt")).toBe(false);
    expect((await viewer.answer("approve", again)).status).toBe(200);
    await until("what was approved", () => laptop.has("second.txt"), PATIENT_MS);

    await place.command("device", "revoke", "laptop");
    await until("the cut", () => viewer.sessions.get(first.session_id)?.connected === false, PATIENT_MS);
    expect(desk.screen()).not.toBe("");
  },
  STORY_MS,
);

/** Nothing listens there. */
const free = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = connect(port, "127.0.0.1", () => resolve(false)).on("error", () => resolve(true));
    probe.unref();
  });

if (engine)
  test(
    "a phone starts a session on a machine beside the container, whose own key and whose yes to the host key let it in",
    async () => {
      const stack = place as Compose;
      const { fingerprint, shown, result, left, environment } = await launchFromContainer(stack);
      expect(shown.trim()).toBe(fingerprint);
      expect([result, left]).toEqual([true, []]);
      expect(environment).not.toContain("ssh-ed25519");
      expect(await stack.exec("find", "/data", "-perm", "/077", "-not", "-type", "l")).toBe("");
      expect(await stack.exec("sh", "-c", "cd /data/ssh && echo *")).toBe(
        "config id_ed25519 id_ed25519.pub known_hosts\n",
      );
    },
    STORY_MS,
  );

const https = engine && (await free(80)) && (await free(443));
if (https)
  describe("with the ports of https", () => {
    test(
      "`--profile caddy` puts https in front: the page under its name, and a machine that joins through it",
      async () => {
        const stack = place as Compose;
        await stack.withCaddy("https://localhost");
        using laptop = new Laptop();
        const ca = join(laptop.folder, "ca.pem");
        const root = () =>
          stack.run("exec", "-T", "caddy", "cat", "/data/caddy/pki/authorities/local/root.crt");
        const deadline = performance.now() + PATIENT_MS;
        let pem = "";
        while (pem === "" && performance.now() < deadline) pem = await root().catch(() => "");
        writeFileSync(ca, pem);
        const page = await fetch("https://localhost/", { tls: { ca: pem } });
        expect(page.status).toBe(200);
        expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
        const link = (await stack.command("device", "add", "far", "--yes")).trim();
        expect(link).toStartWith("https://localhost#");
        laptop.env.NODE_EXTRA_CA_CERTS = ca;
        await laptop.join(link);
      },
      STORY_MS,
    );
  });

test("it ends by itself when it is told to, and nothing of it is left running", async () => {
  expect(await place.stop()).toBe(0);
  await expect(fetch(`${place.url}/health`)).rejects.toThrow();
});
