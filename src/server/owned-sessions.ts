// The owner's routes about sessions: which there are, what one shows, its log, and its end.
import { whoIn } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { LIMITS } from "./limits.ts";
import type { Note } from "./notes.ts";
import { OWNER, ownerOf } from "./owner.ts";
import { type Call, plain, type Route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

export type OwnedSessionsOptions = { sessions: Sessions; store: Store; clock: Clock; note: Note };

/** The table of the owner's routes about sessions. */
export function ownedSessions({ sessions, store, clock, note }: OwnedSessionsOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  return [
    plain("GET", "/sessions", OWNER, () =>
      Response.json({ now: clock.now(), sessions: [...sessions.open(), ...store.sessions.ended()] }),
    ),
    plain("GET", "/sessions/:id", OWNER, (call) => {
      const session = sessions.get(call.params.id ?? "");
      return Response.json({ session, screen: sessions.screen(session.id) });
    }),
    plain("GET", "/sessions/:id/lines", OWNER, (call) => {
      const limit = Math.min(LIMITS.pageRows, Math.max(0, Number(call.query.get("limit")) || 0));
      return Response.json({ lines: limit > 0 ? store.lines.page(idOf(call), { limit }) : [] });
    }),
    plain("POST", "/sessions/:id/stop", OWNER, (call) => {
      const session = idOf(call);
      sessions.reach(session).tell({ type: "stop" });
      note({ ...whoIn(ownerOf(call)), session, action: "stop", subject: session, detail: {} });
      return Response.json({ ok: true });
    }),
  ];
}
