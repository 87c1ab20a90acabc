// What every terminal engine promises; pty.test.ts holds both to it.

export type PtyExit = {
  /** The exit code, or null when a signal ended the program. */
  code: number | null;
  signal: string | null;
};

export type PtyOptions = {
  /** The program (a name on the PATH of `env`, or a path) and its arguments. */
  argv: readonly string[];
  cwd: string;
  /** The whole environment: nothing of our own is beneath it. */
  env: Record<string, string>;
  cols: number;
  rows: number;
  /**
   * What the program wrote, as it wrote it; the bytes are the caller's to keep. The `bun` engine reads no further while
   * this runs, so a caller that takes its time slows the program.
   */
  onData: (bytes: Uint8Array) => void;
  /** Once, after all output. Not after `close`. */
  onExit: (exit: PtyExit) => void;
  /** What `onData` or `onExit` threw; it never reaches the event loop. */
  onFault?: (error: unknown) => void;
};

/**
 * A program that runs in a PTY of its own, as leader of its session. Nothing is reported before the opener has it; once it
 * has ended, every call does nothing.
 */
export interface Pty {
  readonly pid: number;
  /** Takes all bytes, in order; what the program does not read yet waits. */
  write(bytes: Uint8Array): void;
  /** The program gets SIGWINCH. Sizes are kept within 2–500 columns and 2–200 rows. */
  resize(cols: number, rows: number): void;
  kill(signal: NodeJS.Signals): void;
  /** Gives the PTY up: a program that still runs gets SIGHUP, and nothing more is reported. */
  close(): void;
}
