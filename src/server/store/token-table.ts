// The credentials of programs, each by its hash.
import type { ApiToken, DeviceId } from "../../protocol.ts";
import { type By, whoIn } from "../audit.ts";
import type { AuditTable } from "./audit-table.ts";
import type { Db, Row } from "./database.ts";

type NewToken = Omit<ApiToken, "created_at" | "last_used"> & { hash: string };

const SQL = {
  add: `INSERT INTO tokens VALUES ($id, $name, $hash, $scopes, $device_id, $now, $expires_at, NULL, NULL)`,
  of: "SELECT * FROM tokens WHERE hash = $hash AND revoked_at IS NULL",
  list: "SELECT * FROM tokens WHERE revoked_at IS NULL AND expires_at > $now ORDER BY created_at",
  ofDevice: "SELECT id FROM tokens WHERE device_id = $device AND revoked_at IS NULL",
  used: "UPDATE tokens SET last_used = max(coalesce(last_used, 0), $now) WHERE id = $id",
  revoke: "UPDATE tokens SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
} as const;

export class TokenTable {
  readonly #db: Db;
  readonly #audit: AuditTable;

  constructor(db: Db, audit: AuditTable) {
    this.#db = db;
    this.#audit = audit;
  }

  add({ scopes, ...token }: NewToken, by: By, now: number): void {
    this.#db.tx(() => {
      this.#db.run(SQL.add, { ...token, scopes: JSON.stringify(scopes), now });
      const { id, name, expires_at } = token;
      const detail = { token: name, scopes: [...scopes], expires_at };
      this.#audit.add({ ...whoIn(by), action: "token created", subject: id, detail }, now);
    });
  }

  /** Those in force. */
  list(now: number): ApiToken[] {
    return this.#db.all(SQL.list, { now }).map(toToken);
  }

  /** Not a revoked one; whether it is still good at this time is not looked at. */
  of(hash: string): ApiToken | null {
    const row = this.#db.get(SQL.of, { hash });
    return row && toToken(row);
  }

  used(used: Map<string, number>): void {
    this.#db.tx(() => {
      for (const [id, now] of used) this.#db.run(SQL.used, { id, now });
    });
  }

  /** False: there is none. */
  revoke(id: string, by: By, now: number): boolean {
    return this.#db.tx(() => {
      const token = this.list(now).find((one) => one.id === id)?.name;
      const revoked = this.#db.run(SQL.revoke, { id, now });
      const entry = { ...whoIn(by), action: "revoked", subject: id, detail: { token } };
      if (revoked) this.#audit.add(entry, now);
      return revoked;
    });
  }

  /** Revokes, within the caller's transaction, those that end with a machine; tells which. */
  endWith(device: DeviceId, now: number): string[] {
    const tokens = this.#db.all(SQL.ofDevice, { device }).map((row) => String(row.id));
    for (const token of tokens) this.#db.run(SQL.revoke, { id: token, now });
    return tokens;
  }
}

function toToken(row: Row): ApiToken {
  const { hash, revoked_at, ...token } = row;
  return { ...token, scopes: JSON.parse(String(row.scopes)) } as ApiToken;
}
