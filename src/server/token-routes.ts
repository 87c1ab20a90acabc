// The routes about tokens: the owner makes, lists and revokes them, a paired phone lists and revokes.
import * as v from "valibot";
import { byOf } from "./caller.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { nameOf, OWNER, ownerOf } from "./owner.ts";
import { plain, type Route, route } from "./routes.ts";
import { SCOPES, type Tokens } from "./tokens.ts";

const newToken = v.object({
  name: nameOf,
  scopes: v.pipe(v.array(v.picklist(SCOPES)), v.minLength(1), v.maxLength(SCOPES.length)),
  days: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.tokenMostDays))),
});

/** What a paired phone may: see who else has a key, and take it away. */
export function tokenRoutes(tokens: Tokens): Route[] {
  return [
    plain("GET", "/api/tokens", ["viewer"], () => Response.json({ tokens: tokens.list() })),
    plain("DELETE", "/api/tokens/:id", ["viewer"], (call) =>
      done(tokens.revoke(call.params.id ?? "", byOf(call))),
    ),
  ];
}

/** The table of the owner's routes about tokens. */
export function ownedTokens(tokens: Tokens): Route[] {
  return [
    plain("GET", "/tokens", OWNER, () => Response.json({ tokens: tokens.list() })),
    route("POST", "/tokens", OWNER, newToken, (call) => {
      const { name, scopes, days } = call.body;
      const wanted = { name, scopes: [...new Set(scopes)], ...(days === undefined ? {} : { days }) };
      return Response.json(tokens.make(wanted, ownerOf(call)));
    }),
    plain("DELETE", "/tokens/:id", OWNER, (call) => done(tokens.revoke(call.params.id ?? "", ownerOf(call)))),
  ];
}

function done(found: boolean): Response {
  if (!found) throw new ApiError("not_found", "There is no such token.");
  return Response.json({ ok: true });
}
