// When a claude does what it does: as late as the real one, on a busy machine much later; and nothing after its end.
import type { Random } from "./random.ts";
import type { Owner, Time } from "./time.ts";

export class Pace {
  /** It has ended: what it planned does not happen any more. */
  over = false;
  readonly #time: Time;
  readonly #chance: Random;
  readonly #owner: Owner;

  constructor(time: Time, chance: Random, owner: Owner) {
    this.#time = time;
    this.#chance = chance;
    this.#owner = owner;
  }

  /** How late something may be, ms. */
  lag(ms: number): number {
    return this.#chance.chance(0.06) ? ms * 10 : ms;
  }

  plan(ms: number, task: () => void): void {
    this.#time.after(ms, this.#owner, () => {
      if (!this.over) task();
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((done) => void this.#time.after(ms, this.#owner, done));
  }
}
