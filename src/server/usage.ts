// What was used: tokens, money where claude names it, minutes worked; by day and by session.
import type { Database } from "bun:sqlite";
import type { SessionId, Used } from "../protocol.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { plain, READ, type Route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Named } from "./store/database.ts";
import type { Store } from "./store.ts";

const DAY_MS = 86_400_000;
/** Days told of at once: a phone shows a month without scrolling far, and a year is all there is. */
const DAYS = 30;
const MOST_DAYS = 366;
/** Sessions told of: those that took most. */
const MOST_SESSIONS = 50;
/** Minutes that a clock is ahead of UTC: from Baker Island to Kiribati. */
const MOST_OFFSET = 14 * 60;

const SUMS = `sum(input) AS input, sum(output) AS output, sum(cache_read) AS cache_read, sum(cache_write) AS cache_write,
  sum(cost_usd) AS cost_usd, sum(worked_ms) AS worked_ms`;
const SQL = {
  days: `SELECT date((at + $offset) / 1000, 'unixepoch') AS day, ${SUMS} FROM usage WHERE at >= $since
    GROUP BY day ORDER BY day DESC`,
  // By its time, and not session by session through all there ever was.
  sessions: `SELECT session_id AS session, ${SUMS} FROM usage WHERE at >= $since AND +session_id IS NOT NULL
    GROUP BY +session_id ORDER BY coalesce(sum(cost_usd), 0) DESC, sum(input + output + cache_write) DESC LIMIT ${MOST_SESSIONS}`,
  session: `SELECT ${SUMS} FROM usage WHERE session_id = $session`,
} as const;

/** Of a session, all of it; null: nothing is known. */
export function usedBy(db: Database, session: SessionId): Used | null {
  const row = db.query<Used, [Named]>(SQL.session).get({ session });
  return row?.input == null ? null : row;
}

export type UsageOptions = { store: Store; sessions: Sessions; clock: Clock };

/** `GET /api/usage`, and `GET /api/sessions/:id/usage`. */
export function usageRoutes({ store, sessions, clock }: UsageOptions): Route[] {
  const db = store.tables;
  return [
    plain("GET", "/api/usage", READ, ({ query }) => {
      const days = within(query, "days", 1, MOST_DAYS, DAYS);
      const offset = within(query, "offset", -MOST_OFFSET, MOST_OFFSET, 0) * 60_000;
      const today = Math.floor((clock.now() + offset) / DAY_MS) * DAY_MS - offset;
      const since = today - (days - 1) * DAY_MS;
      const some = db.query<Used & { session: SessionId }, [Named]>(SQL.sessions).all({ since });
      const known = some.flatMap(({ session: id, ...used }) => {
        const session = sessions.known(id);
        return session ? [{ session, used }] : [];
      });
      return Response.json({ days: db.query(SQL.days).all({ since, offset }), sessions: known });
    }),
    plain("GET", "/api/sessions/:id/usage", READ, ({ params }) => {
      const { id } = sessions.get(params.id ?? "");
      return Response.json({ used: usedBy(db, id) });
    }),
  ];
}

function within(query: URLSearchParams, field: string, least: number, most: number, usual: number): number {
  const given = query.get(field);
  if (given === null) return usual;
  const value = Number(given);
  if (/^-?\d{1,4}$/.test(given) && value >= least && value <= most) return value;
  throw new ApiError("invalid", `${field}: must be a whole number from ${least} to ${most}`);
}
