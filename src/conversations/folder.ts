// In which folder claude keeps what was said in a directory, and where that directory is on another machine.
// Seen on 2.1.197 and 2.1.329.
import { realpathSync } from "node:fs";

/** Past so many characters the name is cut, and a number made of the whole path keeps two such apart. */
const MAX_NAME = 200;

/** The name of the folder in `projects/` that belongs to a directory. `path` is the real one, as `realDirectory` gives it. */
export function projectFolder(path: string): string {
  const name = path.replace(/[^A-Za-z0-9]/g, "-"); // No `u`: of what lies beyond the basic plane, both halves count.
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}-${numberOf(path)}`;
}

/** What claude makes of a long path: the 32 bits that Java calls a string's hash, without their sign, in base 36. */
function numberOf(path: string): string {
  let number = 0;
  for (let at = 0; at < path.length; at++) number = (Math.imul(number, 31) + path.charCodeAt(at)) | 0;
  return Math.abs(number).toString(36);
}

/** A name of such a folder and nothing else: what another machine calls one is used in paths of ours. */
export const isProjectFolder = (name: string) => /^[A-Za-z0-9-]{1,220}$/.test(name);

/** Without links, as claude sees the directory that it runs in; null where there is none. */
export function realDirectory(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** Where a directory of one home is in another. What is not below that home has the same path on every machine. */
export function moved(path: string, from: string, to: string): string {
  const [old, own] = [from.replace(/\/+$/, ""), to.replace(/\/+$/, "")];
  if (old === "" || own === "") return path;
  if (path === old) return own;
  return path.startsWith(`${old}/`) ? own + path.slice(old.length) : path;
}

/** Deeper than anybody nests; what comes from a file is not followed for ever. */
const MAX_DEPTH = 64;

/**
 * The directory that a folder of `projects/` belongs to, which its name alone does not tell. The records name it, unless
 * the conversation came from another machine: then it is the same directory below this home, however that is called.
 */
export function directoryOf(folder: string, recorded: readonly string[], home: string): string | null {
  const isIt = (path: string) => projectFolder(path) === folder;
  const named = recorded.find(isIt);
  if (named !== undefined) return named;
  for (const path of recorded) {
    const steps = path.split("/").slice(1, MAX_DEPTH);
    for (let from = 0; from <= steps.length; from++) {
      const below = [home.replace(/\/+$/, ""), ...steps.slice(from)].join("/");
      if (isIt(below)) return below;
    }
  }
  return null;
}
