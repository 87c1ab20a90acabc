import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { PromptId } from "../../protocol.ts";
import { prompt, statement } from "../../testing/link.ts";
import { DESK, stores } from "../../testing/store.ts";
import { LIMITS } from "../limits.ts";
import { Store } from "../store.ts";
import { MIGRATIONS } from "./schema.ts";

const { empty } = stores();
const deed = (detail: object = {}) => ({ actor: "owner", action: "tried", subject: "it", detail });

test("a page of large rows ends early, and its largest row comes alone", async () => {
  const { store } = empty();
  const large = "x".repeat(LIMITS.auditPageBytes * 0.4);
  for (let i = 0; i < 6; i++) store.audit.add(deed({ i, large }), i);
  store.audit.add(deed({ large: "x".repeat(LIMITS.auditPageBytes * 3) }), 7);
  const newest = store.audit.before(Number.MAX_SAFE_INTEGER, 100);
  expect(newest).toHaveLength(1);
  expect(store.audit.before(newest[0]?.id ?? 0, 100)).toHaveLength(2);
  store[Symbol.dispose]();
});

test("SEC-048 the database itself refuses to change, replace or lose a row", () => {
  const { store, file } = empty();
  for (let i = 0; i < 3; i++) store.audit.add(deed({ i }), Date.now());
  const raw = new Database(file);
  for (const statement of [
    "UPDATE audit_log SET action = 'other'",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE id = 1",
    "INSERT OR REPLACE INTO audit_log (id, at, actor, action, subject, detail) VALUES (2, 0, '', '', '', '{}')",
    "INSERT INTO audit_log (id, at, actor, action, subject, detail) VALUES (0, 0, '', '', '', '{}')",
    "INSERT INTO audit_log (id, at, actor, action, subject, detail) VALUES (1, 0, '', '', '', '{}') ON CONFLICT DO UPDATE SET action = ''",
  ])
    expect(() => raw.run(statement), statement).toThrow("append-only");
  expect(store.audit.after().map(({ detail }) => detail)).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
  raw.close();
  store[Symbol.dispose]();
});

test("the audit forgets its oldest rows only: past a year, past a million, past its bytes", () => {
  const year = LIMITS.auditMs;
  const now = Date.now();
  const ids = (store: Store) => store.audit.after().map(({ detail }) => detail.i);
  const add = (store: Store, list: number[], at: number) =>
    list.forEach((i) => void store.audit.add(deed({ i }), at));

  const old = empty();
  add(old.store, [0, 1], now - year - 5_000);
  add(old.store, [2], now - year + 60_000);
  add(old.store, [3], now - year - 5_000); // The clock was put back: it waits for the row before it.
  old.store.retention.sweep(now);
  expect(ids(old.store)).toEqual([2, 3]);

  const many = empty();
  add(many.store, [0, 1, 2], now);
  const raw = new Database(many.file);
  const columns = "(id, at, actor, action, subject, detail, total)";
  raw.run(`INSERT INTO audit_log ${columns} VALUES (?, ?, '', '', '', '{"i":9}', 2000)`, [
    LIMITS.auditRows + 2,
    now,
  ]);
  expect(() => raw.run("DELETE FROM audit_log WHERE id = 3")).toThrow("append-only");
  many.store.retention.sweep(now);
  expect(ids(many.store)).toEqual([2, 9]);

  const large = empty();
  add(large.store, [0, 1, 2], now);
  const total = Number(
    new Database(large.file).query("SELECT total FROM audit_log WHERE id = 2").values()[0]?.[0],
  );
  const bytes = new Database(large.file);
  bytes.run(`INSERT INTO audit_log ${columns} VALUES (9, ?, '', '', '', '{"i":9}', ?)`, [
    now,
    LIMITS.auditBytes + total - 2,
  ]);
  large.store.retention.sweep(now);
  expect(ids(large.store)).toEqual([1, 2, 9]);
  add(large.store, [10], now); // Each new row makes room for itself.
  expect(ids(large.store)).toEqual([2, 9, 10]);
  for (const { store } of [old, many, large]) store[Symbol.dispose]();
  raw.close();
  bytes.close();
});

test("an audit of the first version keeps its rows, and what their prompts asked", () => {
  const { file, store: first } = empty(MIGRATIONS.slice(0, 1));
  first[Symbol.dispose]();
  const raw = new Database(file);
  const insert =
    "INSERT INTO audit_log (at, actor, action, subject, detail) VALUES (5, 'session s', ?, 'p1', ?)";
  const asked = { digest: "d", tool: "Bash", input: { command: "ls" } };
  raw.run(insert, ["prompt", JSON.stringify(asked)]);
  raw.run(insert, ["answer", '{"digest":"d"}']);
  raw.close();
  const store = new Store(file);
  expect(store.audit.after()).toMatchObject([
    { action: "prompt", asked, detail: {}, name: null },
    { action: "answer", asked, detail: { digest: "d" } },
  ]);
  store[Symbol.dispose]();
});

test("what one prompt asks is never shown with a row about something else", () => {
  const { store } = empty();
  const stated = statement();
  store.devices.add(DESK, "desk", 0);
  store.sessions.state(DESK, stated, 0);
  store.prompts.open(stated.id, prompt({ id: stated.id as string as PromptId }), 0);
  store.audit.add({ ...deed(), action: "input", subject: stated.id }, 1);
  expect(store.audit.after().at(-1)).toMatchObject({ action: "input", asked: null });
  store[Symbol.dispose]();
});
