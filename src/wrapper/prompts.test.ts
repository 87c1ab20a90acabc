import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { AnswerId, OptionId, PromptId, WrapperMessage } from "../protocol.ts";
import type { PermissionInput } from "./claude-hooks.ts";
import type { Dialog } from "./dialogs/dialog.ts";
import { prompts } from "./prompts.ts";
import type { ByKeys, ScreenSide } from "./screen-side.ts";

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

function world(screen?: ScreenSide) {
  const said: WrapperMessage[] = [];
  const decided: (object | null)[] = [];
  const life = prompts((message) => void said.push(message), screen);
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
  /** What the transcript tells of a call, all at once. */
  const ended = (
    call: string,
    input: object,
    chosen: "approved" | "rejected",
    byHook = false,
    tool = "Bash",
  ) => {
    life.toolCalled(call, tool, { ...input });
    life.toolEnded(call, { chosen, byHook });
  };
  return { life, said, decided, open, answer, types, ended };
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

test("SEC-029 SEC-045 an answer with another digest, or to an option that was not offered, decides nothing", () => {
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

test("the transcript's relative paths and left-out defaults are the same call", () => {
  const { life, open, ended } = world();
  const tool_input = { file_path: "/project/a.txt", old_string: "a", new_string: "b", replace_all: false };
  open("p1", { ...bash(""), tool_name: "Edit", tool_input });
  ended("c1", { file_path: "a.txt", old_string: "a", new_string: "c" }, "approved", false, "Edit");
  expect(life.open()).toHaveLength(1);
  ended("c2", { file_path: "a.txt", old_string: "a", new_string: "b" }, "approved", false, "Edit");
  expect(life.open()).toEqual([]);
});

test("the end of a turn ends its own questions only", () => {
  const { life, open } = world();
  open("p1", { ...bash("ls"), prompt_id: "turn 2" });
  open("p2", { ...bash("ls", "agent"), prompt_id: "turn 2" });
  life.turnEnded("turn 1", null);
  life.turnEnded(undefined, null);
  life.turnEnded("turn 2", "another agent");
  expect(life.open()).toHaveLength(2);
  life.turnEnded("turn 2", null);
  expect(life.open()).toEqual(["p2"] as PromptId[]);
  life.turnEnded("turn 2", "agent");
  expect(life.open()).toEqual([]);
});

test("a subagent's question that asks after its agent has stopped does not stand, unless the screen shows it", () => {
  for (const standing of [null, {} as Dialog]) {
    const { life, said, open } = world({ standsFor: () => standing, press() {}, freed() {} });
    open("p1", { ...bash("ls", "another"), prompt_id: "turn" });
    life.claudeWaits(true);
    life.turnEnded("turn", "agent");
    open("p2", { ...bash("ls", "agent"), prompt_id: "turn" });
    jest.advanceTimersByTime(2_100);
    expect(life.open()).toEqual((standing ? ["p1", "p2"] : ["p1"]) as PromptId[]);
    if (!standing) expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p2", by: "desk" });
    open("p3", { ...bash("ls", "agent"), prompt_id: "turn" });
    jest.advanceTimersByTime(2_100);
    expect(life.open()).toEqual(["p1", "p3"] as PromptId[]);
  }
});

test("an answer to a question whose agent had stopped is believed by nobody", () => {
  for (const waiting of [true, false]) {
    const { life, said, open, answer } = world();
    open("p1", bash("ls", "another"));
    life.claudeWaits(true);
    life.turnEnded("turn", "agent");
    answer(open("p2", { ...bash("ls", "agent"), prompt_id: "turn" }), "approve");
    if (!waiting) life.claudeWaits(false);
    jest.advanceTimersByTime(2_100);
    expect(said.at(-1)).toMatchObject({ type: "too_late", prompt: "p2", by: "unknown" });
  }
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
  const { said, decided, open, answer, ended } = world();
  const prompt = open("p1", bash("ls"));
  ended("c1", { command: "ls" }, "approved");
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
  jest.advanceTimersByTime(100);
  life.claudeWaits(false);
  expect(types()).toEqual(["prompt", "delivered"]);
  jest.advanceTimersByTime(400);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
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

test("an answer after claude let go of the hook is not handed over, and is too late", () => {
  const { life, said, decided, open, answer } = world();
  const prompt = open("p1", bash("ls"));
  life.claudeWaits(true);
  life.hookGone(prompt.id);
  answer(prompt, "approve");
  life.claudeWaits(false);
  jest.advanceTimersByTime(200);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk" });
  answer(prompt, "approve");
  expect(said.at(-1)).toMatchObject({ type: "too_late", by: "desk" });
  expect(decided).toEqual([null]);
});

test("a hook that ends while claude still waits blames nobody until evidence does", () => {
  const { life, said, open, ended } = world();
  open("p1", bash("ls"));
  life.claudeWaits(true);
  life.hookGone("p1" as PromptId);
  jest.advanceTimersByTime(200);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "unknown", chosen: null });
  ended("c1", { command: "ls" }, "approved");
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "approved" });
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

test("what the transcript said of a question before its hook asked is known when claude exits", () => {
  const { life, said, open, ended } = world();
  ended("c1", { command: "ls" }, "approved");
  open("p1", bash("ls"));
  life.exited();
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", by: "desk", chosen: "approved" });
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

test("a question that claude never waits on does not stand; without its word every question does", () => {
  const { life, said, open } = world();
  open("p1", bash("ls", "agent"));
  jest.advanceTimersByTime(20_000);
  expect(life.open()).toEqual(["p1"] as PromptId[]);
  life.claudeWaits(false);
  expect(life.open()).toEqual([]);
  open("p2", bash("ls"));
  jest.advanceTimersByTime(9_000);
  expect(life.open()).toEqual(["p2"] as PromptId[]);
  jest.advanceTimersByTime(2_000);
  expect(said.at(-1)).toMatchObject({ type: "withdrawn", prompt: "p2", by: "desk", chosen: null });
  life.claudeWaits(true);
  open("p3", bash("ls")); // Another one is what claude waits on.
  jest.advanceTimersByTime(11_000);
  expect(life.open()).toContain("p3" as PromptId);
  life.claudeWaits(false);
  expect(life.open()).not.toContain("p3" as PromptId);
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

test("however many prompts have ended, what the server has not acknowledged of them is kept", () => {
  const { life, open } = world();
  for (let i = 0; i < 602; i++) open(`p${i}`, bash("ls"));
  expect(life.unacked()).toHaveLength(601);
  for (let i = 0; i < 601; i++) life.acked(`p${i}` as PromptId, "withdrawn");
  expect(life.unacked()).toEqual([]);
});

test("an answer is not accepted while claude still waits, however long", () => {
  const { life, open, answer, types } = world();
  const prompt = open("p1", bash("ls"));
  life.claudeWaits(true);
  answer(prompt, "approve");
  jest.advanceTimersByTime(8_000);
  expect(types()).toEqual(["prompt", "delivered"]);
  life.claudeWaits(false);
  expect(types()).toEqual(["prompt", "delivered", "accepted"]);
});

test("an answer by keys is nothing before its key is pressed, and not delivered if it could not be given", () => {
  const pressed: ByKeys[] = [];
  const screen = { standsFor: () => null, press: (one: ByKeys) => void pressed.push(one), freed() {} };
  const { life, open, answer, types } = world(screen);
  const { id: _, ...shown } = open("p0", bash("ls", "agent"));
  const prompt = { ...shown, id: "p1" as PromptId };
  const id = prompt.id;
  life.raised({ prompt, request: bash("ls", "agent"), dialog: {} as Dialog });
  answer(prompt, "approve");
  expect(pressed).toMatchObject([{ prompt: "p1", answer_id: "a1" }]);
  jest.advanceTimersByTime(1_000);
  life.claudeWaits(false);
  expect(life.open()).toContain(id);
  life.pressed(id, "a1" as AnswerId);
  expect(life.unacked()).toMatchObject([{ type: "delivered", prompt: "p1" }]);
  life.notApplied(id, "a1" as AnswerId, "Somebody is typing.");
  expect(life.unacked()).toEqual([]);
  expect(types().at(-1)).toBe("not_applied");
  answer(prompt, "approve", "a2");
  expect(pressed).toHaveLength(2);
});

test("a prompt offers what claude offers: always-allow only with its scope, which its id and the digest name", () => {
  const { open } = world();
  expect(open("p1", bash("ls")).options.map(({ id }) => String(id))).toEqual(["approve", "reject"]);
  const allows = (ruleContent: string) => ({
    ...bash("ls"),
    permission_suggestions: [
      { type: "addRules", rules: [{ toolName: "Bash", ruleContent }], destination: "session" },
    ],
  });
  const [one, other] = [open("p2", allows("ls *")), open("p2", allows("rm *"))];
  expect(one.options.map(({ effect }) => effect)).toEqual(["approve", "approve_always", "reject"]);
  expect(one.options[1]?.id).not.toBe(other.options[1]?.id);
  expect(one.digest).not.toBe(other.digest);
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

test("a question that did not stand any more when claude exited was closed at the desk", () => {
  const { life, said, open } = world();
  life.claudeWaits(false);
  open("p1", bash("ls"));
  jest.advanceTimersByTime(3_000);
  open("p2", bash("ls", "agent"));
  life.exited();
  expect(said.slice(-2)).toMatchObject([
    { type: "withdrawn", prompt: "p1", by: "desk" },
    { type: "withdrawn", prompt: "p2", by: "exited" },
  ]);
});
