import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConversationId, Message } from "../protocol.ts";
import { blocksOf } from "./blocks.ts";
import { follow } from "./follow.ts";

function world() {
  const folder = mkdtempSync(join(tmpdir(), "cr-transcript-"));
  const blocks: string[] = [];
  const ended: string[] = [];
  const calls = new Map<string, string>();
  const messages: Message[] = [];
  let changed = Promise.withResolvers<void>();
  const told = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const follower = follow({
    block: (text) => {
      blocks.push(text);
      told();
    },
    toolCalled: (call, tool, input) => void calls.set(call, `${tool} ${JSON.stringify(input)}`),
    toolEnded: (call, { chosen, byHook }) => {
      ended.push(`${calls.get(call)} ${chosen}${byHook ? " by a hook" : ""}`);
      told();
    },
    message(message) {
      messages.push(message);
      told();
      return true;
    },
    full: () => false,
  });
  return {
    file: join(folder, "a.jsonl"),
    folder,
    messages,
    blocks,
    ended,
    follower,
    async until(done: () => boolean) {
      while (!done()) await changed.promise;
    },
    [Symbol.dispose]() {
      follower[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const CONVERSATION = "c1" as ConversationId;
const user = (text: string) =>
  `${JSON.stringify({ type: "user", uuid: text, message: { content: text } })}\n`;

for (const version of ["2.1.197", "2.1.329"]) {
  test(`the recorded transcript of ${version} gives its messages, tool calls and how they ended`, async () => {
    using here = world();
    writeFileSync(here.file, readFileSync(join(import.meta.dir, "testdata", `${version}.jsonl`)));
    here.follower.follow(here.file, false, CONVERSATION);
    await here.until(() => here.ended.some((one) => one.includes("denied.txt")));
    expect(here.blocks[0]).toBe("READ: a.txt ;; RUN: touch made.txt ;; SAY: all done");
    expect(here.blocks).toContain("all done");
    expect(here.ended.find((one) => one.includes("made.txt"))).toEndWith(" approved");
    expect(here.ended.find((one) => one.includes("denied.txt"))).toEndWith(" rejected");
  });
}

test("a file that appears later is followed from its beginning, line by whole line", async () => {
  using here = world();
  here.follower.follow(here.file, false, CONVERSATION);
  writeFileSync(here.file, user("one").slice(0, 10));
  appendFileSync(here.file, user("one").slice(10) + user("zwei ü"));
  await here.until(() => here.blocks.length === 2);
  expect(here.blocks).toEqual(["one", "zwei ü"]);
});

test("what claude wrote last is there at a look, before anything tells of it", () => {
  using here = world();
  here.follower.follow(here.file, false, CONVERSATION);
  writeFileSync(here.file, user("one"));
  here.follower.look();
  appendFileSync(here.file, user("two"));
  here.follower.look();
  expect(here.blocks).toEqual(["one", "two"]);
});

test("a file that was cut short is followed on, and what is new in it told at once", () => {
  using here = world();
  writeFileSync(here.file, user("one") + user("two") + user("three"));
  here.follower.follow(here.file, false, CONVERSATION);
  here.follower.acked(CONVERSATION, -1);
  truncateSync(here.file, user("one").length);
  here.follower.look();
  appendFileSync(here.file, user("x"));
  here.follower.look();
  expect(here.blocks).toEqual(["one", "two", "three", "x"]);
  expect(here.messages.at(-1)?.uuid).toBe("x");
});

test("a resumed conversation is followed from its end, the next file whole", async () => {
  using here = world();
  writeFileSync(here.file, user("old"));
  here.follower.follow(here.file, true, CONVERSATION);
  appendFileSync(here.file, user("new"));
  await here.until(() => here.blocks.length === 1);
  const next = join(here.folder, "b.jsonl");
  writeFileSync(next, user("after clear"));
  here.follower.follow(next, false, CONVERSATION);
  await here.until(() => here.blocks.length === 2);
  expect(here.blocks).toEqual(["new", "after clear"]);
});

test("a resumed conversation goes on where the server's own record of it ends, also in what the log does not repeat", async () => {
  using here = world();
  writeFileSync(here.file, user("old") + user("newer"));
  here.follower.follow(here.file, true, CONVERSATION);
  here.follower.acked(CONVERSATION, 0);
  appendFileSync(here.file, user("new"));
  await here.until(() => here.messages.length === 2);
  expect(here.messages.map(({ uuid }) => uuid)).toEqual(["newer", "new"]);
  expect(here.blocks).toEqual(["new"]);
});

test("records that are not messages, meta records and nonsense give nothing", () => {
  expect(blocksOf('{"type":"mode","mode":"normal"}')).toEqual([]);
  expect(blocksOf('{"type":"user","uuid":"u","isMeta":true,"message":{"content":"x"}}')).toEqual([]);
  expect(blocksOf('{"type":"assistant","uuid":"u","isSidechain":true,"message":{"content":"x"}}')).toEqual(
    [],
  );
  expect(blocksOf("{")).toEqual([]);
  expect(blocksOf("null")).toEqual([]);
});

test("a tool output is cut after 200 lines", () => {
  const content = Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n");
  const part = { type: "tool_result", tool_use_id: "t", content };
  const [block] = blocksOf(JSON.stringify({ type: "user", uuid: "u", message: { content: [part] } }));
  expect(block?.text.split("\n")).toHaveLength(201);
  expect(block?.text).toEndWith("… 100 more lines");
});

test("a decision that a hook made stands before the call's result and goes with it", async () => {
  using here = world();
  const use = { type: "tool_use", id: "t1", name: "Bash", input: { command: "ls" } };
  const attachment = { type: "hook_permission_decision", decision: "deny", toolUseID: "t1" };
  const result = { type: "tool_result", tool_use_id: "t1", content: "Not now.", is_error: true };
  const line = (record: object) => `${JSON.stringify({ uuid: "u", ...record })}\n`;
  writeFileSync(
    here.file,
    line({ type: "assistant", message: { content: [use] } }) +
      line({ type: "attachment", attachment }) +
      line({ type: "user", message: { content: [result] } }),
  );
  here.follower.follow(here.file, false, CONVERSATION);
  await here.until(() => here.ended.length === 1);
  expect(here.ended).toEqual(['Bash {"command":"ls"} rejected by a hook']);
});
