// The environment that a login at this machine's terminal has: what a program finds that is typed there.
import { ourselves } from "../command.ts";

/** A start-up file that asks something, or waits for a network, is not waited for longer. */
const SHELL_WITHIN_MS = 10_000;
/** What an environment may be. */
const MOST_BYTES = 4 * 1024 * 1024;
const MARK = "claude-remote-environment ";
const SAID = new RegExp(`^${MARK}(.*)\n`, "m");
/** What is true of one shell alone, or ours. */
const NOT_CARRIED =
  /^(CLAUDE_REMOTE_\w*|_|SHLVL|PWD|OLDPWD|TERM|SSH_TTY|SSH_AUTH_SOCK|SSH_ORIGINAL_COMMAND)$/;

/** csh takes no other word beside `-l`; it reads its start-up file anyway. */
const ways = (shell: string) =>
  /csh$/.test(shell)
    ? [["-c"]]
    : [
        ["-l", "-i", "-c"],
        ["-l", "-c"],
      ];

/** The login shell's environment; where that shell cannot say, our own. */
export async function loginEnvironment(): Promise<Record<string, string>> {
  const shell = process.env.SHELL || "/bin/sh";
  for (const way of ways(shell)) {
    const found = await asked(shell, way);
    if (found) return carried(found);
  }
  return carried(process.env);
}

/** Prints our environment for whoever asked a shell to start us. */
export function printEnvironment(): number {
  console.log(`\n${MARK}${JSON.stringify(process.env)}`);
  return 0;
}

async function asked(shell: string, way: string[]): Promise<Record<string, string> | null> {
  const words = ourselves();
  const names = words.map((_, at) => `CLAUDE_REMOTE_SELF_${at}`);
  const ours = Object.fromEntries(names.map((name, at) => [name, words[at]]));
  // `env` before it: of shells that run no command which is a variable.
  const command = `env ${names.map((name) => `"$${name}"`).join(" ")} hosted --environment`;
  try {
    const child = Bun.spawn([shell, ...way, command], {
      ...{ env: { ...process.env, ...ours }, stdin: "ignore", stdout: "pipe", stderr: "ignore" },
      ...{ detached: true, timeout: SHELL_WITHIN_MS, killSignal: "SIGKILL", maxBuffer: MOST_BYTES },
    });
    const said = await marked(child.stdout);
    return said ? (JSON.parse(said) as Record<string, string>) : null;
  } catch {
    return null;
  }
}

/** What it says behind our mark. Start-up files may leave something running that holds the pipe: nobody waits for its end. */
async function marked(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const reader = stdout.getReader();
  const late = setTimeout(() => reader.cancel(), SHELL_WITHIN_MS);
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const said = SAID.exec(text)?.[1];
      if (said !== undefined || done) return said;
    }
  } finally {
    clearTimeout(late);
    await reader.cancel();
  }
}

function carried(env: Record<string, string | undefined>): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !NOT_CARRIED.test(name));
  return { ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""])), TERM: "xterm-256color" };
}
