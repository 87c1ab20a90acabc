// One binary for one platform, by Bun's compiler; the runtime of another platform comes from npm, once.
import { join } from "node:path";

/** Compiles `src/cli.ts` below `root` to `outfile`. Rejects with what the compiler says. */
export async function compile(root: string, target: string, outfile: string): Promise<void> {
  const options = ["--compile", "--minify", "--bytecode", `--target=${target}`, `--outfile=${outfile}`];
  const child = Bun.spawn([process.execPath, "build", ...options, join(root, "src", "cli.ts")], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`${target} does not build:\n${said}`);
}
