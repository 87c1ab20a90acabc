// The owner's routes: on the owner's socket, and below a prefix of the page's port for whoever may operate from elsewhere.
import * as v from "valibot";
import type { By } from "./audit.ts";
import { LIMITS } from "./limits.ts";
import type { Call, Route } from "./routes.ts";

/** Of the owner's socket: its mode is the credential. */
export const OWNER = ["public"] as const;
/** Where the same routes stand on the page's port. */
export const OPERATED = "/operate";
/** Nothing but the machine itself could start the server again. */
const HERE_ONLY = ["/shutdown"];

/** The owner's routes as an operator's token opens them on the page's port. */
export function operated(routes: readonly Route[]): Route[] {
  return routes
    .filter(({ path }) => !HERE_ONLY.includes(path))
    .map((route) => ({ ...route, path: OPERATED + route.path, who: ["token:operate"] }));
}

/** Who gives an owner's command, as the audit has it. */
export function ownerOf({ caller, address }: Pick<Call, "caller" | "address">): By {
  if (caller.kind !== "token") return "owner";
  return { actor: `token ${caller.token.id}`, name: caller.token.name, address };
}

/** The name that an owner gives to something. */
export const nameOf = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(LIMITS.nameChars),
  v.regex(/^\P{C}+$/u, "must have no control characters"),
);
