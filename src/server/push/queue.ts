// What one phone gets of the notices, and when: never too many, never in its quiet hours. No clock, no sending in it.
import type { QuietHours } from "../../protocol.ts";
import type { Notice } from "./notices.ts";
import { isQuiet } from "./quiet.ts";

/** At most one push about the same thing in this time; of several the newest comes. */
export const TOPIC_EVERY_MS = 30_000;
/** At most so many in an hour; then one that says how many more there are. */
export const PER_HOUR = 20;
const HOUR_MS = 60 * 60_000;
/** How long those past the limit are collected before they are counted. */
export const COLLECT_MS = 60_000;

/** `digest`: several in one, after the quiet hours or past the hourly limit. */
export type Due =
  | { kind: "one"; notice: Notice }
  | { kind: "digest"; why: "quiet" | "many"; notices: Notice[] };

type Waiting = { notice: Notice; quiet: boolean };

export class Queue {
  /** By topic. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #sentOn = new Map<string, number>();
  #sent: number[] = [];
  #overSince: number | null = null;
  #overTold = false;
  #pausedUntil = 0;

  /** `sent`: what this phone got lately, so that a restart forgets no limit. */
  constructor(sent: readonly { topic: string; at: number }[] = []) {
    for (const { topic, at } of sent) this.#note(topic, at);
  }

  add(notice: Notice): void {
    this.#waiting.set(notice.topic, { notice, quiet: false });
  }

  /** Takes out what does not hold any more. */
  drop(holds: (notice: Notice) => boolean): Notice[] {
    const over = [...this.#waiting.values()].map(({ notice }) => notice).filter((notice) => !holds(notice));
    for (const { topic } of over) this.#waiting.delete(topic);
    return over;
  }

  /** It did not get through: again then, unless there is something newer by that time. */
  again(notice: Notice, at: number): void {
    if (!this.#waiting.has(notice.topic)) this.add(notice);
    this.#sentOn.delete(notice.topic);
    this.pause(at);
  }

  /** It was not even tried: it waits as before, and counts for nothing. */
  back(due: Due, at: number): void {
    const notices = due.kind === "one" ? [due.notice] : due.notices;
    // What is only counted for the phone, past the hourly limit, waits all the time.
    if (notices.some(({ topic }) => !this.#waiting.has(topic))) this.#sent.pop();
    for (const notice of notices) this.again(notice, at);
  }

  /** Nothing to this phone before that. */
  pause(until: number): void {
    this.#pausedUntil = until;
  }

  /** What goes out now. It counts as sent. */
  due(now: number, quiet: QuietHours | null): Due[] {
    if (now < this.#pausedUntil) return [];
    const ready = this.#ready(now, isQuiet(quiet, now));
    const held = ready.filter((one) => one.quiet);
    if (held.length > 1) return [this.#take(held, "quiet", now)];
    return this.#withinLimit(ready, now);
  }

  #ready(now: number, quiet: boolean): Waiting[] {
    const ready: Waiting[] = [];
    for (const one of this.#waiting.values()) {
      if (quiet && one.notice.kind !== "permission") one.quiet = true;
      else if (now - (this.#sentOn.get(one.notice.topic) ?? Number.NEGATIVE_INFINITY) >= TOPIC_EVERY_MS)
        ready.push(one);
    }
    return ready;
  }

  #withinLimit(ready: Waiting[], now: number): Due[] {
    this.#sent = this.#sent.filter((at) => now - at < HOUR_MS);
    const room = Math.max(0, PER_HOUR - this.#sent.length);
    const later = ready.slice(room);
    // Those that had to wait for the limit come together as soon as there is room again.
    if (this.#overTold && room > 0) {
      this.#overTold = false;
      this.#overSince = null;
      if (ready.length > 1) return [this.#take(ready, "many", now)];
    }
    const due = ready.slice(0, room).map((one) => this.#take([one], "many", now));
    if (later.length === 0) {
      this.#overSince = null;
      return due;
    }
    this.#overSince ??= now;
    if (this.#overTold || now - this.#overSince < COLLECT_MS) return due;
    this.#overTold = true;
    return [...due, { kind: "digest", why: "many", notices: later.map(({ notice }) => notice) }];
  }

  #take(some: Waiting[], why: "quiet" | "many", now: number): Due {
    const notices = some.map(({ notice }) => notice);
    for (const { topic } of notices) {
      this.#waiting.delete(topic);
      this.#sentOn.set(topic, now);
    }
    this.#sent.push(now);
    for (const [topic, at] of this.#sentOn) if (now - at > TOPIC_EVERY_MS) this.#sentOn.delete(topic);
    const [only] = notices;
    return only && notices.length === 1 ? { kind: "one", notice: only } : { kind: "digest", why, notices };
  }

  #note(topic: string, at: number) {
    this.#sent.push(at);
    this.#sentOn.set(topic, Math.max(at, this.#sentOn.get(topic) ?? 0));
  }
}
