// The machines that may report.
import type { DeviceId } from "../../protocol.ts";
import { type By, whoIn } from "../audit.ts";
import type { AuditTable } from "./audit-table.ts";
import type { Db } from "./database.ts";
import type { TokenTable } from "./token-table.ts";

export type Device = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};

const SQL = {
  get: "SELECT * FROM devices WHERE id = $id",
  list: "SELECT * FROM devices ORDER BY created_at",
  add: "INSERT OR IGNORE INTO devices VALUES ($id, $name, $now, $now, NULL)",
  seen: "UPDATE devices SET last_seen = $now WHERE id = $id",
  revoke: "UPDATE devices SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
} as const;

export class DeviceTable {
  readonly #db: Db;
  readonly #audit: AuditTable;
  readonly #tokens: TokenTable;

  constructor(db: Db, audit: AuditTable, tokens: TokenTable) {
    this.#db = db;
    this.#audit = audit;
    this.#tokens = tokens;
  }

  get(id: string): Device | null {
    return this.#db.get(SQL.get, { id }) as Device | null;
  }

  list(): Device[] {
    return this.#db.all(SQL.list) as Device[];
  }

  /** Enrols a machine; one that is known stays as it is. */
  add(id: DeviceId, name: string, now: number, by: By = "owner"): void {
    this.#db.tx(() => {
      if (!this.#db.run(SQL.add, { id, name, now })) return;
      this.#audit.add({ ...whoIn(by), action: "enrolled", subject: id, detail: { device: name } }, now);
    });
  }

  seen(id: DeviceId, now: number): void {
    this.#db.run(SQL.seen, { id, now });
  }

  /** With what its operator may. The tokens that ended so; null: there is no such device. */
  revoke(id: DeviceId, now: number, by: By = "owner"): string[] | null {
    return this.#db.tx(() => {
      if (!this.#db.run(SQL.revoke, { id, now })) return null;
      const detail = { device: this.get(id)?.name };
      this.#audit.add({ ...whoIn(by), action: "revoked", subject: id, detail }, now);
      return this.#tokens.endWith(id, now);
    });
  }
}
