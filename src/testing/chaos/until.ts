// Waiting for what nothing announces: a file, a process, a server's first answer.

const LOOK_MS = 10;

/** The first value of `look` that is there. Rejects, naming `what`, after `timeout` ms. */
export async function until<T>(
  what: string | (() => string),
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  timeout: number,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > end)
      throw new Error(`never came within ${timeout} ms: ${typeof what === "string" ? what : what()}`);
    await Bun.sleep(LOOK_MS);
  }
}
