import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { AnswerId, OptionId, PromptId, WrapperMessage } from "../protocol.ts";
import type { PermissionInput } from "./claude-hooks.ts";
import { prompts } from "./prompts.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const bash = (command: string, agent?: string): PermissionInput => ({
  hook_event_name: "PermissionRequest",
  session_id: "c",
  transcript_path: "",
  cwd: "/project",
  tool_name: "Bash",
  tool_input: { command },
  permission_suggestions: [],
  ...(agent ? { agent_id: agent } : {}),
});

function world() {
  const said: WrapperMessage[] = [];
  const decided: (object | null)[] = [];
  const life = prompts((message) => void said.push(message));
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
  return { life, said, decided, open, answer, types };
}

test("an approval is handed to claude, delivered, and accepted when the dialog is gone", () => {
  const { life, decided, open, answer, types } = world();
  const prompt = open("p1", bash("ls"));
  life.claudeWaits(true);
  answer(prompt, "approve");
  expect(decided).toEqual([
    { hookSpecificOutput: { hookEventName: "PermissionRequest", decision: { behavior: "allow" } } },
  ]);
  expect(types()).toEqual(["prompt", "delivered"]);
  life.claudeWaits(false);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
  expect(life.open()).toEqual([]);
});

test("the same answer twice is one answer, and says delivered again", () => {
  const { decided, open, answer, types } = world();
  const prompt = open("p1", bash("ls"));
  answer(prompt, "approve");
  answer(prompt, "approve");
  expect(decided).toHaveLength(1);
  expect(types()).toEqual(["prompt", "delivered", "delivered"]);
});

test("a second answer with another id does nothing once one was given", () => {
  const { decided, open, answer } = world();
  const prompt = open("p1", bash("ls"));
  answer(prompt, "approve", "a1");
  answer(prompt, "reject", "a2");
  expect(decided).toHaveLength(1);
});

test("an answer with another digest, or to an option that was not offered, does nothing", () => {
  const { decided, open, answer, types } = world();
  const prompt = open("p1", bash("ls"));
  answer({ ...prompt, digest: "0".repeat(64) as typeof prompt.digest }, "approve");
  answer(prompt, "always-000000000000");
  expect(decided).toEqual([]);
  expect(types()).toEqual(["prompt"]);
});

test("a suspended session takes no answer", () => {
  const { decided, open, answer } = world();
  answer(open("p1", bash("ls")), "approve", "a1", true);
  expect(decided).toEqual([]);
});

test("a yes at the desk withdraws the prompt and releases the hook without a decision", () => {
  const { life, said, decided, open } = world();
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  expect(said.at(-1)).toEqual({ type: "withdrawn", prompt: "p1" as PromptId, by: "desk", chosen: null });
  expect(decided).toEqual([null]);
});

test("a tool that ran is evidence that the desk approved it", () => {
  const { life, said, open } = world();
  open("p1", bash("ls"));
  life.toolEnded("Bash", { command: "ls" }, "approved");
  expect(said.at(-1)).toEqual({
    type: "withdrawn",
    prompt: "p1" as PromptId,
    by: "desk",
    chosen: "approved",
  });
});

test("evidence that comes after the dialog is gone completes what was told", () => {
  const { life, said, open } = world();
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  life.toolEnded("Bash", { command: "ls" }, "rejected");
  life.toolEnded("Bash", { command: "ls" }, "rejected");
  expect(said.slice(1)).toEqual([
    { type: "withdrawn", prompt: "p1" as PromptId, by: "desk", chosen: null },
    { type: "withdrawn", prompt: "p1" as PromptId, by: "desk", chosen: "rejected" },
  ]);
});

test("the transcript's relative paths and left-out defaults are the same call", () => {
  const { life, open } = world();
  const tool_input = { file_path: "/project/a.txt", old_string: "a", new_string: "b", replace_all: false };
  open("p1", { ...bash(""), tool_name: "Edit", tool_input });
  life.toolEnded("Edit", { file_path: "a.txt", old_string: "a", new_string: "c" }, "approved");
  expect(life.open()).toHaveLength(1);
  life.toolEnded("Edit", { file_path: "a.txt", old_string: "a", new_string: "b" }, "approved");
  expect(life.open()).toEqual([]);
});

test("the end of a turn ends its own questions only", () => {
  const { life, open } = world();
  open("p1", { ...bash("ls"), prompt_id: "turn 2" });
  life.turnEnded("turn 1");
  life.turnEnded(undefined);
  expect(life.open()).toHaveLength(1);
  life.turnEnded("turn 2");
  expect(life.open()).toEqual([]);
});

test("Esc at the desk is a rejection, but claude's own exit is not", () => {
  const desk = world();
  desk.open("p1", bash("ls"));
  desk.life.hookGone("p1" as PromptId);
  jest.advanceTimersByTime(200);
  expect(desk.said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "rejected" });

  const exit = world();
  exit.open("p1", bash("ls"));
  exit.life.hookGone("p1" as PromptId);
  exit.life.exited();
  jest.advanceTimersByTime(200);
  expect(exit.said.at(-1)).toMatchObject({ type: "withdrawn", by: "exited", chosen: null });
});

test("an answer after the desk decided is too late, and says who was first", () => {
  const { life, said, decided, open, answer } = world();
  const prompt = open("p1", bash("ls"));
  life.toolEnded("Bash", { command: "ls" }, "approved");
  answer(prompt, "reject");
  expect(said.at(-1)).toEqual({ type: "too_late", prompt: prompt.id, by: "desk", chosen: "approved" });
  expect(decided).toEqual([null]);
});

test("an answer to a prompt that nobody knows is too late", () => {
  const { said, answer } = world();
  answer({ id: "p9" as PromptId, digest: "x" }, "approve");
  expect(said).toEqual([{ type: "too_late", prompt: "p9" as PromptId, by: "unknown", chosen: null }]);
});

test("the next question of the same agent ends the one before; another agent's does not", () => {
  const { life, open } = world();
  open("p1", bash("one"));
  open("p2", bash("two", "agent"));
  open("p3", bash("three"));
  expect(life.open()).toEqual(["p2", "p3"] as PromptId[]);
});

test("identical questions in a row are two prompts with two digests", () => {
  const { open } = world();
  expect(open("p1", bash("ls")).digest).not.toBe(open("p2", bash("ls")).digest);
});

test("a quick answer that claude never waited on is accepted after a moment", () => {
  const { life, open, answer, types } = world();
  answer(open("p1", bash("ls")), "approve");
  life.claudeWaits(false, Date.now() + 100);
  expect(types()).toEqual(["prompt", "delivered"]);
  life.claudeWaits(false, Date.now() + 500);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
});

test("what the server has not acknowledged is said again, in order, before what is open", () => {
  const { life, said, open, answer } = world();
  answer(open("p1", bash("one")), "approve");
  life.toolEnded("Bash", { command: "one" }, "approved");
  open("p2", bash("two"));
  said.length = 0;
  life.restate();
  expect(said.map((one) => one.type)).toEqual(["delivered", "accepted", "prompt"]);
  life.acked("p1" as PromptId, "delivered");
  said.length = 0;
  life.restate();
  expect(said.map((one) => one.type)).toEqual(["accepted", "prompt"]);
});
