import type { PtyExit } from "./pty.ts";
export async function passThrough(argv: string[]): Promise<PtyExit> {
  const child = Bun.spawn(argv, { stdio: ["inherit", "inherit", "inherit"] });
  await child.exited;
  return { code: child.exitCode, signal: child.signalCode };
}
