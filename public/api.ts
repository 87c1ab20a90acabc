// The REST calls. What went wrong comes back as an ApiFailure with a code and words a person can use.
import type { ErrorBody, ErrorCode, PromptState, ViewerEvents } from "../src/protocol.ts";

/** Longer than the worst mobile round trip that still succeeds; after that a retry with the same id is better. */
const TIMEOUT_MS = 10_000;

/** More than any limit of ours; who is told to wait for longer may ask once in between. */
const MOST_WAIT_S = 300;

/**
 * `network`: no answer came, so nobody knows whether the request arrived. `barred`: something that stands before the server
 * answered in its place, and knows nothing of who is paired.
 */
export type FailureCode = ErrorCode | "network" | "barred";

/** Where the half of a login is kept that a cookie must not carry: cookies go to every port of a host, this does not. */
const KEY = "login-key";

/** Keeps the half that pairing gave, or forgets it. */
export function keepKey(key: string | null) {
  if (key === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, key);
}

/** The headers that every request of this page carries. */
export function loginHeaders(): Record<string, string> {
  const key = localStorage.getItem(KEY);
  return key === null ? {} : { "x-claude-remote-key": key };
}

export class ApiFailure extends Error {
  override name = "ApiFailure";
  readonly code: FailureCode;
  /** With `answered`: how the prompt was answered. */
  readonly winner: PromptState | null;
  /** With `rate_limited`: the same request is refused before this is over, in milliseconds; else 0. */
  readonly againMs: number;

  constructor(code: FailureCode, message: string, winner: PromptState | null = null, againMs = 0) {
    super(message);
    this.code = code;
    this.winner = winner;
    this.againMs = againMs;
  }

  /** The same request with the same id may succeed later. */
  get retryable(): boolean {
    return ["network", "barred", "unreachable", "rate_limited", "internal", "storage"].includes(this.code);
  }
}

async function call(
  method: string,
  path: string,
  body?: object | Blob,
  signal: AbortSignal = AbortSignal.timeout(TIMEOUT_MS),
): Promise<unknown> {
  const headers = loginHeaders();
  const init: RequestInit = { method, headers, redirect: "manual", signal };
  if (body) {
    const bytes = body instanceof Blob;
    headers["content-type"] = bytes ? "application/octet-stream" : "application/json";
    init.body = bytes ? body : JSON.stringify(body);
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch {
    throw new ApiFailure("network", "The server did not answer.");
  }
  const value = parsed(text);
  if (isAnswer(response)) return value;
  throw failure(response, value);
}

/** A yes, and the server's own: nothing that it is asked for by a script is a page to be looked at. */
export const isAnswer = ({ ok, headers }: Response) =>
  ok && !headers.get("content-type")?.startsWith("text/html");

/** What an answer that is none says. */
export const refusalIn = async (response: Response) => failure(response, parsed(await response.text()));

/** A file for the person, which may be large. Throws ApiFailure. */
export async function getFile(path: string): Promise<Blob> {
  try {
    const response = await fetch(path, { headers: loginHeaders(), redirect: "manual" });
    if (isAnswer(response)) return await response.blob();
    throw await refusalIn(response);
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    throw new ApiFailure("network", "The file did not come through. Try again.");
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds; a proxy may say a date instead. */
const waitOf = (headers: Headers) =>
  Math.max(1, Math.min(MOST_WAIT_S, Math.ceil(Number(headers.get("retry-after")) || 1)));

/** The server's own word: each names its request. Others say `error` as well. */
function ownError(value: unknown): ErrorBody["error"] | null {
  const error = value && typeof value === "object" && "error" in value ? (value as ErrorBody).error : null;
  return typeof error?.code === "string" && typeof error.request === "string" ? error : null;
}

/** How whatever stands before the server keeps one out: by a redirect (0, since it is not followed), a page, or a refusal. */
const BARS: Record<number, string> = {
  0: "asks for a login",
  200: "answers in its place",
  401: "asks for a login (401)",
  403: "refuses (403)",
  407: "asks for a login (407)",
  511: "asks for a login (511)",
};

function failure({ status, headers }: Response, value: unknown): ApiFailure {
  const error = ownError(value);
  const wait = status === 429 ? waitOf(headers) : 0;
  if (error) return new ApiFailure(error.code, error.message, error.winner ?? null, wait * 1_000);
  // A proxy's own refusal: it may have words, but not ours.
  if (status === 429)
    return new ApiFailure("rate_limited", `Too many requests. Try again in ${wait} s.`, null, wait * 1_000);
  const bar = BARS[status];
  if (bar)
    return new ApiFailure(
      "barred",
      `The server cannot be reached: something between it and this phone ${bar}.`,
    );
  if (status >= 500) return new ApiFailure("network", `The server is not well (${status}).`);
  return new ApiFailure("invalid", `The server refused (${status}).`);
}

/** Throws ApiFailure. */
export const get = (path: string) => call("GET", path);
/** Throws ApiFailure. */
export const post = (path: string, body: object = {}) => call("POST", path, body);
/** Bytes, until `signal` says that it takes too long. Throws ApiFailure. */
export const postBytes = (path: string, bytes: Blob, signal: AbortSignal) =>
  call("POST", path, bytes, signal);
/** Throws ApiFailure. */
export const patch = (path: string, body: object) => call("PATCH", path, body);
/** Throws ApiFailure. */
export const remove = (path: string) => call("DELETE", path);

/** How a text stands, in an answer of the server, if that says so. */
export function inputIn(value: unknown): Omit<ViewerEvents["input"], "session"> | null {
  if (!value || typeof value !== "object" || !("stage" in value) || !("id" in value)) return null;
  return value as Omit<ViewerEvents["input"], "session">;
}

/** The prompt in an answer of the server, if there is one. */
export function promptIn(value: unknown): PromptState | null {
  if (!value || typeof value !== "object" || !("prompt" in value)) return null;
  const { prompt } = value;
  return prompt && typeof prompt === "object" && "stage" in prompt ? (prompt as PromptState) : null;
}
