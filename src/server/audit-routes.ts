// The audit log, page by page and as a file: `/api/audit`.
import { auditExports } from "./audit-export.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { limitOf, numberOf } from "./query.ts";
import { plain, type Route } from "./routes.ts";
import type { AuditTable } from "./store/audit-table.ts";

export type AuditRoutesOptions = { store: { audit: AuditTable }; clock: Clock };

export function auditRoutes({ store, clock }: AuditRoutesOptions): Route[] {
  const exported = auditExports(store.audit, clock);
  return [
    plain("GET", "/api/audit", ["viewer"], ({ query }) => {
      const limit = limitOf(query, LIMITS.auditPageRows);
      const entries = store.audit.before(numberOf(query, "before") ?? Number.MAX_SAFE_INTEGER, limit);
      const last = entries.at(-1)?.id ?? 0;
      const before = store.audit.before(last, 1).length > 0 ? last : null;
      return Response.json({ entries, before });
    }),
    {
      ...plain("GET", "/api/audit/export", ["viewer"], ({ query, keep, still }) => {
        const format = query.get("format") ?? "jsonl";
        if (format !== "jsonl" && format !== "csv")
          throw new ApiError("invalid", "format: must be jsonl or csv");
        const response = exported(format, still);
        keep();
        return response;
      }),
      live: true,
    },
  ];
}
