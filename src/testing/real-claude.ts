// The real claude in tests: which versions, where they are, and the home that the doctor makes for them.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export { type ClaudeHome, claudeHome } from "../doctor/home.ts";

/** The versions that tests run: an older and a newer one, which differ in much that matters. */
const PINNED = "2.1.197 2.1.329";
/** The versions to test with, oldest first; `CLAUDE_REMOTE_TEST_CLAUDE` names others, parted by commas or spaces. */
export const claudeVersions: readonly string[] = (process.env.CLAUDE_REMOTE_TEST_CLAUDE || PINNED)
  .split(/[\s,]+/)
  .filter((version) => version !== "");

/** The folder that holds one version, whether it is there or not. */
export function claudeFolder(version: string): string {
  return resolve(import.meta.dir, "../../.cache/claude", version);
}

/** The program inside such a folder. */
export const CLAUDE_BIN = join("node_modules", ".bin", "claude");

/** The path of one version's `claude`. Throws, naming the command that fetches it, if it is not there. */
export function claudePath(version: string): string {
  const path = join(claudeFolder(version), CLAUDE_BIN);
  if (existsSync(path)) return path;
  throw new Error(
    `Claude Code ${version} is not here; fetch it with: bun src/testing/fetch-claude.ts ${version}`,
  );
}
