// Prompts under test: what they tell, what they hand to claude, and questions to ask them.
import type { AnswerId, OptionId, PromptId, WrapperMessage } from "../../protocol.ts";
import type { PermissionInput } from "../claude-hooks.ts";
import { prompts } from "../prompts.ts";
import type { ScreenSide } from "../screen-side.ts";

/** What a hook tells of a command that asks; `agent`: a subagent's. */
export const bash = (command: string, agent?: string): PermissionInput => ({
  hook_event_name: "PermissionRequest",
  session_id: "c",
  transcript_path: "",
  cwd: "/project",
  tool_name: "Bash",
  tool_input: { command },
  permission_suggestions: [],
  ...(agent ? { agent_id: agent } : {}),
});

/** The prompts of one run, and everything that they said. */
export function world(screen?: ScreenSide) {
  const said: WrapperMessage[] = [];
  const decided: (object | null)[] = [];
  const life = prompts((message) => void said.push(message), screen);
  const open = (id: string, request: PermissionInput) => {
    life.opened({ id: id as PromptId, request, decide: (output) => void decided.push(output) });
    const message = said.findLast((one) => one.type === "prompt");
    if (message?.type !== "prompt") throw new Error("no prompt was told");
    return message.prompt;
  };
  const answer = (prompt: { id: PromptId; digest: string }, option: string, id = "a1", suspended = false) => {
    const { digest } = prompt as ReturnType<typeof open>;
    const answered = { option: option as OptionId };
    life.answer({ prompt: prompt.id, digest, answer_id: id as AnswerId, answer: answered }, suspended);
  };
  const types = () => said.map((one) => one.type);
  /** What the transcript tells of a call, all at once. */
  const ended = (
    call: string,
    input: object,
    chosen: "approved" | "rejected",
    byHook = false,
    tool = "Bash",
  ) => {
    life.toolCalled(call, tool, { ...input });
    life.toolEnded(call, { chosen, byHook });
  };
  return { life, said, decided, open, answer, types, ended };
}
