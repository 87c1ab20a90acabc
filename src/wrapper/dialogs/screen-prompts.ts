// Which dialogs become prompts: those that no hook of ours tells of, and those whose hook could not wait. No I/O: it is
// told what stands on the screen and what hooks said, and raises and ends prompts.
import type { HookHealth, Prompt, PromptId } from "../../protocol.ts";
import type { PermissionInput } from "../claude-hooks.ts";
import { type Dialog, isCut, isStill } from "./dialog.ts";
import { screenPrompt, withOptions } from "./screen-prompt.ts";
import { couldBe, shows } from "./shows.ts";

/** A dialog is drawn some 100 ms before its hook reaches us, on a busy machine a second. */
const HOOK_DUE_MS = 1_500;
/** Hooks that did not wait, whose dialogs may yet come: some a subagent, the oldest are forgotten. */
const MAX_HELD_BACK = 64;

type Asking = { id: PromptId; request: PermissionInput | null; dialog: Dialog | null };
type Raised = { prompt: Prompt; request: PermissionInput | null; dialog: Dialog };

export type ScreenPromptsOptions = {
  cwd: string;
  newId: () => PromptId;
  /** Whether our hooks reach us. */
  hooks: () => HookHealth;
  asking: () => Asking[];
  raised: (raised: Raised) => void;
  left: (id: PromptId) => void;
  promptOf: (id: PromptId, request: PermissionInput) => Prompt;
};

export type ScreenPrompts = ReturnType<typeof screenPrompts>;

/** The prompts of this run's screen. */
export function screenPrompts({ cwd, newId, hooks, asking, raised, left, promptOf }: ScreenPromptsOptions) {
  const heldBack: PermissionInput[] = [];
  /** Those of them that became prompts: forgotten when another dialog, or none, stands there. */
  const used = new Set<PermissionInput>();
  let stands: Dialog | null = null;
  let due: ReturnType<typeof setTimeout> | undefined;

  /** Some prompt is about it already: that dialog itself, or a hook's that waits. */
  function isCovered(dialog: Dialog): boolean {
    return asking().some((one) =>
      one.dialog ? isStill(one.dialog, dialog) : one.request !== null && couldBe(dialog, one.request),
    );
  }

  /** The hook that did not wait for this very dialog; none where two different ones look like it. */
  function hookOf(dialog: Dialog): PermissionInput | null {
    const found = heldBack.filter((request) => shows(dialog, request));
    const inputs = new Set(found.map(({ tool_name, tool_input }) => JSON.stringify([tool_name, tool_input])));
    return inputs.size === 1 ? (found.find((request) => !used.has(request)) ?? found[0] ?? null) : null;
  }

  function consider(dialog: Dialog) {
    if (isCovered(dialog) || isCut(dialog)) return;
    const request = hookOf(dialog);
    if (request) return raiseFor(request, dialog);
    const hooked = dialog.hooked && hooks() !== "dead";
    if (!hooked) return raise(dialog);
    // A subagent's hook came before its dialog: where none fits, the dialog is not what a hook told of.
    if (dialog.agent !== null) return;
    due = setTimeout(() => !isCovered(dialog) && raise(dialog), HOOK_DUE_MS);
  }

  function raiseFor(request: PermissionInput, dialog: Dialog) {
    used.add(request);
    raised({ prompt: withOptions(promptOf(newId(), request), dialog), request, dialog });
  }

  const raise = (dialog: Dialog) =>
    raised({ prompt: screenPrompt(newId(), dialog, cwd), request: null, dialog });

  function forgetUsed() {
    for (const request of used) {
      if (stands && shows(stands, request)) continue;
      used.delete(request);
      heldBack.splice(heldBack.indexOf(request), 1);
    }
  }

  return {
    /** A hook told of a question and could not wait: its dialog is drawn only once the hook has ended. */
    heldBack(request: PermissionInput) {
      heldBack.push(request);
      for (const old of heldBack.splice(0, Math.max(0, heldBack.length - MAX_HELD_BACK))) used.delete(old);
      // What stood last may just have been answered: only what shows this very input is about it.
      if (stands && shows(stands, request) && !isCovered(stands)) consider(stands);
    },

    /** What stands on the screen now, as two looks agree; also said again when a prompt about it has ended. */
    shown(dialog: Dialog | null) {
      clearTimeout(due);
      stands = dialog;
      for (const one of asking()) if (one.dialog && !(dialog && isStill(one.dialog, dialog))) left(one.id);
      forgetUsed();
      if (dialog) consider(dialog);
    },

    /** A hook of ours asks, and waits: a prompt that only the screen raised for the same dialog was one too many. */
    hooked(request: PermissionInput) {
      clearTimeout(due);
      for (const one of asking())
        if (one.dialog && one.request === null && couldBe(one.dialog, request)) left(one.id);
    },

    [Symbol.dispose]: () => clearTimeout(due),
  };
}

/** The dialog that stands for a hook's question, if it shows the same input. */
export const standsFor = (dialog: Dialog | null, request: PermissionInput) =>
  dialog && shows(dialog, request) ? dialog : null;
