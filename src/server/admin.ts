// The owner's commands, on <data>/admin.sock (0600): whoever can open that socket is the owner.
import * as v from "valibot";
import type { ViewerId } from "../protocol.ts";
import type { By } from "./audit.ts";
import { type DevicesOptions, devices } from "./devices.ts";
import { ApiError } from "./errors.ts";
import type { Logins } from "./logins.ts";
import { type OwnedSessionsOptions, ownedSessions } from "./owned-sessions.ts";
import type { Pairing } from "./pairing.ts";
import { plain, type Route, route } from "./routes.ts";

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

const who = ["public"] as const; // The socket's own mode is the credential.

/** The table of the owner's routes. */
export function admin(options: AdminOptions): Route[] {
  const { store, clock, pairing, logins, revokeViewer } = options;
  const done = (found: boolean, what: string) => {
    if (!found) throw new ApiError("not_found", `There is no such ${what}.`);
    return Response.json({ ok: true });
  };
  return [
    plain("GET", "/status", who, () => Response.json(options.status())),
    plain("POST", "/shutdown", who, () => {
      setTimeout(options.shutdown, 10); // After this answer is on its way.
      return Response.json({ ok: true });
    }),
    route("POST", "/pair", who, v.object({ yes: v.optional(v.boolean(), false) }), ({ body }) => {
      const opened = pairing.open(body.yes);
      const entry = { actor: "owner", action: "pairing opened", subject: "code", detail: { yes: body.yes } };
      store.audit(entry, clock.now());
      return Response.json({ ...opened, url: options.pairUrl(opened.code) });
    }),
    plain("GET", "/pair", who, () => Response.json(pairing.state())),
    route("POST", "/pair/confirm", who, v.object({ check: v.string() }), ({ body }) =>
      done(pairing.confirm(body.check), "request"),
    ),
    plain("DELETE", "/pair", who, () => {
      pairing.close();
      return Response.json({ ok: true });
    }),
    plain("GET", "/viewers", who, () => Response.json({ viewers: logins.list() })),
    plain("DELETE", "/viewers/:id", who, ({ params }) =>
      done(revokeViewer((params.id ?? "") as ViewerId, "owner"), "viewer"),
    ),
    ...devices(options),
    ...ownedSessions(options),
  ];
}
