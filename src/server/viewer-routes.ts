// Pairing, and the viewers that are paired: `/api/pair`, `/api/viewers`, `/api/logout`.
import * as v from "valibot";
import type { ViewerId } from "../protocol.ts";
import type { By } from "./audit.ts";
import { byOf, viewerOf } from "./caller.ts";
import { ApiError } from "./errors.ts";
import { name } from "./fields.ts";
import { type Logins, setCookie } from "./logins.ts";
import type { Pairing } from "./pairing.ts";
import { plain, type Route, route } from "./routes.ts";

export type ViewerRoutesOptions = {
  logins: Logins;
  pairing: Pairing;
  /** Ends a login everywhere. */
  revokeViewer: (viewer: ViewerId, by: By) => boolean;
  renameViewer: (viewer: ViewerId, name: string, by: By) => boolean;
};

const pairBody = v.object({
  code: v.pipe(v.string(), v.maxLength(50)),
  name,
  claim: v.optional(v.pipe(v.string(), v.maxLength(100))),
  bind: v.optional(v.boolean()),
});
const NO_LOGIN =
  "This address is plain http, where a login would travel in clear text. Reach the server by https (for example `tailscale serve`), or start it with --insecure-http.";

export function viewerRoutes(options: ViewerRoutesOptions): Route[] {
  const { logins, pairing, revokeViewer, renameViewer } = options;
  return [
    route("POST", "/api/pair", ["public"], pairBody, ({ body, address, name }) => {
      if (!name.cookie) throw new ApiError("forbidden", NO_LOGIN);
      const result = pairing.enter({ ...body, address });
      if (result.status === "pending") return Response.json(result);
      const { secret, ...paired } = result;
      return Response.json(paired, { headers: { "set-cookie": setCookie(name.cookie, secret) } });
    }),
    plain("GET", "/api/viewers", ["viewer"], (call) => {
      return Response.json({ viewers: logins.list(), own: viewerOf(call).id });
    }),
    route("PATCH", "/api/viewers/:id", ["viewer"], v.object({ name }), (call) => {
      const renamed = renameViewer((call.params.id ?? "") as ViewerId, call.body.name, byOf(call));
      if (!renamed) throw new ApiError("not_found", "There is no such viewer.");
      return Response.json({ ok: true });
    }),
    plain("DELETE", "/api/viewers/:id", ["viewer"], (call) => {
      const revoked = revokeViewer((call.params.id ?? "") as ViewerId, byOf(call));
      if (!revoked) throw new ApiError("not_found", "There is no such viewer.");
      return Response.json({ ok: true });
    }),
    plain("POST", "/api/logout", ["viewer"], (call) => {
      const { id } = viewerOf(call);
      revokeViewer(id, byOf(call));
      const headers = new Headers({ "clear-site-data": '"cache", "cookies", "storage"' });
      if (call.name.cookie) headers.set("set-cookie", setCookie(call.name.cookie, ""));
      return Response.json({ ok: true }, { headers });
    }),
  ];
}
