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

/** An expected refusal of a request. `winner` goes with `answered`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: ErrorCode;
  readonly winner: PromptState | undefined;

  constructor(code: ErrorCode, message: string, winner?: PromptState) {
    super(message);
    this.code = code;
    this.winner = winner;
  }
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
  return Response.json(body, { status });
}
