import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { AnswerId, HookHealth, OptionId, Prompt, PromptId, WrapperMessage } from "../../protocol.ts";
import type { PermissionInput } from "../claude-hooks.ts";
import { promptOf } from "../hook-prompt.ts";
import { prompts } from "../prompts.ts";
import type { ByKeys } from "../screen-side.ts";
import { detect } from "./detect.ts";
import type { Dialog } from "./dialog.ts";
import { meantBy } from "./screen-prompt.ts";
import { screenPrompts, standsFor } from "./screen-prompts.ts";
import { recorded } from "./testing/recorded.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const VERSIONS = ["2.1.197", "2.1.329"];

async function dialogIn(version: string, name: string, size?: string): Promise<Dialog> {
  const dialog = detect(await recorded(version, name, size));
  if (!dialog) throw new Error(`${version} ${name} is no dialog`);
  return dialog;
}

const asked = (command: string, more: Partial<PermissionInput> = {}): PermissionInput => ({
  hook_event_name: "PermissionRequest",
  session_id: "c",
  transcript_path: "",
  cwd: "/home/developer/wk/proj",
  tool_name: "Bash",
  tool_input: { command, description: "Run a command" },
  permission_suggestions: [],
  ...more,
});
const subagent = { agent_id: "agent-1", agent_type: "general-purpose" };

function world(hooks: HookHealth = "alive") {
  const said: WrapperMessage[] = [];
  const pressed: ByKeys[] = [];
  let stands: Dialog | null = null;
  let ids = 0;
  const life = prompts((message) => void said.push(message), {
    standsFor: (request) => standsFor(stands, request),
    press: (answer) => void pressed.push(answer),
    freed: () => screen.shown(stands),
  });
  const screen = screenPrompts({
    cwd: "/home/developer/wk/proj",
    newId: () => `screen-${++ids}` as PromptId,
    hooks: () => hooks,
    asking: life.asking,
    raised: life.raised,
    left: life.left,
    promptOf,
  });
  const show = (dialog: Dialog | null) => {
    stands = dialog;
    screen.shown(dialog);
  };
  const told = (): Prompt[] => said.flatMap((one) => (one.type === "prompt" ? [one.prompt] : []));
  const answer = (prompt: Prompt | undefined, option: string, id = "a1") => {
    if (!prompt) throw new Error("there is no prompt");
    const { id: named, digest } = prompt;
    const message = { prompt: named, digest, answer_id: id as AnswerId };
    life.answer({ ...message, answer: { option: option as OptionId } }, false);
  };
  const hook = (request: PermissionInput, id = "hook-1") => {
    screen.hooked(request);
    life.opened({ id: id as PromptId, request, decide: () => {} });
  };
  const last = () => said.at(-1);
  return { life, screen, said, pressed, show, told, answer, hook, last };
}

test("what no hook tells of becomes a prompt with the text that stands there", async () => {
  const { show, told, life } = world();
  show(await dialogIn("2.1.329", "auto-cannot-check"));
  expect(told()[0]).toMatchObject({
    kind: "dialog",
    prompt_text: "Auto mode can't check actions in this session",
    cwd: "/home/developer/wk/proj",
    options: [
      { id: "stay", effect: "answer" },
      { id: "leave", effect: "answer" },
      { id: "reject", effect: "reject" },
    ],
  });
  expect(told()[0]?.input).toMatchObject({
    text: expect.stringContaining("file edits and commands such as rm"),
  });
  show(await dialogIn("2.1.329", "auto-cannot-check-2"));
  expect(told()[1]).toMatchObject({
    kind: "dialog",
    tool: "Bash",
    prompt_text: "rm -rf /var/tmp/run-nothing-here",
    input: {
      command: "rm -rf /var/tmp/run-nothing-here",
      text: expect.stringContaining("needs your approval"),
    },
  });
  expect(life.open()).toEqual(["screen-2"] as PromptId[]);
});

test("SEC-034 a dialog with a choice that is not known offers no approval", async () => {
  for (const version of VERSIONS) {
    const { show, told } = world("dead");
    show(await dialogIn(version, "bash-amended"));
    expect(new Set(told()[0]?.options.map(({ effect }) => effect))).toEqual(new Set(["answer"]));
  }
});

test("a tool's dialog is left to its hook; only where none comes, the screen speaks", async () => {
  const dialog = await dialogIn("2.1.329", "bash");
  const hooked = world();
  hooked.show(dialog);
  jest.advanceTimersByTime(300);
  hooked.hook(asked("touch foo.txt && echo hi"));
  jest.advanceTimersByTime(5_000);
  expect(hooked.told().map(({ id }) => id)).toEqual(["hook-1"] as PromptId[]);

  const without = world();
  without.show(dialog);
  jest.advanceTimersByTime(1_000);
  expect(without.told()).toEqual([]);
  jest.advanceTimersByTime(1_000);
  expect(without.told()).toMatchObject([{ kind: "dialog", prompt_text: "touch foo.txt && echo hi" }]);

  const gone = world();
  gone.show(dialog);
  gone.show(null);
  jest.advanceTimersByTime(5_000);
  expect(gone.told()).toEqual([]);

  const dead = world("dead");
  dead.show(dialog);
  expect(dead.told()).toHaveLength(1);
});

test("a hook that comes late takes the place of what the screen said", async () => {
  const { show, hook, life, last } = world();
  show(await dialogIn("2.1.197", "bash"));
  jest.advanceTimersByTime(2_000);
  expect(life.open()).toEqual(["screen-1"] as PromptId[]);
  hook(asked("touch foo.txt && echo hi"));
  expect(life.open()).toEqual(["hook-1"] as PromptId[]);
  expect(last()).toMatchObject({ type: "prompt" });
});

test("a subagent's question is raised from the screen with the exact input of its hook", async () => {
  const { show, screen, told } = world();
  const request = asked("touch sub.txt", subagent);
  screen.heldBack(request);
  expect(told()).toEqual([]);
  show(await dialogIn("2.1.329", "agent", "40x30"));
  expect(told()).toMatchObject([
    {
      kind: "permission",
      tool: "Bash",
      input: request.tool_input,
      agent: "agent-1",
      prompt_text: "touch sub.txt",
    },
  ]);
  expect(told()[0]?.options.map(({ id }) => id.split("-")[0])).toEqual([
    "approve",
    "always",
    "always",
    "reject",
  ]);
});

test("SEC-035 a subagent's dialog that shows other than its hook told gets no card", async () => {
  const { show, screen, told } = world();
  screen.heldBack(asked("touch other.txt", subagent));
  show(await dialogIn("2.1.329", "agent"));
  jest.advanceTimersByTime(5_000);
  expect(told()).toEqual([]);
  screen.heldBack(asked("touch sub.txt", { ...subagent, agent_type: "explorer" }));
  expect(told()).toEqual([]);
  screen.heldBack(asked("touch sub.txt", subagent)); // The hook's word may be later than the picture.
  expect(told()).toHaveLength(1);
});

test("a subagent's next question is not taken for one about the dialog that stood last", async () => {
  const { show, screen, told, life } = world();
  screen.heldBack(asked("touch sub.txt", subagent));
  show(await dialogIn("2.1.329", "agent"));
  for (const { id } of life.asking()) life.left(id); // Answered; nobody has looked at the screen since.
  screen.heldBack(asked("touch next.txt", subagent));
  expect(told()).toHaveLength(1);
});

test("two questions that look alike and are not the same are not told apart by the screen", async () => {
  const { show, screen, told } = world();
  screen.heldBack(asked("touch sub.txt", subagent));
  screen.heldBack({
    ...asked("touch sub.txt", subagent),
    tool_input: { command: "touch sub.txt", timeout: 1 },
  });
  show(await dialogIn("2.1.329", "agent"));
  expect(told()).toEqual([]);
});

test("the same question of two subagents is two prompts, one after the other", async () => {
  const { show, screen, told, life } = world();
  const dialog = await dialogIn("2.1.329", "agent");
  screen.heldBack(asked("touch sub.txt", subagent));
  screen.heldBack(asked("touch sub.txt", { ...subagent, agent_id: "agent-2" }));
  show(dialog);
  show({ ...dialog, position: 2 });
  expect(told().map(({ agent }) => agent)).toEqual(["agent-1", "agent-2"]);
  expect(life.open()).toHaveLength(1);
  show(null);
  show(dialog); // Both were told of, and are over.
  expect(told()).toHaveLength(2);
});

test("a prompt of the screen ends with its dialog, and stays while only the pointer moves", async () => {
  const { show, life, last } = world("dead");
  const dialog = await dialogIn("2.1.329", "bash");
  show(dialog);
  show({ ...dialog, at: { row: 2, column: 0 } });
  expect(life.open()).toHaveLength(1);
  show(null);
  expect(life.open()).toEqual([]);
  expect(last()).toMatchObject({ type: "withdrawn", by: "desk", chosen: null });
});

test("an answer by keys is delivered when the key is pressed, and accepted when the dialog is gone", async () => {
  const { show, told, answer, pressed, life, said } = world("dead");
  show(await dialogIn("2.1.329", "bash"));
  const [prompt] = told();
  answer(prompt, "approve");
  answer(prompt, "approve");
  expect(pressed).toMatchObject([{ prompt: "screen-1", answer_id: "a1", answer: { option: "approve" } }]);
  expect(said.map(({ type }) => type)).toEqual(["prompt"]);
  life.pressed("screen-1" as PromptId, "a1" as AnswerId);
  life.left("screen-1" as PromptId);
  expect(said.map(({ type }) => type)).toEqual(["prompt", "delivered", "accepted"]);
});

test("keys at the desk count only where claude may not have read them before ours", async () => {
  for (const { before, end } of [
    { before: 1_500, end: { type: "accepted" } },
    { before: 500, end: { type: "too_late", by: "unknown" } },
  ]) {
    const { show, told, answer, life, last } = world("dead");
    show(await dialogIn("2.1.329", "bash"));
    jest.advanceTimersByTime(5_000);
    life.touched();
    answer(told()[0], "approve");
    jest.advanceTimersByTime(before);
    life.pressed("screen-1" as PromptId, "a1" as AnswerId);
    life.left("screen-1" as PromptId);
    jest.advanceTimersByTime(10_000);
    expect(last()).toMatchObject(end);
  }
});

test("the desk that answers before the key is pressed was first", async () => {
  const { show, told, answer, life, last } = world("dead");
  show(await dialogIn("2.1.329", "bash"));
  answer(told()[0], "approve");
  show(null);
  expect(last()).toMatchObject({ type: "too_late", by: "desk" });
  life.pressed("screen-1" as PromptId, "a1" as AnswerId);
  life.missed("screen-1" as PromptId, "a1" as AnswerId);
  expect(last()).toMatchObject({ type: "too_late", by: "desk" });
});

test("a dialog that was gone when the keys came names nobody", async () => {
  const { show, told, answer, life, last } = world("dead");
  show(await dialogIn("2.1.329", "bash"));
  answer(told()[0], "approve");
  life.missed("screen-1" as PromptId, "a1" as AnswerId);
  expect(last()).toEqual({ type: "too_late", prompt: "screen-1" as PromptId, by: "unknown", chosen: null });
});

test("an answer that could not be pressed is told so, also when it comes again; another one can be given", async () => {
  const { show, told, answer, pressed, life, last } = world("dead");
  show(await dialogIn("2.1.329", "bash"));
  answer(told()[0], "reject");
  life.notApplied("screen-1" as PromptId, "a1" as AnswerId, "Somebody is typing.");
  const reason = "Somebody is typing.";
  expect(last()).toEqual({
    type: "not_applied",
    prompt: "screen-1" as PromptId,
    answer_id: "a1" as AnswerId,
    reason,
  });
  expect(life.open()).toEqual(["screen-1"] as PromptId[]);
  const word = last();
  life.restate();
  answer(told()[0], "reject");
  expect(pressed).toHaveLength(1);
  expect(last()).toEqual(word);
  answer(told()[0], "reject", "a2");
  expect(pressed).toHaveLength(2);
  life.notApplied("screen-1" as PromptId, "other" as AnswerId, "Another's.");
  expect(last()).toMatchObject({ type: "not_applied", reason });
});

test("an answer to another digest, or by an option that does not stand there, presses nothing", async () => {
  const { show, told, answer, pressed } = world("dead");
  show(await dialogIn("2.1.329", "bash"));
  const [prompt] = told();
  answer(prompt && { ...prompt, digest: "0".repeat(64) as Prompt["digest"] }, "approve");
  answer(prompt, "mode-auto");
  expect(pressed).toEqual([]);
});

test("a hook that ends while its dialog stands leaves the prompt open, to be answered by keys", async () => {
  for (const version of VERSIONS) {
    const { show, hook, told, answer, pressed, life } = world();
    const dialog = await dialogIn(version, "bash");
    hook(asked("touch foo.txt && echo hi"));
    life.claudeWaits(true);
    show(dialog);
    life.hookGone("hook-1" as PromptId);
    jest.advanceTimersByTime(200);
    expect(life.open()).toEqual(["hook-1"] as PromptId[]);
    const [before, after] = told();
    expect(after).toMatchObject({ id: "hook-1", kind: "permission", input: before?.input });
    expect(after?.options.map(({ label }) => label)).toEqual(dialog.options.map(({ label }) => label));
    answer(before, "approve"); // What was shown before is not what stands there now.
    expect(pressed).toEqual([]);
    answer(after, "approve");
    expect(pressed).toHaveLength(1);
    show(null);
    expect(life.open()).toEqual([]);
  }
});

test("a hook that ends with its dialog, or over another's, ends the prompt as before", async () => {
  const { hook, life, last } = world();
  hook(asked("touch foo.txt && echo hi"));
  life.claudeWaits(true);
  life.hookGone("hook-1" as PromptId);
  life.claudeWaits(false);
  jest.advanceTimersByTime(200);
  expect(last()).toMatchObject({ type: "withdrawn", by: "desk" });

  const other = world();
  other.hook(asked("touch bar.txt"));
  other.life.claudeWaits(true);
  other.show(await dialogIn("2.1.329", "bash"));
  other.life.hookGone("hook-1" as PromptId);
  jest.advanceTimersByTime(200);
  expect(other.life.open()).toEqual([]);
});

test("a question on the screen is answered like every question, by a choice or in one's own words", async () => {
  for (const version of VERSIONS) {
    const dialog = await dialogIn(version, "ask-single");
    const { show, told } = world("dead");
    show(dialog);
    const [prompt] = told();
    const labels = ["Red", "Blue", "Green"];
    expect(prompt).toMatchObject({
      kind: "dialog",
      input: { choices: labels },
      options: [
        { id: "answer", effect: "answer" },
        { id: "reject", label: "Chat about this" },
      ],
    });
    const options = labels.map((label) => ({ label, description: "" }));
    const question = "Which color should the button be?";
    expect(prompt?.questions).toEqual([{ question, header: "Color", multi_select: false, options }]);
    const means = (said: string) =>
      meantBy(dialog, { option: "answer" as OptionId, answers: { [question]: said } });
    expect(means("Blue")).toEqual({ option: dialog.options[1] });
    expect(means("purple")).toEqual({ option: dialog.options[3], text: "purple" });
  }
});

test("a question whose hook ended is asked anew from the screen", async () => {
  const { show, hook, told, life } = world();
  hook({ ...asked(""), tool_name: "AskUserQuestion", tool_input: { questions: [] } });
  life.claudeWaits(true);
  show(await dialogIn("2.1.329", "ask-single"));
  jest.advanceTimersByTime(2_000);
  expect(told()).toHaveLength(1);
  life.hookGone("hook-1" as PromptId);
  jest.advanceTimersByTime(2_000);
  expect(told()).toHaveLength(2);
  expect(life.open()).toEqual(["screen-1"] as PromptId[]);
});

test("a form's fields are questions to be answered in one's own words", async () => {
  const { show, told } = world();
  show(await dialogIn("2.1.329", "elicit"));
  expect(told()[0]?.questions).toEqual([
    { question: "Name", header: "What is your name?", multi_select: false, options: [] },
    { question: "Agree", header: "What is your name?", multi_select: false, options: [] },
  ]);
});
