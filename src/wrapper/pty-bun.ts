// The `bun` engine: Bun's own terminal (Bun 1.4.5 or newer), driven by events, no native module.
import type { Pty, PtyOptions } from "./pty-engine.ts";

/** After the program's end: output is complete when none came for so long, if something else keeps the PTY open. */
const TAIL_QUIET_MS = 20;
/** A background process that goes on writing does not put the end off for longer than this many such looks. */
const MAX_TAIL_LOOKS = 25;

/** Starts the program. `argv`, `cwd` and sizes have been checked. */
export function openBunTerminal({ argv, cwd, env, cols, rows, onData, onExit }: PtyOptions): Pty {
  const allRead = Promise.withResolvers<void>();
  let chunks = 0;
  let over = false;
  const child = Bun.spawn([...argv], {
    cwd,
    env,
    terminal: {
      cols,
      rows,
      data(_, bytes) {
        chunks++;
        if (!over) onData(bytes);
      },
      exit: () => allRead.resolve(),
    },
  });
  const { terminal } = child;
  if (!terminal)
    throw new Error("this Bun has no terminal; it must be 1.4.5 or newer (or use --pty bun-pty)");

  async function quiet() {
    for (let look = 0, before = -1; look < MAX_TAIL_LOOKS && before !== chunks; look++) {
      before = chunks;
      await Bun.sleep(TAIL_QUIET_MS);
    }
  }

  function end() {
    if (over) return false;
    over = true;
    terminal?.close();
    return true;
  }

  child.exited
    .then(() => Promise.race([allRead.promise, quiet()]))
    .then(() => end() && onExit({ code: child.exitCode, signal: child.signalCode as string | null }));

  return {
    pid: child.pid,
    write: (bytes) => !over && terminal.write(bytes),
    resize: (cols, rows) => !over && terminal.resize(cols, rows),
    kill: (signal) => child.kill(signal),
    close() {
      if (end()) child.unref();
    },
  };
}
