// Machines as folders of their own, on which commands are typed as a user does.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended } from "./ended.ts";
import { freePort } from "./port.ts";

/** The words that start this program. */
export const cli = [process.execPath, join(import.meta.dir, "..", "cli.ts")];
const folders: string[] = [];

/** A home, and a port that its own server would have. */
export type Machine = { folder: string; env: Record<string, string>; joined: string };

export function machine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), "cr-machine-"));
  folders.push(folder);
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    CLAUDE_REMOTE_HOME: folder,
    CLAUDE_REMOTE_PORT: String(freePort()),
  };
  return { folder, env, joined: join(folder, "data", "joined.json") };
}

/** What a command says there, and its exit code. */
export async function run(args: string[], env: Record<string, string>, input = "") {
  const stdin = new Blob([input]);
  const child = Bun.spawn([...cli, ...args], { env, stdin, stdout: "pipe", stderr: "pipe" });
  return ended(child);
}

/** A machine's server, once it answers. */
export async function serving({ env }: Machine): Promise<Bun.Subprocess> {
  const server = Bun.spawn([...cli, "serve"], { env, stdio: ["ignore", "ignore", "ignore"] });
  while ((await run(["healthcheck"], env)).code !== 0) await Bun.sleep(50);
  return server;
}

/** Removes every machine's folder. */
export function removeMachines(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
