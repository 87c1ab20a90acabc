// What a changed master key does, beside what src/testing/security/recovery.test.ts shows of it; and when it does nothing.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { openLog } from "./log.ts";
import { KEY_MARK, RESTORED } from "./restored.ts";

const otherKey = (fill: number) => new Uint8Array(32).fill(fill);

test("the log says once how many are out, and names no key", async () => {
  const lines: string[] = [];
  const log = openLog({ level: "warn" });
  log.warn = ((about: object, words: string) => void lines.push(JSON.stringify(about), words)) as never;
  await using server = await testServer({ log });
  await TestViewer.pair(server);
  writeFileSync(join(server.data, "master.key"), otherKey(7));
  await server.restart();
  await server.restart();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe('{"phones":1,"tokens":0,"machines":0}');
  expect(lines[1]).toContain("claude-remote pair");
  using database = new Database(join(server.data, "claude-remote.db"), { readonly: true });
  expect(database.query("SELECT actor FROM audit_log WHERE action = 'revoked'").all()).toEqual([
    { actor: "owner" },
  ]);
});

test("a folder of before this was watched, and a key that a restore brings, put nobody out", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const mark = readFileSync(join(server.data, KEY_MARK), "utf8");
  expect(mark).toMatch(/^[0-9a-f]{64}$/);
  await server.stop();
  mkdirSync(join(server.data, RESTORED));
  writeFileSync(join(server.data, RESTORED, "master.key"), otherKey(9));
  await server.restart();
  expect(existsSync(join(server.data, RESTORED))).toBe(false);
  expect(readFileSync(join(server.data, KEY_MARK), "utf8")).not.toBe(mark);
  expect((await viewer.get("/api/sessions")).status).toBe(200);
});
