// What a launch has to know of a devbox before it puts anything there.
import { DEVBOX_DATA } from "./order.ts";
import type { Ssh } from "./ssh.ts";
import { LaunchError, saidBy } from "./ssh-errors.ts";

export type Examined = {
  /** As our binaries are named: "linux-x64", "linux-arm64-musl", "darwin-arm64" … */
  platform: string;
  home: string;
  /** Bytes of this version of ours that is there; null: it is not. */
  size: number | null;
  /** The claude that a login finds there, and what it says of its version. */
  claude: string;
  version: string;
};

/** A login shell that asks something, or waits for a network, is not waited for longer. */
const SHELL_WITHIN_MS = 20_000;

const SYSTEMS: Record<string, string> = { Linux: "linux", Darwin: "darwin" };
const MACHINES: Record<string, string> = { x86_64: "x64", amd64: "x64", aarch64: "arm64", arm64: "arm64" };

/** Where this version of ours stands there, below the home. */
export const binaryName = (version: string) => `${DEVBOX_DATA}/bin/claude-remote-${version}`;

/**
 * A person's PATH is often set only for shells that somebody types in, so such a one is asked; its start-up files may
 * print what they like. csh takes no other word beside `-l`.
 */
const script = (version: string) => `
printf 'system %s\\nmachine %s\\nhome %s\\n' "$(uname -s)" "$(uname -m)" "$HOME"
ldd /bin/sh 2>/dev/null | grep -q musl && echo 'musl 1'
[ -d "$HOME" ] || echo 'homeless 1'
f=$HOME/${binaryName(version)}
[ -x "$f" ] && printf 'size %s\\n' "$(wc -c <"$f")"
shell=\${SHELL:-/bin/sh}
case $shell in *csh) how=-c ;; *) how='-l -i -c' ;; esac
p=$("$shell" $how 'echo claude-remote-path; printenv PATH' </dev/null 2>/dev/null | sed -n '/^claude-remote-path$/{n;p;}' | tail -n 1)
PATH=\${p:+$p:}$PATH:$HOME/.local/bin:$HOME/.claude/local:$HOME/.npm-global/bin:$HOME/.bun/bin:$HOME/.volta/bin:$HOME/bin:/usr/local/bin:/opt/homebrew/bin:/usr/bin:/opt/claude-code/bin
export PATH
c=$(command -v claude) || exit 0
case $c in /*) ;; *) exit 0 ;; esac
printf 'claude %s\\n' "$c"
v=$("$c" --version </dev/null 2>&1) || { printf 'broken %s\\n' "$(printf %s "$v" | tr '\\n' ' ')"; exit 0; }
printf 'version %s\\n' "$(printf '%s\\n' "$v" | head -n 1)"
CLAUDE_REMOTE_CLAUDE=$c "$shell" $how 'env PATH="$PATH:'"$PATH"'" "$CLAUDE_REMOTE_CLAUDE" auth status' </dev/null 2>/dev/null |
  grep -q '"loggedIn": *false' && echo 'login 0'
exit 0`;

/** Looks. Throws LaunchError: platform, forbidden, claude_missing, claude_login, or what became of the connection. */
export async function examine(ssh: Ssh, version: string, signal?: AbortSignal): Promise<Examined> {
  const { name } = ssh.devbox;
  const limit = AbortSignal.timeout(SHELL_WITHIN_MS);
  const either = AbortSignal.any([limit, ...(signal ? [signal] : [])]);
  const look = () => ssh.script(script(version), { signal: either });
  const again = (error: unknown) => {
    if (error instanceof LaunchError && error.class === "lost") return look(); // Once: it changes nothing there.
    throw error;
  };
  const { out, err } = await look()
    .catch(again)
    .catch((error) => {
      if (!limit.aborted || signal?.aborted) throw error;
      const next = "See that its start-up files (.profile, .bashrc …) ask nothing and end.";
      throw new LaunchError("no_shell", `${name}: its login shell does not come to an end`, next);
    });
  return read(name, out, err);
}

function read(name: string, out: string, err: string): Examined {
  const said = new Map(
    out.split("\n").map((line) => {
      const at = line.indexOf(" ");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const [system, machine] = [said.get("system") ?? "", said.get("machine") ?? ""];
  const [os, cpu] = [SYSTEMS[system], MACHINES[machine]];
  if (!os || !cpu) {
    const next = "Linux and macOS on x64 and arm64 are what there are binaries for.";
    throw new LaunchError(
      "platform",
      `${name}: ${saidBy(`${system} ${machine} ${err}`)} is not a platform we run on`,
      next,
    );
  }
  const home = said.get("home") ?? "";
  if (said.has("homeless"))
    throw new LaunchError(
      "forbidden",
      `${name}: that user's home folder is not there (${saidBy(home) || "it has none"})`,
      "Make it there, and give it to that user.",
    );
  const claude = said.get("claude");
  const broken = said.get("broken");
  if (!claude || broken !== undefined) {
    const what = claude
      ? `${claude} does not run (${saidBy(broken ?? "")})`
      : "there is no claude on that user's PATH";
    const next = "Install it there: npm install -g @anthropic-ai/claude-code";
    throw new LaunchError("claude_missing", `${name}: ${what}`, next);
  }
  if (said.has("login")) {
    const next = `Log in there once: ssh to it, run claude, and follow what it says.`;
    throw new LaunchError("claude_login", `${name}: claude is there, but nobody is logged in`, next);
  }
  return {
    platform: `${os}-${cpu}${said.has("musl") && os === "linux" ? "-musl" : ""}`,
    home,
    size: said.has("size") ? Number(said.get("size")) : null,
    claude,
    version: saidBy(said.get("version") ?? ""),
  };
}

/** What ends a process of ours there, if it is one. */
export const killScript = (pid: number) => `kill ${Math.trunc(pid)} 2>/dev/null; exit 0`;
