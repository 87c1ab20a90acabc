// Events of a viewer that no event stream reaches, since something on the way keeps streams back: they wait here until
// it asks for them. No more waits than a stream may have on its way; the rest waits in the stream, replaced by newer facts.
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { newSecret } from "./logins.ts";
import type { Sink } from "./stream.ts";

/** What one request gets: events as JSON, and how the next request is to name itself. */
export type Batch = { next: string; events: string[] };

type Waiting = { answer: (batch: Batch | null) => void; stop: () => void };

export class Mailbox implements Sink {
  readonly id = newSecret();
  readonly #clock: Clock;
  #events: string[] = [];
  #bytes = 0;
  /** Batches given out. A viewer that names another number has missed one. */
  #given = 0;
  #waiting: Waiting | null = null;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(event: string, id: string, json: string): void {
    this.#events.push(`{"event":"${event}","id":"${id}","data":${json}}`);
    this.#bytes += json.length;
    // A heartbeat alone is no reason to wake a phone before its time.
    if (event !== "heartbeat") queueMicrotask(() => this.#give());
  }

  room(): boolean {
    return this.#waiting !== null && this.#bytes < LIMITS.streamBytes;
  }

  end(): void {
    this.#ended = true;
    this.#give();
  }

  /**
   * The next batch: at once if there is one, else as soon as there is, after `LIMITS.pollMs` at the latest. `onRoom` is
   * called when there is room for events. Throws `gone` where that is not the next batch, or everything is over.
   */
  async take(given: number, onRoom: () => void): Promise<Batch> {
    if (this.#ended || given !== this.#given) throw missed();
    this.#answer(null); // The same request again: the one before it went to nobody.
    const batch = await new Promise<Batch | null>((answer) => {
      const stop = this.#clock.after(LIMITS.pollMs, () => this.#give());
      this.#waiting = { answer, stop };
      onRoom();
    });
    if (!batch) throw missed();
    return batch;
  }

  #give() {
    if (!this.#waiting) return;
    const events = this.#events.splice(0);
    this.#bytes = 0;
    this.#given++;
    this.#answer({ next: `${this.id}.${this.#given}`, events });
  }

  #answer(batch: Batch | null) {
    this.#waiting?.stop();
    this.#waiting?.answer(batch);
    this.#waiting = null;
  }
}

/** The viewer asks for everything anew then. */
export const missed = () => new ApiError("gone", "These events are gone: begin with poll=new.");
