// What phones write to claude: texts and keys, what a launch wants typed first, commands, the permission mode, files.
import type { WrapperMessage } from "../protocol.ts";
import { type ComposingOptions, composing } from "./composing.ts";
import { firstPrompt } from "./first-prompt.ts";
import { inputs } from "./inputs.ts";

export type WritingOptions = Omit<ComposingOptions, "inTurn"> & {
  /** Typed once claude is idle for the first time. */
  first: string | null;
};

export type Writing = ReturnType<typeof writing>;

/** Of one run; whatever presses keys waits for its turn. */
export function writing({ first, ...options }: WritingOptions) {
  const { write, screen, status } = options;
  const tell = (message: WrapperMessage) => begun.heard(message) || options.tell(message);
  const typed = inputs({ write, screen, status, tell });
  const begun = firstPrompt(first, (message) => typed.text(message));
  const composed = composing({ ...options, inTurn: typed.inTurn });

  return {
    inputs: typed,
    composing: composed,
    /** claude waits for input. */
    idle: begun.idle,
    [Symbol.dispose]() {
      begun[Symbol.dispose]();
      composed[Symbol.dispose]();
    },
  };
}
