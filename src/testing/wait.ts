// Waiting for what must come true, woken by what happens; never a guess of how long it takes.

/** How long a test waits for what should take milliseconds; a busy machine may take seconds, which is no verdict. */
const PATIENCE_MS = 20_000;

/** Wakes whoever waits whenever something happened. */
export class Changes {
  #waiting: (() => void)[] = [];

  /** Something happened. */
  changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves with the first value of `look` that is there; rejects naming `what` after some seconds. */
  async until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== null && found !== undefined && found !== false) return found;
      if (Date.now() > end) throw new Error(`never came: ${what}`);
      await this.#next(end - Date.now());
    }
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
