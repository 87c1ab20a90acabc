// The guards of calls that nobody was asked about.
import type { Guards } from "../guard.ts";
import { TESTS } from "./tests.ts";

export const CALLS: Guards = {
  file: "src/wrapper/calls.ts",
  tests: TESTS,
  guards: [
    {
      id: "joins-recent-ends",
      promise: "P4 a call that ended long ago is another one",
      text: "(!ended || one.openedAt - ended.at <= LATE_HOOK_MS) &&",
      instead: "",
    },
    {
      id: "joins-one-call",
      promise: "P2 of twins each has a call of its own",
      text: "(one.call === null || (one.evidence !== null && !one.ended)) &&",
      instead: "",
    },
    {
      id: "joins-no-agents",
      promise: "P2 the main conversation's calls say nothing of a subagent's question",
      text: "  one.prompt.agent === null &&\n",
      instead: "",
    },
    {
      id: "joins-same-tool",
      promise: "P2 evidence is about a call of the same tool",
      text: "  one.prompt.tool === tool &&\n",
      instead: "",
    },
    {
      id: "joins-in-time",
      promise: "P2 a call much later is another one",
      text: "performance.now() - one.openedAt <= CALLED_WITHIN_MS &&",
      instead: "",
    },
    {
      id: "joins-same-input",
      promise: "P2 evidence is about the very input",
      text: "  covers(one.request, input);",
      instead: "  true;",
    },
    {
      id: "evidence-before-the-hook",
      promise: "P4 evidence from before the hook is kept",
      text: "if (early) known.set(name, { ...early, end: { ...how, at: performance.now() } });",
      instead: "",
    },
  ],
};
