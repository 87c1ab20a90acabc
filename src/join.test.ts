// Two machines, as folders of their own: one runs a server, the other joins it, by the commands that a user types.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cli, machine, removeMachines, run, serving } from "./testing/machines.ts";
import { freePort } from "./testing/port.ts";
import { Terminal } from "./testing/terminal.ts";
import { TestViewer } from "./testing/viewer.ts";

const JOIN_MS = 30_000;

const home = machine();
const url = `http://127.0.0.1:${home.env.CLAUDE_REMOTE_PORT}`;
let server: Bun.Subprocess;

beforeAll(async () => {
  server = await serving(home);
}, JOIN_MS);

afterAll(async () => {
  server.kill();
  await server.exited;
  removeMachines();
});

async function link(name: string): Promise<string> {
  const { out, code } = await run(["device", "add", name, "--yes"], home.env);
  expect(code).toBe(0);
  return out.trim();
}

async function phone(): Promise<TestViewer> {
  const { out } = await run(["pair", "--json", "--yes"], home.env);
  return TestViewer.enter({ url }, JSON.parse(out).code);
}

test("`device add` wants a yes at a terminal, and none below a running claude", async () => {
  expect(await run(["device", "add", "x"], home.env)).toMatchObject({ code: 5, out: "" });
  const below = { ...home.env, CLAUDECODE: "1" };
  for (const args of [
    ["device", "add", "x", "--yes"],
    ["device", "revoke", "x"],
    ["join", "-"],
    ["join", "--leave"],
  ])
    expect(await run(args, below)).toMatchObject({ code: 5, out: "" });
  for (const args of [["device"], ["device", "add"], ["device", "add", "x", "--url", "ftp://x", "--yes"]])
    expect(await run(args, home.env)).toMatchObject({ code: 2, out: "" });

  await using desk = new Terminal([...cli, "device", "add", "asked"], { env: home.env });
  await desk.waitFor(/Let "asked" report its sessions to http:\/\/127/);
  desk.write("\r");
  expect((await desk.exited).code).toBe(5);
  expect((await run(["device", "list"], home.env)).out).not.toContain("asked");
});

test("the link is one line on stdout, or JSON; what to do with it is told beside it", async () => {
  const { out, err } = await run(["device", "add", "one", "--yes"], home.env);
  expect(out).toMatch(new RegExp(`^${url}#[\\w-]{36}\\.[\\w-]{43}\n$`));
  expect(err).toContain("ssh -N -L");
  const other = await run(
    ["device", "add", "two", "--yes", "--json", "--url", "https://c.example/"],
    home.env,
  );
  const told = JSON.parse(other.out);
  expect(told).toMatchObject({ name: "two", url: "https://c.example" });
  expect(told.link).toStartWith(`https://c.example#${told.id}.`);
  const listed = (await run(["device", "list", "--json"], home.env)).out;
  expect(JSON.parse(listed).devices).toHaveLength(3);
  expect(listed).not.toContain(out.trim().split(".").pop() ?? "");
});

test("a link that does not lead in changes nothing, and says why", async () => {
  const { env, joined } = machine();
  const good = await link("picky");
  const [, secret = ""] = good.split("#");
  expect(await run(["join", "-"], env, "https://x.example\n")).toMatchObject({ code: 2 });
  const wrong = await run(["join", "-"], env, `${good.slice(0, -4)}AAAA\n`);
  expect(wrong).toMatchObject({ code: 5, err: expect.stringContaining("does not know this machine") });
  const nobody = await run(["join", "-"], env, `http://127.0.0.1:${freePort()}#${secret}\n`);
  expect(nobody).toMatchObject({ code: 4, err: expect.stringContaining("cannot be reached") });
  const misnamed = url.replace("127.0.0.1", "127.0.0.2");
  expect((await run(["join", "-"], env, `${misnamed}#${secret}\n`)).code).toBe(4);
  expect(existsSync(joined)).toBe(false);
  expect(await run(["join", "--leave"], env)).toMatchObject({ code: 1 });
});

test("asked at the terminal, the link is not shown; it is kept for this user alone", async () => {
  const { env, joined } = machine();
  const text = await link("typed");
  await using desk = new Terminal([...cli, "join"], { env });
  await desk.waitFor(/Link:/);
  desk.write(`${text}\r`);
  expect((await desk.exited).code).toBe(0);
  expect(desk.screen()).toContain(`Joined ${url}`);
  expect(desk.screen()).not.toContain(text.slice(-20));
  expect(statSync(joined).mode & 0o777).toBe(0o600);
  expect(await run(["pair", "--json", "--yes"], env)).toMatchObject({
    code: 5,
    err: expect.stringContaining(`reports to ${url}`),
  });
});

test(
  "a joined machine's sessions appear on that server, are answered there, and end with its right",
  async () => {
    const { env, folder, joined } = machine();
    expect((await run(["join", "-"], env, await link("laptop"))).code).toBe(0);
    await using viewer = await (await phone()).listen();
    await using desk = new Terminal([...cli, "demo"], { env, cwd: folder });
    const prompt = await viewer.until("its prompt", () =>
      [...viewer.prompts.values()].find((one) => one.stage === "open"),
    );
    const session = viewer.sessions.get(prompt.session_id);
    expect(session).toMatchObject({ device_name: "laptop", connected: true });
    expect((await viewer.answer("approve", prompt)).status).toBe(200);
    await viewer.until("accepted", () => viewer.prompts.get(prompt.id)?.outcome === "accepted");
    expect(existsSync(join(folder, "data", "server.json"))).toBe(false); // No server of its own was started.

    process.kill(desk.pid, "SIGSTOP"); // Not even its help is needed to cut it off.
    expect((await run(["device", "revoke", "laptop"], home.env)).code).toBe(0);
    await viewer.until("cut off", () => viewer.sessions.get(prompt.session_id)?.connected === false);
    process.kill(desk.pid, "SIGCONT");
    const again = await run(
      ["join", "-"],
      env,
      `${url}#${Object.values(JSON.parse(await Bun.file(joined).text()))
        .slice(1)
        .join(".")}`,
    );
    expect(again).toMatchObject({ code: 5, err: expect.stringContaining("revoked") });

    expect((await run(["join", "--leave"], env)).code).toBe(0);
    expect(existsSync(joined)).toBe(false);
  },
  JOIN_MS,
);

test(
  "another address of the same server can be set; one that was never joined is said in one line",
  async () => {
    const { env, folder, joined } = machine();
    const elsewhere = { ...env, CLAUDE_REMOTE_URL: url };
    await using early = new Terminal([...cli, "demo"], { env: elsewhere, cwd: folder });
    await early.waitFor(/no phone will reach this session: this machine has not joined/);
    early.kill();
    expect((await run(["join", "-"], env, await link("moved"))).code).toBe(0);
    const kept = JSON.parse(await Bun.file(joined).text());
    writeFileSync(joined, JSON.stringify({ ...kept, url: `http://127.0.0.1:${freePort()}` }));
    await using viewer = await (await phone()).listen();
    await using _desk = new Terminal([...cli, "demo"], { env: elsewhere, cwd: folder });
    await viewer.until("its session", () =>
      [...viewer.sessions.values()].find((one) => one.device_name === "moved" && one.connected),
    );
  },
  JOIN_MS,
);

test("a kept link that cannot be used is said in one line, and claude runs", async () => {
  const { env, folder, joined } = machine();
  expect((await run(["join", "-"], env, await link("broken"))).code).toBe(0);
  writeFileSync(joined, "{");
  await using desk = new Terminal([...cli, "demo"], { env, cwd: folder });
  await desk.waitFor(/no phone will reach this session: .*joined\.json/s);
  await desk.waitFor(/Run this command|Do you want/);
});

test("`healthcheck` is 4 within three seconds where no server runs, and where one is stuck", async () => {
  expect(await run(["healthcheck"], machine().env)).toMatchObject({ code: 4, out: "" });
  server.kill("SIGSTOP");
  const begunAt = performance.now();
  const stuck = await run(["healthcheck"], home.env);
  const ms = performance.now() - begunAt;
  server.kill("SIGCONT");
  expect(stuck.code).toBe(4);
  expect(ms).toBeGreaterThan(2_000);
});
