// claude without us: this process becomes claude, so that stdio, signals, job control and its end are exactly its own.
import { accessSync, constants } from "node:fs";
import { restoreSignals } from "./libc.ts";
import type { PtyExit } from "./pty-engine.ts";

/**
 * Runs the program in our place, with our environment. Returns only where a system cannot do that (Windows), then with
 * the program's end. Throws if the program cannot be started.
 */
export async function passThrough(argv: readonly [string, ...string[]]): Promise<PtyExit> {
  const [name] = argv;
  const program = name.includes("/") ? name : Bun.which(name);
  if (!program || !executable(program))
    throw new Error(`cannot start ${name}: there is no such program, or it is not executable`);
  if (process.execve) {
    restoreSignals();
    process.execve(program, argv, process.env);
  }
  const child = Bun.spawn([program, ...argv.slice(1)], { stdio: ["inherit", "inherit", "inherit"] });
  await child.exited;
  return { code: child.exitCode, signal: child.signalCode as string | null };
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
