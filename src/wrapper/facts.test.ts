import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { PromptId } from "../protocol.ts";
import { bash, world } from "./testing/asked.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("the same answer twice is one answer, and says delivered again", () => {
  const { decided, open, answer, types } = world();
  const prompt = open("p1", bash("ls"));
  answer(prompt, "approve");
  answer(prompt, "approve");
  expect(decided).toHaveLength(1);
  expect(types()).toEqual(["prompt", "delivered", "delivered"]);
});

test("what the server has not acknowledged is said again, in order, before what is open", () => {
  const { life, said, open, answer, ended } = world();
  answer(open("p1", bash("one")), "approve");
  ended("c1", { command: "one" }, "approved", true);
  open("p2", bash("two"));
  said.length = 0;
  life.restate();
  expect(said.map((one) => one.type)).toEqual(["delivered", "accepted", "prompt"]);
  life.acked("p1" as PromptId, "delivered");
  said.length = 0;
  life.restate();
  expect(said.map((one) => one.type)).toEqual(["accepted", "prompt"]);
});

test("however many prompts have ended, what the server has not acknowledged of them is kept", () => {
  const { life, open } = world();
  for (let i = 0; i < 602; i++) open(`p${i}`, bash("ls"));
  expect(life.unacked()).toHaveLength(601);
  for (let i = 0; i < 601; i++) life.acked(`p${i}` as PromptId, "withdrawn");
  expect(life.unacked()).toEqual([]);
});

test("the acknowledgement of what was said first is none of what was said since", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  life.acked("p1" as PromptId, "withdrawn");
  said.length = 0;
  life.restate(); // Of what was on its way nothing is known any more.
  expect(said).toMatchObject([{ type: "withdrawn", chosen: "rejected" }]);
  life.acked("p1" as PromptId, "withdrawn");
  said.length = 0;
  life.restate();
  expect(said).toEqual([]);
});
