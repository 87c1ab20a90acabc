// The page's files, handed in by whoever starts the server, served with our own headers and a strong ETag.
import { createHash } from "node:crypto";
import { plain, type Route } from "./routes.ts";

export type Asset = { type: string; body: string | Uint8Array };
/** By path: "/" is the page itself. */
export type Assets = ReadonlyMap<string, Asset>;

/** Screens of the page that have an address of their own. */
const SCREENS = ["/s/:id", "/p/:id"];

/** One public route for each file; the page answers for its screens as well. */
export function assetRoutes(assets: Assets): Route[] {
  const page = assets.get("/");
  const screens = page ? SCREENS.map((path) => [path, page] as const) : [];
  return [...assets, ...screens].map(([path, asset]) => {
    const etag = `"${createHash("sha256").update(asset.body).digest("base64url")}"`;
    const headers = { etag, "content-type": asset.type, "cache-control": "no-cache" };
    const body = typeof asset.body === "string" ? asset.body : new Uint8Array(asset.body);
    return plain("GET", path, ["public"], ({ request }) => {
      const known = request.headers.get("if-none-match")?.includes(etag);
      return known ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
    });
  });
}
