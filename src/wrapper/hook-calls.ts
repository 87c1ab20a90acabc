// What claude's hooks tell: who may call, and which part of the wrapper each call is for.
import { randomUUIDv7 } from "bun";
import type { ConversationId, PromptId } from "../protocol.ts";
import { unreachable } from "../protocol.ts";
import { holdsDialogBack } from "./claude-dialogs.ts";
import type { Asking } from "./dialogs/asking.ts";
import type { HookCall } from "./hooks.ts";
import type { Inputs } from "./inputs.ts";
import type { LateFollower } from "./late-follower.ts";
import type { Log } from "./log-file.ts";
import { descends } from "./process-tree.ts";
import type { RunningClaude } from "./running-claude.ts";
import type { SessionFacts } from "./session.ts";

/** A tool's input past this is no card: nobody could read it on a phone. claude's dialog at the desk stays. */
const MAX_INPUT_CHARS = 1024 * 1024;
/** Calls of the hook's socket by others than claude that are logged; the first ones tell. */
const MAX_STRANGERS = 20;

export type HookCallsOptions = {
  claude: Pick<RunningClaude, "pid" | "version" | "conversation">;
  facts: Pick<SessionFacts, "hook">;
  follower: Pick<LateFollower, "follow">;
  asking: Pick<Asking, "opened" | "heldBack" | "prompts">;
  inputs: Pick<Inputs, "taken">;
  log: Log;
};

type Asked = Extract<HookCall["input"], { hook_event_name: "PermissionRequest" }>;
export type HookCalls = ReturnType<typeof hookCalls>;

/** An older conversation goes on. A new one's transcript may be there as well by the time its hook reaches us. */
const isContinued = (input: HookCall["input"]) =>
  input.hook_event_name === "SessionStart" && input.source !== "startup" && input.source !== "clear";

/** The calls of one run's hooks. */
export function hookCalls({ claude, facts, follower, asking, inputs, log }: HookCallsOptions) {
  let strangers = 0;

  /** What only the main conversation's hooks tell. */
  function learn(input: HookCall["input"]) {
    if (input.agent_id) return;
    claude.conversation = input.session_id;
    facts.hook(input.session_id, input.permission_mode);
    follower.follow(input.transcript_path, isContinued(input), input.session_id as ConversationId);
  }

  function asked(request: Asked, call: HookCall) {
    if (request.agent_id && holdsDialogBack(claude.version)) {
      asking.heldBack(request);
      return call.reply(null);
    }
    if (JSON.stringify(request.tool_input).length > MAX_INPUT_CHARS) return call.reply(null);
    const id = randomUUIDv7() as PromptId;
    call.onGone(() => asking.prompts.hookGone(id));
    asking.opened({ id, request, decide: call.reply });
  }

  return {
    /** Only this run's claude, and what it starts, may call. Where the system does not tell, the socket's folder decides. */
    admits(caller: number | null): boolean {
      if (caller === null ? process.platform !== "linux" : descends(caller, claude.pid)) return true;
      if (strangers++ < MAX_STRANGERS) log("hook refused", { pid: caller });
      return false;
    },
    take(call: HookCall) {
      const { input } = call;
      learn(input);
      switch (input.hook_event_name) {
        case "PermissionRequest":
          return asked(input, call);
        case "Stop":
        case "StopFailure":
        case "SubagentStop":
          asking.prompts.turnEnded(input.prompt_id, input.agent_id ?? null);
          break;
        case "UserPromptSubmit":
          inputs.taken(input.prompt);
          break;
        case "SessionStart":
          break;
        default:
          unreachable(input);
      }
      call.reply(null);
    },
  };
}
