// The devboxes that are known here, how each was when it was last tried, and where sessions were started last.
import type { DevboxError, DevboxState, DeviceId, LaunchMode } from "../protocol.ts";
import type { Db } from "../server/store/database.ts";

/** Places remembered where a session was started; the oldest go. */
const KEPT_CHOICES = 50;

/** What somebody says of a devbox that is to be known. */
export type NewDevbox = Pick<DevboxState, "name" | "kind" | "host" | "user" | "port" | "key" | "dir">;
/** Where a session was started, and how. */
export type Choice = { devbox: string; dir: string; mode: LaunchMode | null; used_at: number };
/** With the device that its wrappers prove to be. */
export type Registered = DevboxState & { device_id: DeviceId };

type Row = Omit<Registered, "error" | "state"> & {
  state: DevboxState["state"] | "removed";
  error: string | null;
};

const SQL = {
  row: "SELECT * FROM devboxes WHERE name = $name AND state <> 'removed'",
  rows: "SELECT * FROM devboxes WHERE state <> 'removed' ORDER BY coalesce(last_used, created_at) DESC",
  // One that was removed and comes back is another machine for all we know: a device of its own.
  add: `INSERT INTO devboxes (name, kind, host, user, port, key, dir, device_id, created_at, state)
      VALUES ($name, $kind, $host, $user, $port, $key, $dir, $device, $now, 'active')
    ON CONFLICT (name) DO UPDATE SET kind = $kind, host = $host, user = $user, port = $port, key = $key, dir = $dir,
      device_id = $device, created_at = $now, last_used = NULL, seen_at = NULL, state = 'active', error = NULL, fingerprint = NULL
      WHERE state = 'removed'`,
  remove: "UPDATE devboxes SET state = 'removed', key = NULL WHERE name = $name AND state <> 'removed'",
  tried:
    "UPDATE devboxes SET state = $state, error = $error, seen_at = iif($state = 'active', $now, seen_at) WHERE name = $name AND state <> 'removed'",
  trusted: "UPDATE devboxes SET fingerprint = $fingerprint WHERE name = $name AND state <> 'removed'",
  used: "UPDATE devboxes SET last_used = $now WHERE name = $name",
  choose: `INSERT INTO devbox_choices VALUES ($devbox, $dir, $mode, $now)
    ON CONFLICT (devbox, dir) DO UPDATE SET mode = $mode, used_at = $now`,
  trimChoices: `DELETE FROM devbox_choices WHERE rowid NOT IN
    (SELECT rowid FROM devbox_choices ORDER BY used_at DESC LIMIT $kept)`,
  forgetChoices: "DELETE FROM devbox_choices WHERE devbox = $name",
  choices: "SELECT devbox, dir, mode, used_at FROM devbox_choices ORDER BY used_at DESC LIMIT $kept",
} as const;

export class Registry {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The one used last first. */
  list(): Registered[] {
    return (this.#db.all(SQL.rows) as Row[]).map(toRegistered);
  }

  get(name: string): Registered | null {
    const [row] = this.#db.all(SQL.row, { name }) as Row[];
    return row ? toRegistered(row) : null;
  }

  /** False: there is one of that name. */
  add(devbox: NewDevbox, device: DeviceId, now: number): boolean {
    return this.#db.run(SQL.add, { ...devbox, device, now });
  }

  /** Its row stays, for the sessions that were there. False: there is none. */
  remove(name: string): boolean {
    return this.#db.tx(() => {
      this.#db.run(SQL.forgetChoices, { name });
      return this.#db.run(SQL.remove, { name });
    });
  }

  /** How it was when it was tried just now; without an error it was as it should be. */
  tried(name: string, error: DevboxError | null, reached: boolean, now: number): void {
    const state = reached ? "active" : "unreachable";
    this.#db.run(SQL.tried, { name, state, now, error: error && JSON.stringify(error) });
  }

  /** Somebody said yes to this host key. */
  trusted(name: string, fingerprint: string): void {
    this.#db.run(SQL.trusted, { name, fingerprint });
  }

  /** A session was started there. */
  used(devbox: string, dir: string, mode: LaunchMode | null, now: number): void {
    this.#db.tx(() => {
      this.#db.run(SQL.used, { name: devbox, now });
      this.#db.run(SQL.choose, { devbox, dir, mode, now });
      this.#db.run(SQL.trimChoices, { kept: KEPT_CHOICES });
    });
  }

  /** The newest first. */
  choices(): Choice[] {
    return this.#db.all(SQL.choices, { kept: KEPT_CHOICES }) as Choice[];
  }
}

function toRegistered({ state, error, ...row }: Row): Registered {
  if (state === "removed") throw new Error("it was removed");
  return { ...row, state, error: error === null ? null : JSON.parse(error) };
}

/** As viewers see it: which device it is is ours. */
export function toState({ device_id, ...devbox }: Registered): DevboxState {
  return devbox;
}
