// Databases of a test file, each in a folder of its own, mostly with one machine in it; all are gone when its tests are.
import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceId, LogLine } from "../protocol.ts";
import { MIGRATIONS } from "../server/store/schema.ts";
import { type Keep, Store } from "../server/store.ts";
import { statement } from "./link.ts";

/** The machine that is in most. */
export const DESK = "local" as DeviceId;

/** To be called once in a test file. `now`: when everything in them was made. */
export function stores() {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const now = Date.now();

  function empty(migrations = MIGRATIONS, keep: Partial<Keep> = {}) {
    const file = join(mkdtempSync(join(folder, "store-")), "test.db");
    return { store: new Store(file, migrations, keep), file };
  }

  function fresh(...how: Parameters<typeof empty>) {
    const { store, file } = empty(...how);
    store.devices.add(DESK, "desk", now);
    return { store, file };
  }

  function withSession(change: Parameters<typeof statement>[0] = {}) {
    const { store, file } = fresh();
    const session = statement(change);
    store.sessions.state(DESK, session, now);
    return { store, file, id: session.id };
  }

  return { now, empty, fresh, withSession };
}

/** A row of a log. */
export const line = (line_no: number, text = `line ${line_no}`): LogLine => ({
  line_no,
  epoch: 0,
  source: "screen",
  text,
});
