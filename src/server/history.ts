// Sessions that ended: page by page, by a name of their own, and away for good.
import * as v from "valibot";
import { byOf } from "./caller.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import type { Events } from "./events.ts";
import { LIMITS } from "./limits.ts";
import { plain, READ, type Route, route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Ended } from "./store/session-table.ts";
import type { Store } from "./store.ts";

export type HistoryOptions = {
  store: Store;
  sessions: Sessions;
  events: Events;
  clock: Clock;
  /** There is something to forget now. */
  sweepSoon: () => void;
};

/** Letters, digits and signs only; nothing but that takes the name away. */
const title = v.nullable(
  v.pipe(
    v.string(),
    v.maxLength(LIMITS.titleChars),
    v.transform((given) => given.replace(/\p{C}/gu, "").trim()),
  ),
);

/** `GET /api/history`, `PATCH` and `DELETE /api/sessions/:id`. */
export function historyRoutes({ store, sessions, events, clock, sweepSoon }: HistoryOptions): Route[] {
  return [
    plain("GET", "/api/history", READ, ({ query }) => {
      const page = store.sessions.ended(LIMITS.endedSessions + 1, beforeIn(query));
      const shown = page.slice(0, LIMITS.endedSessions);
      const last = shown.at(-1);
      const before = page.length > shown.length && last ? `${last.ended_at}.${last.id}` : null;
      return Response.json({ sessions: shown, before });
    }),
    route("PATCH", "/api/sessions/:id", ["viewer"], v.object({ title }), (call) => {
      const { id } = sessions.get(call.params.id ?? "");
      store.sessions.rename(id, call.body.title || null, byOf(call), clock.now());
      sessions.again(id);
      return Response.json({ session: sessions.get(id) });
    }),
    plain("DELETE", "/api/sessions/:id", ["viewer"], (call) => {
      const { id, ended_at } = sessions.get(call.params.id ?? "");
      if (ended_at === null || sessions.uplink(id))
        throw new ApiError("alive", "This session is still open. Stop it first; then it can be deleted.");
      store.sessions.delete(id, byOf(call), clock.now());
      events.tell(`session ${id}`, "session_gone", { session: id });
      sweepSoon();
      return Response.json({ ok: true });
    }),
  ];
}

/** Where a page goes on: the time and the id of the last one of the page before. */
function beforeIn(query: URLSearchParams): Ended | undefined {
  const given = query.get("before");
  if (given === null) return undefined;
  const [, time, id] = /^(\d{1,15})\.([\w.:-]{1,100})$/.exec(given) ?? [];
  if (!time || !id) throw new ApiError("invalid", "before: must be what the page before named");
  return { before: Number(time), id };
}
