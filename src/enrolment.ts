// What `join` keeps: the server elsewhere that this machine's wrappers report to, and what proves this machine to it.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type Paths, privateFolder } from "./paths.ts";
import type { DeviceId } from "./protocol.ts";

/**
 * The server's origin, this machine's id there, and its secret in base64url. `operator`: the token with which the owner's
 * commands work from here.
 */
export type Enrolment = { url: string; device: DeviceId; secret: string; operator?: string | undefined };

/** Characters of a link, with room: an address of 2,000, an id and two secrets. */
export const LINK_CHARS = 4_096;

const schema = v.object({
  url: v.pipe(v.string(), v.url()),
  device: v.pipe(
    v.string(),
    v.regex(/^[\w-]{1,64}$/),
    v.transform((id) => id as DeviceId),
  ),
  secret: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  operator: v.optional(v.pipe(v.string(), v.regex(/^crt_[\w-]{43}$/))),
});

const fileIn = (paths: Paths) => join(paths.data, "joined.json");

/** The one line that `device add` prints; the secret stands behind `#`, which no server is ever sent. */
export const linkOf = ({ url, device, secret, operator }: Enrolment) =>
  `${url}#${[device, secret, operator].filter(Boolean).join(".")}`;

/** Reads that line. Null: it is none. */
export function parseLink(text: string): Enrolment | null {
  const [, url = "", words = ""] = /^(https?:\/\/[^\s/?#@]+)\/?#(\S+)$/.exec(text.trim()) ?? [];
  const [device, secret, operator, more] = words.split(".");
  if (!URL.canParse(url) || more !== undefined) return null;
  const link = v.safeParse(schema, {
    ...{ url: new URL(url).origin, device, secret },
    ...(operator === undefined ? {} : { operator }),
  });
  return link.success ? link.output : null;
}

/** The server this machine joined, or null. Throws if what stands there cannot be used. */
export function enrolment(paths: Paths): Enrolment | null {
  const file = fileIn(paths);
  if (!existsSync(file)) return null;
  try {
    return v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
  } catch {
    throw new Error(
      `${file} cannot be used; \`claude-remote join\` writes it anew, \`join --leave\` removes it`,
    );
  }
}

/** Keeps it, 0600, whole or not at all. */
export function keepEnrolment(paths: Paths, joined: Enrolment): void {
  const file = join(privateFolder(paths.data), "joined.json");
  const partial = `${file}.${process.pid}`;
  rmSync(partial, { force: true });
  writeFileSync(partial, JSON.stringify(joined), { mode: 0o600, flag: "wx" });
  renameSync(partial, file);
}

/** Forgets it. False: there was none. */
export function dropEnrolment(paths: Paths): boolean {
  const there = existsSync(fileIn(paths));
  rmSync(fileIn(paths), { force: true });
  return there;
}

/** Where a server's channel for wrappers stands. */
export const channelOf = (url: string) => `${url.replace(/^http/, "ws")}/ws`;

export const secretOf = ({ secret }: Enrolment) => new Uint8Array(Buffer.from(secret, "base64url"));
