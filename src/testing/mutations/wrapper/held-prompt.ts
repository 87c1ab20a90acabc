// The guards of a prompt as it is held.
import type { Guards } from "../guard.ts";
import { TESTS } from "./tests.ts";

export const HELD: Guards = {
  file: "src/wrapper/held-prompt.ts",
  tests: TESTS,
  guards: [
    {
      id: "settled-only-if-handed",
      promise: "P3 an answer by keys is not accepted before its key",
      text: "answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;",
      instead: "answer !== null && performance.now() - answer.at >= SETTLE_MS;",
    },
    {
      id: "settled-after-a-while",
      promise: "P3 accepted is not said of an answer that claude has not read yet",
      text: "answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;",
      instead: "answer?.handed === true;",
    },
  ],
};
