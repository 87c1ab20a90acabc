// The hosts that ssh's own configuration names: offered where somebody adds a devbox, so that nobody types them on a phone.
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isHost } from "./devbox.ts";

/** Nobody reads more of them. */
const MOST_ALIASES = 200;
/** Files that may be read, by `Include` too, and bytes of each: what is larger was not written by a person. */
const MOST_FILES = 50;
const FILE_BYTES = 256 * 1_024;

/** What `Host` lines name, in their order, patterns left out. `folder`: whose `config` counts; null: the user's own ~/.ssh. */
export function sshAliases(folder: string | null, home = homedir()): string[] {
  const own = join(home, ".ssh");
  const found = new Set<string>();
  const read = new Set<string>();
  const follow = (file: string) => {
    if (read.has(file) || read.size >= MOST_FILES || found.size >= MOST_ALIASES) return;
    read.add(file);
    for (const [keyword, words] of directives(textOf(file))) {
      if (keyword === "host") for (const word of words) if (isHost(word)) found.add(word);
      if (keyword === "include") for (const word of words) for (const one of included(word)) follow(one);
    }
  };
  /** As ssh has it: from the home folder, else from ~/.ssh, with patterns. */
  const included = (word: string): string[] => {
    const path = word.startsWith("~/")
      ? join(home, word.slice(2))
      : word.startsWith("/")
        ? word
        : join(own, word);
    return /[*?[]/.test(path) ? matching(path) : [path];
  };
  follow(join(folder ?? own, "config"));
  return [...found].slice(0, MOST_ALIASES);
}

/** The files of a pattern, which reaches into no folder below, as everywhere in ssh. */
function matching(pattern: string): string[] {
  try {
    const glob = new Bun.Glob(pattern.replaceAll(/\*{2,}/g, "*"));
    return [...glob.scanSync({ cwd: "/", absolute: true, dot: true })].sort();
  } catch {
    return []; // No pattern, or a folder that may not be read.
  }
}

/** Each line's keyword, small, and its words; `Host=a "b c"` is allowed. */
function directives(text: string): [keyword: string, words: string[]][] {
  return text.split(/\r?\n/).flatMap((line): [string, string[]][] => {
    const [, keyword, rest = ""] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
    if (!keyword) return [];
    return [[keyword.toLowerCase(), [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? "")]];
  });
}

/** Nothing of what is no plain file of a person's size: a pipe would never end. */
function textOf(file: string): string {
  try {
    const { size } = statSync(file);
    return statSync(file).isFile() && size <= FILE_BYTES ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}
