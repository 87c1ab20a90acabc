// `GET /api/search`.
import * as v from "valibot";
import type { Session } from "../protocol.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { plain, READ, type Route } from "./routes.ts";
import { Search } from "./search.ts";
import { wantedIn } from "./search-words.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

export type SearchRoutesOptions = { store: Store; sessions: Sessions };

const whole = v.pipe(v.string(), v.regex(/^\d{1,15}$/, "must be a whole number"), v.transform(Number));
const asked = v.object({
  q: v.pipe(v.string(), v.maxLength(LIMITS.searchChars, `may have ${LIMITS.searchChars} characters`)),
  in: v.optional(v.picklist(["messages", "lines"], "must be messages or lines"), "messages"),
  session: v.optional(v.string()),
  before: v.optional(whole),
  after: v.optional(whole),
  limit: v.optional(whole),
});

export function searchRoutes({ store, sessions }: SearchRoutesOptions): Route[] {
  const search = new Search(store.tables);
  return [
    {
      ...plain("GET", "/api/search", READ, async ({ query, request }) => {
        const parsed = v.safeParse(asked, Object.fromEntries(query));
        if (!parsed.success) {
          const [issue] = parsed.issues;
          throw new ApiError("invalid", `${v.getDotPath(issue) ?? "query"}: ${issue.message}`);
        }
        const { q, in: where, before, after, limit = LIMITS.searchHits } = parsed.output;
        const session = parsed.output.session === undefined ? null : sessions.get(parsed.output.session).id;
        const found = await search.find(where, {
          wanted: wantedIn(q),
          session,
          place:
            after === undefined
              ? { from: before ?? Number.MAX_SAFE_INTEGER, back: true }
              : { from: after, back: false },
          limit: Math.min(Math.max(1, limit), LIMITS.searchHits),
          signal: request.signal,
        });
        const named = [...new Set(found.hits.map((hit) => hit.session))];
        const known = named.map((id) => sessions.known(id)).filter((one): one is Session => one !== null);
        return Response.json({ ...found, sessions: known });
      }),
      rate: "searches",
    },
  ];
}
