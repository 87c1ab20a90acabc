// `npm start`: builds the binary if the source is newer, then runs it on the user's claude, or on the demo without one.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const binary = join(root, "dist", "claude-remote");

const newest = Math.max(
  ...[...new Bun.Glob("{src,public}/**/*").scanSync(root)].map((file) => statSync(join(root, file)).mtimeMs),
);
if (!existsSync(binary) || statSync(binary).mtimeMs < newest) {
  const { exitCode } = Bun.spawnSync([process.execPath, join(import.meta.dir, "build.ts")], {
    stdio: ["inherit", "inherit", "inherit"],
  });
  if (exitCode !== 0) process.exit(exitCode);
}

/** A claude that was never logged in has no credentials and no key; the demo shows the same without it. */
function usable(): boolean {
  const home = process.env.CLAUDE_CONFIG_DIR ?? join(process.env.HOME ?? "", ".claude");
  const login =
    process.env.ANTHROPIC_API_KEY ||
    existsSync(join(home, ".credentials.json")) ||
    process.platform === "darwin";
  return Bun.which(process.env.CLAUDE_REMOTE_CLAUDE ?? "claude") !== null && Boolean(login);
}

const args = process.argv.slice(2);
const words = usable() ? args : ["demo", ...args];
if (!usable()) console.error("No claude that is logged in was found here: this is the demo.\n");
const child = Bun.spawn([binary, ...words], { stdio: ["inherit", "inherit", "inherit"] });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
process.exit(await child.exited);
