// What can go wrong for a caller: one table from code to status, one place that writes it.
import { SQLiteError } from "bun:sqlite";
import type { ErrorBody, ErrorCode, PromptState } from "../protocol.ts";

const STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method: 405,
  answered: 409,
  changed: 409,
  alive: 409,
  gone: 410,
  too_large: 413,
  media_type: 415,
  misdirected: 421,
  rate_limited: 429,
  internal: 500,
  unreachable: 503,
  storage: 507,
};

/** Of what has a number of places: one of them is free again soon, nobody knows when. */
const FREE_AGAIN_S = 5;

/** An expected refusal of a request. `winner` goes with `answered`, the seconds to wait with `rate_limited`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: ErrorCode;
  readonly winner: PromptState | undefined;
  readonly retryAfter: number | null;

  constructor(code: ErrorCode, message: string, winner?: PromptState, retryAfter?: number) {
    super(message);
    this.code = code;
    this.winner = winner;
    this.retryAfter = code === "rate_limited" ? (retryAfter ?? FREE_AGAIN_S) : null;
  }
}

/** Too many within a time that ends in so many milliseconds; the words and the answer's `Retry-After` say so. */
export function limited(what: string, againMs: number): ApiError {
  const wait = Math.max(1, Math.ceil(againMs / 1_000));
  return new ApiError("rate_limited", `${what} Try again in ${wait} s.`, undefined, wait);
}

export const storageError = () =>
  new ApiError("storage", "The server cannot write to its disk; nothing was stored. Free some space there.");

/** What a caller may know of an error: an ApiError as it is, a full disk by name, anything else as `internal`. */
export function expected(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof SQLiteError && /FULL|READONLY|IOERR|CANTOPEN/.test(error.code ?? "")) {
    return storageError();
  }
  return new ApiError("internal", "Something failed on the server; its log names this request.");
}

/** The answer to a failed request. A misdirected one gets no body: nobody honest reads it. */
export function errorResponse(error: ApiError, request: string): Response {
  const status = STATUS[error.code];
  if (error.code === "misdirected") return new Response(null, { status });
  const body: ErrorBody = { error: { code: error.code, message: error.message, request } };
  if (error.winner) body.error.winner = error.winner;
  const headers = error.retryAfter === null ? {} : { "retry-after": String(error.retryAfter) };
  return Response.json(body, { status, headers });
}
