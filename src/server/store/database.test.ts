import { Database } from "bun:sqlite";
import { expect, spyOn, test } from "bun:test";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DESK, stores } from "../../testing/store.ts";
import { masterKey } from "../private-file.ts";
import { Store } from "../store.ts";
import { NewerSchemaError } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";

const { fresh, withSession } = stores();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("SEC-080 database, WAL and keys are 0600 whatever the umask, and wider modes are taken back", () => {
  for (const umask of [0o000, 0o022]) {
    const before = process.umask(umask);
    try {
      const { store, file } = withSession();
      expect(readdirSync(join(file, "..")).length).toBeGreaterThan(1);
      for (const name of readdirSync(join(file, "..")))
        expect(modeOf(join(file, "..", name)), name).toBe("600");
      const key = join(file, "..", "master.key");
      masterKey(key);
      expect(modeOf(key)).toBe("600");
      store[Symbol.dispose]();
      chmodSync(file, 0o666);
      new Store(file)[Symbol.dispose]();
      expect(modeOf(file)).toBe("600");
    } finally {
      process.umask(before);
    }
  }
});

test("SEC-087 a database of a newer program is refused, with both versions named", () => {
  const { store, file } = fresh();
  store[Symbol.dispose]();
  const raw = new Database(file);
  raw.run("PRAGMA user_version = 99");
  raw.close();
  expect(() => new Store(file)).toThrow(NewerSchemaError);
  expect(() => new Store(file)).toThrow(new RegExp(`version 99.*up to ${MIGRATIONS.length}`));
});

test("SEC-087 a migration keeps a private copy of what was, and one that fails changes nothing", () => {
  const { store, file } = fresh();
  store[Symbol.dispose]();
  const broken = [...MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a);"];
  expect(() => new Store(file, broken)).toThrow("already exists");
  const raw = new Database(file);
  expect(raw.query("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
  expect(raw.query("PRAGMA user_version").get()).toEqual({ user_version: MIGRATIONS.length });
  raw.close();

  const grown = new Store(file, [...MIGRATIONS, "CREATE TABLE more (a)"]);
  expect(grown.devices.get(DESK)?.name).toBe("desk");
  grown[Symbol.dispose]();
  const copy = `${file}.version-${MIGRATIONS.length}`;
  expect(modeOf(copy)).toBe("600");
  const old = new Database(copy);
  expect(old.query("SELECT name FROM devices").all()).toEqual([{ name: "desk" }]);
  old.close();
});

test("a commit is on disk when it returns: WAL, and synchronous to the full", () => {
  using run = spyOn(Database.prototype, "run");
  using _ = fresh().store;
  const pragmas = run.mock.calls.map(([sql]) => sql).filter((sql) => sql.startsWith("PRAGMA"));
  expect(pragmas).toContain("PRAGMA journal_mode = WAL");
  expect(pragmas).toContain("PRAGMA synchronous = FULL");
});

test("the log of writes gives back what a long read made it grow by", () => {
  const { store, file } = fresh();
  const log = () => statSync(`${file}-wal`).size;
  store.tables.run("CREATE TABLE large (a)");
  using reader = new Database(file, { readonly: true });
  reader.run("BEGIN");
  reader.query("SELECT * FROM large").all();
  for (let i = 0; i < 20; i++) store.tables.run("INSERT INTO large VALUES (zeroblob(1048576))");
  expect(log()).toBeGreaterThan(20 * 1024 * 1024);
  reader.run("COMMIT");
  for (let i = 0; i < 3; i++) store.tables.run("INSERT INTO large VALUES (1)");
  expect(log()).toBeLessThanOrEqual(16 * 1024 * 1024);
  store[Symbol.dispose]();
});

test("SEC-079 a full disk does not keep the database from being closed", () => {
  const { store } = fresh();
  const run = Database.prototype.run;
  using _ = spyOn(Database.prototype, "run").mockImplementation(function (this: Database, ...sql) {
    if (sql[0].includes("wal_checkpoint")) throw new Error("database or disk is full");
    return run.apply(this, sql);
  });
  expect(() => store[Symbol.dispose]()).not.toThrow();
  expect(() => store.devices.list()).toThrow("closed");
});
