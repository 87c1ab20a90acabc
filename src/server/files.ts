// The page's files, handed in by whoever starts the server, served with our own headers and a strong ETag.
import { createHash } from "node:crypto";
import { plain, type Route } from "./routes.ts";

/** A file of the page; `gzip` is the same packed, for who takes it. */
export type Asset = { type: string; body: string | Uint8Array; gzip?: Uint8Array };
/** By path: "/" is the page itself. */
export type Assets = ReadonlyMap<string, Asset>;

/** Screens of the page that have an address of their own. */
const SCREENS = ["/pair", "/s/:id", "/p/:id"];

/** One public route for each file; the page answers for its screens as well. */
export function assetRoutes(assets: Assets): Route[] {
  const page = assets.get("/");
  const screens = page ? SCREENS.map((path) => [path, page] as const) : [];
  return [...assets, ...screens].map(([path, asset]) => assetRoute(path, asset));
}

function assetRoute(path: string, { type, body, gzip }: Asset): Route {
  const hash = createHash("sha256").update(body).digest("base64url");
  return plain("GET", path, ["public"], ({ request }) => {
    const packed = gzip && /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    const etag = `"${hash}${packed ? "-gzip" : ""}"`;
    const headers = { etag, "content-type": type, "cache-control": "no-cache", vary: "accept-encoding" };
    if (request.headers.get("if-none-match")?.includes(etag))
      return new Response(null, { status: 304, headers });
    if (packed) return new Response(gzip.slice(), { headers: { ...headers, "content-encoding": "gzip" } });
    return new Response(typeof body === "string" ? body : body.slice(), { headers });
  });
}
