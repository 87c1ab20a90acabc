// The key that push services know this server by (VAPID): made once, kept beside the other keys.
import { createECDH, createPublicKey } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { privateFile } from "../private-file.ts";

/** Base64url; `public` is what a browser's subscription is made for. */
export type PushKeys = { public: string; private: string };

const schema = v.object({
  public: v.pipe(v.string(), v.regex(/^[\w-]{87}$/)),
  private: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
});

/** The keys in that file, made at the first start. Throws if the file is not what it must be. */
export function pushKeys(path: string): PushKeys {
  if (!existsSync(path)) make(path);
  privateFile(path);
  const keys = parsed(readFileSync(path, "utf8"));
  if (keys) return keys;
  throw new Error(
    `${path} is damaged. Restore it from a backup, or remove it: every phone then turns its notifications on anew.`,
  );
}

function parsed(text: string): PushKeys | null {
  try {
    const keys = v.parse(schema, JSON.parse(text));
    return isPublicKey(keys.public) ? keys : null;
  } catch {
    return null;
  }
}

/** Whether that, in base64url, is a point of the curve: with anything else nothing can be encrypted or signed. */
export function isPublicKey(text: string): boolean {
  const point = Buffer.from(text, "base64url");
  if (point.length !== 65 || point[0] !== 4) return false;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  try {
    createPublicKey({ key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

/** Whole or not at all; of several that make it at once, the first wins. */
function make(path: string) {
  const pair = createECDH("prime256v1");
  const keys = { public: pair.generateKeys("base64url"), private: privateOf(pair.getPrivateKey()) };
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, JSON.stringify(keys), { mode: 0o600 });
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** One key in 256 begins with a zero, which Node leaves out. */
const privateOf = (key: Buffer) => Buffer.concat([Buffer.alloc(32 - key.length), key]).toString("base64url");
