import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loginEnvironment } from "./login.ts";

/** A login shell that does this before it runs what it is told. */
async function environmentOf(startUp: string): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "cr-login-"));
  const shell = join(folder, "shell");
  writeFileSync(shell, `#!/bin/sh\n${startUp}\nshift $(($# - 1))\neval "$1"\n`);
  chmodSync(shell, 0o755);
  const own = process.env.SHELL;
  process.env.SHELL = shell;
  try {
    return await loginEnvironment();
  } finally {
    if (own === undefined) delete process.env.SHELL;
    else process.env.SHELL = own;
    rmSync(folder, { recursive: true });
  }
}

test("what a login sets is known, whatever its start-up files say, and also where they leave something running", async () => {
  const env = await environmentOf("echo welcome; export SET_BY_LOGIN='a b'; sleep 60 & export LEFT=$!");
  expect(env).toMatchObject({ SET_BY_LOGIN: "a b", TERM: "xterm-256color" });
  expect(process.kill(Number(env.LEFT), "SIGTERM")).toBe(true); // It still held the pipe.
});

test("where the login shell says nothing of it, our own environment is what there is", async () => {
  expect(await environmentOf("exit 1")).toMatchObject({ PATH: process.env.PATH ?? "" });
});
