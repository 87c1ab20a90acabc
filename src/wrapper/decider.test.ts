import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { PromptId } from "../protocol.ts";
import { bash, world } from "./testing/asked.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("a tool that ran is evidence that the desk approved it", () => {
  const { said, open, ended } = world();
  open("p1", bash("ls"));
  ended("c1", { command: "ls" }, "approved");
  expect(said.at(-1)).toEqual({
    type: "withdrawn",
    prompt: "p1" as PromptId,
    by: "desk",
    chosen: "approved",
  });
});

test("evidence that comes after the dialog is gone completes what was told", () => {
  const { life, said, open, ended } = world();
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  ended("c1", { command: "ls" }, "rejected");
  ended("c2", { command: "ls" }, "rejected");
  expect(said.slice(1)).toEqual([
    { type: "withdrawn", prompt: "p1" as PromptId, by: "desk", chosen: null },
    { type: "withdrawn", prompt: "p1" as PromptId, by: "desk", chosen: "rejected" },
  ]);
});

test("a key at the desk in the same moment: evidence says whether claude took the answer", () => {
  const cases = [
    { option: "approve", chosen: "approved", byHook: true, told: { type: "accepted" } },
    { option: "reject", chosen: "rejected", byHook: true, told: { type: "accepted" } },
    { option: "approve", chosen: "rejected", byHook: false, told: { type: "too_late", by: "desk" } },
    { option: "reject", chosen: "approved", byHook: false, told: { type: "too_late", by: "desk" } },
    { option: "approve", chosen: "approved", byHook: false, told: { type: "too_late", by: "desk" } },
    { option: "reject", chosen: "approved", byHook: true, told: { type: "too_late", by: "unknown" } },
  ] as const;
  for (const { option, chosen, byHook, told } of cases) {
    for (const order of ["desk first", "phone first"]) {
      const { life, said, open, answer, types, ended } = world();
      const prompt = open("p1", bash("ls"));
      life.claudeWaits(true);
      if (order === "desk first") life.touched();
      answer(prompt, option);
      if (order === "phone first") life.touched();
      life.claudeWaits(false);
      expect(types()).toEqual(["prompt", "delivered"]);
      ended("c1", { command: "ls" }, chosen, byHook);
      expect(said.at(-1)).toMatchObject(told);
      jest.advanceTimersByTime(60_000);
      expect(types()).toHaveLength(3);
    }
  }
});

test("without evidence of who was first, a yes is accepted, since its tool runs; a no names nobody", () => {
  const cases = [
    { option: "approve", told: { type: "accepted" } },
    { option: "reject", told: { type: "too_late", by: "unknown", chosen: null } },
  ];
  for (const { option, told } of cases) {
    const { life, said, open, answer, types } = world();
    life.toolCalled("c1", "Bash", { command: "npm test" });
    const prompt = open("p1", bash("npm test"));
    life.claudeWaits(true);
    life.touched();
    answer(prompt, option);
    life.claudeWaits(false);
    jest.advanceTimersByTime(4_000);
    expect(types()).toEqual(["prompt", "delivered"]);
    jest.advanceTimersByTime(2_000);
    expect(said.at(-1)).toMatchObject(told);
  }
});

test("a key before the question was drawn does not make its end doubtful", () => {
  const { life, open, answer, types } = world();
  life.touched();
  jest.advanceTimersByTime(600);
  const prompt = open("p1", bash("npm test"));
  life.claudeWaits(true);
  answer(prompt, "approve");
  life.claudeWaits(false);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
});

test("a key long before the answer does not make its end doubtful", () => {
  const { life, open, answer, types } = world();
  const prompt = open("p1", bash("npm test"));
  life.claudeWaits(true);
  life.touched();
  jest.advanceTimersByTime(10_000);
  answer(prompt, "approve");
  life.claudeWaits(false);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
});

test("a key while several questions are open may have decided each of them: no answer is accepted without evidence", () => {
  const { life, said, open, answer } = world();
  open("p1", bash("ls", "one"));
  const second = open("p2", bash("ls", "two"));
  open("p3", bash("ls", "three"));
  life.claudeWaits(true);
  life.touched();
  jest.advanceTimersByTime(20_000);
  answer(second, "approve");
  life.claudeWaits(false);
  jest.advanceTimersByTime(5_000);
  expect(said.at(-1)).toMatchObject({ type: "too_late", prompt: "p2", by: "unknown" });
  open("p4", bash("ls", "four"));
  const fifth = open("p5", bash("ls", "five"));
  life.claudeWaits(true);
  jest.advanceTimersByTime(5_000);
  answer(fifth, "approve");
  life.claudeWaits(false);
  expect(said.at(-1)).toMatchObject({ type: "accepted", prompt: "p5" });
});

test("of several questions that a key may have decided nobody says that claude's exit ended them", () => {
  const { life, said, open } = world();
  open("p1", bash("ls", "one"));
  life.touched();
  open("p2", bash("ls", "two"));
  jest.advanceTimersByTime(1_000);
  open("p3", bash("ls", "three"));
  life.exited();
  const ends = said.flatMap((one) => (one.type === "withdrawn" ? [one.by] : []));
  expect(ends).toEqual(["unknown", "unknown", "exited"]);
});

test("claude that exits just after an answer may have taken it: nobody is named", () => {
  const { life, said, open, answer } = world();
  const prompt = open("p1", bash("ls"));
  open("p2", bash("ls", "agent"));
  life.claudeWaits(true);
  answer(prompt, "approve");
  life.exited();
  expect(said.slice(-2)).toMatchObject([
    { type: "too_late", prompt: "p1", by: "unknown" },
    { type: "withdrawn", prompt: "p2", by: "exited" },
  ]);
});

test("evidence completes also what was told to an answer that came too late", () => {
  const { life, said, open, answer } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  const prompt = open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  answer(prompt, "reject");
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "desk", chosen: null });
  life.toolEnded("c1", { chosen: "approved", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "desk", chosen: "approved" });
});

test("an answer to a question that claude has not waited on for seconds is believed only by evidence", () => {
  const { life, said, open, answer, types } = world();
  life.claudeWaits(false);
  const prompt = open("p1", bash("ls"));
  jest.advanceTimersByTime(3_000);
  answer(prompt, "approve");
  jest.advanceTimersByTime(1_000);
  expect(types()).toEqual(["prompt", "delivered"]);
  jest.advanceTimersByTime(5_000);
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "unknown" });
  // Of two at a time claude says once that it waits.
  open("p2", bash("ls", "agent"));
  life.claudeWaits(true);
  const other = open("p3", bash("ls", "other agent"));
  jest.advanceTimersByTime(3_000);
  answer(other, "approve", "a3");
  life.claudeWaits(false);
  jest.advanceTimersByTime(1_000);
  expect(said.at(-1)).toMatchObject({ type: "accepted", prompt: "p3" });
});

test("of a subagent's call there is no evidence: a contested answer names nobody", () => {
  const { life, said, open, answer } = world();
  const prompt = open("p1", bash("npm test", "agent"));
  life.claudeWaits(true);
  life.touched();
  answer(prompt, "approve");
  life.claudeWaits(false);
  jest.advanceTimersByTime(6_000);
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "unknown" });
});

test("late evidence changes no end that is known, and is told once", () => {
  const { life, said, open } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.claudeWaits(false);
  const before = said.length;
  life.toolEnded("c1", { chosen: "approved", byHook: true });
  expect(said).toHaveLength(before);
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  life.toolEnded("c1", { chosen: "approved", byHook: false });
  expect(said.slice(before)).toMatchObject([{ type: "withdrawn", by: "desk", chosen: "rejected" }]);
});

test("a clock that is set does not change what is believed", () => {
  const { life, said, open, answer } = world();
  life.toolCalled("c1", "Bash", { command: "ls" });
  jest.setSystemTime(Date.now() + 86_400_000);
  const prompt = open("p1", bash("ls"));
  jest.setSystemTime(Date.now() - 2 * 86_400_000);
  life.claudeWaits(true);
  life.touched();
  jest.setSystemTime(Date.now() - 86_400_000);
  answer(prompt, "approve");
  life.claudeWaits(false);
  life.toolEnded("c1", { chosen: "rejected", byHook: false });
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "desk", chosen: "rejected" });
  life.restate();
  expect(said.findLast(({ type }) => type === "prompt")).toMatchObject({ prompt: { age_ms: 0 } });
});
