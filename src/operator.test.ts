// Two machines again: one runs the server, the other joined it and may operate it; each owner's command typed there.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkOf, parseLink } from "./enrolment.ts";
import type { ApiToken, AuditEntry, DeviceId, Viewer } from "./protocol.ts";
import { cli, machine, removeMachines, run, serving } from "./testing/machines.ts";
import { Terminal } from "./testing/terminal.ts";
import { TestViewer } from "./testing/viewer.ts";

setDefaultTimeout(60_000);

const home = machine();
const laptop = machine();
const url = `http://127.0.0.1:${home.env.CLAUDE_REMOTE_PORT}`;
let server: Bun.Subprocess;

beforeAll(async () => {
  server = await serving(home);
  const { out } = await run(["device", "add", "laptop", "--operate", "--yes"], home.env);
  expect((await run(["join", "-"], laptop.env, out)).err).toContain("owner's commands are for it");
});

afterAll(async () => {
  server.kill();
  await server.exited;
  removeMachines();
});

/** A command on the laptop, which must succeed; what it printed as JSON. */
async function there<T>(...args: string[]): Promise<T> {
  const { out, err, code } = await run([...args, "--json"], laptop.env);
  expect([args.join(" "), code, code === 0 ? "" : err]).toEqual([args.join(" "), 0, ""]);
  return JSON.parse(out) as T;
}

async function phone(): Promise<TestViewer> {
  const { code } = await there<{ code: string }>("pair", "--yes");
  return TestViewer.enter({ url }, code);
}

test("a link carries an operator's token or none, and nothing else", () => {
  const plain = { url: "https://box.example", device: "d1" as DeviceId, secret: "s".repeat(43) };
  const operates = { ...plain, operator: `crt_${"t".repeat(43)}` };
  expect(parseLink(linkOf(plain))).toEqual(plain);
  expect(parseLink(linkOf(operates))).toEqual(operates);
  for (const more of [".", ".x", `.${"t".repeat(43)}`, `.crt_${"t".repeat(43)}.x`])
    expect(parseLink(`${linkOf(plain)}${more}`), more).toBeNull();
});

test("phones, machines and tokens are let in, listed and ended from there", async () => {
  const viewer = await phone();
  const { viewers } = await there<{ viewers: Viewer[] }>("viewer", "list");
  expect(viewers).toMatchObject([{ name: "Phone" }]);

  const made = await there<{ token: string; id: string }>(
    "token",
    "create",
    "ci",
    "--scope",
    "read,metrics",
    "--days",
    "3",
    "--yes",
  );
  const bearer = { authorization: `Bearer ${made.token}` };
  expect((await fetch(`${url}/api/sessions`, { headers: bearer })).status).toBe(200);
  const { tokens } = await there<{ tokens: ApiToken[] }>("token", "list");
  expect(tokens.map(({ name, scopes }) => [name, scopes])).toEqual([
    ["laptop", ["operate"]],
    ["ci", ["read", "metrics"]],
  ]);
  expect((await run(["token", "list"], laptop.env)).out).not.toContain(made.token.slice(4));
  expect((await run(["token", "revoke", "ci"], laptop.env)).code).toBe(0);
  expect((await fetch(`${url}/api/sessions`, { headers: bearer })).status).toBe(401);

  const { id } = await there<{ id: string }>("device", "add", "another", "--yes");
  const { devices } = await there<{ devices: { name: string }[] }>("device", "list");
  expect(devices.map(({ name }) => name)).toContain("another");
  expect((await run(["device", "revoke", "another"], laptop.env)).code).toBe(0);
  const { entries } = (await viewer.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  const deeds = entries.filter(({ subject }) => subject === id).map(({ action, name }) => [action, name]);
  expect(deeds).toEqual([
    ["revoked", "laptop"],
    ["enrolled", "laptop"],
  ]);

  expect((await run(["viewer", "revoke", "Phone"], laptop.env)).err).toContain("Phone is logged out");
  expect((await viewer.get("/api/sessions")).status).toBe(401);
  expect(existsSync(join(laptop.folder, "data", "admin.sock"))).toBe(false); // No server of its own was started.
});

test("devboxes are those of that server", async () => {
  const { devboxes } = await there<{ devboxes: unknown[] }>("devbox", "list");
  expect(devboxes).toBeArray();
});

test("its sessions are listed, attached to and ended from there", async () => {
  await using viewer = await (await phone()).listen();
  await using desk = new Terminal([...cli, "demo"], { env: home.env, cwd: home.folder });
  const session = await viewer.until("the session", () =>
    [...viewer.sessions.values()].find((one) => one.ended_at === null && one.connected),
  );
  const { sessions } = await there<{ sessions: { id: string }[] }>("sessions");
  expect(sessions.map(({ id }) => id)).toContain(session.id);

  await desk.waitFor(/Run this command|Do you want/);
  await using far = new Terminal([...cli, "attach", session.id.slice(0, 13)], { env: laptop.env });
  await far.waitFor(/Run this command|Do you want/);
  far.write("\x1c\x1c");
  expect((await far.exited).code).toBe(0);

  expect(await run(["stop", session.id.slice(0, 13)], laptop.env)).toMatchObject({ code: 0 });
  await viewer.until("its end", () => (viewer.sessions.get(session.id)?.ended_at ?? null) !== null);
});

test("the doctor there looks at that server", async () => {
  const { out } = await run(["doctor", "--json"], laptop.env);
  const { checks } = JSON.parse(out) as { checks: { check: string; status: string; reason: string }[] };
  expect(checks.find(({ check }) => check === "server")).toMatchObject({ status: "ok" });
  expect(checks.find(({ check }) => check === "server")?.reason).toContain(url);
});

test("none of it works below a running claude, and nothing is made without a yes", async () => {
  const below = { ...laptop.env, CLAUDECODE: "1" };
  for (const args of [
    ["token", "create", "x", "--scope", "read", "--yes"],
    ["token", "revoke", "x"],
    ["token", "revoke", "--all", "--yes"],
    ["viewer", "revoke", "x"],
    ["viewer", "revoke", "--all", "--yes"],
    ["device", "add", "x", "--operate", "--yes"],
    ["pair", "--yes"],
  ])
    expect([args.join(" "), await run(args, below)]).toEqual([
      args.join(" "),
      { code: 5, out: "", err: expect.stringContaining("below a running claude") },
    ]);
  for (const args of [
    ["token", "create", "x", "--scope", "read"],
    ["device", "add", "x", "--operate"],
    ["token", "revoke", "--all"],
  ])
    expect(await run(args, laptop.env)).toMatchObject({ code: 5, out: "" });
  for (const args of [
    ["token"],
    ["token", "create", "x", "--yes"],
    ["token", "create", "x", "--scope", "approve", "--yes"],
    ["token", "create", "x", "--scope", "operate", "--yes"],
    ["token", "create", "x", "--scope", "read", "--days", "0", "--yes"],
    ["token", "revoke"],
    ["viewer"],
    ["viewer", "revoke"],
    ["viewer", "revoke", "x", "--all"],
  ])
    expect([args.join(" "), (await run(args, laptop.env)).code]).toEqual([args.join(" "), 2]);

  await using desk = new Terminal([...cli, "token", "create", "asked", "--scope", "input"], {
    env: laptop.env,
  });
  await desk.waitFor(/Let whoever has "asked" type to claude/);
  desk.write("n\r");
  expect((await desk.exited).code).toBe(5);
  const { tokens } = await there<{ tokens: ApiToken[] }>("token", "list");
  expect(tokens.map(({ name }) => name)).toEqual(["laptop"]);
});

test("SEC-026 a machine that only reports opens none of it", async () => {
  const reports = machine();
  const { out } = await run(["device", "add", "only reports", "--yes"], home.env);
  expect((await run(["join", "-"], reports.env, out)).code).toBe(0);
  const refused = { code: 5, out: "", err: expect.stringContaining(`reports to ${url}`) };
  for (const args of [
    ["pair", "--json", "--yes"],
    ["sessions", "--json"],
    ["viewer", "list"],
    ["token", "create", "x", "--scope", "read", "--yes"],
    ["device", "list"],
    ["stop", "0"],
  ])
    expect([args.join(" "), await run(args, reports.env)]).toEqual([args.join(" "), refused]);
  // Neither does its secret in the place of a token.
  const kept = JSON.parse(readFileSync(reports.joined, "utf8"));
  writeFileSync(reports.joined, JSON.stringify({ ...kept, operator: `crt_${kept.secret}` }), { mode: 0o600 });
  expect(await run(["sessions", "--json"], reports.env)).toMatchObject({
    code: 5,
    out: "",
    err: expect.stringContaining("does not let this machine operate it"),
  });
});

test("SEC-072 the right never travels in clear text beyond this machine", async () => {
  const far = machine();
  const { out } = await run(["device", "add", "far", "--operate", "--yes"], home.env);
  expect((await run(["join", "-"], far.env, out)).code).toBe(0);
  const elsewhere = { ...far.env, CLAUDE_REMOTE_URL: "http://127.0.0.2:9" };
  expect(await run(["sessions", "--json"], elsewhere)).toMatchObject({
    code: 5,
    err: expect.stringContaining("plain http"),
  });
  // Where that is said to be wanted, it goes there.
  expect(await run(["sessions", "--json"], { ...elsewhere, CLAUDE_REMOTE_INSECURE_HTTP: "1" })).toMatchObject(
    { code: 4, err: expect.stringContaining("cannot be reached") },
  );
  const made = await run(
    ["device", "add", "clear", "--operate", "--yes", "--url", "http://box.lan:7200"],
    home.env,
  );
  expect(made).toMatchObject({ code: 5, out: "", err: expect.stringContaining("plain http") });
  await run(["device", "revoke", "far"], home.env);
});

test("SEC-024 signing out everywhere leaves nobody in: phones, tokens, machines, and then the laptop itself", async () => {
  const viewer = await (await phone()).listen();
  const { token } = await there<{ token: string }>("token", "create", "left", "--scope", "read", "--yes");
  expect((await run(["viewer", "revoke", "--all", "--yes"], laptop.env)).code).toBe(0);
  expect((await viewer.get("/api/sessions")).status).toBe(401);
  expect(await run(["token", "revoke", "--all", "--yes"], laptop.env)).toMatchObject({
    code: 0,
    err: expect.stringMatching(/left is worth nothing[\s\S]*laptop is worth nothing/),
  });
  const bearer = { authorization: `Bearer ${token}` };
  expect((await fetch(`${url}/api/sessions`, { headers: bearer })).status).toBe(401);
  for (const args of [["sessions"], ["pair", "--json", "--yes"], ["viewer", "list"]])
    expect([args[0], await run(args, laptop.env)]).toEqual([
      args[0],
      { code: 5, out: "", err: expect.stringContaining("was revoked or has run out") },
    ]);
  expect((await run(["device", "revoke", "--all", "--yes"], home.env)).code).toBe(0);
  const { devices } = JSON.parse((await run(["device", "list", "--json"], home.env)).out) as {
    devices: { id: string; revoked_at: number | null }[];
  };
  expect(devices.filter(({ revoked_at }) => revoked_at === null).map(({ id }) => id)).toEqual(["local"]);
});

test("SEC-024 another master key lets no machine in that was enrolled with the old one", async () => {
  const moved = machine();
  const { out } = await run(["device", "add", "before", "--yes"], home.env);
  server.kill();
  await server.exited;
  rmSync(join(home.folder, "data", "master.key"));
  server = await serving(home);
  expect(await run(["join", "-"], moved.env, out)).toMatchObject({
    code: 5,
    err: expect.stringContaining("was revoked on the server"),
  });
});
