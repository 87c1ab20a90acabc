// An upgrade of the database: what it keeps, and that it can be killed anywhere.
import { Database } from "bun:sqlite";
import { afterAll, expect, spyOn, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MIGRATIONS } from "./store/schema.ts";
import { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Enough rows that every statement that moves data has some. */
const MESSAGES = 50;

/** A database as the first version made it, with something in every table that later ones change. */
function oldest(name: string): string {
  const file = join(mkdtempSync(join(folder, `${name}-`)), "test.db");
  const db = new Database(file);
  db.run("PRAGMA journal_mode = WAL");
  db.run(MIGRATIONS[0] ?? "");
  db.run("PRAGMA user_version = 1");
  db.run("INSERT INTO devices VALUES ('local', 'desk', 1, 1, NULL)");
  const say = db.query(
    "INSERT INTO messages (conversation_id, uuid, seq, role, body, created_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  for (let seq = 0; seq < MESSAGES; seq++)
    say.run("c", `u${seq}`, seq, "user", JSON.stringify([{ type: "text", text: `word${seq}` }]), seq);
  const audit = db.query(
    "INSERT INTO audit_log (at, actor, action, subject, detail) VALUES (?, 'x', 'prompt', 's', '{}')",
  );
  for (let at = 0; at < MESSAGES; at++) audit.run(at);
  db.close();
  return file;
}

/** Everything that a database says of itself: version, schema, soundness, rows. */
function lookOf(file: string) {
  using db = new Database(file);
  const one = (sql: string) => db.query(sql).values().flat();
  return {
    version: one("PRAGMA user_version")[0],
    schema: one("SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name, sql"),
    sound: one("PRAGMA integrity_check"),
    rows: ["devices", "messages", "audit_log"].map((table) => one(`SELECT count(*) FROM ${table}`)[0]),
  };
}

const copiesOf = (file: string) => readdirSync(join(file, "..")).filter((name) => name.includes(".version-"));

/** Statements of a migration; those of a trigger stay together. */
function statementsIn(sql: string): string[] {
  const found: string[] = [];
  let begun = "";
  for (const part of sql.split(/(?<=;)\s*\n/)) {
    begun += `${part}\n`;
    if (/CREATE TRIGGER/.test(begun) && !/END;\s*$/.test(begun)) continue;
    found.push(begun);
    begun = "";
  }
  return found.filter((statement) => statement.trim() !== "");
}

/** Upgrades, and calls `after` when each statement has run; those of a migration one by one. */
function stepwise(file: string, after: () => void) {
  const { run } = Database.prototype;
  const patched = spyOn(Database.prototype, "run").mockImplementation(function (
    this: Database,
    sql,
    ...more
  ) {
    const results = (more.length > 0 ? [sql] : statementsIn(sql)).map((statement) => {
      const result = run.call(this, statement, ...more);
      after();
      return result;
    });
    return results.at(-1) ?? { changes: 0, lastInsertRowid: 0 };
  });
  try {
    new Store(file)[Symbol.dispose]();
  } finally {
    patched.mockRestore();
  }
  after();
}

test("SEC-087 an upgrade killed at any step leaves the old state or the new one, and the next start ends it", () => {
  const start = oldest("before");
  const before = lookOf(start);
  const file = oldest("killed");
  // A killed process leaves its files as they are: what it held in memory is gone, its locks are gone.
  const left: string[] = [];
  stepwise(file, () => {
    left.push(mkdtempSync(join(folder, "left-")));
    for (const name of readdirSync(join(file, "..")).filter((one) => !one.endsWith("-shm")))
      cpSync(join(file, "..", name), join(left.at(-1) ?? "", name));
  });
  const after = lookOf(file);
  expect(after).toMatchObject({ version: MIGRATIONS.length, rows: before.rows, sound: ["ok"] });
  expect(left.length).toBeGreaterThan(25);
  const seen = left.map((at, step) => {
    const now = lookOf(join(at, "test.db"));
    expect(now, `step ${step}`).toEqual(now.version === 1 ? before : after);
    for (const copy of copiesOf(join(at, "test.db")).filter((name) => !name.endsWith(".new")))
      expect(lookOf(join(at, copy)), `copy at step ${step}`).toEqual(before);
    new Store(join(at, "test.db"))[Symbol.dispose]();
    expect(lookOf(join(at, "test.db")), `start after step ${step}`).toEqual(after);
    expect(copiesOf(join(at, "test.db"))).toEqual(["test.db.version-1"]);
    return now.version;
  });
  expect(new Set(seen)).toEqual(new Set([1, MIGRATIONS.length]));
});

test("SEC-087 one copy is kept, private, of what was there right before the newest upgrade", () => {
  const file = oldest("copies");
  writeFileSync(`${file}.version-0`, "of long ago");
  writeFileSync(`${file}.version-1`, "of an earlier time at which version 1 was in use");
  writeFileSync(`${file}.version-1.new`, "cut short");
  cpSync(file, `${file}.untouched`);
  new Store(file)[Symbol.dispose]();
  expect(copiesOf(file)).toEqual(["test.db.version-1"]);
  expect(lookOf(`${file}.version-1`)).toEqual(lookOf(`${file}.untouched`));
  expect(statSync(`${file}.version-1`).mode & 0o777).toBe(0o600);
  new Store(file, [...MIGRATIONS, "CREATE TABLE more (a)"])[Symbol.dispose]();
  expect(copiesOf(file)).toEqual([`test.db.version-${MIGRATIONS.length}`]);
});

test("SEC-087 where the copy cannot be made, nothing is upgraded", () => {
  const file = oldest("no-room");
  const before = lookOf(file);
  // A folder stands where the copy would go: as with a full disk, SQLite cannot write there.
  cpSync(import.meta.dir, `${file}.version-1.new`, {
    recursive: true,
    filter: (path) => statSync(path).isDirectory(),
  });
  expect(() => new Store(file)).toThrow();
  expect(lookOf(file)).toEqual(before);
});
