// What a screen reads again and again: only the newest answer counts, and a reading takes back what a reading has said alone.

export type Reading<T> = {
  read: () => Promise<T>;
  take: (found: T) => void;
  /** Shows what went wrong, or null to show nothing. */
  say: (problem: unknown) => void;
};

/** `load` reads; after `close` whatever comes is nobody's. */
export function reading<T>({ read, take, say }: Reading<T>) {
  let asked = 0;
  let failed = false;
  let closed = false;

  async function load(): Promise<void> {
    const own = ++asked;
    const late = () => closed || own !== asked;
    try {
      const found = await read();
      if (late()) return;
      if (failed) say(null);
      failed = false;
      take(found);
    } catch (error) {
      if (late()) return;
      failed = true;
      say(error);
    }
  }

  return {
    load,
    close() {
      closed = true;
    },
  };
}
