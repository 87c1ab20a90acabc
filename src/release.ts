// `just release`: the binary for every platform into dist/release, named as devboxes want them, with their SHA-256 sums.
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "./release/compile.ts";
import { fileOf, sums, TARGETS } from "./release/targets.ts";

const root = join(import.meta.dir, "..");
const folder = join(root, "dist", "release");
const wanted = process.argv.slice(2);
const unknown = wanted.find((platform) => !Object.hasOwn(TARGETS, platform));
if (unknown !== undefined) {
  console.error(`there is no platform ${unknown}; these are: ${Object.keys(TARGETS).join(", ")}`);
  process.exit(2);
}

// Whole or not at all: what is half there would be taken for a release.
const partial = `${folder}.${process.pid}`;
mkdirSync(partial, { recursive: true });
try {
  const files: Record<string, Uint8Array> = {};
  for (const [platform, target] of Object.entries(TARGETS)) {
    if (wanted.length > 0 && !wanted.includes(platform)) continue;
    const begunAt = performance.now();
    const file = fileOf(platform);
    await compile(root, target, join(partial, file));
    files[file] = await Bun.file(join(partial, file)).bytes();
    const seconds = ((performance.now() - begunAt) / 1_000).toFixed(1);
    console.log(`${file}  ${(statSync(join(partial, file)).size / 1e6).toFixed(0)} MB  ${seconds} s`);
  }
  writeFileSync(join(partial, "SHA256SUMS"), sums(files));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
} finally {
  rmSync(partial, { recursive: true, force: true });
}
console.log(folder);
