// The compiled program, for tests that run what a user runs.
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");
const PATH = join(ROOT, "dist", "claude-remote");
/** What no build carries. */
const TESTS = /\/testing\/|\/testdata\/|\.test\.ts$/;

let current = false;

/** The path of `dist/claude-remote`, built first where a source is newer. Throws, with what the build said, if it fails. */
export function program(): string {
  if (current) return PATH;
  const files = [...new Bun.Glob("{src,public}/**/*").scanSync(ROOT), "package.json"];
  const sources = files.filter((file) => !TESTS.test(file));
  const newest = Math.max(...sources.map((file) => statSync(join(ROOT, file)).mtimeMs));
  if (!existsSync(PATH) || statSync(PATH).mtimeMs < newest) {
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "src/build.ts"], { cwd: ROOT });
    if (exitCode !== 0) throw new Error(`the program does not build:\n${stderr}`);
  }
  current = true;
  return PATH;
}
