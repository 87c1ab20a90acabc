import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { PromptId, SessionId, WrapperMessage } from "../protocol.ts";
import { session } from "./session.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function world() {
  const said: WrapperMessage[] = [];
  const start = { id: "s1" as SessionId, cwd: "/p", command: ["claude"], cols: 80, rows: 24, terminal: true };
  return { said, facts: session(start, (message) => void said.push(message)) };
}

test("a change is told once, whole; no change is not told", () => {
  const { said, facts } = world();
  facts.claude("busy", null, "2.1.329");
  facts.claude("busy", null, "2.1.329");
  facts.claude("waiting", "permission prompt", "2.1.329");
  expect(said).toMatchObject([
    { type: "status", state: { status: "working", waiting_for: null, cols: 80 } },
    { type: "status", state: { status: "waiting", waiting_for: "permission prompt" } },
  ]);
});

test("claude's version is news once", () => {
  const { facts } = world();
  expect(facts.claude("idle", null, null)).toBe(false);
  expect(facts.claude("idle", null, "2.1.329")).toBe(true);
  expect(facts.claude("idle", null, "2.1.329")).toBe(false);
  expect(facts.statement([])).toMatchObject({ claude_version: "2.1.329" });
});

test("a suspended session is suspended whatever claude last said, and what it was before afterwards", () => {
  const { facts } = world();
  facts.claude("busy", null, null);
  facts.suspend(true);
  expect(facts.state.status).toBe("suspended");
  facts.suspend(false);
  expect(facts.state.status).toBe("working");
});

test("hooks that do not come within ten seconds are dead; one that comes makes them alive", () => {
  const { facts } = world();
  facts.claude("idle", null, null);
  expect(facts.state.hooks).toBe("unknown");
  jest.advanceTimersByTime(10_001);
  facts.claude("busy", null, null);
  expect(facts.state.hooks).toBe("dead");
  facts.hook("c1", "default");
  expect(facts.state).toMatchObject({ hooks: "alive", conversation: "c1", permission_mode: "default" });
});

test("the title is told without the glyph that turns", () => {
  const { said, facts } = world();
  facts.titled("✳ Claude Code");
  facts.titled("◐ Claude Code");
  expect(facts.state.title).toBe("Claude Code");
  expect(said).toHaveLength(1);
});

test("a statement names every open prompt and the age of the run", () => {
  const { facts } = world();
  jest.advanceTimersByTime(1_500);
  const open = ["p1" as PromptId];
  expect(facts.statement(open)).toMatchObject({
    id: "s1",
    cwd: "/p",
    command: ["claude"],
    age_ms: 1_500,
    open,
  });
});
