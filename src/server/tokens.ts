// Credentials of programs: made by the owner, each for what its scopes say and for a time, kept as a hash.
import type { ApiToken, DeviceId, TokenScope } from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { hashOf, newSecret } from "./logins.ts";
import type { TokenTable } from "./store/token-table.ts";

/** What a program may be let do. `operate` comes only with a machine that is let in for it. */
export const SCOPES = ["read", "input", "metrics"] as const;

/** Begins every token, so that whoever finds one somewhere knows what it is. */
const PREFIX = "crt_";
const DAY_MS = 24 * 60 * 60 * 1_000;

type Wanted = { name: string; scopes: readonly TokenScope[]; days?: number; device?: DeviceId };

export class Tokens {
  readonly #table: TokenTable;
  readonly #clock: Clock;
  /** When each was used last, until that is written down: a GET changes nothing in the database. */
  readonly #used = new Map<string, number>();
  readonly #heard: ((token: string) => void)[] = [];

  constructor(table: TokenTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** A new one. `token` exists only in the answer. Throws `invalid` where there are too many, or its name is taken. */
  make({ name, scopes, days = LIMITS.tokenDays, device }: Wanted, by: By) {
    const known = this.list();
    if (known.length >= LIMITS.tokens)
      throw new ApiError("invalid", `There are ${known.length} tokens already; revoke one.`);
    if (known.some((one) => one.name === name))
      throw new ApiError("invalid", `There is a token "${name}" already; name it differently, or revoke it.`);
    const id = Bun.randomUUIDv7();
    const token = `${PREFIX}${newSecret()}`;
    const expires_at = this.#clock.now() + days * DAY_MS;
    const row = { id, name, scopes: [...scopes], device_id: device ?? null, expires_at };
    this.#table.add({ ...row, hash: hashOf(token) }, by, this.#clock.now());
    return { ...row, token };
  }

  /** Whose secret that is, or null: unknown, revoked, too old, or no telling how old. */
  check(secret: string): ApiToken | null {
    const token = this.#table.of(hashOf(secret));
    const now = this.#clock.now();
    if (!token || now >= token.expires_at) return null;
    const used = Math.max(token.created_at, token.last_used ?? 0, this.#used.get(token.id) ?? 0);
    if (now < used - LIMITS.clockSlackMs) return null;
    this.#used.set(token.id, Math.max(now, used));
    return token;
  }

  /** All in force, with when each was used last. */
  list(): ApiToken[] {
    return this.#table.list(this.#clock.now()).map((token) => {
      return { ...token, last_used: this.#used.get(token.id) ?? token.last_used };
    });
  }

  /** Whether it is still good; what holds a connection open asks from time to time. */
  inForce(id: string): boolean {
    return this.list().some((token) => token.id === id);
  }

  /** False: there is no such token. */
  revoke(id: string, by: By): boolean {
    const revoked = this.#table.revoke(id, by, this.#clock.now());
    if (revoked) this.ended([id]);
    return revoked;
  }

  /** Calls `hear` with each token whose right ends before its time. */
  onEnd(hear: (token: string) => void): void {
    this.#heard.push(hear);
  }

  /** Their right has ended with something else. */
  ended(tokens: readonly string[]): void {
    for (const token of tokens) for (const hear of this.#heard) hear(token);
  }

  /** Writes down when they were used. */
  flush(): void {
    if (this.#used.size > 0) this.#table.used(this.#used);
    this.#used.clear();
  }
}
