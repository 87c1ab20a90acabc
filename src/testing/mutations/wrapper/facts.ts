// The guards of what the server has not acknowledged.
import type { Guards } from "../guard.ts";
import { TESTS } from "./tests.ts";

export const FACTS: Guards = {
  file: "src/wrapper/facts.ts",
  tests: TESTS,
  guards: [
    {
      id: "acked-the-last",
      promise: "P5 the acknowledgement of an earlier word is none of a later one",
      text: "unacked = unacked.filter(({ due }) => due > 0);",
      instead: "unacked = unacked.filter(({ fact: known }) => known.type !== type);",
    },
    {
      id: "acked-counted",
      promise: "P5 each word waits for its own acknowledgement",
      text: "due: (before?.due ?? 0) + 1 }",
      instead: "due: 1 }",
    },
    {
      id: "acked-forgotten",
      promise: "P6 what is acknowledged is not said again",
      text: "unacked = unacked.filter(({ due }) => due > 0);",
      instead: "",
    },
    {
      id: "restates-facts",
      promise: "P5 what was not acknowledged is said again after a reconnect",
      text: "for (const known of unacked) known.due = 0;\n      repeat();",
      instead: "for (const known of unacked) known.due = 0;",
    },
    {
      id: "restates-counts-anew",
      promise: "P5 acknowledgements of the connection before are not waited for",
      text: "for (const known of unacked) known.due = 0;\n      repeat();",
      instead: "repeat();",
    },
  ],
};
