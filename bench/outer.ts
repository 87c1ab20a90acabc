// The terminal around what is measured, the same for every side of a comparison: a PTY, and no emulator that takes time.

export type OuterOptions = {
  env: Record<string, string>;
  cwd?: string;
  cols?: number;
  rows?: number;
  onBytes?: (bytes: Uint8Array) => void;
};

/** Bytes of output kept to look for a text that two reads cut. */
const KEPT_BYTES = 4_096;
const PATIENCE_MS = 20_000;
/** Of them, shown where something never came. */
const SHOWN_CHARS = 400;

/** A program in a PTY of 100 by 40. Disposing ends it. */
export class Outer implements AsyncDisposable {
  readonly pid: number;
  /** Resolves with the program's exit code. */
  readonly exited: Promise<number>;
  /** Bytes of output so far. */
  received = 0;
  onBytes: (bytes: Uint8Array) => void;
  readonly #process: Bun.Subprocess;
  #wanted: { text: string; found: (at: number) => void } | null = null;
  #tail = "";

  constructor(command: readonly string[], { env, cwd, cols = 100, rows = 40, onBytes }: OuterOptions) {
    this.onBytes = onBytes ?? (() => {});
    this.#process = Bun.spawn([...command], {
      env,
      ...(cwd ? { cwd } : {}),
      terminal: { cols, rows, data: (_, bytes) => this.#receive(bytes) },
    });
    this.pid = this.#process.pid;
    this.exited = this.#process.exited;
  }

  write(input: string | Uint8Array) {
    this.#process.terminal?.write(input);
  }

  /** When (`performance.now()`) the next output with this text in it came. One wait at a time. */
  seen(text: string, { timeout = PATIENCE_MS } = {}): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = () =>
      reject(
        new Error(`never came: ${text}\nthe last output: ${JSON.stringify(this.#tail.slice(-SHOWN_CHARS))}`),
      );
    const timer = setTimeout(late, timeout);
    this.#tail = "";
    this.#wanted = { text, found: resolve };
    return promise.finally(() => clearTimeout(timer));
  }

  #receive(bytes: Uint8Array) {
    this.received += bytes.length;
    this.onBytes(bytes);
    const end = Buffer.from(bytes.subarray(-KEPT_BYTES)).toString("latin1");
    this.#tail = (this.#tail + end).slice(-KEPT_BYTES);
    if (!this.#wanted || !this.#tail.includes(this.#wanted.text)) return;
    this.#wanted.found(performance.now());
    this.#wanted = null;
  }

  async [Symbol.asyncDispose]() {
    try {
      process.kill(-this.pid, "SIGTERM");
    } catch {
      this.#process.kill("SIGTERM"); // It leads no group yet, or has just ended.
    }
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 3_000);
    await this.exited;
    clearTimeout(late);
    this.#process.terminal?.close();
  }
}
