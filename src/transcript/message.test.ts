import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MessagePart } from "../protocol.ts";
import { cpuMs } from "../testing/cpu.ts";
import { costOf, messageOf } from "./message.ts";

const lines = (version: string) =>
  readFileSync(join(import.meta.dir, "testdata", `${version}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");

const line = (record: object) =>
  JSON.stringify({ uuid: "u1", timestamp: "2026-11-21T10:00:00.000Z", ...record });
const user = (content: unknown, more: object = {}) =>
  messageOf(line({ type: "user", message: { role: "user", content }, ...more }));
const assistant = (content: unknown, more: object = {}) =>
  messageOf(line({ type: "assistant", message: { role: "assistant", content }, ...more }));
const part = (message: ReturnType<typeof messageOf>) => message?.body.parts[0];

/** A part as one line. */
function shown(part: MessagePart): string {
  switch (part.type) {
    case "call":
      return `call ${part.tool} ${JSON.stringify(part.input)}`;
    case "result":
      return `result ${part.failed ?? "ok"} ${part.text.slice(0, 60)}`;
    case "image":
      return `image ${part.media_type}`;
    case "event":
      return `event ${part.event} ${part.text}`.trim();
    default:
      return `${part.type} ${part.text.slice(0, 60)}`;
  }
}

for (const version of ["2.1.197", "2.1.329"]) {
  test(`the recorded transcript of ${version} is told as a person would read it`, () => {
    const messages = lines(version).flatMap((text) => messageOf(text) ?? []);
    const told = messages.flatMap(({ role, body }) => body.parts.map((one) => `${role}: ${shown(one)}`));
    expect(told.slice(0, 9)).toEqual([
      "user: text READ: a.txt ;; RUN: touch made.txt ;; SAY: all done",
      'assistant: call Read {"file_path":"a.txt"}',
      "user: result ok 1\talpha\n2\tbeta\n3",
      "assistant: text Running it.",
      'assistant: call Bash {"command":"touch made.txt","description":"Run a command"}',
      "user: result ok (Bash completed with no output)",
      "assistant: text all done",
      "system: event turn",
      "user: text TEXT: 40 ;; RATE: 40",
    ]);
    expect(told).toContain("assistant: thinking pondering");
    expect(told.find((one) => one.includes("result rejected"))).toBeDefined();
    expect(told).toContain("user: event interrupted Interrupted");
    expect(new Set(messages.map(({ uuid }) => uuid)).size).toBe(messages.length);
    expect(messages.every(({ time }) => time > Date.parse("2026-01-01"))).toBe(true);
  });
}

test("a subagent's records are left out, and its call says how much there was", () => {
  expect(messageOf(line({ type: "user", isSidechain: true, message: { content: "x" } }))).toBeNull();
  const content = [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "found" }] }];
  const recorded = { totalToolUseCount: 7, totalDurationMs: 1200 };
  expect(part(user(content, { toolUseResult: recorded }))).toEqual({
    ...{ type: "result", call: "t", text: "found" },
    agent: { tools: 7, ms: 1200 },
  });
});

test("an edit's result carries the difference that claude recorded", () => {
  const content = [{ type: "tool_result", tool_use_id: "t", content: "done" }];
  const structuredPatch = [
    { oldStart: 3, oldLines: 1, newStart: 3, newLines: 2, lines: ["-beta", "+BETA", "+x"] },
  ];
  expect(part(user(content, { toolUseResult: { structuredPatch } }))).toEqual({
    ...{ type: "result", call: "t", text: "done" },
    patch: [{ old_start: 3, new_start: 3, lines: ["-beta", "+BETA", "+x"] }],
  });
});

test("what claude writes in the user's name, and the user did not say, is told as what it is", () => {
  const of = (said: string) => part(user(said));
  expect(of("<command-name>/clear</command-name>\n<command-message>clear</command-message>")).toEqual({
    type: "command",
    text: "/clear",
  });
  expect(
    of(
      "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>12</command-args>",
    ),
  ).toEqual({ type: "command", text: "/review 12" });
  expect(of("<bash-input>ls</bash-input>")).toEqual({ type: "command", text: "! ls" });
  expect(of("<bash-stdout>\u001b[31ma\u001b[0m\nb</bash-stdout><bash-stderr></bash-stderr>")).toEqual({
    type: "output",
    text: "a\nb",
  });
  expect(
    of(
      '<task-notification>\n<status>completed</status>\n<summary>Agent "A" finished</summary></task-notification>',
    ),
  ).toEqual({ type: "event", event: "task", text: 'Agent "A" finished' });
  expect(of('<pasted_content id="1">\na\nb\n</pasted_content>')).toEqual({ type: "text", text: "a\nb" });
  expect(of("hello<system-reminder>for the model</system-reminder> you")).toEqual({
    type: "text",
    text: "hello you",
  });
  expect(of("I wrote <command-name> myself")).toEqual({
    type: "text",
    text: "I wrote <command-name> myself",
  });
});

test("a prompt typed while claude was at work is told", () => {
  const attachment = { type: "queued_command", prompt: "and then this", commandMode: "prompt" };
  expect(messageOf(line({ type: "attachment", attachment }))).toMatchObject({
    role: "user",
    body: { parts: [{ type: "text", text: "and then this" }] },
  });
});

test("a compaction is told, and its summary is not the user's word", () => {
  expect(part(messageOf(line({ type: "system", subtype: "compact_boundary" })))).toMatchObject({
    event: "compacted",
  });
  expect(part(user("This session goes on from …", { isCompactSummary: true }))).toMatchObject({
    type: "summary",
  });
});

test("each part is cut where it is too long, never within a character, and says by how much", () => {
  const long = "🙂".repeat(40_000);
  expect(part(assistant([{ type: "text", text: `x${long}` }]))).toMatchObject({
    text: `x${"🙂".repeat(32_767)}`,
    cut: 2 * (40_000 - 32_767),
  });
  const call = part(
    assistant([{ type: "tool_use", id: "t", name: "Write", input: { content: "a".repeat(100_000) } }]),
  );
  expect(call).toMatchObject({ cut: 100_000 - 32_768 });
  const result = part(
    user([{ type: "tool_result", tool_use_id: "t", content: "b".repeat(70_000), is_error: true }]),
  );
  expect(result).toMatchObject({ cut: 70_000 - 65_536, failed: "error" });
  expect(JSON.stringify(call).length).toBeLessThan(70_000);
});

test("an input too deep or with too many values is cut as well", () => {
  let deep: object = {};
  for (let i = 0; i < 5_000; i++) deep = { deep };
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key${i}`, i]));
  const call = part(assistant([{ type: "tool_use", id: "t", name: "X", input: { deep, many } }]));
  expect(JSON.stringify(call).length).toBeLessThan(20_000);
});

test("an image is named, not carried", () => {
  const source = { type: "base64", media_type: "image/png", data: "A".repeat(4_000) };
  expect(part(user([{ type: "image", source }]))).toEqual({
    type: "image",
    media_type: "image/png",
    bytes: 3_000,
  });
});

test("records without uuid, meta records and nonsense are no messages", () => {
  for (const text of ["", "{", "null", "[]", '{"type":"user","message":{"content":"x"}}', '"uuid"'])
    expect(messageOf(text)).toBeNull();
  expect(user("x", { isMeta: true })).toBeNull();
  expect(user(7)).toBeNull();
  expect(user([{ type: "tool_result" }])).not.toBeNull();
});

const BOMBS = [
  "\x1b",
  "\x1b[",
  "\x1b[0;",
  "<system-reminder>",
  "<system-reminder></system-reminder>",
  "<",
  "\n",
];
const TAGS = [
  "<pasted_content",
  "<pasted_content x",
  "<command-name>",
  "<bash-stdout>",
  "</bash-stdout>",
  "&",
  "🙂",
];

test.each([...BOMBS, ...TAGS])("SEC-055 a million characters of %j stall nobody", async (seed) => {
  const words = seed.repeat(1_000_000 / seed.length);
  const read = () => {
    user(words);
    user([{ type: "tool_result", tool_use_id: "t", content: words }]);
    user(`<bash-stdout>${words}`);
  };
  const took = [await cpuMs(read), await cpuMs(read), await cpuMs(read)];
  expect(Math.min(...took)).toBeLessThan(200);
});

for (const version of ["2.1.197", "2.1.329"]) {
  test(`what each answer took is told by claude's own id for it, as ${version} records it`, () => {
    const messages = lines(version).flatMap((text) => messageOf(text) ?? []);
    const used = messages.flatMap(({ body }) => body.usage ?? []);
    const first = { input: 10, output: 10, cache_read: 0, cache_write: 0 };
    expect(used[0]).toEqual({
      ...first,
      id: "msg_mock_1",
      model: expect.stringContaining("claude-opus") as never,
    });
    // One answer is several records, each with the whole of it.
    const ids = used.map(({ id }) => id);
    expect(new Set(ids).size).toBeLessThan(ids.length);
    for (const one of used) expect(one).toMatchObject(used.find(({ id }) => id === one.id) ?? {});
    expect(messages.filter(({ role }) => role !== "assistant").every(({ body }) => !body.usage)).toBe(true);
  });
}

test("what an answer took is told only where it is known", () => {
  const took = (message: object) =>
    messageOf(line({ type: "assistant", message: { content: "x", ...message } }))?.body.usage;
  const usage = {
    input_tokens: 3,
    output_tokens: 5,
    cache_read_input_tokens: 7,
    cache_creation_input_tokens: 9,
  };
  expect(took({ id: "m", model: "c", usage })).toEqual({
    ...{ id: "m", model: "c", input: 3, output: 5, cache_read: 7, cache_write: 9 },
  });
  expect(
    took({ id: "m", usage: { output_tokens: 1, input_tokens: -4, cache_read_input_tokens: "many" } }),
  ).toEqual({
    ...{ id: "m", model: "", input: 0, output: 1, cache_read: 0, cache_write: 0 },
  });
  for (const message of [
    {},
    { id: "m" },
    { usage },
    { id: "", usage },
    { id: 7, usage },
    { id: "m", usage: "none" },
  ])
    expect(took(message)).toBeUndefined();
});

test("what was spent is claude's own word, by the chain that a resume and a fork go on with", () => {
  const state = {
    type: "cost-state",
    sessionId: "s",
    totalCostUSD: 0.0024,
    startTime: 1795245790066,
    hasUnknownModelCost: false,
  };
  expect(costOf(JSON.stringify(state))).toEqual({ chain: "1795245790066", usd: 0.0024 });
  const others = [
    { totalCostUSD: 0 },
    { totalCostUSD: "1" },
    { startTime: null },
    { hasUnknownModelCost: true },
    { type: "user", uuid: "u" },
  ];
  for (const more of others)
    expect(costOf(JSON.stringify({ ...state, ...more })), JSON.stringify(more)).toBeNull();
  expect(costOf('{"type":"cost-state"')).toBeNull();
  expect(lines("2.1.197").flatMap((text) => costOf(text) ?? [])).toEqual([]);
});
