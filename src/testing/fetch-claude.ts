// `bun src/testing/fetch-claude.ts [versions…]` puts the versions of claude that tests run where tests look for them.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ended } from "./ended.ts";
import { CLAUDE_BIN, claudeFolder, claudeVersions } from "./real-claude.ts";

/**
 * Installs one version by npm unless it is there, and returns a line that says which. A version that is there runs: it
 * comes to its place only when it has told its version. Rejects, saying what went wrong, otherwise.
 */
async function fetchClaude(version: string): Promise<string> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`"${version}" is not a version such as 2.1.197`);
  const folder = claudeFolder(version);
  if (existsSync(join(folder, CLAUDE_BIN))) return `claude ${version} is there: ${folder}`;
  const npm = Bun.which("npm");
  if (!npm) throw new Error("claude is installed by npm, which is not on PATH; install Node.js first");
  const partial = `${folder}.${process.pid}.partial`;
  try {
    await mkdir(partial, { recursive: true });
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts=false"];
    await run([npm, "install", "--prefix", partial, ...quiet, `@anthropic-ai/claude-code@${version}`]);
    const told = await run([join(partial, CLAUDE_BIN), "--version"]);
    if (!told.startsWith(version)) throw new Error(`claude ${version} says it is ${told.trim()}`);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return `claude ${version} fetched: ${folder}`;
}

/** What a command printed. Rejects with its errors if it failed. */
async function run(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdin: "ignore", stderr: "pipe" });
  const { out, err, code } = await ended(child);
  if (code === 0) return out;
  throw new Error(`${command.join(" ")} failed (${child.exitCode ?? child.signalCode}):\n${err || out}`);
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const version of wanted.length > 0 ? wanted : claudeVersions) {
    const line = await fetchClaude(version).catch((error: Error) => {
      console.error(`claude ${version} could not be fetched: ${error.message}`);
      process.exit(1);
    });
    console.log(line);
  }
}
