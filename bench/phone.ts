// A phone's connection, its bytes counted as they come over the network.
import type { Rig, Viewer } from "./rig.ts";

/** A stream that has been silent for so long has said what it had to say; ten frames a second are wanted. */
const QUIET_MS = 350;

export class PhoneStream implements Disposable {
  /** Bytes of the body so far, compressed as they were sent. */
  bytes = 0;
  #heardAt = performance.now();
  readonly #abort = new AbortController();

  /** `/events` of this session, with gzip, as a browser opens it. Resolves when it is open. */
  static async open(rig: Rig, { cookie }: Viewer, session: string): Promise<PhoneStream> {
    const stream = new PhoneStream();
    const response = await fetch(`${rig.url}/events?session=${session}`, {
      headers: { cookie, "accept-encoding": "gzip" },
      decompress: false,
      signal: stream.#abort.signal,
    });
    if (!response.body || response.headers.get("content-encoding") !== "gzip")
      throw new Error(`no events in gzip: ${response.status}`);
    stream.#read(response.body);
    return stream;
  }

  async #read(body: ReadableStream<Uint8Array>) {
    try {
      for await (const chunk of body) {
        this.bytes += chunk.byteLength;
        this.#heardAt = performance.now();
      }
    } catch {
      // Aborted.
    }
  }

  /** Nothing more comes for now. */
  async quiet() {
    this.#heardAt = performance.now();
    for (;;) {
      const left = this.#heardAt + QUIET_MS - performance.now();
      if (left <= 0) return;
      await Bun.sleep(left);
    }
  }

  [Symbol.dispose]() {
    this.#abort.abort();
  }
}
