// `backup` and `restore` as a user runs them.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended } from "./testing/ended.ts";
import { VERSION } from "./version.ts";

const folder = mkdtempSync(join(tmpdir(), "cr-restore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = {
  PATH: process.env.PATH ?? "",
  HOME: folder,
  CLAUDE_REMOTE_HOME: folder,
  CLAUDE_REMOTE_PORT: "0",
};

function start(...args: string[]) {
  const more = args[0] === "CLAUDECODE" ? { CLAUDECODE: "1" } : {};
  const words = args.filter((word) => word !== "CLAUDECODE");
  return Bun.spawn([process.execPath, join(import.meta.dir, "cli.ts"), ...words], {
    ...{ env: { ...env, ...more }, cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
}

async function run(...args: string[]) {
  const child = start(...args);
  return ended(child);
}

test("SEC-086 a backup is made while the server runs, and restored only when it does not", async () => {
  expect(await run("backup", "early.tar")).toMatchObject({
    code: 1,
    err: expect.stringContaining("nothing to back up"),
  });
  const server = start("serve");
  const said = server.stderr.getReader();
  for (let text = ""; !text.includes("page at"); )
    text += new TextDecoder().decode((await said.read()).value);
  const made = await run("backup", "now.tar", "--with-key");
  expect(made).toMatchObject({ code: 0, out: "", err: expect.stringContaining("whoever has the file") });
  expect(statSync(join(folder, "now.tar")).mode & 0o777).toBe(0o600);
  expect(await run("backup", "now.tar")).toMatchObject({
    code: 1,
    err: expect.stringContaining("there already"),
  });
  const early = await run("restore", "now.tar", "--yes");
  expect(early).toMatchObject({ code: 5, err: expect.stringContaining("A server is running") });
  server.kill();
  await server.exited;

  expect(await run("restore", "now.tar")).toMatchObject({ code: 5, err: expect.stringContaining("--yes") });
  expect(await run("CLAUDECODE", "restore", "now.tar", "--yes")).toMatchObject({ code: 5 });
  writeFileSync(join(folder, "odd.tar"), "x".repeat(2000));
  const odd = await run("restore", "odd.tar", "--yes");
  expect(odd).toMatchObject({ code: 5, err: expect.stringContaining("it is no tar") });
  expect(await run("restore", "nowhere.tar", "--yes")).toMatchObject({
    code: 1,
    err: expect.stringContaining("ENOENT"),
  });

  const restored = await run("restore", "now.tar", "--yes");
  expect(restored.code).toBe(0);
  expect(restored.out).toBe("");
  expect(restored.err).toContain(`by claude-remote ${VERSION}`);
  const before = /kept in (\S+)/.exec(restored.err)?.[1] ?? "";
  expect(readdirSync(before).sort()).toEqual(["claude-remote.db", "master.key", "push.key"]);
});

test("a word too many, or none, is a usage error", async () => {
  for (const words of [
    ["backup"],
    ["restore"],
    ["backup", "a", "b"],
    ["restore", "a", "b"],
    ["backup", "--wrong", "a"],
  ])
    expect(await run(...words)).toMatchObject({
      code: 2,
      err: expect.stringContaining("Usage: claude-remote"),
    });
});
