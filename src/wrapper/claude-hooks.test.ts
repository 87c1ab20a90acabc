import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OptionId } from "../protocol.ts";
import {
  decisionFor,
  hookEvents,
  hookInput,
  optionsFor,
  type PermissionInput,
  questionsOf,
  scopeOf,
} from "./claude-hooks.ts";

const option = (id: string) => id as OptionId;
const request = (tool_name: string, tool_input: Record<string, unknown>, suggestions: object[] = []) =>
  hookInput(
    JSON.stringify({
      hook_event_name: "PermissionRequest",
      session_id: "c",
      tool_name,
      tool_input,
      permission_suggestions: suggestions,
    }),
  ) as PermissionInput;

for (const version of ["2.1.197", "2.1.329"]) {
  describe(`claude ${version}`, () => {
    const samples: Record<string, object> = JSON.parse(
      readFileSync(join(import.meta.dir, "testdata", "hooks", `${version}.json`), "utf8"),
    );
    const asked = Object.entries(samples).filter(([name]) => name.startsWith("PermissionRequest"));

    test("every recorded permission request is read, and offers a yes and a no", () => {
      expect(asked.length).toBeGreaterThan(8);
      for (const [, sample] of asked) {
        const input = hookInput(JSON.stringify(sample)) as PermissionInput;
        const effects = optionsFor(input, "scope").map((one) => one.effect);
        expect(effects.at(-1)).toBe("reject");
        expect(["approve", "answer"]).toContain(effects[0] ?? "");
        const ids = optionsFor(input, "scope").map((one) => one.id);
        expect(new Set(ids).size).toBe(ids.length);
      }
    });

    test("every event we inject was recorded from this version, so that it knows the name", () => {
      const known = new Set(Object.keys(samples).map((name) => name.split(" / ")[0]));
      const injected = Object.keys(hookEvents(["claude-remote"]));
      expect(injected.filter((event) => !known.has(event))).toEqual([]);
    });
  });
}

test("a hook that we did not ask for, and nonsense, are not read", () => {
  expect(hookInput('{"hook_event_name":"MessageDisplay","session_id":"c"}')).toBeNull();
  expect(hookInput("not json")).toBeNull();
  expect(hookInput("[]")).toBeNull();
});

test("only the one that is waited for holds claude up; none prints anything", () => {
  for (const [event, [entry]] of Object.entries(hookEvents(["/x y/claude-remote"]))) {
    const hook = entry?.hooks[0];
    expect(hook?.command).toBe("/x y/claude-remote");
    expect(hook?.async === true).toBe(event !== "PermissionRequest");
  }
});

test("SEC-043 always allow says what it allows and where that is kept", () => {
  const rules = [{ toolName: "Bash", ruleContent: "npm test *" }];
  const suggestion = { type: "addRules", rules, behavior: "allow", destination: "localSettings" };
  expect(scopeOf(suggestion)).toBe("allow Bash(npm test *) in this project's .claude/settings.local.json");
  const mode = { type: "setMode", mode: "acceptEdits", destination: "session" };
  expect(scopeOf(mode)).toBe("switch to acceptEdits mode for this session only");
  const folders = { type: "addDirectories", directories: ["/a"], destination: "userSettings" };
  expect(scopeOf(folders)).toBe("give access to /a in ~/.claude/settings.json, for every project");
  expect(scopeOf({ type: "new kind", x: 1 })).toContain('{"type":"new kind","x":1}');
});

test("approve always echoes claude's own suggestions; a plain approve changes no rule", () => {
  const suggestions = [{ type: "setMode", mode: "acceptEdits", destination: "session" }];
  const input = request("Write", { file_path: "/a" }, suggestions);
  expect(decisionFor(input, { option: option("always-1") })).toMatchObject({
    hookSpecificOutput: { decision: { behavior: "allow", updatedPermissions: suggestions } },
  });
  expect(decisionFor(input, { option: option("approve") })).toEqual({
    hookSpecificOutput: { hookEventName: "PermissionRequest", decision: { behavior: "allow" } },
  });
});

test("a rejection carries its message to claude", () => {
  const input = request("Bash", { command: "rm -rf /" });
  expect(decisionFor(input, { option: option("reject"), text: "use trash" })).toMatchObject({
    hookSpecificOutput: { decision: { behavior: "deny", message: "use trash" } },
  });
});

test("questions are answered by their own text, and plans by a mode", () => {
  const questions = [{ question: "Which?", header: "H", multiSelect: true, options: [{ label: "A" }] }];
  const ask = request("AskUserQuestion", { questions });
  expect(questionsOf(ask)).toEqual([
    { question: "Which?", header: "H", multi_select: true, options: [{ label: "A", description: "" }] },
  ]);
  expect(decisionFor(ask, { option: option("answer"), answers: { "Which?": "A" } })).toMatchObject({
    hookSpecificOutput: {
      decision: { behavior: "allow", updatedInput: { questions, answers: { "Which?": "A" } } },
    },
  });
  const plan = request("ExitPlanMode", { plan: "# do it" });
  expect(decisionFor(plan, { option: option("mode-acceptEdits") })).toMatchObject({
    hookSpecificOutput: {
      decision: {
        behavior: "allow",
        updatedInput: { plan: "# do it" },
        updatedPermissions: [{ type: "setMode", mode: "acceptEdits", destination: "session" }],
      },
    },
  });
});

test("tools that ask are matched by their whole names, and without any there is no such hook", () => {
  const matcher = (...names: string[]) => hookEvents(["claude-remote"], names).PreToolUse?.[0]?.matcher;
  expect(hookEvents(["claude-remote"]).PreToolUse).toBeUndefined();
  expect(matcher("Bash", "Write")).toBe("Bash|Write");
  const pattern = new RegExp(matcher("Bash", "mcp__my-server__*", "*Edit") ?? "nothing");
  for (const name of ["Bash", "mcp__my-server__read", "Edit", "MultiEdit"]) expect(name).toMatch(pattern);
  for (const name of ["BashOutput", "mcp__my-server", "EditX", "Write", ""])
    expect(name).not.toMatch(pattern);
});
