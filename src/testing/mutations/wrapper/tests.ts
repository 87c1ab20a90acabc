// The unit tests that see what the wrapper's guards do.

/** The life of prompts is tested as a whole: these see what any part of it does. */
export const TESTS = [
  "src/wrapper/prompts.test.ts",
  "src/wrapper/decider.test.ts",
  "src/wrapper/calls.test.ts",
  "src/wrapper/facts.test.ts",
  "src/wrapper/dialogs/answer-by-keys.test.ts",
  "src/wrapper/dialogs/screen-prompts.test.ts",
];
