// The file in which a claude says what it does: written soon, and read by the wrapper soon after. What it says then counts.
import type { Pace } from "./pace.ts";
import type { Random } from "./random.ts";
import type { Time } from "./time.ts";

export type Status = "idle" | "busy" | "waiting";

export class StateFile {
  readonly #time: Time;
  readonly #chance: Random;
  readonly #pace: Pace;
  readonly #status: () => Status;
  readonly #read: (status: Status) => void;
  #text: Status | null = null;
  /** When it will be written next: writes keep their order. */
  #writtenAt = 0;
  #told: Status | null = null;

  /** `status`: what is true when it is written. `read`: the wrapper has read that. */
  constructor(
    { time, chance, pace }: { time: Time; chance: Random; pace: Pace },
    status: () => Status,
    read: (status: Status) => void,
  ) {
    this.#time = time;
    this.#chance = chance;
    this.#pace = pace;
    this.#status = status;
    this.#read = read;
  }

  write() {
    const chance = this.#chance;
    this.#writtenAt = Math.max(this.#writtenAt, this.#time.now + chance.between(2, this.#pace.lag(50)));
    this.#pace.plan(this.#writtenAt - this.#time.now, () => {
      this.#text = this.#status();
      // Now and then the event is lost, and the next look finds it.
      this.#pace.plan(chance.chance(0.05) ? chance.between(0, 250) : chance.between(0, 15), () =>
        this.look(),
      );
    });
  }

  /** What stands there is read now. */
  look() {
    if (this.#text === null || this.#text === this.#told) return;
    this.#told = this.#text;
    this.#read(this.#text);
  }
}
