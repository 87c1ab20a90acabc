// Backups: made while somebody writes, and restored only where nothing about them is odd.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, mock, test } from "bun:test";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceId, ViewerId } from "../protocol.ts";
import { LOCAL_DEVICE } from "../server/devices.ts";
import { masterKey } from "../server/private-file.ts";
import { finishRestore, RESTORED } from "../server/restored.ts";
import { AlreadyRunningError } from "../server/server.ts";
import { MIGRATIONS } from "../server/store/schema.ts";
import { Store } from "../server/store.ts";
import { testServer } from "../testing/server.ts";
import { makeBackup } from "./make.ts";
import { DATABASE, MANIFEST, type Manifest } from "./manifest.ts";
import { Restore } from "./restore.ts";
import { ArchiveError, MAX_FILE_BYTES, readTar, writeTar } from "./tar.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "claude-remote-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const now = Date.now();
const DAY = 86_400_000;
const [phone, tablet] = ["phone", "tablet"] as ViewerId[] as [ViewerId, ViewerId];
const laptop = "laptop" as DeviceId;

const fresh = () => fs.mkdtempSync(join(folder, "data-"));
const opened = (data: string) => new Store(join(data, DATABASE));
const modeOf = (path: string) => (fs.statSync(path).mode & 0o777).toString(8);
const make = async (data: string, change: Partial<Parameters<typeof makeBackup>[0]> = {}) => {
  const file = join(fs.mkdtempSync(join(folder, "file-")), "backup.tar");
  return {
    file,
    manifest: await makeBackup({ data, file, withKeys: false, version: "0.9.0", now, ...change }),
  };
};

/** A data folder with two phones, a laptop and the keys. */
function withData(): string {
  const data = fresh();
  using store = opened(data);
  store.devices.add(LOCAL_DEVICE, "desk", now - DAY);
  store.devices.add(laptop, "laptop", now);
  for (const id of [phone, tablet])
    store.viewers.add({ id, name: id, address: "::1", hash: `of ${id}` }, now);
  masterKey(join(data, "master.key"));
  fs.writeFileSync(join(data, "push.key"), "a pair of keys", { mode: 0o600 });
  return data;
}

function restored(data: string, file: string, at = now) {
  using restore = new Restore(data, file, at);
  return { plan: restore.plan, before: restore.decide() };
}

const inForce = (data: string) => {
  using store = opened(data);
  const machines = store.devices.list().filter(({ revoked_at }) => revoked_at === null);
  return [...store.viewers.list().map(({ id }) => id), ...machines.map(({ id }) => id)].sort() as string[];
};

/** Every file below a folder with its content, but SQLite's own scratch files. */
function contentOf(data: string): Record<string, string> {
  const names = fs.readdirSync(data, { recursive: true }).map(String);
  const files = names.filter(
    (name) => fs.statSync(join(data, name)).isFile() && !/-(shm|wal)$|lock/.test(name),
  );
  return Object.fromEntries(files.map((name) => [name, sum(fs.readFileSync(join(data, name)))]));
}

const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("SEC-086 a backup that is made while another process writes is one moment, whole and 0600", async () => {
  const data = withData();
  const writer = Bun.spawn(
    [process.execPath, join(import.meta.dir, "testdata", "writer.ts"), join(data, DATABASE)],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  await writer.stdout.getReader().read(); // It has begun.
  const before = process.umask(0);
  try {
    const countIn = (path: string) => {
      using db = new Database(path);
      return db.query("SELECT (SELECT count(*) FROM messages) AS rows, bytes FROM conversations").get() as {
        rows: number;
        bytes: number;
      };
    };
    const made = [(await make(data)).file];
    const first = countIn(join(data, DATABASE)).rows;
    // However slow the writer is: it wrote while some of them were made.
    let later = first;
    for (; made.length < 3 || later === first; later = countIn(join(data, DATABASE)).rows)
      made.push((await make(data)).file);
    const counts = made.map((file) => {
      expect(modeOf(file)).toBe("600");
      expect(fs.readdirSync(join(file, ".."))).toEqual(["backup.tar"]);
      const other = fresh();
      restored(other, file);
      return countIn(join(other, DATABASE));
    });
    for (const { rows, bytes } of counts) expect(rows).toBe(bytes);
    const rows = counts.map((count) => count.rows);
    expect(rows.toSorted((a, b) => a - b)).toEqual(rows);
    expect(rows[0]).toBeGreaterThan(0);
    expect(later).toBeGreaterThan(rows[0] ?? 0);
  } finally {
    process.umask(before);
    writer.kill();
    await writer.exited;
  }
});

test("SEC-086 a backup of a running server is restored only where no server runs, and tar can read it", async () => {
  await using server = await testServer();
  const { file, manifest } = await make(server.data, { withKeys: true });
  expect(manifest).toMatchObject({ format: 1, version: "0.9.0", schema: MIGRATIONS.length, created_at: now });
  const { stdout } = Bun.spawnSync(["tar", "-tf", file]);
  expect(stdout.toString().split("\n").slice(0, 3)).toEqual([MANIFEST, DATABASE, "master.key"]);
  const key = fs.readFileSync(join(server.data, "master.key"));
  expect(() => new Restore(server.data, file, now)).toThrow(AlreadyRunningError);
  expect((await server.admin("GET", "/status")).version).toBe("0.0.0-test");
  await server.stop();
  restored(server.data, file);
  await server.restart();
  expect(fs.readFileSync(join(server.data, "master.key"))).toEqual(key);
  expect((await server.admin("GET", "/status")).version).toBe("0.0.0-test");
});

test("SEC-086 the keys are in a backup only where they were asked for, and an existing file is never replaced", async () => {
  const data = withData();
  const bare = await make(data);
  expect(bare.manifest.files.map(({ name }) => name)).toEqual([DATABASE]);
  const key = fs.readFileSync(join(data, "master.key"));
  expect(fs.readFileSync(bare.file).includes(key)).toBeFalse();
  const whole = await make(data, { withKeys: true });
  expect(whole.manifest.files.map(({ name }) => name)).toEqual([DATABASE, "master.key", "push.key"]);
  await expect(make(data, { file: whole.file })).rejects.toThrow("is there already");
  await expect(make(fresh())).rejects.toThrow("nothing to back up");

  const other = fresh();
  expect(restored(other, whole.file)).toMatchObject({
    before: null,
    plan: { keys: ["master.key", "push.key"] },
  });
  expect(fs.readFileSync(join(other, "master.key"))).toEqual(key);
  for (const name of [DATABASE, "master.key", "push.key"])
    expect(modeOf(join(other, name)), name).toBe("600");
  expect(inForce(other)).toEqual(["laptop", LOCAL_DEVICE, "phone", "tablet"].sort());
});

test("SEC-086 what was there is kept beside, under the name that is told", async () => {
  const data = withData();
  const { file } = await make(data);
  const was = inForce(data);
  {
    using store = opened(data);
    store.devices.add("later" as DeviceId, "enrolled since", now);
  }
  const { before } = restored(data, file);
  expect(before).toStartWith(join(data, "before-restore-"));
  expect(modeOf(before ?? "")).toBe("700");
  expect(inForce(data)).toEqual(was);
  expect(inForce(before ?? "")).toEqual([...was, "later"].sort());
  expect(fs.readFileSync(join(before ?? "", "master.key"))).toEqual(
    fs.readFileSync(join(data, "master.key")),
  );
  using store = opened(data);
  expect(store.audit.before(Number.MAX_SAFE_INTEGER, 1)).toMatchObject([
    { actor: "owner", action: "restored", detail: { backup_of: now, kept_out: 0 } },
  ]);
});

test("SEC-086 whoever was revoked since the backup stays revoked, and one that was forgotten since as well", async () => {
  const data = withData();
  const { file } = await make(data, { withKeys: true });
  {
    using store = opened(data);
    store.viewers.revoke(phone, "owner", now);
    store.devices.revoke(laptop, now);
    store.tables.run("DELETE FROM viewers WHERE id = 'tablet'"); // Revoked, and swept a month later.
  }
  expect(restored(data, file)).toMatchObject({ plan: { revoked: 3, viewers: [], devices: ["desk"] } });
  expect(inForce(data)).toEqual([LOCAL_DEVICE]);
  using store = opened(data);
  expect(store.viewers.of("of phone")?.revoked_at).toBe(now);
  expect(store.devices.get(laptop)?.revoked_at).toBe(now);
});

test("SEC-086 a master key that was changed since, to be rid of every machine, does not come back", async () => {
  const data = withData();
  const { file } = await make(data, { withKeys: true });
  fs.rmSync(join(data, "master.key"));
  const key = masterKey(join(data, "master.key"));
  expect(restored(data, file).plan.keys).toEqual([]);
  expect(masterKey(join(data, "master.key"))).toEqual(key);
  fs.writeFileSync(join(data, "master.key"), "damaged");
  expect(restored(data, file, now + 1).plan.keys).toEqual(["master.key"]);
  expect(masterKey(join(data, "master.key"))).not.toEqual(key);
});

test("SEC-086 beside a database that cannot be read nobody is let in, and beside none everybody of the backup", async () => {
  const data = withData();
  const { file } = await make(data);
  fs.writeFileSync(join(data, DATABASE), "no database at all".repeat(1000));
  const { plan, before } = restored(data, file);
  expect(plan).toMatchObject({ present: "unreadable", revoked: 3 });
  expect(inForce(data)).toEqual([LOCAL_DEVICE]);
  expect(fs.readFileSync(join(before ?? "", DATABASE), "utf8")).toStartWith("no database");
  fs.rmSync(join(data, DATABASE));
  expect(restored(data, file, now + 1).plan).toMatchObject({ present: "none", revoked: 0 });
  expect(inForce(data)).toEqual(["laptop", LOCAL_DEVICE, "phone", "tablet"].sort());
});

test("a backup of an older version is brought to this one, and a prepared restore that nobody decides changes nothing", async () => {
  const data = withData();
  const old = fresh();
  const raw = new Database(join(old, DATABASE));
  raw.run(MIGRATIONS[0] ?? "");
  raw.run("PRAGMA user_version = 1");
  raw.run("INSERT INTO devices VALUES ('local', 'an old desk', 5, 5, NULL)");
  raw.close();
  const { file } = await make(old);
  const was = contentOf(data);
  {
    using undecided = new Restore(data, file, now);
    expect(undecided.plan.manifest.schema).toBe(1);
  }
  expect(contentOf(data)).toEqual(was);
  restored(data, file);
  using store = opened(data);
  expect(store.devices.get(LOCAL_DEVICE)?.name).toBe("an old desk");
  expect(fs.readdirSync(data).filter((name) => name.includes("version"))).toEqual([]);
});

test("SEC-086 a restore that is killed at any step leaves the old data or the restored ones, key and all", async () => {
  const source = withData();
  const { file } = await make(source, { withKeys: true });
  const data = fresh();
  {
    using store = opened(data);
    store.devices.add(LOCAL_DEVICE, "the old desk", 7);
  }
  const keys = {
    "the old desk": masterKey(join(data, "master.key")),
    desk: masterKey(join(source, "master.key")),
  };

  // A killed process leaves its files as they are.
  const left: string[] = [];
  const real = { ...fs };
  const steps = ["renameSync", "rmSync", "linkSync", "mkdirSync", "fsyncSync"] as const;
  const watched = steps.map((name) => {
    const call = (...args: never[]) => {
      const result = (real[name] as (...given: never[]) => unknown)(...args);
      const at = real.mkdtempSync(join(folder, "left-"));
      real.cpSync(data, at, { recursive: true, filter: (path) => !/-shm$|lock/.test(path) });
      left.push(at);
      return result;
    };
    return [name, call] as const;
  });
  {
    using restore = new Restore(data, file, now);
    await mock.module("node:fs", () => ({ ...real, ...Object.fromEntries(watched) }));
    try {
      restore.decide();
    } finally {
      await mock.module("node:fs", () => real);
    }
  }
  expect(left.length).toBeGreaterThan(12);
  const seen = left.map((at, step) => {
    finishRestore(at);
    const extra = real.readdirSync(at).filter((name) => name.startsWith("restore.new-") || name === RESTORED);
    expect(extra, `step ${step}`).toEqual([]);
    using store = opened(at);
    const name = store.devices.get(LOCAL_DEVICE)?.name as keyof typeof keys;
    expect(masterKey(join(at, "master.key")), `step ${step}`).toEqual(keys[name]);
    const before = real.readdirSync(at).filter((one) => one.startsWith("before-restore-"));
    expect(before.length, `step ${step}`).toBe(name === "desk" ? 1 : 0);
    for (const one of before) {
      using old = opened(join(at, one));
      expect(old.devices.get(LOCAL_DEVICE)?.name).toBe("the old desk");
    }
    return name;
  });
  expect(new Set(seen)).toEqual(new Set(["the old desk", "desk"] as const));
  expect(seen.indexOf("desk")).toBeGreaterThan(seen.lastIndexOf("the old desk"));
});

// ── hostile archives ────────────────────────────────────────────────────────────────────────────────────────────────

let good: { database: Uint8Array; manifest: Manifest };
beforeAll(async () => {
  const { file, manifest } = await make(withData());
  const chunks: Uint8Array[] = [];
  const opened = fs.openSync(file, "r");
  readTar(opened, (name) => (chunk) => void (name === DATABASE && chunks.push(Uint8Array.from(chunk))));
  fs.closeSync(opened);
  good = { database: Buffer.concat(chunks), manifest };
});

type Raw = {
  name: string;
  content?: Uint8Array;
  type?: string;
  link?: string;
  size?: Uint8Array;
  prefix?: string;
};

/** A tar by hand, with whatever a header can be made to say. */
function tarOf(entries: Raw[], tail: Uint8Array = Buffer.alloc(1024)): Uint8Array {
  const parts = entries.flatMap(
    ({ name, content = Buffer.alloc(0), type = "0", link = "", size, prefix = "" }) => {
      const header = Buffer.alloc(512);
      header.write(name, 0);
      header.write("0000600\0", 100);
      header.set(size ?? Buffer.from(`${content.length.toString(8).padStart(11, "0")}\0`), 124);
      header.write(type, 156);
      header.write(link, 157);
      header.write("ustar\x0000", 257);
      header.write(prefix, 345);
      header.fill(" ", 148, 156);
      const total = header.reduce((all, byte) => all + byte, 0);
      header.write(`${total.toString(8).padStart(6, "0")}\0 `, 148);
      return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
    },
  );
  return Buffer.concat([...parts, tail]);
}

const textOf = (change: object = {}) => Buffer.from(JSON.stringify({ ...good.manifest, ...change }));
const manifestOf = (change: object = {}): Raw => ({ name: MANIFEST, content: textOf(change) });
const database = (): Raw => ({ name: DATABASE, content: good.database });

/** An archive with right sums around a database that was changed by `sql`. */
function changed(sql: string, schema: number = MIGRATIONS.length): Uint8Array {
  const path = join(fresh(), "changed.db");
  fs.writeFileSync(path, good.database);
  const db = new Database(path);
  for (const statement of sql.split("\n")) db.run(statement);
  db.close();
  return around(fs.readFileSync(path), schema);
}

function around(content: Uint8Array, schema: number = MIGRATIONS.length): Uint8Array {
  const files = [{ name: DATABASE, bytes: content.length, sha256: sum(content) }];
  return tarOf([manifestOf({ schema, files }), { name: DATABASE, content }]);
}

const base256 = (bytes: number) => {
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field.writeBigUInt64BE(BigInt(bytes), 4);
  return field;
};
const GB = 1e9;

const HOSTILE: [string, () => Uint8Array, string][] = [
  [
    "a symlink",
    () => tarOf([manifestOf(), { name: DATABASE, type: "2", link: "/etc/passwd" }]),
    "not a plain file",
  ],
  [
    "a hard link",
    () => tarOf([manifestOf(), { name: DATABASE, type: "1", link: "master.key" }]),
    "not a plain file",
  ],
  ["a link's target in a plain file", () => tarOf([{ ...manifestOf(), link: "/etc" }]), "not a plain file"],
  ["a folder", () => tarOf([manifestOf(), { name: "claude-remote.db/", type: "5" }]), "not a plain file"],
  ["a device", () => tarOf([manifestOf(), { name: DATABASE, type: "3" }]), "not a plain file"],
  ["a pipe", () => tarOf([manifestOf(), { name: DATABASE, type: "6" }]), "not a plain file"],
  [
    "a pax header",
    () => tarOf([manifestOf(), { name: "x", type: "x", content: Buffer.from("20 path=/etc/x\n") }]),
    "not a plain",
  ],
  [
    "a global pax header",
    () => tarOf([{ name: "g", type: "g", content: Buffer.from("x") }]),
    "not a plain file",
  ],
  [
    "a long name of GNU tar",
    () => tarOf([manifestOf(), { name: "././@LongLink", type: "L" }]),
    "not a plain file",
  ],
  [
    "a sparse file",
    () => tarOf([manifestOf(), { name: DATABASE, type: "S", size: base256(100 * GB) }]),
    "not a plain file",
  ],
  [
    "100 GB",
    () => tarOf([manifestOf(), { name: DATABASE, size: base256(100 * GB) }]),
    `larger than ${MAX_FILE_BYTES}`,
  ],
  [
    "a negative size",
    () => tarOf([manifestOf(), { name: DATABASE, size: Buffer.from("-0000000001\0") }]),
    "larger than",
  ],
  ["a prefix", () => tarOf([manifestOf(), { ...database(), prefix: "../.." }]), "not a plain file"],
  [
    "a way up",
    () => tarOf([manifestOf(), { ...database(), name: "../claude-remote.db" }]),
    "a name that no backup has",
  ],
  [
    "an absolute path",
    () => tarOf([manifestOf(), { ...database(), name: "/tmp/x" }]),
    "a name that no backup has",
  ],
  [
    "a dot before",
    () => tarOf([manifestOf(), { ...database(), name: `./${DATABASE}` }]),
    "a name that no backup has",
  ],
  [
    "a NUL in a name",
    () => tarOf([manifestOf(), { ...database(), name: "\0" }]),
    "a name that no backup has",
  ],
  [
    "a file of another name",
    () => tarOf([manifestOf(), { ...database(), name: "joined.json" }]),
    "not what its manifest says",
  ],
  [
    "a file more",
    () => tarOf([manifestOf(), database(), { name: "config.toml" }]),
    "not what its manifest says",
  ],
  ["the database twice", () => tarOf([manifestOf(), database(), database()]), "not what its manifest says"],
  ["the manifest twice", () => tarOf([manifestOf(), manifestOf(), database()]), "not what its manifest says"],
  ["no manifest", () => tarOf([database()]), "not one of ours"],
  ["no database", () => tarOf([manifestOf()]), "does not hold what its manifest says"],
  ["nothing", () => tarOf([]), "not one of ours"],
  [
    "a manifest of megabytes",
    () => tarOf([{ name: MANIFEST, content: Buffer.alloc(1e6, " ") }]),
    "larger than any of ours",
  ],
  [
    "a manifest that is no JSON",
    () => tarOf([{ name: MANIFEST, content: Buffer.from("{") }, database()]),
    "not one of ours",
  ],
  ["another format", () => tarOf([manifestOf({ format: 2 }), database()]), "not one of ours (format)"],
  [
    "escapes in a version",
    () => tarOf([manifestOf({ version: "\x1b[2J" }), database()]),
    "not one of ours (version)",
  ],
  [
    "a manifest that names another file",
    () => tarOf([manifestOf({ files: [{ ...good.manifest.files[0], name: "../x" }] }), database()]),
    "not one of ours (files",
  ],
  [
    "a manifest that names a file twice",
    () =>
      tarOf([
        manifestOf({ files: [good.manifest.files[0], good.manifest.files[0]] }),
        database(),
        database(),
      ]),
    "does not name each file once",
  ],
  [
    "a key of megabytes",
    () => {
      const content = Buffer.alloc(1e6);
      const key = { name: "master.key", bytes: content.length, sha256: sum(content) };
      return tarOf([
        manifestOf({ files: [...good.manifest.files, key] }),
        database(),
        { name: "master.key", content },
      ]);
    },
    "does not have the size",
  ],
  [
    "another sum",
    () =>
      tarOf([
        manifestOf(),
        { name: DATABASE, content: good.database.map((byte, at) => (at === 5000 ? byte ^ 1 : byte)) },
      ]),
    "its sum is another",
  ],
  [
    "another size",
    () => tarOf([manifestOf(), { name: DATABASE, content: good.database.subarray(1) }]),
    "does not have the size",
  ],
  [
    "something after the end",
    () => tarOf([manifestOf(), database()], Buffer.alloc(2048, "x")),
    "it is no tar",
  ],
  [
    "something after the zeros",
    () => Buffer.concat([tarOf([manifestOf(), database()]), Buffer.from("x")]),
    "after its end",
  ],
  ["zeros without end", () => tarOf([manifestOf(), database()], Buffer.alloc(1e6)), "after its end"],
  ["an end in the database", () => tarOf([manifestOf(), database()]).subarray(0, 9_000), "cut short"],
  ["an end in a header", () => tarOf([manifestOf(), database()]).subarray(0, 1_100), "cut short"],
  ["no end", () => tarOf([manifestOf(), database()], Buffer.alloc(0)), "cut short"],
  [
    "a broken header",
    () => Buffer.concat([Buffer.from("x"), tarOf([manifestOf(), database()]).subarray(1)]),
    "it is no tar",
  ],
  ["gzip", () => Bun.gzipSync(Buffer.from(tarOf([manifestOf(), database()]))), "it is no tar"],
  ["an empty file", () => Buffer.alloc(0), "cut short"],
  ["no database in the database", () => around(Buffer.alloc(8192, "x")), "cannot be read"],
  ["an empty database", () => around(Buffer.alloc(0)), "has version 0"],
  [
    "a database that is cut short",
    () => around(good.database.slice(0, good.database.length - 8192)),
    "database",
  ],
  [
    "a trigger",
    () => changed("CREATE TRIGGER t AFTER INSERT ON devices BEGIN DELETE FROM viewers; END"),
    'not as ours is: trigger "t"',
  ],
  ["a trigger taken away", () => changed("DROP TRIGGER audit_log_is_never_changed"), "not as ours is"],
  [
    "a trigger of our name",
    () =>
      changed(
        "DROP TRIGGER audit_log_is_never_changed\nCREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log BEGIN SELECT 1; END",
      ),
    "not as ours is",
  ],
  ["a table more", () => changed("CREATE TABLE x (a)"), 'table "x"'],
  ["a view more", () => changed("CREATE VIEW x AS SELECT * FROM viewers"), 'view "x"'],
  ["an index on an expression", () => changed("CREATE INDEX x ON viewers (abs(id))"), 'index "x"'],
  ["a column more", () => changed("ALTER TABLE viewers ADD COLUMN x TEXT"), 'table "viewers"'],
  [
    "an older version than it says",
    () => changed("PRAGMA user_version = 1"),
    "has version 1, its manifest says",
  ],
  ["an old schema that is called older still", () => changed("PRAGMA user_version = 1", 1), "not as ours is"],
  [
    "a newer version",
    () => changed("PRAGMA user_version = 99", 99),
    `version 99 (of claude-remote 0.9.0), this claude-remote knows up to ${MIGRATIONS.length}`,
  ],
];

test.each(HOSTILE)("SEC-086 an archive with %s is refused, and nothing is changed", (_, archive, why) => {
  const data = withData();
  const file = join(fresh(), "hostile.tar");
  fs.writeFileSync(file, archive());
  const was = contentOf(data);
  let error: unknown;
  try {
    restored(data, file);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ArchiveError);
  expect(String(error)).toContain(why);
  expect(contentOf(data)).toEqual(was);
  expect(fs.readdirSync(data).filter((name) => /^restore/.test(name))).toEqual([]);
});

test("SEC-086 what is no file is not restored, and a database of rows that its tables do not allow neither", () => {
  const data = withData();
  const pipe = join(fresh(), "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  expect(() => restored(data, pipe)).toThrow("not a file");
  expect(() => restored(data, fresh())).toThrow();

  // STRICT is kept by whoever writes; somebody who writes the file by other means need not.
  const path = join(fresh(), "odd.db");
  const rewrite = (from: string, to: string) => {
    const text = Buffer.from(fs.existsSync(path) ? fs.readFileSync(path) : good.database).toString("latin1");
    fs.writeFileSync(path, text.replaceAll(from, to), "latin1");
  };
  const table = `${/CREATE TABLE viewers[^)]*\)/.exec(MIGRATIONS[0] ?? "")?.[0]} `;
  rewrite(`${table}STRICT`, `${table}      `);
  const db = new Database(path);
  db.run("UPDATE viewers SET created_at = 'never'");
  db.close();
  rewrite(`${table}      `, `${table}STRICT`);
  const file = join(fresh(), "odd.tar");
  fs.writeFileSync(file, around(fs.readFileSync(path)));
  expect(() => restored(data, file)).toThrow("its database is damaged");
});

test("a backup that is interrupted leaves nothing", async () => {
  const data = withData();
  const stop = new AbortController();
  const file = join(fresh(), "backup.tar");
  const made = make(data, { file, signal: stop.signal });
  stop.abort(new Error("interrupted"));
  await expect(made).rejects.toThrow("interrupted");
  expect(fs.readdirSync(join(file, ".."))).toEqual([]);
});

test("a database that is larger than a backup can hold is not backed up", () => {
  const path = join(fresh(), "large");
  const file = fs.openSync(path, "w");
  fs.ftruncateSync(file, MAX_FILE_BYTES + 1);
  fs.closeSync(file);
  expect(() => writeTar(join(fresh(), "x.tar"), [{ name: DATABASE, path }], now)).toThrow(
    `can hold ${MAX_FILE_BYTES}`,
  );
});
