// The terminal around a program, byte by byte and without an emulator: fast, hung up at will, read as slowly as one likes.
export type OuterOptions = {
  env: Record<string, string>;
  cwd?: string;
  cols?: number;
  rows?: number;
  /** Called with each piece of output; the terminal is read no further meanwhile. */
  onBytes?: (bytes: Uint8Array, outer: Outer) => void;
};
export type Exit = { code: number | null; signal: string | null };

/** How long a test waits for output; a claude that starts took 20 s on a machine with ten times as much to do as it can. */
const PATIENCE_MS = 60_000;
/** After the program's end, for what still holds its terminal open. */
const LAST_BYTES_MS = 20_000;
/** How much of the newest output is searched for what a test waits for. */
const SEARCHED_BYTES = 64 * 1024;

/** Runs `command` in a PTY of 100 by 40, as the leader of its own session. Disposing kills it. */
export class Outer implements AsyncDisposable {
  /** Resolves when the program has ended and all of its output is there. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Bytes of output so far. */
  received = 0;
  readonly #process: Bun.Subprocess;
  readonly #chunks: Uint8Array[] = [];
  readonly #looks = new Set<() => void>();
  #over = false;

  constructor(command: readonly string[], { env, cwd, cols = 100, rows = 40, onBytes }: OuterOptions) {
    const allRead = Promise.withResolvers<void>();
    this.#process = Bun.spawn([...command], {
      env,
      ...(cwd ? { cwd } : {}),
      terminal: {
        cols,
        rows,
        data: (_, bytes) => {
          this.#receive(bytes);
          onBytes?.(bytes, this);
        },
        exit: () => allRead.resolve(),
      },
    });
    this.exited = this.#process.exited.then(async () => {
      await Promise.race([allRead.promise, Bun.sleep(LAST_BYTES_MS)]);
      this.#over = true;
      for (const look of [...this.#looks]) look();
      return { code: this.#process.exitCode, signal: this.#process.signalCode as string | null };
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  #receive(bytes: Uint8Array) {
    this.received += bytes.length;
    this.#chunks.push(bytes);
    for (const look of [...this.#looks]) look();
  }

  write(input: string | Uint8Array) {
    if (!this.#process.terminal?.closed) this.#process.terminal?.write(input);
  }

  resize(cols: number, rows: number) {
    this.#process.terminal?.resize(cols, rows);
  }

  /** Everything the program wrote so far. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The same as text, a character a byte. */
  text(): string {
    return this.bytes().toString("latin1");
  }

  /** Resolves with the newest output once `wanted` is in it; rejects after some seconds, or once the program ended without. */
  seen(wanted: string | RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const fail = (why: string) =>
      reject(
        new Error(`${why} while waiting for ${wanted}: ${JSON.stringify(this.#newest().slice(-2_000))}`),
      );
    const look = () => {
      const text = this.#newest();
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) resolve(text);
      else if (this.#over) fail("the program ended");
    };
    const timer = setTimeout(() => fail("time went by"), PATIENCE_MS);
    this.#looks.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#looks.delete(look);
    });
  }

  #newest(): string {
    let from = this.#chunks.length;
    for (let size = 0; from > 0 && size < SEARCHED_BYTES; ) size += this.#chunks[--from]?.length ?? 0;
    return Buffer.concat(this.#chunks.slice(from)).toString("latin1");
  }

  /** The window is closed: the kernel hangs the terminal up. */
  hangUp() {
    this.#process.terminal?.close();
  }

  kill(signal: NodeJS.Signals = "SIGKILL") {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose]() {
    if (!this.#over) this.kill();
    await this.#process.exited;
    this.#process.terminal?.close();
  }
}
