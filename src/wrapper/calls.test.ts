import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { PromptId } from "../protocol.ts";
import { bash, world } from "./testing/asked.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("the transcript's relative paths and left-out defaults are the same call", () => {
  const { life, open, ended } = world();
  const tool_input = { file_path: "/project/a.txt", old_string: "a", new_string: "b", replace_all: false };
  open("p1", { ...bash(""), tool_name: "Edit", tool_input });
  ended("c1", { file_path: "a.txt", old_string: "a", new_string: "c" }, "approved", false, "Edit");
  expect(life.open()).toHaveLength(1);
  ended("c2", { file_path: "a.txt", old_string: "a", new_string: "b" }, "approved", false, "Edit");
  expect(life.open()).toEqual([]);
});

test("of two identical questions in a row, late evidence is about the one whose call it names", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  life.toolCalled("c2", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  open("p2", bash("ls"));
  life.toolEnded("c1", { chosen: "approved", byHook: false });
  expect(life.open()).toEqual(["p2"] as PromptId[]);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p1", chosen: "approved" });
  life.toolEnded("c2", { chosen: "rejected", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p2", chosen: "rejected" });
});

test("the main conversation's calls are no evidence about a subagent's question", () => {
  const { life, open, ended } = world();
  open("p1", bash("ls", "agent"));
  ended("c1", { command: "ls" }, "approved");
  expect(life.open()).toEqual(["p1"] as PromptId[]);
});

test("what the transcript said of a question before its hook asked is known when claude exits", () => {
  const { life, said, open, ended } = world();
  ended("c1", { command: "ls" }, "approved");
  open("p1", bash("ls"));
  life.exited();
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "approved" });
});

test("a hook that asks after the desk has decided opens nothing that lasts, and takes no answer", () => {
  const { life, said, open, answer, types, ended } = world();
  ended("c1", { command: "ls" }, "rejected");
  open("p1", bash("ls"));
  jest.advanceTimersByTime(2_000);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "rejected" });
  ended("c2", { command: "ls" }, "approved");
  answer(open("p2", bash("ls")), "reject");
  jest.advanceTimersByTime(2_000);
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "desk", chosen: "approved" });
  expect(types()).toEqual(["prompt", "withdrawn", "prompt", "delivered", "too_late"]);
  open("p3", bash("ls"));
  jest.advanceTimersByTime(3_000);
  expect(life.open()).toEqual(["p3"] as PromptId[]);
});

test("a hook that comes after its question was decided does not end the question that stands by now", () => {
  const { life, said, ended, open, answer } = world();
  life.claudeWaits(true);
  ended("c1", { command: "first" }, "approved");
  life.toolCalled("c2", "Bash", { command: "second" });
  const second = open("p2", bash("second"));
  open("p1", bash("first"));
  expect(life.open()).toEqual(["p2", "p1"] as PromptId[]);
  jest.advanceTimersByTime(2_000);
  expect(life.open()).toEqual(["p2"] as PromptId[]);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p1", by: "desk", chosen: "approved" });
  answer(second, "approve");
  expect(said.at(-1)).toMatchObject({ type: "delivered", prompt: "p2" });
});

test("a question of a turn that has ended does not end the one of the next turn", () => {
  const { life, open } = world();
  life.claudeWaits(true);
  life.turnEnded("t1", null);
  open("p2", { ...bash("second"), prompt_id: "t2" });
  open("p1", { ...bash("first"), prompt_id: "t1" });
  expect(life.open()).toContain("p2" as PromptId);
});

test("a question that proves to be a new one ends those before it, though the same was asked before", () => {
  const { life, ended, open } = world();
  life.claudeWaits(true);
  open("p1", bash("first"));
  ended("c1", { command: "again" }, "approved");
  open("p2", bash("again"));
  expect(life.open()).toEqual(["p1", "p2"] as PromptId[]);
  life.toolCalled("c2", "Bash", { command: "again" });
  expect(life.open()).toEqual(["p2"] as PromptId[]);
});

test("a call that has ended was another one if the transcript soon tells of one that has not", () => {
  const { life, said, open, ended } = world();
  ended("c1", { command: "ls" }, "rejected");
  open("p1", bash("ls"));
  life.toolCalled("c2", "Bash", { command: "ls" });
  jest.advanceTimersByTime(3_000);
  expect(life.open()).toEqual(["p1"] as PromptId[]);
  life.toolEnded("c2", { chosen: "approved", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "approved" });
});

test("of the calls that have not ended a question is about the first", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  life.toolCalled("c2", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.toolCalled("c3", "Bash", { command: "ls" });
  open("p2", bash("ls", "agent"));
  life.toolEnded("c2", { chosen: "approved", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p1", by: "desk", chosen: "approved" });
});

test("two hooks that come late ask about their calls in the calls' order", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  life.toolCalled("c2", "Bash", { command: "ls" });
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  open("p1", bash("ls"));
  open("p2", bash("ls"));
  expect(said.at(-2)).toMatchObject({ type: "withdrawn", prompt: "p1", by: "desk", chosen: "rejected" });
  jest.advanceTimersByTime(3_000);
  expect(life.open()).toEqual(["p2"] as PromptId[]);
});

test("what Esc at the desk did is read in the transcript, where that tells of the call", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.hookGone("p1" as PromptId);
  life.claudeWaits(false);
  jest.advanceTimersByTime(200);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: null });
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "rejected" });
});

test("what the transcript will tell of Esc at the desk is not guessed, where claude never said that it waits", () => {
  const { life, said, open, ended } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.hookGone("p1" as PromptId);
  jest.advanceTimersByTime(200);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p1", by: "desk", chosen: null });
  open("p2", bash("pwd"));
  life.hookGone("p2" as PromptId);
  jest.advanceTimersByTime(200);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p2", by: "desk", chosen: "rejected" });
  ended("c2", { command: "pwd" }, "approved");
  expect(said.at(-1)).toMatchObject({ prompt: "p2", chosen: "rejected" });
});

test("the same input of another tool, or long after, is another call", () => {
  const { life, open, ended } = world();
  open("p1", bash("ls"));
  ended("c1", { command: "ls" }, "approved", false, "Shell");
  expect(life.open()).toHaveLength(1);
  jest.advanceTimersByTime(5_100);
  ended("c2", { command: "ls" }, "approved");
  expect(life.open()).toHaveLength(1);
});

test("a hook that comes late asks about the call that has not ended, where there is one", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  life.toolCalled("c2", "Bash", { command: "ls" });
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  open("p1", bash("ls"));
  jest.advanceTimersByTime(3_000);
  expect(life.open()).toEqual(["p1"] as PromptId[]);
  life.toolEnded("c2", { chosen: "approved", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "approved" });
});

test("a call that ended long ago is another one: the same question again stands", () => {
  const { life, open, ended } = world();
  ended("c1", { command: "ls" }, "approved");
  jest.advanceTimersByTime(2_100);
  open("p1", bash("ls"));
  life.claudeWaits(true);
  jest.advanceTimersByTime(2_100);
  expect(life.open() as string[]).toEqual(["p1"]);
});
