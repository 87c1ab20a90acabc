// The terminal in front of us: raw while claude runs, as it was before in every other moment.
import { madeRaw, setTerminal, terminalSettings } from "./libc.ts";
import { TtyModes } from "./tty-modes.ts";
import { TtyOutput } from "./tty-output.ts";

/** What a wrapper is sent that is meant for the program it wraps. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
type Forwarded = (typeof FORWARDED)[number] | "SIGHUP";

/** After asking to be stopped: if we still run by then, nobody could have continued us, and the kernel did not stop us. */
const NOT_STOPPED_MS = 300;
/** A terminal that closes may send SIGHUP this long before it is gone; after that, somebody else sent it. */
const CLOSING_MS = 100;
/** Taken where a terminal does not know its size. */
const USUAL_SIZE = { cols: 80, rows: 24 };
/** Ends a sequence that was cut; then plain text, the usual character set, a visible cursor. */
const CALM = "\x1b\\\x1b[0m\x1b(B\x1b[?25h";

export type DeskOptions = {
  onInput: (bytes: Uint8Array) => void;
  onResize: () => void;
  /** The terminal is gone; nothing is written to it any more. */
  onHangup: () => void;
  /** A signal for the wrapped program. Without this we end of it, the terminal restored. */
  onSignal?: (signal: NodeJS.Signals) => void;
  /** The terminal had stalled and missed output: everything must be painted anew. */
  onReturn?: () => void;
  /** For tests. */
  stalledMs?: number;
};

/** What a wrapper has in front of it. */
export type Front = Pick<Desk, "raw" | "restore" | "size" | "write" | "suspend" | keyof Disposable>;

export class Desk implements Disposable {
  readonly #options: DeskOptions;
  readonly #output: TtyOutput;
  readonly #modes = new TtyModes();
  readonly #listeners: [string, (...args: never[]) => void][] = [];
  #before: Uint8Array | null = null;
  #listening = false;
  #hungUp = false;
  #ending = false;
  #size = USUAL_SIZE;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#output = new TtyOutput(process.stdout.fd, {
      onGone: () => this.#hangUp(),
      onReturn: () => this.#returned(),
      ...(options.stalledMs === undefined ? {} : { stalledMs: options.stalledMs }),
    });
  }

  /** Every key passes as it is from now on, and whatever ends us gives the terminal back. */
  raw() {
    if (this.#before || this.#hungUp) return;
    this.#before = terminalSettings(process.stdin.fd);
    if (this.#before) setTerminal(process.stdin.fd, madeRaw(this.#before));
    this.#watch();
    this.#listen();
  }

  /**
   * The terminal exactly as it was, its switches off that the program left on. `clean`: the program ended by itself, so
   * that nothing of its output can be cut. What is typed from now on is the shell's.
   */
  restore(clean: boolean) {
    this.#deafen();
    const before = this.#before;
    this.#before = null;
    if (!before || this.#hungUp) return;
    const undo = this.#modes.undo();
    this.#modes.forget();
    if (!clean || undo) this.#output.write(Buffer.from((clean ? "" : CALM) + undo));
    this.#output.flush();
    setTerminal(process.stdin.fd, before);
  }

  /** The size now, or the last one of a terminal that is gone. */
  size(): { cols: number; rows: number } {
    if (this.#hungUp || !process.stdout.isTTY) return this.#size;
    // What Bun holds is of the last SIGWINCH that reached us; a stopped job gets none. Node has the same method.
    (process.stdout as { _refreshSize?: () => void })._refreshSize?.();
    const [cols, rows] = process.stdout.getWindowSize();
    if (cols > 0 && rows > 0) this.#size = { cols, rows };
    return this.#size;
  }

  /** Bytes that the terminal has not taken yet. */
  get pending(): number {
    return this.#output.pending;
  }

  /** To the terminal at once and unchanged. One that is slow makes us wait here once a little is pending. */
  write(bytes: Uint8Array) {
    if (this.#hungUp) return;
    this.#output.write(bytes);
    this.#modes.see(bytes);
  }

  /**
   * Stops us and whoever runs with us, as Ctrl-Z does, so that the shell has its prompt. Resolves when we are continued
   * and the terminal is raw again; soon if there is no shell that could continue us.
   */
  async suspend(): Promise<void> {
    this.restore(true);
    const continued = Promise.withResolvers<void>();
    process.once("SIGCONT", continued.resolve);
    process.kill(0, "SIGTSTP");
    const timer = setTimeout(continued.resolve, NOT_STOPPED_MS);
    await continued.promise;
    clearTimeout(timer);
    process.off("SIGCONT", continued.resolve);
    await new Promise<void>((resolve) => setImmediate(resolve)); // What came while we were stopped is heard first.
    if (!this.#ending) this.raw(); // A job that is killed is continued in the background, where raw would stop it again.
  }

  #watch() {
    if (this.#listeners.length > 0) return;
    process.stdin.on("error", this.#hangUp);
    this.#on("exit", () => this.restore(false));
    this.#on("SIGWINCH", () => this.#before && this.#options.onResize());
    this.#on("SIGHUP", () => this.#sighup());
    for (const signal of FORWARDED) this.#on(signal, () => this.#signalled(signal));
  }

  #on(event: string, listener: (...args: never[]) => void) {
    process.on(event as NodeJS.Signals, listener as () => void);
    this.#listeners.push([event, listener]);
  }

  #signalled(signal: Forwarded) {
    this.#ending ||= !signal.startsWith("SIGUSR");
    if (this.#options.onSignal) return this.#options.onSignal(signal);
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  }

  #sighup() {
    const there = () => terminalSettings(process.stdin.fd) !== null;
    if (!there()) return this.#hangUp();
    setTimeout(() => (there() ? this.#signalled("SIGHUP") : this.#hangUp()), CLOSING_MS);
  }

  readonly #input = (bytes: Uint8Array) => this.#options.onInput(bytes);
  readonly #hangUp = () => {
    if (this.#hungUp) return;
    this.#hungUp = true;
    this.#output.give();
    this.#deafen();
    this.#options.onHangup();
  };

  #listen() {
    if (this.#listening) return;
    this.#listening = true;
    process.stdin.on("data", this.#input).on("end", this.#hangUp);
    process.stdin.resume();
  }

  #deafen() {
    if (!this.#listening) return;
    this.#listening = false;
    process.stdin.pause();
    process.stdin.off("data", this.#input).off("end", this.#hangUp);
  }

  #returned() {
    this.#output.write(Buffer.from(CALM + this.#modes.restate()));
    this.#options.onReturn?.();
  }

  [Symbol.dispose]() {
    this.restore(false);
    for (const [event, listener] of this.#listeners.splice(0)) process.off(event, listener as () => void);
    this.#output[Symbol.dispose]();
  }
}
