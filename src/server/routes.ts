// What a route is: method, path, who may use it, what its body must be. Finds the one that a request is for.
import * as v from "valibot";
import { ApiError } from "./errors.ts";
import type { Name } from "./front.ts";
import type { Caller, Who } from "./gate.ts";
import { LIMITS, type RateName } from "./limits.ts";

/** A request that was let in, with everything that was checked. */
export type Call<Body = unknown> = {
  request: Request;
  params: Record<string, string>;
  query: URLSearchParams;
  body: Body;
  caller: Caller;
  /** Throws `unauthorized` where the caller's right has ended meanwhile: for what takes its time. */
  still: () => void;
  name: Name;
  /** The socket's other end; a header says otherwise only where a proxy that the owner named sent it. */
  address: string;
  /** Lets the connection end although nobody reads it any more. */
  letGo: () => void;
  /** An event stream is silent for longer than a request may be. */
  keep: () => void;
};

export type Route = {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  who: readonly Who[];
  schema?: v.GenericSchema;
  /** As what its requests are counted (RATES in limits.ts), where not as a plain write or read. */
  rate?: RateName;
  /** It becomes a WebSocket: a wrapper's, or a terminal's that is attached. */
  socket?: "wrapper" | "desk";
  /** It answers for as long as somebody listens: HEAD makes no sense. */
  live?: true;
  // The schema of the same entry made the body.
  handle: (call: Call<never>) => Response | Promise<Response>;
};

/** Who may read what there is of sessions. */
export const READ = ["viewer", "token:read"] as const;

/** A route whose handler gets the body as its schema makes it. */
export function route<const S extends v.GenericSchema>(
  method: Route["method"],
  path: string,
  who: readonly Who[],
  schema: S,
  handle: (call: Call<v.InferOutput<S>>) => Response | Promise<Response>,
): Route {
  return { method, path, who, schema, handle };
}

/** A route without a body. */
export function plain(
  method: Route["method"],
  path: string,
  who: readonly Who[],
  handle: (call: Call) => Response | Promise<Response>,
): Route {
  return { method, path, who, handle };
}

export type Found = { route: Route; params: Record<string, string> };

/** Finds the route of a request. Throws `not_found`, or `method` where only that is wrong. */
export function router(routes: readonly Route[]) {
  const table = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return (method: string, path: string): Found => {
    // A method nobody has is refused before anything is said of paths.
    if (!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method)) throw wrongMethod();
    const here = table.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match ? [{ route, params: { ...match.groups } }] : [];
    });
    if (here.length === 0) throw new ApiError("not_found", "There is nothing here.");
    const found = here.find(({ route }) => route.method === method || (method === "HEAD" && isStill(route)));
    if (!found) throw wrongMethod();
    return found;
  };
}

const isStill = ({ method, live }: Route) => method === "GET" && !live;
const wrongMethod = () => new ApiError("method", "This method is not for that.");

/** Ids hold nothing that would be encoded, so nothing is decoded. */
function patternOf(path: string): RegExp {
  const pattern = path
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/:(\w+)/g, (_, name) => `(?<${name}>[\\w.:-]{1,100})`);
  return new RegExp(`^${pattern}$`);
}

/** The body as the schema makes it. Throws `too_large`, `media_type`, or `invalid` naming the first wrong field. */
export async function readBody(request: Request, schema: v.GenericSchema | undefined): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > LIMITS.bodyBytes) throw tooLarge();
  if (!schema) return undefined;
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw new ApiError("media_type", "Send JSON, with content-type: application/json.");
  }
  return checked(schema, jsonOf((await bytesOf(request)).toString("utf8")));
}

/** What came, as the schema makes it. Throws `invalid`, naming the first wrong field. */
export function checked<const S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ApiError("invalid", `${v.getDotPath(issue) ?? "body"}: ${issue.message.slice(0, 200)}`);
}

/** A body of bytes. Throws `too_large` or `media_type`. */
export async function readBytes(request: Request): Promise<Uint8Array> {
  if (request.headers.get("content-type") !== "application/octet-stream")
    throw new ApiError("media_type", "Send bytes, with content-type: application/octet-stream.");
  return bytesOf(request);
}

const tooLarge = () => new ApiError("too_large", `A request may have ${LIMITS.bodyBytes} bytes.`);

async function bytesOf(request: Request): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > LIMITS.bodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A list passes for an object whose fields are all optional; no body is one. */
function jsonOf(text: string): unknown {
  const value = parsed(text);
  if (Array.isArray(value)) throw new ApiError("invalid", "body: must be an object");
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError("invalid", "body: is not JSON");
  }
}
