// `bun bench/run.ts [name …] [--quick]`: runs the named benchmarks, or all, one after the other, and prints one report.
import { cpus, platform } from "node:os";
import { join } from "node:path";
import { BINARY, BUILT } from "./rig.ts";

const ALL = [
  "keystroke",
  "startup",
  "throughput",
  "memory",
  "dom",
  "usable",
  "phone-bytes",
  "approvals",
  "search",
  "attach",
  "launch",
  "load",
  "soak",
];

const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith("--"));
const named = words.filter((word) => !word.startsWith("--"));
const unknown = named.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(", ")}; there are: ${ALL.join(", ")}`);
  process.exit(2);
}

if (BINARY === BUILT) build();
console.log(
  `# Benchmarks of ${BINARY}\n\n${cpus().length} cores, ${platform()} ${process.arch}, Bun ${Bun.version}`,
);
let failed = 0;
for (const name of named.length > 0 ? named : ALL) {
  // A process each: none of them finds what the one before has left behind.
  const child = Bun.spawn([process.execPath, join(import.meta.dir, `${name}.ts`), ...flags], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await child.exited) !== 0) failed++;
}
process.exit(failed > 0 ? 1 : 0);

/** What is measured is what stands in the source now. */
function build() {
  const { exitCode, stderr } = Bun.spawnSync([
    process.execPath,
    join(import.meta.dir, "..", "src", "build.ts"),
  ]);
  if (exitCode === 0) return;
  console.error(stderr.toString());
  process.exit(1);
}
