import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { masterKey } from "./private-file.ts";

const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the master key is made once, and a damaged one is not used", () => {
  const path = join(folder, "master.key");
  const first = masterKey(path);
  expect(first).toHaveLength(32);
  expect(masterKey(path)).toEqual(first);
  writeFileSync(path, "short");
  expect(() => masterKey(path)).toThrow("damaged");
});
