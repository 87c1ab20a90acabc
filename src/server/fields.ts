// Fields that more than one body has, each checked where it enters.
import * as v from "valibot";
import { LIMITS } from "./limits.ts";

/** Made by whoever asks. */
export const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
export const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const text = v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.textChars));
/** Letters, digits and signs only: what else there is (control and format characters) is left out. */
export const name = v.pipe(
  v.string(),
  v.transform((given) => given.replace(/\p{C}/gu, "").trim()),
  v.minLength(1),
  v.maxLength(LIMITS.nameChars),
);
