// What a backup says of itself: manifest.json, the first file in it.
import * as v from "valibot";
import { MAX_FILE_BYTES } from "./tar.ts";

export const MANIFEST = "manifest.json";
export const DATABASE = "claude-remote.db";
/** Files that are secrets: in a backup only where they were asked for. */
export const KEYS = ["master.key", "push.key"] as const;
/** Names and sums of three files; more is no manifest of ours. */
export const MAX_MANIFEST_BYTES = 16 * 1024;
/** A key has 32 bytes, a pair of them in JSON some 160. */
export const MAX_KEY_BYTES = 4 * 1024;

const file = v.object({
  name: v.picklist([DATABASE, ...KEYS]),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_FILE_BYTES)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

export const manifest = v.object({
  /** Of this file and the archive. */
  format: v.literal(1),
  /** The claude-remote that made it. */
  version: v.pipe(v.string(), v.regex(/^[\w.+-]{1,50}$/)),
  /** The database's version. */
  schema: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Milliseconds since 1970. */
  created_at: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15)),
  files: v.pipe(v.array(file), v.minLength(1), v.maxLength(1 + KEYS.length)),
});

export type Manifest = v.InferOutput<typeof manifest>;
export type ManifestFile = v.InferOutput<typeof file>;
