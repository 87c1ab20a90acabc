// Chance from a seed: the same seed and name give the same numbers for ever, on every machine.

export type Random = {
  /** 0 up to, without, 1. */
  next(): number;
  /** A whole number, both ends possible. */
  between(least: number, most: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
};

/** A stream of its own for each `name`, so that what one part draws changes nothing for another. */
export function random(seed: number, name: string): Random {
  let state = Bun.hash.xxHash32(name, seed >>> 0) ^ Math.floor(seed / 2 ** 32);
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick(from) {
      const picked = from[Math.floor(next() * from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
  };
}
