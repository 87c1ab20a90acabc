// What a launch tells the wrapper that it starts, as one line on its stdin: never in its words or its environment, which
// others on that machine can read (SEC-066).
import { createHash } from "node:crypto";
import * as v from "valibot";
import type { ConversationId, DeviceId } from "../protocol.ts";
import { directory, isPlain } from "./devbox.ts";
import { PERMISSION_MODES } from "./modes.ts";

/** Characters of a whole order: its prompt and its arguments at their longest, escaped. */
export const ORDER_CHARS = 4 * 1024 * 1024;
const MOST_ARGS = 200;
/** Linux takes no longer argument. */
const ARG_BYTES = 128 * 1024 - 1;
/** A prompt is typed, as from a phone: more is a file, not a message. */
export const PROMPT_BYTES = 100_000;

const id = v.pipe(v.string(), v.regex(/^[0-9A-Za-z][\w.-]{0,99}$/, "must be an id"));
const bytesUpTo = (most: number) =>
  v.check((text: string) => Buffer.byteLength(text) <= most, `must be at most ${most} bytes`);
const plain = v.pipe(v.string(), v.check(isPlain, "must be valid text without NUL"));
const cells = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(500));

/** Where a wrapper finds the server: at a url, or wherever the file `address` in its folder says now. */
export const address = v.variant("kind", [
  v.strictObject({ kind: v.literal("url"), url: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#@]+$/)) }),
  v.strictObject({ kind: v.literal("tunnel") }),
  v.strictObject({ kind: v.literal("socket"), path: directory }),
]);

/** What somebody may ask of a launch, whoever asks; no more than that, and no environment (SEC-063). */
export const wishes = {
  dir: v.nullable(directory),
  args: v.pipe(v.array(v.pipe(plain, bytesUpTo(ARG_BYTES))), v.maxLength(MOST_ARGS)),
  prompt: v.nullable(v.pipe(plain, v.minLength(1), bytesUpTo(PROMPT_BYTES))),
  mode: v.nullable(v.picklist(PERMISSION_MODES)),
  resume: v.nullable(
    v.pipe(
      id,
      v.transform((text) => text as ConversationId),
    ),
  ),
};

export const order = v.strictObject({
  ...wishes,
  launch: id,
  device: v.pipe(
    id,
    v.transform((text) => text as DeviceId),
  ),
  secret: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  address,
  size: v.strictObject({ cols: cells, rows: cells }),
  /** Folders where a claude may be besides PATH. */
  claude: v.nullable(directory),
});
export type Order = v.InferOutput<typeof order>;
export type Address = v.InferOutput<typeof address>;

/** What is said of it in turn. `log`: the file that the wrapper writes its log to. */
export type Reply =
  | { pid: number; session: string; log: string }
  | { error: { class: "no_dir" | "claude_missing" | "failed"; message: string } };

/** ASCII alone, so that no shell on the way can misread it. */
export const asciiJson = (value: unknown) =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The folder of one server's wrappers on a devbox, below the user's data there. */
export const hostedFolder = (device: DeviceId) =>
  `hosted/${createHash("sha256").update(device).digest("hex").slice(0, 12)}`;

/** Where our files are on a devbox, below its home. */
export const DEVBOX_DATA = ".local/share/claude-remote";
