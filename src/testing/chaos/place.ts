// A folder in which programs ask for things whose effect can be counted: `./mark TOKEN` leaves a line each time it runs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../program.ts";

/** `home` is the user's, `project` the folder that programs run in, `env` their whole environment. */
export type Place = { home: string; project: string; env: Record<string, string> };

/** Makes one below the temporary folder; disposing removes it. */
export function place(): AsyncDisposable & Place {
  const root = mkdtempSync(join(tmpdir(), "cr-chaos-home-"));
  const [home, project, temporary] = [join(root, "home"), join(root, "project"), join(root, "tmp")];
  for (const folder of [home, project, temporary]) mkdirSync(folder);
  prepare(project);
  const PATH = process.env.PATH ?? "/usr/bin:/bin";
  const terminal = { SHELL: "/bin/sh", TERM: "xterm-256color", LANG: "C.UTF-8" };
  const env = { HOME: home, TMPDIR: temporary, PATH, ...terminal };
  return { home, project, env, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** Puts the command into a project. */
export function prepare(project: string) {
  mkdirSync(join(project, "marks"), { recursive: true });
  writeFileSync(join(project, "mark"), '#!/bin/sh\necho ran >> "marks/$1"\n', { mode: 0o755 });
}

/** How often the command of this token ran. */
export function marks(project: string, token: string): number {
  const file = join(project, "marks", token);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
}

/** The command about this token; no token is the beginning of another. */
export const command = (token: string) => `./mark ${token}`;

/** The dialog that asks for it, on a screen. */
export const dialogOf = (token: string) =>
  new RegExp(`^ +\\./mark ${token} *$[\\s\\S]*Do you want to proceed`, "m");

/** A program for claude's place, at `path`: a demo that plays these lines; with none it waits for somebody's. */
export function demo(path: string, lines: readonly string[]): string {
  writeFileSync(`${path}.txt`, lines.join("\n"));
  const words = `exec ${program()} demo-claude "--demo-script=${path}.txt" "$@"`;
  writeFileSync(path, `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  return path;
}
