// What is known of claude's hooks: the events we ask for, their input, and the answers they take. Seen on 2.1.197 and 2.1.329.
import * as v from "valibot";
import { ASK } from "../hook.ts";
import type { Answer, Option, OptionId, Question } from "../protocol.ts";

/** The longest wait a hook may be given, in seconds: above 2,147,483 some versions' timer overflows and aborts at once. */
const DAY_S = 86_400;

/**
 * Watched only: claude does not wait for them, and each costs it some 20 ms, so there are few. An async hook's input may
 * come late and out of order; what it prints would reach the model, so it prints nothing. Every covered version knows
 * each name; an unknown one stops claude's start.
 */
const WATCHED = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SubagentStop"] as const;

type Matched = { matcher?: string; hooks: Record<string, unknown>[] };

/**
 * The `hooks` object of the plugin's hooks.json. `words` are run as they are, without a shell. `ask` names tools that ask
 * whatever claude's mode; each call of one waits some 20 ms for that hook, so without any there is none.
 */
export function hookEvents(words: readonly string[], ask: readonly string[] = []): Record<string, Matched[]> {
  const [command, ...args] = words;
  const run = { type: "command", command, args };
  const watched = WATCHED.map((event) => [event, [{ hooks: [{ ...run, async: true }] }]]);
  const events = {
    ...Object.fromEntries(watched),
    PermissionRequest: [{ hooks: [{ ...run, timeout: DAY_S }] }],
  };
  if (ask.length === 0) return events;
  const asks = { ...run, args: [...args, ASK, ask.join(",")] };
  return { ...events, PreToolUse: [{ matcher: matcherOf(ask), hooks: [asks] }] };
}

/** claude takes names parted by `|` as they are, and anything else for a regular expression, found anywhere. */
function matcherOf(names: readonly string[]): string {
  const plain = names.every((name) => /^\w+$/.test(name));
  return plain ? names.join("|") : `^(${names.join("|").replaceAll("*", ".*")})$`;
}

const record = v.record(v.string(), v.unknown());
const common = {
  session_id: v.string(),
  transcript_path: v.optional(v.string(), ""),
  cwd: v.optional(v.string(), ""),
  /** The turn this belongs to. */
  prompt_id: v.optional(v.string()),
  permission_mode: v.optional(v.string()),
  agent_id: v.optional(v.string()),
  agent_type: v.optional(v.string()),
};
const inputSchema = v.variant("hook_event_name", [
  v.object({
    ...common,
    hook_event_name: v.literal("PermissionRequest"),
    tool_name: v.string(),
    tool_input: record,
    permission_suggestions: v.optional(v.array(record), []),
  }),
  v.object({ ...common, hook_event_name: v.literal("UserPromptSubmit"), prompt: v.string() }),
  /** `source`: startup, resume, clear, compact, and in newer versions fork. */
  v.object({ ...common, hook_event_name: v.literal("SessionStart"), source: v.optional(v.string()) }),
  v.object({ ...common, hook_event_name: v.picklist(["Stop", "StopFailure", "SubagentStop"]) }),
]);

/** What a hook says, as far as we read it. */
export type HookInput = v.InferOutput<typeof inputSchema>;
export type PermissionInput = Extract<HookInput, { hook_event_name: "PermissionRequest" }>;
/** A change of claude's own rules that it offers with a prompt ("don't ask again for …"). */
export type Suggestion = PermissionInput["permission_suggestions"][number];

/** Reads claude's JSON; null where it is not a hook we asked for. */
export function hookInput(text: string): HookInput | null {
  try {
    const parsed = v.safeParse(inputSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

const id = (text: string) => text as OptionId;

/** What can be answered to this request, from the phone. */
export function optionsFor(request: PermissionInput, scopeId: string): Option[] {
  const reject: Option = { id: id("reject"), label: "Deny", effect: "reject", text: "optional" };
  if (request.tool_name === "AskUserQuestion") {
    return [
      { id: id("answer"), label: "Answer", effect: "answer" },
      { ...reject, label: "Skip" },
    ];
  }
  if (request.tool_name === "ExitPlanMode") return [...PLAN_MODES, { ...reject, label: "Keep planning" }];
  const approve: Option = { id: id("approve"), label: "Approve", effect: "approve" };
  const scope = request.permission_suggestions.map(scopeOf).join("; ");
  if (!scope) return [approve, reject];
  const always: Option = {
    id: id(`always-${scopeId}`),
    label: "Always allow",
    effect: "approve_always",
    scope,
  };
  return [approve, always, reject];
}

const PLAN_MODES: Option[] = [
  { id: id("approve"), label: "Approve, ask before edits", effect: "approve" },
  { id: id("mode-acceptEdits"), label: "Approve, accept edits", effect: "approve" },
  { id: id("mode-auto"), label: "Approve, auto mode", effect: "approve" },
];

const PLACES: Record<string, string> = {
  session: "for this session only",
  localSettings: "in this project's .claude/settings.local.json",
  projectSettings: "in this project's .claude/settings.json (shared with the project)",
  userSettings: "in ~/.claude/settings.json, for every project",
};

/** A suggestion written out: what it allows and where it is kept. */
export function scopeOf(suggestion: Suggestion): string {
  const where = PLACES[String(suggestion.destination)] ?? `in ${String(suggestion.destination)}`;
  return `${whatOf(suggestion)} ${where}`;
}

function whatOf(suggestion: Suggestion): string {
  switch (suggestion.type) {
    case "addRules":
      return `${String(suggestion.behavior ?? "allow")} ${rules(suggestion.rules)}`;
    case "addDirectories":
      return `give access to ${list(suggestion.directories)}`;
    case "setMode":
      return `switch to ${String(suggestion.mode)} mode`;
    default:
      return JSON.stringify(suggestion);
  }
}

const list = (value: unknown) =>
  Array.isArray(value) ? value.map(String).join(", ") : JSON.stringify(value);

function rules(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  const one = (rule: Record<string, unknown>) =>
    rule.ruleContent === undefined ? String(rule.toolName) : `${rule.toolName}(${rule.ruleContent})`;
  return value.map((rule) => one(Object(rule))).join(", ");
}

/** The questions of AskUserQuestion, or null for another tool. */
export function questionsOf(request: PermissionInput): Question[] | null {
  if (request.tool_name !== "AskUserQuestion" || !Array.isArray(request.tool_input.questions)) return null;
  return request.tool_input.questions.map((question: Record<string, unknown>) => ({
    question: String(question.question),
    header: String(question.header ?? ""),
    multi_select: question.multiSelect === true,
    options: Array.isArray(question.options) ? question.options.map(choiceOf) : [],
  }));
}

function choiceOf(option: Record<string, unknown>): Question["options"][number] {
  const choice = { label: String(option.label), description: String(option.description ?? "") };
  return typeof option.preview === "string" ? { ...choice, preview: option.preview } : choice;
}

/** What a PermissionRequest hook prints to carry out `answer`. The option must be one of `optionsFor`. */
export function decisionFor(request: PermissionInput, answer: Answer): object {
  const decision = answer.option === "reject" ? denial(answer) : allowance(request, answer);
  return { hookSpecificOutput: { hookEventName: "PermissionRequest", decision } };
}

const denial = (answer: Answer) => ({
  behavior: "deny",
  message: answer.text?.trim() ? answer.text : "The user denied this from their phone.",
});

function allowance(request: PermissionInput, answer: Answer): object {
  const { tool_name, tool_input, permission_suggestions } = request;
  if (tool_name === "AskUserQuestion") {
    return { behavior: "allow", updatedInput: { ...tool_input, answers: answer.answers ?? {} } };
  }
  if (tool_name === "ExitPlanMode") {
    const mode = answer.option.startsWith("mode-") ? answer.option.slice(5) : "default";
    const updatedPermissions = [{ type: "setMode", mode, destination: "session" }];
    return { behavior: "allow", updatedInput: tool_input, updatedPermissions };
  }
  if (!answer.option.startsWith("always-")) return { behavior: "allow" };
  return { behavior: "allow", updatedPermissions: permission_suggestions };
}

/** One line that says what would happen: the command, the path, the question. */
export function headlineOf(tool: string, input: Record<string, unknown>): string {
  const questions = Array.isArray(input.questions) ? input.questions : [];
  const first = Object(questions[0]) as Record<string, unknown>;
  const text = input.command ?? input.file_path ?? input.notebook_path ?? input.url ?? input.query;
  if (typeof text === "string") return text;
  if (typeof first.question === "string") return first.question;
  if (tool === "ExitPlanMode") return "A plan to approve";
  return JSON.stringify(input);
}
