// A release: its platforms, its sums, and that nothing of ours installs or updates anything by itself.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPLETED } from "../completion.ts";
import { SETTINGS } from "../config.ts";
import { ownPlatform } from "../devbox/binary.ts";
import { compile } from "./compile.ts";
import { fileOf, sums, TARGETS } from "./targets.ts";

setDefaultTimeout(120_000);

const root = join(import.meta.dir, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "cr-release-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the platforms are those that a devbox can have, this one among them, each of Bun's own names", () => {
  expect(Object.keys(TARGETS)).toContain(ownPlatform());
  for (const [platform, target] of Object.entries(TARGETS)) {
    expect(platform).toMatch(/^(linux|darwin)-(x64|arm64)(-musl)?$/);
    expect(target.replace(/-baseline$/, "")).toBe(`bun-${platform}`);
    expect(target.endsWith("-baseline")).toBe(platform.includes("x64"));
  }
});

test("SEC-088 a copy that is cut, changed or another's is told by the sums", () => {
  const files = { [fileOf("linux-x64")]: Buffer.from("one"), [fileOf("darwin-arm64")]: Buffer.from("two") };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, "SHA256SUMS"), sums(files));
  const check = (...more: string[]) =>
    Bun.spawnSync(["sha256sum", "-c", "--quiet", ...more, "SHA256SUMS"], { cwd: folder }).exitCode;
  expect(check("--strict")).toBe(0);
  truncateSync(join(folder, fileOf("linux-x64")), 2);
  expect(check()).toBe(1);
  writeFileSync(join(folder, fileOf("linux-x64")), "One");
  expect(check()).toBe(1);
  writeFileSync(join(folder, fileOf("linux-x64")), files[fileOf("darwin-arm64")] ?? "");
  expect(check()).toBe(1);
  rmSync(join(folder, fileOf("linux-x64")));
  expect(check()).toBe(1);
  expect(check("--ignore-missing")).toBe(0);
});

test("SEC-088 nothing installs or updates itself: no command, no setting, no address to load from", () => {
  const words = /(^|_|-)(self.?update|update|upgrade|auto.?update|install|download)($|_|-)/;
  expect(Object.keys(COMPLETED).filter((word) => words.test(word))).toEqual([]);
  expect(Object.keys(SETTINGS).filter((name) => words.test(name))).toEqual([]);
  const scripts = [...new Bun.Glob("**/*install*.sh").scanSync(root)].filter(
    (path) => !path.startsWith("node_modules/"),
  );
  expect(scripts).toEqual([]);
  const loads = /releases\/(latest|download)|api\.github\.com|registry\.npmjs|raw\.githubusercontent/;
  const sources = [...new Bun.Glob("{src,public}/**/*.ts").scanSync(root)].filter(
    (path) => !/\.test\.ts$|\/testing\/|\/testdata\//.test(path),
  );
  expect(sources.length).toBeGreaterThan(100);
  for (const path of sources)
    expect([path, loads.test(readFileSync(join(root, path), "utf8"))]).toEqual([path, false]);
});

test("a program that does not build is said, with what the compiler says", async () => {
  mkdirSync(join(folder, "nowhere"));
  await expect(compile(join(folder, "nowhere"), "bun-linux-x64", join(folder, "out"))).rejects.toThrow(
    /does not build:\n.*nowhere/s,
  );
});
