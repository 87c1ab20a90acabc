import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hooks } from "./hooks.ts";
import { sweepRunFolders } from "./run-folders.ts";

test("the folder of a killed run is removed; a living run's, a young one and what is not ours stay", async () => {
  const place = mkdtempSync(join(tmpdir(), "claude-remote-sweep-"));
  const killed = ["const { Hooks } = await import(process.argv[1]);"]
    .concat("await Hooks.open(process.argv[2], ['x'], () => {}); process.kill(process.pid, 'SIGKILL');")
    .join("\n");
  const words = [process.execPath, "-e", killed, join(import.meta.dir, "hooks.ts"), join(place, "00000001")];
  expect(Bun.spawnSync(words, { stderr: "inherit" }).signalCode).toBe("SIGKILL");
  await using living = await Hooks.open(join(place, "00000002"), ["x"], () => {});
  mkdirSync(join(place, "00000003"));
  for (const name of ["00000004", "somebody's"]) {
    mkdirSync(join(place, name));
    writeFileSync(join(place, name, "file"), "");
  }
  const old = new Date(Date.now() - 120_000);
  for (const name of readdirSync(place)) if (name !== "00000003") utimesSync(join(place, name), old, old);

  sweepRunFolders(place);

  expect(readdirSync(place).sort()).toEqual(["00000002", "00000003", "somebody's"]);
  expect(living.folder).toBe(join(place, "00000002"));
  rmSync(place, { recursive: true });
});
