// What happened in a run, line by line, and how often each thing did.
import type { Rule } from "./rules.ts";
import type { Time } from "./time.ts";

export type Line = { at: number; who: string; what: string };

export class History {
  readonly lines: Line[] = [];
  readonly counts = new Map<string, number>();
  readonly #time: Time;

  constructor(time: Time) {
    this.#time = time;
  }

  note(who: string, what: string) {
    this.lines.push({ at: this.#time.now, who, what });
  }

  count(what: string, times = 1) {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  /** A promise was held against what happened. */
  rule(rule: Rule, times = 1) {
    this.count(`rule: ${rule}`, times);
  }

  /** One number for the whole run: equal runs have equal ones. */
  hash(): string {
    return new Bun.CryptoHasher("sha256").update(this.lines.map(shown).join("\n")).digest("hex");
  }
}

/** "    12.345  phone 1    taps approve" */
export function shown({ at, who, what }: Line): string {
  return `${(at / 1_000).toFixed(3).padStart(9)}  ${who.padEnd(10)} ${what}`;
}
