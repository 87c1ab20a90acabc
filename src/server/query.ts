// What stands behind the question mark: where a page begins, and how long it may be.
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Page } from "./store/page.ts";

/** `?after=`, `?before=`, `?limit=`. Throws `invalid` for what is no number. */
export function pageOf(query: URLSearchParams): Page {
  return { after: numberOf(query, "after"), before: numberOf(query, "before"), limit: limitOf(query) };
}

/** At least one: of a negative limit SQLite thinks that there is none. */
export function limitOf(query: URLSearchParams, most: number = LIMITS.pageRows): number {
  return Math.min(Math.max(1, numberOf(query, "limit") ?? most), most);
}

/** Throws `invalid` for what is no number. */
export function numberOf(query: URLSearchParams, field: string): number | undefined {
  const given = query.get(field);
  if (given === null) return undefined;
  if (!/^-?\d{1,15}$/.test(given)) throw new ApiError("invalid", `${field}: must be a whole number`);
  return Number(given);
}
