// The guards of a request's way to its handler, which the simulation takes another way.
import type { Guards } from "../guard.ts";

export const RESPOND: Guards = {
  file: "src/server/respond.ts",
  tests: ["src/server/gate.test.ts"],
  outside: true,
  guards: [
    {
      id: "asked-once-more",
      promise: "P7 whoever was revoked while the request's body came does nothing",
      text: "    if (route.schema) still();",
      instead: "   ",
    },
  ],
};
