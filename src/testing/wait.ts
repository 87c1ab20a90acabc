// Waiting for what must come true, woken by what happens; never a guess of how long it takes.

/** How long a test waits for what should take milliseconds; a busy machine may take seconds, which is no verdict. */
const PATIENCE_MS = 20_000;

/** Has whoever waits look whenever something happened. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something happened: everybody looks now, so that what is true for a moment alone is seen as well. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with the first value of `look` that is there; rejects naming `what` after some seconds. */
  until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const again = () => {
      try {
        const found = look();
        if (found === null || found === undefined || found === false) return;
        resolve(found);
      } catch (error) {
        reject(error);
      }
      this.#waiting.delete(again); // Nobody looks any more: a look may take what it finds.
    };
    this.#waiting.add(again);
    again();
    const timer = setTimeout(() => {
      again();
      reject(new Error(`never came: ${what}`));
    }, PATIENCE_MS);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(again);
    });
  }
}
