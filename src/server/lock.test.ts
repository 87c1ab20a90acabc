import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlreadyRunningError, lockFolder } from "./lock.ts";

function folder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "cr-lock-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("a folder has one owner, and another as soon as it is given back", () => {
  using data = folder();
  const free = lockFolder(data.path);
  expect(() => lockFolder(data.path)).toThrow(AlreadyRunningError);
  free();
  lockFolder(data.path)();
});

test("a lock that the disk refuses is not taken for a server that runs", () => {
  using data = folder();
  writeFileSync(join(data.path, "server.lock"), "no lock of ours ".repeat(100));
  expect(() => lockFolder(data.path)).toThrow("file is not a database");
});
