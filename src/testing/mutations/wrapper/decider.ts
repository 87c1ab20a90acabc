// The guards of who decided.
import type { Guards } from "../guard.ts";
import { TESTS } from "./tests.ts";

export const DECIDER: Guards = {
  file: "src/wrapper/decider.ts",
  tests: TESTS,
  guards: [
    {
      id: "contested-by-keys",
      promise: "P2 an answer is accepted only if no key at the desk may have been first",
      text: "touchedAt >= Math.max(answer.at - (dialog ? SEEN_MS : CONTESTED_MS), openedAt - DRAWN_MS)",
      instead: "false",
    },
    {
      id: "contested-only-by-late-keys",
      promise: "P2 a key from before the question makes nothing doubtful",
      text: "openedAt - DRAWN_MS));",
      instead: "Number.NEGATIVE_INFINITY));",
    },
    {
      id: "contested-by-recent-keys",
      promise: "P2 a key long before the answer makes nothing doubtful",
      text: "answer.at - (dialog ? SEEN_MS : CONTESTED_MS)",
      instead: "Number.NEGATIVE_INFINITY",
    },
    {
      id: "contested-when-unseen",
      promise: "P2 an answer to a question that nobody saw stand is accepted by evidence only",
      text: "(answer.unseen ||",
      instead: "(false ||",
    },
    {
      id: "no-evidence-of-subagents",
      promise: "P2 of a call nobody reads about nobody is named",
      text: `one.call !== null && one.answer?.chosen === "approved";`,
      instead: `one.answer?.chosen === "approved";`,
    },
    {
      id: "no-evidence-of-a-no",
      promise: "P2 a contested no that no record shows is nobody's",
      text: `one.call !== null && one.answer?.chosen === "approved";`,
      instead: "one.call !== null;",
    },
    {
      id: "hook-decided-as-we-did",
      promise: "P2 another hook's decision is not the phone's",
      text: `if (byHook) return one.answer?.chosen === chosen ? "viewer" : "unknown";`,
      instead: `if (byHook) return "viewer";`,
    },
    {
      id: "desk-decided-when-contested",
      promise: "P2 where both acted and no hook decided, the desk did",
      text: `return one.answer && !contested(one, touchedAt) ? "viewer" : "desk";`,
      instead: `return one.answer ? "viewer" : "desk";`,
    },
    {
      id: "contested-among-several",
      promise: "P2 a key while several questions are open may have decided each of them",
      text: "    touched ||\n",
      instead: "",
    },
  ],
};
