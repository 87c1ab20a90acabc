// One of OpenSSH's programs, or a shell, with pipes at both ends.
import { LaunchError } from "./ssh-errors.ts";

export type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Our own environment without what is ours alone. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_")));

/** Starts it, until `signal` ends it. Throws LaunchError where the program is not installed. */
export function start(argv: readonly string[], signal: AbortSignal | undefined): Child {
  try {
    return Bun.spawn([...argv], {
      ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe", env: environment() },
      ...(signal ? { signal } : {}),
    });
  } catch {
    throw new LaunchError(
      "no_ssh",
      `there is no ${argv[0]} on this machine`,
      "Install the OpenSSH client (openssh-client).",
    );
  }
}

/** A process that is gone already takes nothing; its end says why. */
export async function send(child: Child, text: string, last = false) {
  try {
    await child.stdin.write(text);
    await (last ? child.stdin.end() : child.stdin.flush());
  } catch {
    // Its end says why.
  }
}
