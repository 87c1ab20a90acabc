// What goes to the local terminal: every byte, unchanged and in order, and never more in memory than a little.
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { writable } from "./libc.ts";

/** Beyond this we wait for the terminal, and the program, whose output is not read meanwhile, waits with us. */
const MAX_PENDING_BYTES = 1024 * 1024;
/** A terminal that takes nothing for so long is not looked at (a closed laptop); claude and the phone go on without it. */
const STALLED_MS = 5_000;
/** A full terminal takes more within a millisecond: so long it is waited for, between other events. */
const WAIT_MS = 1;
/** One that took nothing for so long is busy with something else, and is tried again after that; a stalled one less often. */
const EAGER_MS = 20;
const RETRY_MS = 4;
const STALLED_RETRY_MS = 250;
/** At the end, how long the last bytes may take. */
const LAST_BYTES_MS = 1_000;

export type TtyOutputOptions = {
  /** A stalled terminal takes bytes again, after some were dropped. */
  onReturn: () => void;
  /** The terminal is gone. */
  onGone: () => void;
  /** For tests: the milliseconds after which a terminal is stalled. */
  stalledMs?: number;
};

/** Writes at once where the terminal takes it. Its own descriptor is non-blocking; the shell's stays as it is. */
export class TtyOutput implements Disposable {
  readonly #fd: number;
  readonly #options: TtyOutputOptions;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #stalled = false;
  #gone = false;
  #takenAt = 0;
  #timer: ReturnType<typeof setTimeout> | ReturnType<typeof setImmediate> | undefined;

  /** Opens the terminal behind descriptor `tty` anew. */
  constructor(tty: number, options: TtyOutputOptions) {
    this.#fd = reopened(tty);
    this.#options = options;
  }

  /** Bytes not yet taken. */
  get pending() {
    return this.#pendingBytes;
  }

  write(bytes: Uint8Array) {
    if (this.#gone || this.#stalled) return;
    this.#drain();
    const taken = this.#pendingBytes === 0 ? this.#send(bytes) : 0;
    if (taken === bytes.length || this.#gone) return;
    this.#pending.push(bytes.slice(taken));
    this.#pendingBytes += bytes.length - taken;
    if (this.#pendingBytes > MAX_PENDING_BYTES)
      this.#brake(MAX_PENDING_BYTES, this.#options.stalledMs ?? STALLED_MS);
    if (this.#pendingBytes > MAX_PENDING_BYTES) this.#stall();
    else this.#later();
  }

  /** Waits for the last bytes to be taken, at most a second. */
  flush() {
    if (this.#pendingBytes > 0) this.#brake(0, LAST_BYTES_MS);
  }

  /** Nothing is written any more. */
  give() {
    this.#gone = true;
    this.#drop();
  }

  /** How many bytes the terminal took; 0 when it is full. */
  #send(bytes: Uint8Array): number {
    let taken = 0;
    try {
      while (taken < bytes.length) taken += writeSync(this.#fd, bytes, taken);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EINTR") this.#lost();
    }
    if (taken > 0) this.#takenAt = performance.now();
    return taken;
  }

  #drain() {
    for (let first = this.#pending[0]; first && !this.#gone; first = this.#pending[0]) {
      const taken = this.#send(first);
      this.#pendingBytes -= taken;
      if (taken < first.length) {
        this.#pending[0] = first.subarray(taken);
        return;
      }
      this.#pending.shift();
    }
  }

  /** Blocks until no more than `limit` is pending, or until nothing was taken for `patience` ms. */
  #brake(limit: number, patience: number) {
    let progressAt = performance.now();
    while (this.#pendingBytes > limit && performance.now() - progressAt < patience) {
      const before = this.#pendingBytes;
      if (writable(this.#fd, Math.max(1, patience - (performance.now() - progressAt)))) this.#drain();
      if (this.#pendingBytes < before) progressAt = performance.now();
    }
  }

  #later() {
    if (this.#timer !== undefined) return;
    const again = () => {
      this.#timer = undefined;
      this.#tryAgain();
      if (this.#stalled || this.#pendingBytes > 0) this.#later();
    };
    if (this.#stalled) this.#timer = setTimeout(again, STALLED_RETRY_MS);
    else if (performance.now() - this.#takenAt > EAGER_MS) this.#timer = setTimeout(again, RETRY_MS);
    else this.#timer = setImmediate(again);
  }

  #tryAgain() {
    if (this.#stalled) this.#lookAgain();
    else if (writable(this.#fd, WAIT_MS)) this.#drain();
  }

  #stall() {
    this.#stalled = true;
    this.#drop();
    this.#later();
  }

  #lookAgain() {
    if (!writable(this.#fd, 0)) return;
    this.#stalled = false;
    this.#options.onReturn();
  }

  #lost() {
    if (this.#gone) return;
    this.give();
    this.#options.onGone();
  }

  #drop() {
    this.#pending = [];
    this.#pendingBytes = 0;
    clearTimeout(this.#timer as ReturnType<typeof setTimeout>);
    clearImmediate(this.#timer as ReturnType<typeof setImmediate>);
    this.#timer = undefined;
  }

  [Symbol.dispose]() {
    this.give();
    if (this.#fd > 2) closeSync(this.#fd);
  }
}

/** A descriptor of our own to the same terminal: what is set on one that the shell holds too would outlive us. */
function reopened(tty: number): number {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  for (const path of [`/proc/self/fd/${tty}`, "/dev/tty"]) {
    try {
      return openSync(path, flags);
    } catch {
      // No /proc (macOS), or a terminal that belongs to another user (su): the next way.
    }
  }
  return tty; // Then a full terminal makes us wait.
}
