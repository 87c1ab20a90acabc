// What a mutation is: one guard of the life of prompts, and the program without it.

/** Guards of one file, and the unit tests that stand beside it. */
export type Guards = {
  file: string;
  tests: string[];
  guards: Guard[];
  /** The simulation does not run this file. */
  outside?: true;
};

export type Guard = {
  id: string;
  /** The sentence that would not be true without it, by its promise (see docs/testing.md). */
  promise: string;
  /** What stands in the file, exactly once, and what the mutation puts there. */
  text: string;
  instead: string;
  /** Why nobody could see a difference, where that is so. Then it may survive. */
  equivalent?: string;
};
