// Who is in force: whom the present database has let go stays so in a restored one.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { LOCAL_DEVICE } from "../server/devices.ts";

/** What may be revoked: the table, and its name for a person. */
const REVOCABLE = ["viewers", "devices", "tokens"] as const;
type Revocable = (typeof REVOCABLE)[number];
type Known = Record<Revocable, Map<string, { name: string; inForce: boolean }>>;

/**
 * What the present database says. `origin` is when it was made: two of the same origin are one database at different
 * times, so what the younger one does not know any more was revoked and then forgotten.
 */
export type Standing =
  | { kind: "none" }
  | { kind: "unreadable" }
  | { kind: "read"; origin: number; known: Known };

export function standingIn(path: string): Standing {
  if (!existsSync(path)) return { kind: "none" };
  try {
    using db = new Database(path, { readwrite: true, create: false });
    const known = knownIn(db);
    return { kind: "read", origin: originOf(db), known };
  } catch {
    return { kind: "unreadable" };
  }
}

export function knownIn(db: Database): Known {
  return { viewers: rowsOf(db, "viewers"), devices: rowsOf(db, "devices"), tokens: rowsOf(db, "tokens") };
}

/** When this server first started: its own machine's row. */
export function originOf(db: Database): number {
  const row = db.query<{ created_at: number }, [string]>("SELECT created_at FROM devices WHERE id = ?");
  return row.get(LOCAL_DEVICE)?.created_at ?? Number.NaN; // Equal to nothing.
}

function rowsOf(db: Database, table: Revocable) {
  const query = db.query<{ id: string; name: string; revoked_at: number | null }, []>(
    `SELECT id, name, revoked_at FROM ${table}`,
  );
  return new Map(query.all().map(({ id, name, revoked_at }) => [id, { name, inForce: revoked_at === null }]));
}

/**
 * Takes the right from whoever has lost it by now, in the restored database. What cannot be asked is answered with no:
 * beside a present database that cannot be read nobody is let in. Returns how many.
 */
export function keepRevoked(db: Database, present: Standing, now: number): number {
  if (present.kind === "none") return 0;
  const restored = knownIn(db);
  const same = present.kind === "read" && present.origin === originOf(db);
  let count = 0;
  for (const table of REVOCABLE) {
    const revoke = db.query(`UPDATE ${table} SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`);
    for (const [id, { inForce }] of restored[table]) {
      const stays =
        present.kind === "unreadable"
          ? id === LOCAL_DEVICE
          : (present.known[table].get(id)?.inForce ?? !same);
      if (inForce && !stays) count += revoke.run(now, id).changes;
    }
  }
  db.run(
    "DELETE FROM push_subscriptions WHERE viewer_id IN (SELECT id FROM viewers WHERE revoked_at IS NOT NULL)",
  );
  return count;
}
