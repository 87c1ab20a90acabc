import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { AnswerId, PromptId } from "../protocol.ts";
import type { Dialog } from "./dialogs/dialog.ts";
import type { ByKeys } from "./screen-side.ts";
import { bash, world } from "./testing/asked.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

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

test("SEC-045 the digest is of the very input that is shown", () => {
  const digest = (command: string) => world().open("p1", bash(command)).digest;
  expect(digest("ls")).toBe(digest("ls"));
  expect(digest("ls")).not.toBe(digest("rm -rf ~"));
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
