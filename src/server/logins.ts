// Who is logged in: a random secret in the browser's cookie, its hash here, and two bounds on its life.
import { createHash, randomBytes } from "node:crypto";
import type { Viewer, ViewerId } from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { CookieRule } from "./front.ts";
import { LIMITS } from "./limits.ts";
import type { ViewerTable } from "./store/viewer-table.ts";

/** Bytes of a login's or a token's secret. */
const SECRET_BYTES = 32;

export const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");

/** A secret nobody can guess, in letters that fit a cookie and a header. */
export const newSecret = () => randomBytes(SECRET_BYTES).toString("base64url");

/** A login of two halves is neither of them. */
const both = (secret: string, key: string | null) => (key === null ? secret : `${secret}.${key}`);

/** The value of that cookie; "ambiguous" if it is there more than once. */
export function cookieOf(header: string | null, name: string): string | "ambiguous" | null {
  const values = (header ?? "").split(/[;,]/).flatMap((part) => {
    const [key, ...value] = part.trim().split("=");
    return key === name ? [value.join("=")] : [];
  });
  return values.length > 1 ? "ambiguous" : (values[0] ?? null);
}

/** The header that keeps a login in the browser, or with "" takes it away. */
export function setCookie({ name, secure }: CookieRule, secret: string): string {
  const seconds = secret === "" ? 0 : Math.round(LIMITS.loginMs / 1_000);
  const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? "; Secure" : ""}`;
  return `${name}=${secret}; ${flags}`;
}

export class Logins {
  readonly #viewers: ViewerTable;
  readonly #clock: Clock;
  /** When each login was used last, until that is written down: a GET changes nothing in the database. */
  readonly #seen = new Map<ViewerId, number>();

  constructor(viewers: ViewerTable, clock: Clock) {
    this.#viewers = viewers;
    this.#clock = clock;
  }

  /**
   * Lets a browser in. `secret` exists only here and in its cookie. A browser sends a cookie to every port of a host, so
   * with `bind` half of the login is a `key` that its page keeps where only its own origin can read, and sends itself.
   */
  add(name: string, address: string, bind = false): { viewer: Viewer; secret: string; key: string | null } {
    const secret = newSecret();
    const key = bind ? newSecret() : null;
    const id = Bun.randomUUIDv7() as ViewerId;
    const hash = hashOf(both(secret, key));
    this.#viewers.add({ id, name, address, hash }, this.#clock.now());
    const viewer = this.#viewers.of(hash);
    if (!viewer) throw new Error("the login is not there");
    return { viewer, secret, key };
  }

  /** Whose secret that is, or null: unknown, without its key, revoked, or too old. */
  check(secret: string, key: string | null = null): Viewer | null {
    const viewer = this.#viewers.of(hashOf(both(secret, key)));
    if (!viewer || viewer.revoked_at !== null) return null;
    if (this.#isTooOld(viewer)) return null;
    const last_seen = Math.max(this.#seenAt(viewer), this.#clock.now());
    this.seen(viewer.id);
    return { ...viewer, last_seen };
  }

  #seenAt({ id, last_seen }: Viewer): number {
    return Math.max(last_seen, this.#seen.get(id) ?? 0);
  }

  #isTooOld(viewer: Viewer): boolean {
    const now = this.#clock.now();
    const seen = this.#seenAt(viewer);
    if (now - viewer.created_at > LIMITS.loginMs || now - seen > LIMITS.loginIdleMs) return true;
    return now < seen - LIMITS.clockSlackMs; // No telling how old it is.
  }

  /** It lets nobody in any more: it is too old, and may be forgotten already. */
  lapsed(id: ViewerId): boolean {
    const viewer = this.#viewers.list().find((one) => one.id === id);
    return viewer === undefined || this.#isTooOld(viewer);
  }

  seen(id: ViewerId): void {
    this.#seen.set(id, Math.max(this.#clock.now(), this.#seen.get(id) ?? 0));
  }

  /** All logins in force, with when each was used last. */
  list(): Viewer[] {
    return this.#viewers.list().map((viewer) => {
      return { ...viewer, last_seen: this.#seenAt(viewer) };
    });
  }

  /** Whether it was not ended; what takes its time asks again. */
  inForce(id: ViewerId): boolean {
    return this.#viewers.inForce(id);
  }

  /** False: there is no such login. */
  rename(id: string, name: string, by: By): boolean {
    return this.#viewers.rename(id, name, by, this.#clock.now());
  }

  revoke(id: string, by: By): boolean {
    return this.#viewers.revoke(id, by, this.#clock.now());
  }

  /** Writes down when the logins were used. */
  flush(): void {
    if (this.#seen.size > 0) this.#viewers.seen(this.#seen);
    this.#seen.clear();
  }
}
