// The owner's commands, on <data>/admin.sock (0600): whoever can open that socket is the owner. And for an operator's token
// on the page's port (owner.ts).
import * as v from "valibot";
import type { ViewerId } from "../protocol.ts";
import { type By, whoIn } from "./audit.ts";
import { type DevicesOptions, devices } from "./devices.ts";
import { ApiError } from "./errors.ts";
import type { Logins } from "./logins.ts";
import { type OwnedSessionsOptions, ownedSessions } from "./owned-sessions.ts";
import { OWNER, ownerOf } from "./owner.ts";
import type { Pairing } from "./pairing.ts";
import { plain, type Route, route } from "./routes.ts";
import { ownedTokens } from "./token-routes.ts";

export type AdminOptions = DevicesOptions &
  OwnedSessionsOptions & {
    status: () => Record<string, unknown>;
    /** Where a phone goes to pair, with the code in the fragment. */
    pairUrl: (code: string) => string;
    pairing: Pairing;
    logins: Logins;
    revokeViewer: (viewer: ViewerId, by: By) => boolean;
    shutdown: () => void;
  };

/** The table of the owner's routes. */
export function admin(options: AdminOptions): Route[] {
  const { store, clock, pairing, logins, revokeViewer } = options;
  const done = (found: boolean, what: string) => {
    if (!found) throw new ApiError("not_found", `There is no such ${what}.`);
    return Response.json({ ok: true });
  };
  return [
    plain("GET", "/status", OWNER, () => Response.json(options.status())),
    plain("POST", "/shutdown", OWNER, () => {
      setTimeout(options.shutdown, 10); // After this answer is on its way.
      return Response.json({ ok: true });
    }),
    route("POST", "/pair", OWNER, v.object({ yes: v.optional(v.boolean(), false) }), (call) => {
      const { yes } = call.body;
      const entry = { ...whoIn(ownerOf(call)), action: "pairing opened", subject: "code", detail: { yes } };
      store.audit.add(entry, clock.now()); // First of all: nobody is let in of whom nothing says why.
      const opened = pairing.open(yes);
      return Response.json({ ...opened, url: options.pairUrl(opened.code) });
    }),
    plain("GET", "/pair", OWNER, () => Response.json(pairing.state())),
    route("POST", "/pair/confirm", OWNER, v.object({ check: v.string() }), ({ body }) =>
      done(pairing.confirm(body.check), "request"),
    ),
    plain("DELETE", "/pair", OWNER, () => {
      pairing.close();
      return Response.json({ ok: true });
    }),
    plain("GET", "/viewers", OWNER, () => Response.json({ viewers: logins.list() })),
    plain("DELETE", "/viewers/:id", OWNER, (call) =>
      done(revokeViewer((call.params.id ?? "") as ViewerId, ownerOf(call)), "viewer"),
    ),
    ...devices(options),
    ...ownedTokens(options.tokens),
    ...ownedSessions(options),
  ];
}
