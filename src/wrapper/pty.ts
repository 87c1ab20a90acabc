// Opens a program in a PTY with one of two engines, after the checks that make a failure a sentence.
import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import { openBunTerminal } from "./pty-bun.ts";
import type { Pty, PtyOptions } from "./pty-engine.ts";

export type { Pty, PtyExit, PtyOptions } from "./pty-engine.ts";

/** `bun`: Bun's own terminal. `bun-pty`: the native library of that package, driven by our own loop (docs/pty.md). */
export type PtyEngine = "bun" | "bun-pty";

const COLS = { min: 2, max: 500 };
const ROWS = { min: 2, max: 200 };
/** What execve takes on Linux: one string, its end included. macOS has only the limit on the sum. */
const MAX_STRING_BYTES = process.platform === "darwin" ? 1024 * 1024 : 128 * 1024;
/** The sum of arguments and environment that execve takes by default, less what the engines add of their own. */
const MAX_WORDS_BYTES = (process.platform === "darwin" ? 1024 * 1024 : 2 * 1024 * 1024) - 64 * 1024;
/** Each string costs its end and a pointer to it. */
const BYTES_A_STRING = 9;

/** Starts the program. Throws, saying why and without having started anything, if it cannot be started. */
export function openPty(engine: PtyEngine, options: PtyOptions): Pty {
  const { onFault } = options;
  const guarded =
    <Args extends unknown[]>(call: (...args: Args) => void) =>
    (...args: Args) => {
      try {
        call(...args);
      } catch (error) {
        onFault?.(error);
      }
    };
  const pty = opener(engine)({
    ...options,
    ...clamped(options.cols, options.rows),
    argv: startable(options),
    onData: guarded(options.onData),
    onExit: guarded(options.onExit),
  });
  return {
    pid: pty.pid,
    write: (bytes) => bytes.length > 0 && pty.write(bytes),
    resize(cols, rows) {
      const size = clamped(cols, rows);
      pty.resize(size.cols, size.rows);
    },
    kill: (signal) => pty.kill(signal),
    close: () => pty.close(),
  };
}

function opener(engine: PtyEngine): (options: PtyOptions) => Pty {
  if (engine === "bun") return openBunTerminal;
  // Only here, since it maps a native library; `require`, since whoever opens a PTY does not wait.
  return (require("./pty-bunpty.ts") as typeof import("./pty-bunpty.ts")).openBunPty;
}

const clamped = (cols: number, rows: number) => ({ cols: within(cols, COLS), rows: within(rows, ROWS) });
const within = (n: number, { min, max }: { min: number; max: number }) =>
  Math.min(max, Math.max(min, Math.trunc(n) || min));

/** The words to start, the program by its full path. Engines fail in their own ways, or not at all, where this throws. */
function startable({ argv, cwd, env }: PtyOptions): string[] {
  const [name, ...args] = argv;
  if (!name) throw new Error("cannot start a program without a name");
  const refuse = (why: string) => new Error(`cannot start ${name}: ${why}`);
  const words = [...argv, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)];
  if ([cwd, ...words].some((word) => word.includes("\0"))) throw refuse("a word of it holds a NUL character");
  const misnamed = Object.keys(env).find((key) => key === "" || key.includes("="));
  if (misnamed !== undefined) throw refuse(`"${misnamed}" cannot be the name of a variable`);
  const sizes = words.map((word) => Buffer.byteLength(word));
  if (sizes.some((size) => size >= MAX_STRING_BYTES))
    throw refuse(`an argument or variable is longer than ${MAX_STRING_BYTES - 1} bytes`);
  if (sizes.reduce((sum, size) => sum + size + BYTES_A_STRING, 0) > MAX_WORDS_BYTES)
    throw refuse(`arguments and environment are more than ${MAX_WORDS_BYTES} bytes together`);
  const folder = statSync(cwd, { throwIfNoEntry: false });
  if (!folder) throw refuse(`the folder ${cwd} does not exist`);
  if (!folder.isDirectory()) throw refuse(`${cwd} is not a folder`);
  if (!allowed(cwd)) throw refuse(`the folder ${cwd} may not be entered`);
  return [programPath(name, cwd, env, refuse), ...args];
}

function programPath(
  name: string,
  cwd: string,
  env: Record<string, string>,
  refuse: (why: string) => Error,
): string {
  if (!name.includes("/")) {
    const found = Bun.which(name, { PATH: env.PATH ?? "", cwd });
    if (!found) throw refuse("it is not on the PATH");
    return found;
  }
  const path = resolve(cwd, name);
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file) throw refuse("there is no such file");
  if (file.isDirectory()) throw refuse("it is a folder");
  if (!allowed(path)) throw refuse("it is not executable");
  return path;
}

function allowed(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
