// claude's screen as prompts see it: which dialog stands for a question, and whoever answers by keys.
import type { Answer, AnswerId, PromptId } from "../protocol.ts";
import type { PermissionInput } from "./claude-hooks.ts";
import type { Dialog } from "./dialogs/dialog.ts";

/** An answer to be given by keys; `pressed`, `notApplied` or `left` tells how it went. */
export type ByKeys = { prompt: PromptId; answer_id: AnswerId; dialog: Dialog; answer: Answer };

/** claude's screen, as far as prompts care: which dialog stands for a question, and whoever presses keys. */
export type ScreenSide = {
  standsFor: (request: PermissionInput) => Dialog | null;
  press: (answer: ByKeys) => void;
  /** A prompt ended while claude still waits: whatever stands there may need another. */
  freed: () => void;
};

/** No screen to be seen: everything is answered through hooks. */
export const NO_SCREEN: ScreenSide = { standsFor: () => null, press: () => {}, freed: () => {} };
