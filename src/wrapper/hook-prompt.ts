// What a hook tells of a question, as a prompt; and whether it is about a call that the transcript shows.
import { resolve } from "node:path";
import { canonical, digestOf } from "../digest.ts";
import type { Json, Prompt, PromptId } from "../protocol.ts";
import { headlineOf, optionsFor, type PermissionInput, questionsOf } from "./claude-hooks.ts";
import { editDiff } from "./edit-diff.ts";

/** The transcript holds the input as the model gave it; the hook's has defaults added and paths made absolute. */
export function covers(request: PermissionInput, input: Record<string, unknown>): boolean {
  return Object.entries(input).every(([key, value]) => {
    const asked = request.tool_input[key];
    if (typeof value === "string" && key.endsWith("_path")) return asked === resolve(request.cwd, value);
    return asked !== undefined && canonical(asked as Json) === canonical(value as Json);
  });
}

/** The prompt that a PermissionRequest raises. The digest covers exactly what is shown and offered. */
export function promptOf(id: PromptId, request: PermissionInput): Prompt {
  const { tool_name: tool, tool_input } = request;
  const input = tool_input as { [key: string]: Json };
  const scope = new Bun.CryptoHasher("sha256")
    .update(JSON.stringify(request.permission_suggestions))
    .digest("hex");
  const options = optionsFor(request, scope.slice(0, 12));
  const kind = tool === "AskUserQuestion" ? "question" : tool === "ExitPlanMode" ? "plan" : "permission";
  const digest = digestOf({ prompt: id, kind, tool, input, options: options.map((option) => option.id) });
  return {
    id,
    kind,
    tool,
    input,
    prompt_text: headlineOf(tool, tool_input),
    cwd: request.cwd,
    agent: request.agent_id ?? null,
    diff: editDiff(tool, tool_input),
    questions: questionsOf(request),
    options,
    digest,
    age_ms: 0,
  };
}
