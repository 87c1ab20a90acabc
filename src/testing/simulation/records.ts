// The transcript of a claude: records are written in batches, and read by the wrapper soon after, in their order.
import type { Pace } from "./pace.ts";
import type { Random } from "./random.ts";
import type { Owner, Time } from "./time.ts";

export class Records {
  readonly #time: Time;
  readonly #chance: Random;
  readonly #pace: Pace;
  readonly #owner: Owner;
  /** When it will next be read. */
  #readAt = 0;
  #unread: (() => void)[] = [];

  constructor({ time, chance, pace, owner }: { time: Time; chance: Random; pace: Pace; owner: Owner }) {
    this.#time = time;
    this.#chance = chance;
    this.#pace = pace;
    this.#owner = owner;
  }

  /** One more; `read` is called when the wrapper reads it: soon, now and then only at its next look. */
  add(read: () => void) {
    const [time, chance] = [this.#time, this.#chance];
    const lag = chance.chance(0.04) ? chance.between(200, 1_000) : chance.between(10, this.#pace.lag(130));
    this.#readAt = Math.max(this.#readAt, time.now + lag);
    this.#unread.push(read);
    const look = () => {
      if (!this.#owner.alive) return;
      // A wrapper that is stopped reads when it goes on.
      if (this.#owner.frozen > time.now)
        return void time.after(this.#owner.frozen - time.now, time.nobody, look);
      for (const one of this.#unread.splice(0, this.#unread.indexOf(read) + 1)) one();
    };
    time.after(this.#readAt - time.now, time.nobody, look);
  }

  /** All of it is read now. */
  readAll() {
    for (const read of this.#unread.splice(0)) read();
  }
}
