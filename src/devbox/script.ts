// A script for /bin/sh on another machine: framed, so that what the login shell prints by itself is told from what it says.
import { connectError, lostError, type SshEnd } from "./ssh-errors.ts";

/** How a script ended; `code` is null if a signal killed what ran it. */
export type ScriptResult = { code: number | null; out: string; err: string };
/** What a script reads: a text, bytes, or bytes as they come. */
export type Input = string | Uint8Array | AsyncIterable<Uint8Array>;
export type ScriptOptions = { stdin?: Input | undefined; signal?: AbortSignal | undefined };

/** One word for a POSIX shell. */
export const shellWord = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** All on one complete command, so that the shell has read it before anything runs; the script's own end ends nothing. */
export const framed = (text: string, mark: string) =>
  `printf '\\n%s\\n' '${mark}'; printf '\\n%s\\n' '${mark}' >&2; (\n${text}\n); printf '\\n%s %s\\n' '${mark}' "$?"; exit\n`;

/** What it said between its marks. Throws LaunchError where it did not begin, or was cut off. */
export function resultOf(name: string, mark: string, end: SshEnd): ScriptResult {
  const begins = end.out.indexOf(`\n${mark}\n`);
  if (begins < 0) throw connectError(name, end);
  const out = end.out.slice(begins + mark.length + 2);
  const errs = end.err.indexOf(`\n${mark}\n`);
  const err = errs < 0 ? end.err : end.err.slice(errs + mark.length + 2);
  const last = out.lastIndexOf(`\n${mark} `);
  if (last < 0) throw lostError(name, { ...end, err });
  return { code: Number.parseInt(out.slice(last + mark.length + 2), 10), out: out.slice(0, last), err };
}
