// What a process says, as it comes.

/** What one script may say. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** What a process says, kept up to a limit. */
export class Said {
  readonly done: Promise<void>;
  #text = "";
  #bytes = 0;
  readonly #looks = new Set<() => void>();

  constructor(stream: ReadableStream<Uint8Array>, onTooMuch: () => void) {
    this.done = this.#read(stream, onTooMuch);
  }

  get text() {
    return this.#text;
  }

  async #read(stream: ReadableStream<Uint8Array>, onTooMuch: () => void) {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#bytes += bytes.length;
      if (this.#bytes > MAX_OUTPUT_BYTES) onTooMuch();
      else this.#text += decoder.decode(bytes, { stream: true });
      for (const look of this.#looks) look();
    }
    for (const look of this.#looks) look();
  }

  /** True once that text came; false once everything has, without it. */
  async until(wanted: string): Promise<boolean> {
    const came = Promise.withResolvers<void>();
    const look = () => this.#text.includes(wanted) && came.resolve();
    this.#looks.add(look);
    look();
    await Promise.race([came.promise, this.done]);
    this.#looks.delete(look);
    return this.#text.includes(wanted);
  }
}
