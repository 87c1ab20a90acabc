// May this tool run? Rules first, then the dialog and the PermissionRequest hooks at once: the first answer counts.
import type { Desk } from "./desk.ts";
import type { HookOutput } from "./hooks.ts";
import { dim, laid } from "./painter.ts";
import type { Records } from "./records.ts";
import { type Call, type Decision, type Input, shown, type Update } from "./tools.ts";

type Hook = (
  event: string,
  fields: object,
  onOutput?: (output: HookOutput) => void,
) => { done: Promise<unknown>; stop: () => void };
type PermissionOptions = { desk: Desk; records: Records; cwd: string; hook: Hook };

/** Esc, or a plain No: the whole turn stops. */
const INTERRUPT: Decision = { behavior: "deny", interrupt: true };

const DENIED = "Denied by PreToolUse hook";
const BY_HOOK = "Allowed by PermissionRequest hook";

/** The permissions of one run: they change with its answers, and nothing is kept on disk. */
export function permissions({ desk, records, cwd, hook }: PermissionOptions) {
  const rules: NonNullable<Update["rules"]> = [];
  /** Calls that a hook decided about. */
  const hooked = new Set<string>();
  let mode = "default";

  /** The dialog and the hooks race. A yes at the desk is told to no hook; an interruption ends them all. */
  async function ask(call: Call, turn: AbortController): Promise<Decision> {
    const { id, name: tool_name, input: tool_input } = call;
    const { suggestions, ...dialog } = shown(call);
    const { promise, resolve } = Promise.withResolvers<Decision>();
    const close = desk.open(dialog, (decision) =>
      decision.behavior === "deny" ? turn.abort() : resolve(decision),
    );
    records.status("waiting", tool_name === "AskUserQuestion" ? "input needed" : "permission prompt");
    const suggested = suggestions.length > 0 ? { permission_suggestions: suggestions } : {};
    const byHook = new Set<Decision>();
    const asked = hook("PermissionRequest", { tool_name, tool_input, ...suggested }, ({ decision }) => {
      if (!decision || !isAnswer(tool_name, decision)) return;
      byHook.add(decision);
      resolve(decision);
    });
    const stopped = () => {
      asked.stop();
      resolve(INTERRUPT);
    };
    turn.signal.addEventListener("abort", stopped);
    const decision = await promise;
    turn.signal.removeEventListener("abort", stopped);
    if (close() === 0) records.status("busy");
    if (byHook.has(decision)) hooked.add(id);
    if (byHook.has(decision) && decision.behavior === "allow")
      desk.say((cols) => laid("  ⎿  ", BY_HOOK, cols, dim));
    return decision;
  }

  function allowed(name: string, input: Input): boolean {
    if (name === "Edit" || name === "Write") return mode === "acceptEdits" || mode === "auto";
    const subject = String(input.command ?? input.file_path);
    if (name === "Read" && subject.startsWith(`${cwd}/`)) return true;
    return rules.some(
      ({ toolName, ruleContent = "*" }) => toolName === name && matches(ruleContent, subject),
    );
  }

  function apply(update: Update) {
    if (update.type === "addRules") rules.push(...(update.rules ?? []));
    if (update.type !== "setMode" || !update.mode || update.mode === "bypassPermissions") return;
    mode = update.mode;
    desk.mode(mode);
  }

  return {
    get mode() {
      return mode;
    },
    /** A PermissionRequest hook decided about this call, not the desk and no rule. */
    byHook: (call: Call) => hooked.has(call.id),
    /** The decision on a call; what it changes is in force at once. Aborts the turn where that is the answer. */
    async decide(call: Call, turn: AbortController): Promise<Decision> {
      const { id: tool_use_id, name: tool_name, input: tool_input } = call;
      let first: HookOutput = {};
      await hook("PreToolUse", { tool_name, tool_input, tool_use_id }, (output) => {
        first = { ...output, ...first };
      }).done;
      if (turn.signal.aborted) return INTERRUPT;
      const verdict = first.permissionDecision;
      if (verdict === "deny") return { behavior: "deny", message: first.permissionDecisionReason ?? DENIED };
      const free = verdict === "allow" || (verdict !== "ask" && allowed(tool_name, tool_input));
      const decision: Decision = free ? { behavior: "allow" } : await ask(call, turn);
      if (decision.behavior === "allow") decision.updatedPermissions?.forEach(apply);
      else if (decision.interrupt) turn.abort();
      return decision;
    },
  };
}

/** A bare yes says nothing to a question or a plan: the dialog stays. */
const isAnswer = (tool: string, decision: Decision) =>
  decision.behavior === "deny" ||
  (decision.behavior === "allow" &&
    (decision.updatedInput !== undefined || !["AskUserQuestion", "ExitPlanMode"].includes(tool)));

/** A rule's content is the whole, or a beginning with a star behind it. */
const matches = (rule: string, subject: string) =>
  rule.endsWith("*") ? subject.startsWith(rule.slice(0, -1).trimEnd()) : subject === rule;
