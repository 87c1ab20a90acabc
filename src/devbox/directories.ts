// The folders below a place on a devbox, for whoever types a path on a phone.
import { LIMITS } from "../server/limits.ts";
import { isPlain } from "./devbox.ts";
import { LaunchError } from "./ssh-errors.ts";

/** Runs a script for /bin/sh on a devbox, with `stdin` as its input. */
export type Script = (
  text: string,
  stdin: string,
  signal: AbortSignal,
) => Promise<{ code: number | null; out: string; err: string }>;
export type Directories = { directories: string[]; more: boolean };

/** Characters of what such a script prints, with room for long names. */
const MOST_CHARS = 64 * 1024;
/** A listing is read again after this; a folder made meanwhile is missed for as long. */
const FRESH_MS = 10_000;
/** Listings remembered. */
const KEPT_LISTINGS = 200;
/** A page waits no longer for any answer. */
const WITHIN_MS = 8_000;

/**
 * Reads what was typed on its stdin; prints the folders that it may become, each ended by NUL. Hidden ones only for who
 * types their dot. Its own text is always the same: what differs is data.
 */
const SCRIPT = `p=$(cat; printf x); p=\${p%x}
case $p in "~") p=$HOME/ ;; "~/"*) p=$HOME/\${p#"~/"} ;; esac
d=\${p%/*}/ q=\${p##*/} n=0
CDPATH= cd -- "$d" 2>/dev/null || exit 3
for f in "$q"*/; do
  [ -d "$f" ] || continue
  n=$((n + 1))
  [ $n -gt ${LIMITS.directories + 1} ] && break
  printf '%s\\0' "\${f%/}"
done
exit 0
`;

/** What the folders of `under` are called, in the way it was typed: a `~/` stays one. Throws LaunchError. */
async function list(under: string, script: Script, signal: AbortSignal): Promise<Directories> {
  const { code, out } = await script(SCRIPT, under, signal);
  if (code !== 0) return { directories: [], more: false }; // Nothing of that name, or nothing that may be read.
  const typed = under === "~" ? "~/" : under;
  const base = typed.slice(0, typed.lastIndexOf("/") + 1);
  const names = out.slice(0, MOST_CHARS).split("\0").slice(0, -1);
  const usable = names.filter((name) => isPlain(name) && !name.includes("\ufffd"));
  const directories = usable
    .slice(0, LIMITS.directories)
    .sort()
    .map((name) => base + name);
  return { directories, more: names.length > LIMITS.directories };
}

/** Lists, and remembers for a moment. Rejects with LaunchError, or null where too many ask at once. */
export function listings(now: () => number) {
  const known = new Map<string, { at: number; answer: Promise<Directories> }>();
  let underway = 0;
  return (devbox: string, under: string, script: Script): Promise<Directories> | null => {
    const key = `${devbox}\0${under}`;
    const last = known.get(key);
    const age = last ? now() - last.at : Number.POSITIVE_INFINITY;
    if (last && age >= 0 && age < FRESH_MS) return last.answer;
    if (underway >= LIMITS.listings) return null;
    underway++;
    const answer = within(WITHIN_MS, (signal) => list(under, script, signal)).finally(() => underway--);
    answer.catch(() => known.delete(key));
    known.delete(key);
    known.set(key, { at: now(), answer });
    for (const old of [...known.keys()].slice(0, Math.max(0, known.size - KEPT_LISTINGS))) known.delete(old);
    return answer;
  };
}

/** Gives up after so long. */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const end = new AbortController();
  const timer = setTimeout(() => {
    end.abort();
    late.reject(new LaunchError("timeout", "The devbox did not answer in time.", "Try again."));
  }, ms);
  try {
    return await Promise.race([work(end.signal), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
