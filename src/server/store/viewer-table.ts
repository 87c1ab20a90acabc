// The paired viewers, each by the hash of its login.
import type { Viewer, ViewerId } from "../../protocol.ts";
import { type By, whoIn } from "../audit.ts";
import type { AuditTable } from "./audit-table.ts";
import type { Db, Row } from "./database.ts";

const SQL = {
  add: "INSERT INTO viewers VALUES ($id, $name, $address, $hash, $now, $now, NULL)",
  list: "SELECT * FROM viewers WHERE revoked_at IS NULL ORDER BY created_at",
  of: "SELECT * FROM viewers WHERE login_hash = $hash",
  inForce: "SELECT 1 FROM viewers WHERE id = $id AND revoked_at IS NULL",
  seen: "UPDATE viewers SET last_seen = max(last_seen, $now) WHERE id = $id",
  rename: "UPDATE viewers SET name = $name WHERE id = $id AND revoked_at IS NULL",
  revoke: "UPDATE viewers SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
} as const;

export class ViewerTable {
  readonly #db: Db;
  readonly #audit: AuditTable;

  constructor(db: Db, audit: AuditTable) {
    this.#db = db;
    this.#audit = audit;
  }

  add(viewer: { id: ViewerId; name: string; address: string; hash: string }, now: number): void {
    this.#db.tx(() => {
      this.#db.run(SQL.add, { ...viewer, now });
      const { id, name, address } = viewer;
      const entry = { actor: `viewer ${id}`, name, address, action: "paired", subject: id, detail: {} };
      this.#audit.add(entry, now);
    });
  }

  /** Those that are not revoked. */
  list(): Viewer[] {
    return this.#db.all(SQL.list).map(toViewer);
  }

  /** Whose login that is, revoked or not. */
  of(hash: string): Viewer | null {
    const row = this.#db.get(SQL.of, { hash });
    return row && toViewer(row);
  }

  /** Whether there is such a one, and it is not revoked. */
  inForce(id: ViewerId): boolean {
    return this.#db.get(SQL.inForce, { id }) !== null;
  }

  seen(seen: Map<ViewerId, number>): void {
    this.#db.tx(() => {
      for (const [id, now] of seen) this.#db.run(SQL.seen, { id, now });
    });
  }

  /** False: there is none. */
  rename(id: string, name: string, by: By, now: number): boolean {
    return this.#db.tx(() => {
      const renamed = this.#db.run(SQL.rename, { id, name });
      if (renamed) this.#audit.add({ ...whoIn(by), action: "renamed", subject: id, detail: { name } }, now);
      return renamed;
    });
  }

  /** False: there is none. */
  revoke(id: string, by: By, now: number): boolean {
    return this.#db.tx(() => {
      const viewer = this.list().find((one) => one.id === id)?.name;
      const revoked = this.#db.run(SQL.revoke, { id, now });
      const entry = { ...whoIn(by), action: "revoked", subject: id, detail: { viewer } };
      if (revoked) this.#audit.add(entry, now);
      return revoked;
    });
  }
}

function toViewer(row: Row): Viewer {
  const { login_hash, ...viewer } = row;
  return viewer as Viewer;
}
