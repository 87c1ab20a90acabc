// The owner's routes about sessions: which there are, what one shows, its log, and its end.
import type { Clock } from "./clock.ts";
import { LIMITS } from "./limits.ts";
import { type Call, plain, type Route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

export type OwnedSessionsOptions = { sessions: Sessions; store: Store; clock: Clock };

const who = ["public"] as const; // Of the owner's socket, whose mode is the credential.

/** The table of the owner's routes about sessions. */
export function ownedSessions({ sessions, store, clock }: OwnedSessionsOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  return [
    plain("GET", "/sessions", who, () =>
      Response.json({ now: clock.now(), sessions: [...sessions.open(), ...store.endedSessions()] }),
    ),
    plain("GET", "/sessions/:id", who, (call) => {
      const session = sessions.get(call.params.id ?? "");
      return Response.json({ session, screen: sessions.screen(session.id) });
    }),
    plain("GET", "/sessions/:id/lines", who, (call) => {
      const limit = Math.min(LIMITS.pageRows, Math.max(0, Number(call.query.get("limit")) || 0));
      return Response.json({ lines: limit > 0 ? store.lines(idOf(call), { limit }) : [] });
    }),
    plain("POST", "/sessions/:id/stop", who, (call) => {
      const session = idOf(call);
      sessions.reach(session).tell({ type: "stop" });
      const entry = { actor: "owner", session, action: "stop", subject: session, detail: {} };
      store.audit(entry, clock.now());
      return Response.json({ ok: true });
    }),
  ];
}
