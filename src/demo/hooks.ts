// Runs the hooks of one plugin folder as claude does: JSON on stdin, the answer on stdout, `async` ones not waited for.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "./child.ts";
import type { Decision } from "./tools.ts";

/** claude's own limits, in seconds; SessionEnd has less, since somebody waits for their shell. */
const TIMEOUT_S = 600;
const SESSION_END_TIMEOUT_S = 1.5;

/** With `args`, `command` is a program; else a line for the shell. */
type Hook = { command: string; args?: string[]; timeout?: number; async?: boolean };
type Events = Record<string, { matcher?: string; hooks: Hook[] }[]>;
export type HookInput = { hook_event_name: string; tool_name?: string; [field: string]: unknown };
/** `hookSpecificOutput`, as far as it is obeyed. */
export type HookOutput = {
  decision?: Decision;
  permissionDecision?: "allow" | "deny" | "ask";
  permissionDecisionReason?: string;
};

/** The hooks below `folder`; none if it has no hooks.json. `env` is what they run with. */
export function hooks(folder: string, cwd: string, env: Record<string, string | undefined>) {
  const events = eventsOf(join(folder, "hooks", "hooks.json"));
  const running = new Set<() => void>();

  function run(hook: Hook, input: HookInput, onOutput: (output: HookOutput) => void) {
    const words = hook.args ? [hook.command, ...hook.args] : ["sh", "-c", hook.command];
    const { ended, kill } = start(words, { cwd, env, stdin: JSON.stringify(input) });
    if (hook.async) return { kill: () => {}, done: Promise.resolve() };
    const most = input.hook_event_name === "SessionEnd" ? SESSION_END_TIMEOUT_S : TIMEOUT_S;
    const timer = setTimeout(kill, (hook.timeout ?? most) * 1_000).unref();
    running.add(kill);
    const done = ended.then(({ text, code }) => {
      clearTimeout(timer);
      running.delete(kill);
      const output = code === 0 ? outputOf(text) : null;
      if (output) onOutput(output);
    });
    return { kill, done };
  }

  return {
    /** Starts all of an event. `done`: those that are waited for have ended. `stop` ends them at once, by SIGTERM. */
    call(input: HookInput, onOutput: (output: HookOutput) => void = () => {}) {
      const wanted = (events[input.hook_event_name] ?? []).filter(({ matcher }) => fits(matcher, input));
      const started = wanted.flatMap(({ hooks }) => hooks).map((hook) => run(hook, input, onOutput));
      return {
        done: Promise.all(started.map(({ done }) => done)),
        stop: () => started.forEach(({ kill }) => void kill()),
      };
    },
    /** Ends what still runs, as claude does when it exits. */
    end: () => running.forEach((kill) => void kill()),
  };
}

export type Hooks = ReturnType<typeof hooks>;

const fits = (matcher = "", { tool_name = "" }: HookInput) =>
  matcher === "" || matcher === "*" || new RegExp(`^(?:${matcher})$`).test(tool_name);

function eventsOf(file: string): Events {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { hooks: Events }).hooks;
  } catch {
    return {};
  }
}

function outputOf(text: string): HookOutput | null {
  try {
    return (JSON.parse(text) as { hookSpecificOutput?: HookOutput }).hookSpecificOutput ?? null;
  } catch {
    return null;
  }
}
