// What a paired phone may do about others: let one in, with the code and the yes on its own screen, and log out all others.
import * as v from "valibot";
import { byOf, viewerOf } from "./caller.ts";
import { ApiError } from "./errors.ts";
import { isLoopback } from "./front.ts";
import type { OpenAnnex } from "./parts.ts";
import { type Call, plain, route } from "./routes.ts";

const who = ["viewer"] as const;
const check = v.pipe(v.string(), v.regex(/^\d\d$/));
const OK = () => Response.json({ ok: true });

/** The routes of `/api/pairing`, and `POST /api/logout/others`. */
export const pairAnother: OpenAnnex = ({ pairing, logins, store, clock, revokeViewer, url }) => {
  const audit = (call: Call, action: string, detail: Record<string, string> = {}) =>
    store.audit.add({ ...byOf(call), action, subject: "code", detail }, clock.now());

  return {
    routes: [
      plain("POST", "/api/pairing", who, (call) => {
        const origin = [call.name.origin, url()].find(isElsewhere);
        if (!origin) throw new ApiError("forbidden", HERE_ONLY);
        audit(call, "pairing opened"); // First of all: nobody is let in of whom nothing says why.
        const opened = pairing.open(false, viewerOf(call).id);
        return Response.json({ ...opened, url: `${origin}/pair#${opened.code}` });
      }),
      plain("GET", "/api/pairing", who, (call) => Response.json(pairing.state(viewerOf(call).id))),
      route("POST", "/api/pairing/confirm", who, v.object({ check }), (call) => {
        const { id } = viewerOf(call);
        const asked = pairing.state(id);
        if (asked.state !== "requested" || asked.check !== call.body.check)
          throw new ApiError("not_found", "Nobody asks with these digits any more.");
        audit(call, "pairing confirmed", { name: asked.name, address: asked.address });
        pairing.confirm(asked.check, id);
        return OK();
      }),
      plain("DELETE", "/api/pairing", who, (call) => {
        pairing.close(viewerOf(call).id);
        return OK();
      }),
      plain("POST", "/api/logout/others", who, (call) => {
        const { id: own } = viewerOf(call);
        const others = logins.list().filter(({ id, revoked_at }) => id !== own && revoked_at === null);
        for (const { id } of others) revokeViewer(id, byOf(call));
        return Response.json({ revoked: others.length });
      }),
    ],
    stop() {},
  };
};

/** Another phone can open it. */
const isElsewhere = (origin: string) => !isLoopback(new URL(origin).hostname);

const HERE_ONLY =
  "Another phone could not open this address: only this machine can. Open this page by an address that phones reach; `claude-remote pair` on the server's machine lists the ways to one.";
