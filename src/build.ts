// `npm run build`: one file, dist/claude-remote, that carries page, terminal library and everything else.
import { mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const target = process.argv[2] ?? `bun-${process.platform}-${process.arch}`;
const native = target === `bun-${process.platform}-${process.arch}`;
const outfile = join(root, "dist", native ? "claude-remote" : `claude-remote-${target.slice(4)}`);

mkdirSync(join(root, "dist"), { recursive: true });
// Beside its place and then into it: the one that is there may be running, or being started.
const partial = `${outfile}.${process.pid}`;
const options = ["--compile", "--minify", "--bytecode", `--target=${target}`, `--outfile=${partial}`];
const command = [process.execPath, "build", ...options, join(root, "src", "cli.ts")];
const { exitCode, stderr } = Bun.spawnSync(command, {
  cwd: root,
  env: { ...process.env, NODE_ENV: "production" },
});
if (exitCode !== 0) {
  console.error(`the build failed:\n${stderr}`);
  process.exit(1);
}
renameSync(partial, outfile);
console.log(`${outfile} (${(statSync(outfile).size / 1e6).toFixed(0)} MB)`);
