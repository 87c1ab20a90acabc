// The page's files, handed in by whoever starts the server, served with our own headers and a strong ETag.
import { createHash } from "node:crypto";
import { type Call, plain, type Route } from "./routes.ts";

/** `gzip` is the same body, packed once. */
export type Asset = { type: string; body: string | Uint8Array; gzip?: Uint8Array };
/** By path: "/" is the page itself. */
export type Assets = ReadonlyMap<string, Asset>;

/** Screens of the page that have an address of their own. */
const SCREENS = [
  "/pair",
  "/audit",
  "/search",
  "/history",
  "/usage",
  "/phones",
  "/pair-phone",
  "/new",
  "/devboxes",
  "/tokens",
  "/settings",
  "/s/:id",
  "/p/:id",
];

/** One public route for each file; the page answers for its screens as well. */
export function assetRoutes(assets: Assets): Route[] {
  const page = assets.get("/");
  const screens = page ? SCREENS.map((path) => [path, page] as const) : [];
  return [...assets, ...screens].map(([path, asset]) =>
    plain("GET", path, ["public"], serverOf(path, asset)),
  );
}

/** Named by their contents: a page of the build before finds them in the browser, also while another build takes over. */
const PART = /^\/part-[\w-]+\.js$/;
const keepFor = (path: string) => (PART.test(path) ? "public, max-age=31536000, immutable" : "no-cache");

function serverOf(path: string, { type, body, gzip }: Asset): (call: Call) => Response {
  const hash = createHash("sha256").update(body).digest("base64url");
  const shared = { "content-type": type, "cache-control": keepFor(path), vary: "accept-encoding" };
  const plainly = { bytes: bytesOf(body), headers: { ...shared, etag: `"${hash}"` } };
  const packed = gzip && {
    bytes: bytesOf(gzip),
    headers: { ...shared, etag: `"${hash}-gzip"`, "content-encoding": "gzip" },
  };
  return ({ request }) => {
    const accepts = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    const { bytes, headers } = (accepts && packed) || plainly;
    const known = request.headers.get("if-none-match")?.includes(headers.etag);
    return known ? new Response(null, { status: 304, headers }) : new Response(bytes, { headers });
  };
}

const bytesOf = (body: string | Uint8Array) => (typeof body === "string" ? body : new Uint8Array(body));
