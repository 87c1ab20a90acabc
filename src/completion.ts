// `claude-remote completion`: what a shell needs to complete our own words and flags. claude's are left to claude.
import { CommandError, USAGE } from "./command.ts";
import { loadConfig, SETTINGS } from "./config.ts";
import { sshAliases } from "./devbox/aliases.ts";

const USAGE_LINE = "claude-remote completion bash|zsh|fish";

/** A flag and what may follow it: nothing, one of these words, or anything (null). */
type Flags = Record<string, readonly string[] | null>;
type Command = { flags?: Flags; words?: readonly string[] };

const ALONE: readonly string[] = [];
const LEVELS = SETTINGS.log_level.schema.wrapped.options;

/** Our own flags before claude's. */
const OWN: Flags = {
  "--private": ALONE,
  "--pty": ["bun", "bun-pty"],
  "--ask": null,
  "--on-hangup": ["detach", "end"],
};

/** Every command, its first words and its flags. */
export const COMPLETED: Record<string, Command> = {
  serve: {
    flags: {
      ...{ "--host": null, "--port": null, "--public-url": null },
      ...{ "--insecure-http": ALONE, "--log-level": LEVELS },
    },
  },
  pair: { flags: { "--yes": ALONE, "--json": ALONE } },
  device: {
    words: ["add", "list", "revoke"],
    flags: { "--operate": ALONE, "--url": null, "--all": ALONE, "--yes": ALONE, "--json": ALONE },
  },
  viewer: { words: ["list", "revoke"], flags: { "--all": ALONE, "--yes": ALONE, "--json": ALONE } },
  token: {
    words: ["create", "list", "revoke"],
    flags: {
      ...{ "--scope": ["read", "input", "metrics", "read,input"], "--days": null },
      ...{ "--all": ALONE, "--yes": ALONE, "--json": ALONE },
    },
  },
  join: { words: ["-"], flags: { "--leave": ALONE } },
  sessions: { flags: { "--json": ALONE } },
  attach: { flags: { "--lines": null, "--detach-key": null } },
  resume: { flags: { "--last": ALONE, "--on": null, "--here": ALONE, "--json": ALONE } },
  stop: {},
  ssh: { flags: { "--dir": null, "--detach": ALONE } },
  devbox: {
    words: ["add", "list", "status", "remove"],
    flags: {
      ...{ "--user": null, "--port": null, "--key": null, "--dir": null, "--host-key": null },
      ...{ "--yes": ALONE, "--json": ALONE },
    },
  },
  healthcheck: {},
  backup: { flags: { "--with-key": ALONE } },
  restore: { flags: { "--yes": ALONE } },
  doctor: { flags: { "--claude": ALONE, "--all": ALONE, "--json": ALONE } },
  service: {
    words: ["install", "status", "uninstall"],
    flags: {
      ...{ "--print": ALONE, "--json": ALONE, "--host": null, "--port": null, "--public-url": null },
      ...{ "--insecure-http": ALONE, "--log-level": LEVELS },
    },
  },
  completion: { words: ["bash", "zsh", "fish"] },
  demo: {},
  version: {},
  help: {},
};

/**
 * What can stand in the place of the last of `words` (those after the program's name). None: a file, or claude's. `hosts`:
 * those that ssh knows here.
 */
export function candidates(words: readonly string[], hosts: () => string[] = () => []): string[] {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found =
    wantsHost(before) && !typed.startsWith("-") ? hosts() : offered(before, typed.startsWith("-"));
  return found.filter((word) => word.startsWith(typed));
}

/** `ssh <host>`, `devbox add <name>`, which may be a host itself, and `devbox add <name> <host>`. */
const wantsHost = ([word, verb, ...more]: readonly string[]) =>
  (word === "ssh" && verb === undefined) ||
  (word === "devbox" && verb === "add" && more.length < 2 && !more[0]?.startsWith("-"));

function offered(before: readonly string[], wantsFlag: boolean): readonly string[] {
  const [word, ...rest] = before;
  if (word === undefined) return wantsFlag ? Object.keys(OWN) : Object.keys(COMPLETED);
  if (Object.hasOwn(OWN, word)) return afterOwn(before, wantsFlag);
  const command = Object.hasOwn(COMPLETED, word) ? COMPLETED[word] : undefined;
  if (!command) return [];
  const { flags = {}, words = [] } = command;
  const valued = valuesOf(flags, rest.at(-1));
  if (valued !== undefined) return valued;
  if (wantsFlag) return [...Object.keys(flags).filter((flag) => !rest.includes(flag)), ...words];
  return rest.length === 0 ? words : [];
}

/** Behind our own flags comes either another of them, or claude's first word. */
function afterOwn(before: readonly string[], wantsFlag: boolean): readonly string[] {
  for (let at = 0; at < before.length; at++) {
    const flag = before[at] ?? "";
    if (!Object.hasOwn(OWN, flag)) return [];
    const values = valuesOf(OWN, flag);
    if (values === undefined) continue;
    if (++at === before.length) return values;
  }
  return wantsFlag ? Object.keys(OWN).filter((flag) => !before.includes(flag)) : [];
}

/** What may follow that flag; undefined where nothing does. */
function valuesOf(flags: Flags, flag: string | undefined): readonly string[] | undefined {
  if (flag === undefined || !Object.hasOwn(flags, flag)) return undefined;
  const values = flags[flag];
  return values === ALONE ? undefined : (values ?? []);
}

/** Asks this program at each Tab: it takes a few hundredths of a second, and is never out of date. */
const SCRIPTS: Record<string, string> = {
  bash: `_claude_remote() {
  local IFS=$'\\n'
  COMPREPLY=($(claude-remote completion words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null))
}
complete -o default -F _claude_remote claude-remote`,
  zsh: `#compdef claude-remote
_claude_remote() {
  local -a found
  found=(\${(f)"$(claude-remote completion words "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)"})
  if (( $#found )); then compadd -- $found; else _files; fi
}
if [[ $funcstack[1] == _claude_remote ]]; then _claude_remote "$@"; else compdef _claude_remote claude-remote; fi`,
  fish: `function __claude_remote_words
    set -l before (commandline -opc)
    set -l now (commandline -ct)
    set -q now[1]; or set now ''
    claude-remote completion words $before[2..-1] $now[1] 2>/dev/null </dev/null
end
complete -c claude-remote -f -n 'test (count (__claude_remote_words)) -gt 0' -a '(__claude_remote_words)'`,
};

/** Prints the script of a shell; \`words\` with what was typed: what can stand there. */
export async function completion(args: string[]): Promise<number> {
  const [shell = "", ...words] = args;
  if (shell === "words") {
    for (const word of candidates(words, knownHosts)) console.log(word);
    return 0;
  }
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined || words.length > 0) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  console.log(script);
  return 0;
}

function knownHosts(): string[] {
  try {
    return sshAliases(loadConfig().ssh_folder ?? null);
  } catch {
    return []; // Whoever presses Tab is told nothing of a wrong setting.
  }
}
