// What a REST caller is told that went wrong.
import type { PromptState } from "./prompt.ts";

/** Every error a REST caller can meet; the status of each stands in server/errors.ts. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method"
  | "answered"
  | "changed"
  | "alive"
  | "gone"
  | "unreachable"
  | "too_large"
  | "media_type"
  | "rate_limited"
  | "misdirected"
  | "storage"
  | "internal";

export type ErrorBody = {
  error: { code: ErrorCode; message: string; request: string; winner?: PromptState };
};
