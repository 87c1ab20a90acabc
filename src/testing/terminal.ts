// A real terminal for tests: a program in a PTY, with an emulator on it that keeps the screen and answers queries.
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { Terminal as Emulator } from "@xterm/headless";

export type TerminalOptions = {
  cwd?: string;
  /** The program's whole environment; our own if not given. `TERM` is xterm-256color unless it is named here. */
  env?: Record<string, string | undefined>;
  cols?: number;
  rows?: number;
  /** Whether the program's queries are answered; yes if not given. */
  answering?: boolean;
};
/** How the program ended: `code` is null if `signal` ended it. */
export type Exit = { code: number | null; signal: Bun.Subprocess["signalCode"] };

/** Milliseconds between two typed keys, so that a program sees keys and not a paste. */
const KEY_INTERVAL_MS = 2;
/** What the emulator is. */
const TERM = "xterm-256color";
/** Rows kept above the screen. */
const SCROLLBACK = 5000;

/**
 * Runs `command` in a PTY of 100 by 40, as the leader of its own session. Throws if the command cannot be started.
 * Disposing kills it, with whatever it started in its process group, and waits for its end.
 */
export class Terminal implements AsyncDisposable {
  /** Resolves when the program has ended and all of its output is on the screen. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #process: Bun.Subprocess;
  readonly #emulator: Emulator;
  /** Whole characters go to the emulator: its own decoder loses some that a chunk cuts. */
  readonly #decoder = new TextDecoder();
  readonly #received: Uint8Array[] = [];
  readonly #looks = new Set<() => void>();
  #ended: Exit | null = null;

  constructor(command: readonly string[], options: TerminalOptions = {}) {
    const { cols = 100, rows = 40, answering = true } = options;
    this.#emulator = new Emulator({
      cols,
      rows,
      scrollback: SCROLLBACK,
      allowProposedApi: true,
      logLevel: "off",
    });
    this.#emulator.loadAddon(new UnicodeGraphemesAddon());
    this.#process = Bun.spawn([...command], {
      ...(options.cwd ? { cwd: options.cwd } : {}),
      env: options.env ? { TERM, ...options.env } : { ...process.env, TERM },
      terminal: { cols, rows, data: (_terminal, bytes) => this.#receive(bytes) },
    });
    this.#emulator.onData((answer) => answering && this.write(answer));
    this.exited = this.#process.exited.then(() => this.#end());
  }

  /** The program's process id. */
  get pid(): number {
    return this.#process.pid;
  }

  #receive(bytes: Uint8Array) {
    this.#received.push(bytes);
    this.#emulator.write(this.#decoder.decode(bytes, { stream: true }), () => this.#look());
  }

  async #end(): Promise<Exit> {
    await new Promise<void>((parsed) => this.#emulator.write("", parsed));
    const { exitCode: code, signalCode: signal } = this.#process;
    const exit = { code, signal };
    this.#ended = exit;
    this.#process.terminal?.close();
    this.#look();
    return exit;
  }

  #look() {
    for (const look of [...this.#looks]) look();
  }

  /** Sends keys or bytes as they are; nothing happens once the program has ended. */
  write(input: string | Uint8Array) {
    if (!this.#process.terminal?.closed) this.#process.terminal?.write(input);
  }

  /** Types a text a key at a time, as a person would. */
  async type(text: string) {
    for (const key of text) {
      this.write(key);
      await Bun.sleep(KEY_INTERVAL_MS);
    }
  }

  /** Pastes as a terminal does: line ends are returns, in brackets if the program asked for them. */
  paste(text: string) {
    const keys = text.replace(/\r?\n/g, "\r");
    this.write(this.#emulator.modes.bracketedPasteMode ? `\x1b[200~${keys}\x1b[201~` : keys);
  }

  /** Changes the size of the window; the program gets SIGWINCH. */
  resize(cols: number, rows: number) {
    this.#emulator.resize(cols, rows);
    this.#process.terminal?.resize(cols, rows);
  }

  /** The visible rows, without blanks at their ends and without empty rows at the bottom. */
  screen(): string {
    const { baseY } = this.#emulator.buffer.active;
    return this.#rows(baseY, baseY + this.#emulator.rows);
  }

  /** The same with the rows that scrolled off the top before them; a full-screen program has none. */
  scrollback(): string {
    return this.#rows(0, this.#emulator.buffer.active.length);
  }

  #rows(from: number, to: number): string {
    const { active } = this.#emulator.buffer;
    const rows = Array.from({ length: to - from }, (_, y) => active.getLine(from + y));
    const text = rows.map((row) => row?.translateToString(true).trimEnd() ?? "").join("\n");
    return text.trimEnd();
  }

  /** Everything the program wrote so far. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#received);
  }

  /**
   * The first screen, now or after any later output, that `wanted` matches. Rejects, showing the screen, after `timeout`
   * ms (25,000 if not given) or once the program has ended without it.
   */
  waitFor(wanted: RegExp | ((screen: string) => boolean), { timeout = 25_000 } = {}): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const fail = (why: string) => reject(new Error(`${why} while waiting for ${wanted}\n${this.screen()}`));
    const look = () => {
      try {
        const screen = this.screen();
        if (typeof wanted === "function" ? wanted(screen) : screen.search(wanted) >= 0) resolve(screen);
        else if (this.#ended) fail(`the program ended (${JSON.stringify(this.#ended)})`);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => fail(`${timeout} ms went by`), timeout);
    this.#looks.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#looks.delete(look);
    });
  }

  /** Resolves once it has written that, also where something else was painted over it since. */
  async wrote(wanted: RegExp, options: { timeout?: number } = {}): Promise<void> {
    await this.waitFor(() => wanted.test(Buffer.from(this.bytes()).toString()), options);
  }

  /** Sends a signal to the program alone: SIGKILL if none is named. `exited` tells when it is gone. */
  kill(signal: NodeJS.Signals = "SIGKILL") {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose]() {
    try {
      if (!this.#ended) process.kill(-this.pid, "SIGKILL");
    } catch {
      this.kill(); // It leads no group yet, or has just ended.
    }
    await this.exited;
    this.#emulator.dispose();
  }
}
