// The table of what paired browsers and programs may ask; each noun has its routes in a file of its own.
import { type Assets, assetRoutes } from "./asset-routes.ts";
import { type AuditRoutesOptions, auditRoutes } from "./audit-routes.ts";
import { type ComposingOptions, composingRoutes } from "./composing-routes.ts";
import { type HistoryOptions, historyRoutes } from "./history.ts";
import { type PromptRoutesOptions, promptRoutes } from "./prompt-routes.ts";
import { plain, type Route } from "./routes.ts";
import { type SearchRoutesOptions, searchRoutes } from "./search-routes.ts";
import { type SessionRoutesOptions, sessionRoutes } from "./session-routes.ts";
import { type UsageOptions, usageRoutes } from "./usage.ts";
import { type ViewerRoutesOptions, viewerRoutes } from "./viewer-routes.ts";

export type ApiOptions = { version: string; assets: Assets } & SessionRoutesOptions &
  ComposingOptions &
  PromptRoutesOptions &
  ViewerRoutesOptions &
  AuditRoutesOptions &
  SearchRoutesOptions &
  HistoryOptions &
  UsageOptions;

/** The table. Whoever is not named by a route does not get in. */
export function api(options: ApiOptions): Route[] {
  return [
    ...assetRoutes(options.assets),
    plain("GET", "/health", ["public"], () => Response.json({ ok: true, version: options.version })),
    ...sessionRoutes(options),
    ...composingRoutes(options),
    ...promptRoutes(options),
    ...viewerRoutes(options),
    ...auditRoutes(options),
    ...searchRoutes(options),
    ...historyRoutes(options),
    ...usageRoutes(options),
  ];
}
