import { expect, test } from "bun:test";
import { messagesApi } from "./messages-api.ts";

type Block = { type: string; text?: string; id?: string; name?: string; input?: Record<string, unknown> };
type Event = {
  type: string;
  index?: number;
  content_block?: Block;
  delta?: { text?: string; partial_json?: string; stop_reason?: string; safeguard_results?: unknown[] };
};
const user = (content: string | object[]) => ({ role: "user", content });
const result = (id: string | undefined, content: string, isError = false) =>
  user([{ type: "tool_result", tool_use_id: id, content, is_error: isError }]);
const TOOLS = [{ name: "Bash" }];

function post(url: string, messages: object[], extra: object = {}) {
  const body = { model: "a-model", stream: true, tools: TOOLS, messages, ...extra };
  return fetch(`${url}/v1/messages?beta=true`, { method: "POST", body: JSON.stringify(body) });
}

/** Puts the answer together from its events, as claude does. */
async function ask(url: string, messages: object[], extra: object = {}) {
  const response = await post(url, messages, extra);
  const events = (await response.text()).split("\n\n").flatMap((event): Event[] => {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    return data ? [JSON.parse(data)] : [];
  });
  const blocks = events.flatMap(({ index, content_block }): Block[] => {
    if (!content_block) return [];
    const mine = events.filter((event) => event.index === index && event.delta);
    if (content_block.type === "text")
      return [{ type: "text", text: mine.map(({ delta }) => delta?.text ?? "").join("") }];
    const json = mine.map(({ delta }) => delta?.partial_json ?? "").join("");
    return [{ ...content_block, input: JSON.parse(json) }];
  });
  return { status: response.status, events, blocks, end: events.at(-2)?.delta };
}

test("each directive is one turn, and the last answer tells what the tools gave back", async () => {
  await using api = await messagesApi();
  const prompt = user("RUN: echo one ;; RUN: echo two");
  const first = await ask(api.url, [prompt]);
  expect(first.blocks).toMatchObject([{ name: "Bash", input: { command: "echo one" } }]);
  expect(first.end?.stop_reason).toBe("tool_use");
  const turn = { role: "assistant", content: first.blocks };
  const second = await ask(api.url, [prompt, turn, result(first.blocks[0]?.id, "one")]);
  expect(second.blocks).toMatchObject([{ name: "Bash", input: { command: "echo two" } }]);
  const again = { role: "assistant", content: second.blocks };
  const refused = result(second.blocks[0]?.id, "not today", true);
  const last = await ask(api.url, [prompt, turn, result(first.blocks[0]?.id, "one"), again, refused]);
  expect(last.blocks).toEqual([{ type: "text", text: "Done: not today" }]);
  expect(last.end?.stop_reason).toBe("end_turn");
  expect(api.requests.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(api.requests[2]?.results).toEqual([
    { id: second.blocks[0]?.id ?? "", text: "not today", isError: true },
  ]);
});

const turns: [prompt: string, block: object][] = [
  [
    "WRITE: a.txt some words",
    { name: "Write", input: { file_path: "a.txt", content: "some words\nsecond line\n" } },
  ],
  [
    "EDIT: a.txt|old|new",
    { name: "Edit", input: { file_path: "a.txt", old_string: "old", new_string: "new" } },
  ],
  ["READ: a.txt", { name: "Read", input: { file_path: "a.txt" } }],
  ["WEBFETCH: http://localhost/", { name: "WebFetch", input: { url: "http://localhost/" } }],
  ["ASK", { name: "AskUserQuestion", input: { questions: [{ header: "Color", multiSelect: false }] } }],
  [
    "ASK: multi",
    { name: "AskUserQuestion", input: { questions: [{ header: "Features", multiSelect: true }] } },
  ],
  [
    "ASK: many",
    { input: { questions: [{ header: "Color" }, { header: "Features" }, { header: "Database" }] } },
  ],
  ["PLAN", { name: "ExitPlanMode", input: {} }],
  ['MCP: mcp__a__b {"x":1}', { name: "mcp__a__b", input: { x: 1 } }],
  ["TOOL: Glob", { name: "Glob", input: {} }],
  ["AGENT: SAY: a ,, SAY: b", { name: "Agent", input: { prompt: "SAY: a ;; SAY: b" } }],
  ["TEXT: 2", { text: "line 1 of the answer\nline 2 of the answer" }],
  ["SAY: “two words”…", { text: "“two words”…" }],
  ["please ask nobody", { text: "Hello from the stand-in." }],
];
test.each(turns)("%s", async (prompt, block) => {
  await using api = await messagesApi();
  const { blocks } = await ask(api.url, [user(prompt)]);
  expect(blocks).toMatchObject([block]);
});

test("a plan is written to the file that the request names before it is shown", async () => {
  await using api = await messagesApi();
  const system = [{ type: "text", text: "Write the plan to /home/me/.claude/plans/a-plan.md only." }];
  const first = await ask(api.url, [user("PLAN: do it")], { system });
  const input = { file_path: "/home/me/.claude/plans/a-plan.md", content: "do it" };
  expect(first.blocks).toMatchObject([{ name: "Write", input }]);
  const written = [{ role: "assistant", content: first.blocks }, result(first.blocks[0]?.id, "ok")];
  const second = await ask(api.url, [user("PLAN: do it"), ...written], { system });
  expect(second.blocks).toMatchObject([{ name: "ExitPlanMode" }]);
});

test("MULTI makes one turn of all directives", async () => {
  await using api = await messagesApi();
  const messages = [user("MULTI ;; READ: a ;; READ: b")];
  const { blocks } = await ask(api.url, messages);
  expect(blocks.map(({ input }) => input?.file_path)).toEqual(["a", "b"]);
  const results = blocks.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "x" }));
  const last = await ask(api.url, [...messages, { role: "assistant", content: blocks }, user(results)]);
  expect(last.blocks).toEqual([{ type: "text", text: "Done: x | x" }]);
});

test("the prompt is the user's own newest words", async () => {
  await using api = await messagesApi();
  const reminder = { type: "text", text: "<system-reminder>SAY: not this</system-reminder>" };
  const pasted = { type: "text", text: '<pasted_content id="1">SAY: this</pasted_content>' };
  const interrupted = user([{ type: "text", text: "[Request interrupted by user]" }]);
  const { blocks } = await ask(api.url, [user("SAY: old"), user([pasted, reminder]), interrupted]);
  expect(blocks).toEqual([{ type: "text", text: "this" }]);
});

test("a verdict is given only where the request asks for one", async () => {
  await using api = await messagesApi();
  const safeguards = [{ type: "dangerous_tool_use" }];
  const flagged = await ask(api.url, [user("FLAG: too bold ;; RUN: rm x")], { safeguards });
  const id = flagged.blocks[0]?.id ?? "";
  const verdict = { type: "evaluated", outcome: "flagged", explanation: "too bold" };
  const status = { type: "available", tool_uses: { [id]: verdict } };
  expect(flagged.end?.safeguard_results).toEqual([{ type: "dangerous_tool_use", status }]);
  const safe = await ask(api.url, [user("SAFE ;; RUN: ls")], { safeguards });
  expect(JSON.stringify(safe.end)).toContain('"outcome":"not_flagged"');
  expect((await ask(api.url, [user("SAFE ;; RUN: ls")])).end?.safeguard_results).toBeUndefined();
});

test("errors have claude's form, also for a directive that makes no sense", async () => {
  await using api = await messagesApi();
  const overloaded = await post(api.url, [user("ERROR: 529")]);
  expect(overloaded.status).toBe(529);
  expect(await overloaded.json()).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  expect((await post(api.url, [user("TOOL: Bash {broken")])).status).toBe(400);
  expect((await fetch(`${api.url}/v1/models`)).status).toBe(404);
});

test("a title, a token count and an answer in one piece are given", async () => {
  await using api = await messagesApi();
  const title = await ask(api.url, [user("ERROR: 500")], { tools: [] });
  expect(title.blocks).toEqual([{ type: "text", text: '{"title":"A session"}' }]);
  const count = await fetch(`${api.url}/v1/messages/count_tokens`, { method: "POST", body: "{}" });
  expect(await count.json()).toEqual({ input_tokens: 10 });
  const whole = await post(api.url, [user("SAY: at once")], { stream: false });
  expect(await whole.json()).toMatchObject({
    content: [{ type: "text", text: "at once" }],
    stop_reason: "end_turn",
  });
  expect(api.requests.map(({ tools }) => tools.length)).toEqual([0, 1]);
});

test("a test can wait for a request", async () => {
  await using api = await messagesApi();
  const wanted = api.waitFor(({ prompt }) => prompt === "SAY: b");
  await ask(api.url, [user("SAY: a")]);
  await ask(api.url, [user("SAY: b")]);
  expect((await wanted).prompt).toBe("SAY: b");
  expect((await api.waitFor(({ prompt }) => prompt === "SAY: a")).step).toBe(0);
  await expect(api.waitFor(({ prompt }) => prompt === "SAY: c", { timeout: 1 })).rejects.toThrow("0 SAY: b");
});

test("an answer comes at its rate, and is cut when the stand-in ends", async () => {
  const api = await messagesApi();
  const response = await post(api.url, [user("RATE: 3600000 ;; SAY: first piece of it, and a second")]);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("first piece")) text += (await reader?.read())?.value ?? "";
  const slow = post(api.url, [user("SLOW: 3600000 ;; SAY: never")]);
  slow.catch(() => {});
  await api.waitFor(({ prompt }) => prompt.startsWith("SLOW"));
  await api[Symbol.asyncDispose]();
  expect(text).not.toContain("second");
  await expect(slow).rejects.toThrow();
});
