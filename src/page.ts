// The page as the server serves it: made when this module is loaded from source, and part of the binary when compiled.

import { page } from "./page-bundle.ts" with { type: "macro" };
import type { Asset } from "./server/asset-routes.ts";

const files: Record<string, string> = page();

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  webmanifest: "application/manifest+json",
};

/**
 * Everything the page consists of, by the path of its address; `/` is the page itself, to be served for every address
 * of its own (`/s/<id>`, `/p/<id>`, `/pair`) too.
 */
export async function pageAssets(from = files): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const [name, base64] of Object.entries(from)) {
    const body = Uint8Array.from(Buffer.from(base64, "base64"));
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    assets.set(name === "index.html" ? "/" : `/${name}`, {
      type,
      body,
      gzip: Bun.gzipSync(body, { level: 9 }),
    });
  }
  return assets;
}
