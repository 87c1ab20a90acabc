// Letting a phone in: a one-time code, two digits on both sides, and a yes where the code was shown: at the owner's terminal,
// or on a phone that is paired already.
import { randomInt, timingSafeEqual } from "node:crypto";
import type { Viewer, ViewerId } from "../protocol.ts";
import type { Clock } from "./clock.ts";
import { ApiError, limited } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { hashOf, type Logins, newSecret } from "./logins.ts";

/** Crockford's letters: none that is taken for another. Eight of them are 40 bits. */
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LETTERS = 8;
/** A claim that a phone brings itself: long enough for what nobody guesses, a random UUID for one. */
const OWN_CLAIM = /^[\w-]{36,100}$/;

/** Who showed the code. Another paired phone sees nothing of it, and can neither confirm nor end it. */
export type Opener = "owner" | ViewerId;

/** What whoever opened the pairing sees. */
export type PairingState =
  | { state: "closed" }
  | { state: "open"; expires_at: number }
  | { state: "requested"; name: string; address: string; check: string; expires_at: number }
  | { state: "paired"; viewer: Viewer; check: string };

/** What the phone gets: wait for the yes with `claim`, or the login. */
export type PairingResult = { status: "pending"; check: string; claim: string } | Paired;
type Paired = { status: "paired"; check: string; viewer: Viewer; secret: string; key: string | null };

type Open = { code: string; by: Opener; yes: boolean; expiresAt: number; request: Request | null };
type Request = { name: string; address: string; check: string; claim: string; confirmed: boolean };

export type PairingEvents = {
  paired(viewer: Viewer): void;
  refused(who: { name: string; address: string }): void;
};

type Given = {
  code: string;
  name: string;
  claim?: string | undefined;
  /** The browser's page keeps half of the login itself (see Logins.add). */
  bind?: boolean | undefined;
  address: string;
};

/** At most one pairing is open; opening another ends the one before. */
export class Pairing {
  readonly #logins: Logins;
  readonly #clock: Clock;
  readonly #on: PairingEvents;
  #open: Open | null = null;
  #paired: { by: Opener; viewer: Viewer; check: string } | null = null;
  /** The login that was given last, for as long as its code would have been good: the answer may be lost on the way. */
  #given: { code: string; claim: string; expiresAt: number; login: Paired; forget: () => void } | null = null;
  /** When wrong codes were tried, by whomever, whether or not a pairing was open: that must not show. */
  #wrong: number[] = [];

  constructor(logins: Logins, clock: Clock, on: PairingEvents) {
    this.#logins = logins;
    this.#clock = clock;
    this.#on = on;
  }

  /** A new code for one phone. With `yes` nobody is asked at the terminal. */
  open(yes: boolean, by: Opener = "owner"): { code: string; expires_at: number } {
    const letters = Array.from({ length: CODE_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join("");
    const expiresAt = this.#clock.now() + LIMITS.pairingMs;
    this.#open = { code: letters, by, yes, expiresAt, request: null };
    this.#paired = null;
    this.#given?.forget();
    this.#wrong = [];
    return { code: `${letters.slice(0, 4)}-${letters.slice(4)}`, expires_at: expiresAt };
  }

  close(by: Opener = "owner"): void {
    if (sees(by, this.#open)) this.#open = null;
    if (sees(by, this.#paired)) this.#paired = null;
  }

  state(by: Opener = "owner"): PairingState {
    if (this.#paired && sees(by, this.#paired)) {
      const { viewer, check } = this.#paired;
      return { state: "paired", viewer, check };
    }
    const open = this.#current();
    if (!open || !sees(by, open)) return { state: "closed" };
    const { expiresAt: expires_at, request } = open;
    if (!request) return { state: "open", expires_at };
    const { name, address, check } = request;
    return { state: "requested", name, address, check, expires_at };
  }

  /** The yes to the two digits on both screens. False: nobody asks, or not with these digits. */
  confirm(check: string, by: Opener = "owner"): boolean {
    const open = this.#current();
    if (!open?.request || open.request.check !== check || !sees(by, open)) return false;
    open.request.confirmed = true;
    return true;
  }

  /**
   * A phone with the code, or again with its claim; one that is in and asks once more gets the same login. Throws
   * `forbidden` for wrong, spent, expired and closed alike, and `rate_limited` after too many of these.
   */
  enter(given: Given): PairingResult {
    const recent = this.#wrong.filter((at) => at > this.#clock.now() - LIMITS.pairingMs);
    this.#wrong = recent;
    const tooMany = recent.length >= LIMITS.pairingTries;
    if (tooMany)
      throw limited(
        "Too many tries. Show a new code with `claude-remote pair`, or on a paired phone.",
        (recent.at(-LIMITS.pairingTries) ?? 0) + LIMITS.pairingMs - this.#clock.now(),
      );
    const again = this.#again(given);
    if (again) return again;
    const open = this.#current();
    const request = open && same(open.code, normal(given.code)) ? this.#request(open, given) : null;
    if (!open || !request) return this.#refuse(given);
    const { check, claim, name, address } = request;
    if (!request.confirmed) return { status: "pending", check, claim };
    const { viewer, ...login } = this.#logins.add(name, address, given.bind);
    this.#open = null; // Only now: a login that could not be written down spends no code.
    this.#paired = { by: open.by, viewer, check };
    const paired: Paired = { status: "paired", check, viewer, ...login };
    this.#keep(open, claim, paired);
    this.#on.paired(viewer);
    return paired;
  }

  #keep({ code, expiresAt }: Open, claim: string, login: Paired) {
    const stop = this.#clock.after(expiresAt - this.#clock.now(), () => this.#given?.forget());
    const forget = () => {
      stop();
      this.#given = null;
    };
    this.#given = { code, claim, expiresAt, login, forget };
  }

  /** The login of the phone that was let in with this code, to that phone alone. */
  #again({ code, claim }: Given): Paired | null {
    const given = this.#given;
    if (!given || claim === undefined || given.expiresAt <= this.#clock.now()) return null;
    const isIts = same(given.code, normal(code)) && same(given.claim, claim);
    return isIts && this.#logins.inForce(given.login.viewer.id) ? given.login : null;
  }

  /** The phone that came first with the code owns it; null for any other. */
  #request(open: Open, given: Given) {
    if (open.request) return given.claim && same(open.request.claim, given.claim) ? open.request : null;
    if (given.claim !== undefined && !OWN_CLAIM.test(given.claim)) return null;
    const check = String(randomInt(100)).padStart(2, "0");
    const { name, address } = given;
    open.request = { name, address, check, claim: given.claim ?? newSecret(), confirmed: open.yes };
    return open.request;
  }

  #refuse({ name, address }: Given): never {
    this.#wrong.push(this.#clock.now()); // First of all: one that cannot be written down counts as well.
    if (this.#wrong.length >= LIMITS.pairingTries) this.#open = null;
    this.#on.refused({ name, address });
    throw new ApiError(
      "forbidden",
      "That code is not valid. Show a new one with `claude-remote pair`, or on a paired phone.",
    );
  }

  #current() {
    if (this.#open && this.#open.expiresAt <= this.#clock.now()) this.#open = null;
    return this.#open;
  }
}

/** The owner sees every pairing. */
const sees = (who: Opener, of: { by: Opener } | null) => who === "owner" || of?.by === who;

/** A code as it may be typed: in any case, with or without the dash, O for 0, I and L for 1. */
function normal(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
}

/** Equal, in a time that says nothing of where they differ. */
function same(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(a)), Buffer.from(hashOf(b)));
}
