// When a way that was lost is tried again: at once and often at first, since somebody may be watching; ever less after hours.
import type { Clock } from "../server/clock.ts";

/** Time as the wall's clock has it, which may jump, and as one that stands still while the machine sleeps. */
export type Time = Pick<Clock, "now" | "after"> & { steady(): number };

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Waits between attempts, by how long it has been lost. A machine that is gone for good costs 144 attempts a day. */
const WAITS: { lostMs: number; waitMs: number }[] = [
  { lostMs: 5 * SECOND_MS, waitMs: 250 },
  { lostMs: 10 * MINUTE_MS, waitMs: SECOND_MS },
  { lostMs: HOUR_MS, waitMs: 5 * SECOND_MS },
  { lostMs: 6 * HOUR_MS, waitMs: 30 * SECOND_MS },
  { lostMs: 24 * HOUR_MS, waitMs: 2 * MINUTE_MS },
];
const LONGEST_WAIT_MS = 10 * MINUTE_MS;
/** sshd bans whoever is refused often; what was let in before and is not now needs a person anyway. */
const REFUSED_WAIT_MS = 15 * MINUTE_MS;
/** A wall clock that runs ahead of the steady one by this: the machine slept, and the network may be another. */
const SLEPT_MS = 30 * SECOND_MS;
/** How often a wait looks whether the machine slept meanwhile. */
const LOOK_MS = 5 * SECOND_MS;

const systemTime: Time = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

export class Retries {
  readonly #time: Time;
  #lost: { wall: number; steady: number };
  /** Ends the wait; null between two of them. */
  #wake: (() => void) | null = null;
  /** Somebody asked while it was being tried: that attempt may be the one before what they did. */
  #asked = false;

  constructor(time: Time = systemTime) {
    this.#time = time;
    this.#lost = this.#now();
  }

  #now() {
    return { wall: this.#time.now(), steady: this.#time.steady() };
  }

  /** It was there until this moment. */
  lost(): void {
    this.#lost = this.#now();
    this.#asked = false;
  }

  /** Somebody asks for it, or its machine was seen to answer: it is tried at once, and often again. */
  hurry(): void {
    this.lost();
    if (this.#wake) this.#wake();
    else this.#asked = true;
  }

  /** Resolves when it is to be tried again, or `signal` ends. `refused`: by a login, which a person has to look after. */
  async pause(refused: boolean, signal: AbortSignal): Promise<void> {
    const end = Promise.withResolvers<void>();
    const over = () => end.resolve();
    signal.addEventListener("abort", over, { once: true });
    this.#wake = over;
    const due = this.#time.steady() + (refused ? REFUSED_WAIT_MS : this.#wait());
    let cancel = () => {};
    const look = () => {
      const left = due - this.#time.steady();
      if (this.#slept()) this.hurry();
      else if (left <= 0) end.resolve();
      else cancel = this.#time.after(Math.min(left, LOOK_MS), look);
    };
    if (signal.aborted || this.#asked) end.resolve();
    else look();
    this.#asked = false;
    await end.promise;
    cancel();
    signal.removeEventListener("abort", over);
    this.#wake = null;
  }

  #wait(): number {
    const lostMs = this.#time.steady() - this.#lost.steady;
    return WAITS.find((one) => lostMs < one.lostMs)?.waitMs ?? LONGEST_WAIT_MS;
  }

  #slept(): boolean {
    const { wall, steady } = this.#now();
    return wall - this.#lost.wall - (steady - this.#lost.steady) > SLEPT_MS;
  }
}
