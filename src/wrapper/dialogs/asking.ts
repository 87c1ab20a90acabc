// Everything claude asks, joined: hooks and the screen raise prompts, hooks and keys carry answers back.
import { randomUUIDv7 } from "bun";
import type { HookHealth, PromptId, WrapperMessage } from "../../protocol.ts";
import type { Screen } from "../../screen.ts";
import type { PermissionInput } from "../claude-hooks.ts";
import type { ClaudeStatus } from "../claude-state.ts";
import { promptOf } from "../hook-prompt.ts";
import { type NewPrompt, type Prompts, prompts } from "../prompts.ts";
import { type Dialogs, dialogs, give } from "./dialogs.ts";
import { type ScreenPrompts, screenPrompts, standsFor } from "./screen-prompts.ts";

export type AskingOptions = {
  tell: (message: WrapperMessage) => void;
  cwd: string;
  screen: () => Screen | null;
  settled: () => Promise<void>;
  /** Keys to claude, as from its terminal. */
  write: (bytes: Uint8Array) => void;
  hooks: () => HookHealth;
  /** claude hears keys: it is not suspended. */
  hears: () => boolean;
};

export type Asking = ReturnType<typeof asking>;

/** What one claude asks. Tell it of hooks, of claude's own state and of what is painted. */
export function asking(options: AskingOptions) {
  const { tell, cwd, hooks, ...screen } = options;
  let said: ClaudeStatus | null = null;
  const life: Prompts = prompts(tell, {
    standsFor: (request) => standsFor(seen.standing(), request),
    press: (answer) => void give(answer, life, seen),
    freed: () => seen.again(),
  });
  const seen: Dialogs = dialogs({
    ...screen,
    status: () => said?.status ?? null,
    shown: (dialog) => onScreen.shown(dialog),
  });
  const onScreen: ScreenPrompts = screenPrompts({
    cwd,
    hooks,
    promptOf,
    newId: () => randomUUIDv7() as PromptId,
    asking: life.asking,
    raised: life.raised,
    left: life.left,
  });

  return {
    prompts: life,
    /** A hook asks, and waits for the answer. */
    opened(asked: NewPrompt) {
      onScreen.hooked(asked.request);
      life.opened(asked);
    },
    /** A hook asks, but its dialog is drawn only once it has ended. */
    heldBack: (request: PermissionInput) => onScreen.heldBack(request),
    /** claude's own word. */
    claudeSays(status: ClaudeStatus) {
      const before = said;
      said = status;
      const anew = status.status === "waiting" && status.statusUpdatedAt !== before?.statusUpdatedAt;
      // It has not waited in between, and nobody saw it: what stands now is another dialog, however alike.
      if (anew && before?.status === "waiting")
        for (const { id, dialog } of life.asking()) if (dialog) life.left(id);
      life.claudeWaits(status.status === "waiting");
      seen.said(anew);
    },
    /** claude painted something. */
    painted: () => seen.painted(),
    [Symbol.dispose]() {
      seen[Symbol.dispose]();
      onScreen[Symbol.dispose]();
    },
  };
}
