// The one gate: Host, Origin and credential of every request, for plain HTTP, event streams and upgrades alike.
import { timingSafeEqual } from "node:crypto";
import type { Viewer } from "../protocol.ts";
import { ApiError } from "./errors.ts";
import type { Front, Name } from "./front.ts";
import type { RateName } from "./limits.ts";
import { cookieOf, type Logins } from "./logins.ts";
import { counter } from "./rate.ts";
import type { Tokens } from "./tokens.ts";

/** Who may use a route. `device`: the wrapper's channel, which proves itself by its handshake. */
export type Who = "public" | "viewer" | "device" | `token:${string}`;
/** A token that is sent with a request. */
export type Token = { id: string; name: string; scopes: readonly string[] };
export type Caller =
  | { kind: "public" }
  | { kind: "device" }
  | { kind: "viewer"; viewer: Viewer }
  | { kind: "token"; token: Token };

/** Who may use a route, and as what a request to it is counted: as a write unless told, and a GET not at all. */
export type Admission = { who: readonly Who[]; rate?: RateName | undefined };

/** What stands before the routes of a socket. */
export type Door = {
  /** Whom a request is for. Throws `misdirected` if that is not us. */
  name(request: Request): Name;
  /**
   * Lets a request to a route in, or throws: `forbidden` for what another site sent or for the wrong kind of credential,
   * `unauthorized` without one, `rate_limited` for too many.
   */
  admit(request: Request, route: Admission, name: Name): Caller;
  /** Throws `unauthorized` where the right of whoever was let in has ended meanwhile: a body may take as long as it likes. */
  still(caller: Caller): void;
};

export type DoorOptions = {
  names: () => Front;
  logins: Logins;
  tokens: Tokens;
  now: () => number;
  /** Reads the metrics, and nothing else; without one nobody does. */
  metricsToken?: string | undefined;
};

/** The door of the page's port. `names` is asked at each request: the port is known only once it is open. */
export function publicDoor(options: DoorOptions): Door {
  const count = counter(options.now);
  return {
    name({ headers }) {
      const name = options.names().named(headers.get("host"));
      if (!name) throw new ApiError("misdirected", "");
      return name;
    },
    admit(request, { who, rate = kindOf(request) }, name) {
      checkOrigin(request, who, name);
      const caller = admitted(callerOf(request, name, options), who);
      const known = idOf(caller);
      if (rate && known) count(rate, known);
      return caller;
    },
    still(caller) {
      if (!isStillIn(caller, options)) throw new ApiError("unauthorized", "This login or token was ended.");
    },
  };
}

/** The door of a socket that only this user can open: no browser comes that way, and none may. */
export const ownersDoor: Door = {
  name: () => ({ origin: "", cookie: null }),
  admit(request, { who }) {
    if (request.headers.has("origin")) throw foreign();
    return { kind: who.includes("device") ? "device" : "public" };
  },
  still() {}, // Its mode is the credential, and nobody takes that away.
};

/** The half of a login that only the page's own origin can read; a browser never sends it by itself. */
const KEY_HEADER = "x-claude-remote-key";

/** What a plain form can send without asking anybody; no page of ours does. */
const FORM_TYPES = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

const kindOf = ({ method }: Request): RateName | undefined =>
  method === "GET" || method === "HEAD" ? undefined : "writes";

function idOf(caller: Caller): string | null {
  if (caller.kind === "viewer") return caller.viewer.id;
  return caller.kind === "token" ? `token ${caller.token.id}` : null;
}

function isStillIn(caller: Caller, { logins, tokens }: DoorOptions): boolean {
  if (caller.kind === "viewer") return logins.inForce(caller.viewer.id);
  return caller.kind !== "token" || caller === METRICS || tokens.inForce(caller.token.id);
}

function admitted(caller: Caller | null, who: readonly Who[]): Caller {
  if (who.includes("device")) {
    if (caller) throw wrongKind();
    return { kind: "device" }; // It proves itself by its handshake.
  }
  if (who.includes("public")) return caller ?? { kind: "public" };
  if (!caller) throw new ApiError("unauthorized", "Pair this browser first: `claude-remote pair` shows how.");
  if (caller.kind === "viewer" && who.includes("viewer")) return caller;
  if (caller.kind === "token" && caller.token.scopes.some((scope) => who.includes(`token:${scope}`)))
    return caller;
  throw wrongKind();
}

const wrongKind = () => new ApiError("forbidden", "This credential is not for that.");
const foreign = () => new ApiError("forbidden", "Requests from other sites are refused.");

/** A wrapper's channel and an operator's routes are for no browser, the page's own included. */
const isBrowsers = (one: Who) => one !== "device" && one !== "token:operate";

function checkOrigin({ headers, method }: Request, who: readonly Who[], name: Name) {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (!who.every(isBrowsers) && origin !== null) throw foreign();
  if (origin !== null && origin !== name.origin) throw foreign();
  if (method !== "GET" && method !== "HEAD") {
    if (site !== null && site !== "same-origin") throw foreign();
    if (FORM_TYPES.test(headers.get("content-type") ?? "")) throw foreign();
    return;
  }
  // The page itself may be opened by a link from anywhere; what is behind a login may be asked for by the page alone.
  const open = site === null || site === "same-origin" || site === "none";
  if (!open && !who.includes("public")) throw foreign();
}

function callerOf({ headers }: Request, name: Name, options: DoorOptions): Caller | null {
  const { logins, tokens, metricsToken } = options;
  const authorization = headers.get("authorization");
  const cookie = name.cookie && cookieOf(headers.get("cookie"), name.cookie.name);
  if (cookie === "ambiguous") throw new ApiError("unauthorized", "The login cookie is there twice.");
  if (authorization !== null) {
    const secret = /^Bearer ([\w-]{20,100})$/.exec(authorization)?.[1];
    if (secret !== undefined && metricsToken !== undefined && equal(secret, metricsToken)) return METRICS;
    const token = secret === undefined ? null : tokens.check(secret);
    if (!token) throw new ApiError("unauthorized", "The token is not valid: wrong, revoked or too old.");
    if (!name.cookie && token.scopes.some((scope) => scope !== "metrics"))
      throw new ApiError("forbidden", CLEAR_TEXT);
    return { kind: "token", token };
  }
  const viewer = cookie ? logins.check(cookie, headers.get(KEY_HEADER)) : null;
  return viewer && { kind: "viewer", viewer };
}

const CLEAR_TEXT =
  "This address is plain http, where a token travels in clear text: revoke this one, and use https (docs/https.md).";
const METRICS: Caller = { kind: "token", token: { id: "metrics", name: "metrics", scopes: ["metrics"] } };

/** Takes as long whatever differs. */
function equal(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => new Bun.CryptoHasher("sha256").update(text).digest());
  return x !== undefined && y !== undefined && timingSafeEqual(x, y);
}
