// What phones and the owner's commands may send about devboxes and launches.
import * as v from "valibot";
import { devboxName, directory, isPlain, sshDevbox } from "./devbox.ts";
import { PERMISSION_MODES } from "./modes.ts";
import { PROMPT_BYTES } from "./order.ts";

const uuid = v.pipe(v.string(), v.regex(/^[0-9A-Za-z][\w.-]{0,99}$/, "must be an id"));
/** A launch, as a phone asks for it. */
export const launchBody = v.strictObject({
  launch: uuid,
  devbox: devboxName,
  dir: directory,
  prompt: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.check(isPlain, "must be valid text without NUL"),
      v.check((text) => Buffer.byteLength(text) <= PROMPT_BYTES, `must have at most ${PROMPT_BYTES} bytes`),
    ),
  ),
  mode: v.optional(v.picklist(PERMISSION_MODES, `must be one of ${PERMISSION_MODES.join(", ")}`)),
  resume: v.optional(uuid),
  anyway: v.optional(v.boolean()),
});
/** Fields that are not there are refused, not left out: nobody may think that an environment was set (SEC-063). */
export const devboxBody = v.strictObject({ ...sshDevbox.entries, kind: v.optional(v.literal("ssh"), "ssh") });
const fingerprint = v.pipe(v.string(), v.regex(/^SHA256:[A-Za-z0-9+/]{43}$/, "must be SHA256:…"));
/** With a yes to that host key. */
export const testBody = v.strictObject({ fingerprint: v.optional(fingerprint) });
const said = (chars: number) => v.pipe(v.string(), v.maxLength(chars));
/** What became of reaching one, as a command on this machine saw it. */
export const triedBody = v.strictObject({
  error: v.nullable(v.object({ class: said(50), message: said(2_000), next: said(2_000) })),
  fingerprint: v.optional(fingerprint),
});
