import { expect, test } from "bun:test";
import type { Message } from "../src/protocol.ts";
import { conversationBlocks, durationWords, sizeWords } from "./conversation-blocks.ts";
import { editOf, opensItself, outcomeOf, toolName, whatOf } from "./conversation-call.ts";
import { answer, call, result, talk, turn, user } from "./testing/talk.ts";

function blocksOf(messages: Message[]) {
  const { blocks, add } = conversationBlocks();
  messages.forEach(add);
  return blocks;
}

/** The one call of a conversation. */
function callOf(...said: Parameters<typeof talk>[0]) {
  const found = blocksOf(talk(said)).find((block) => block.kind === "call");
  if (found?.kind !== "call") throw new Error("no call");
  return found;
}

/** Its line: name, what, outcome. */
const lineOf = (one: ReturnType<typeof callOf>) =>
  [toolName(one.tool), whatOf(one, "/home/ada/shop"), outcomeOf(one, editOf(one)).text].join(" | ");

test("results join their calls, whatever stands in between", () => {
  const blocks = blocksOf(
    talk([call("a", "Read", {}), call("b", "Read", {}), result("b", "2"), answer("x"), result("a", "1")]),
  );
  expect(blocks.map(({ kind, rev }) => [kind, rev])).toEqual([
    ["call", 1],
    ["call", 1],
    ["answer", 0],
  ]);
  expect(blocks.map((block) => block.kind === "call" && [block.result?.text, block.ms])).toEqual([
    ["1", 4_000],
    ["2", 1_000],
    false,
  ]);
});

test("a result whose call is not here stands for itself, and keeps its key", () => {
  const all = talk([call("a", "Read", {}), result("a", "1")]);
  expect(blocksOf(all.slice(1))).toMatchObject([{ kind: "call", tool: "", result: { text: "1" } }]);
});

test("a call without a result is over when its turn is", () => {
  expect(callOf(call("a", "Bash", {})).over).toBe(false);
  expect(lineOf(callOf(call("a", "Bash", { command: "x" }), turn(1)))).toBe("Bash | x | no result");
});

test("a call says in one line what it is about and what came of it", () => {
  const lines = [
    callOf(call("a", "Bash", { command: "npm test\nnpm run x" }), result("a", "1\n2\n3")),
    callOf(
      call("a", "Read", { file_path: "/home/ada/shop/src/a.ts" }),
      result("a", "x".repeat(9), { cut: 90_000 }),
    ),
    callOf(
      call("a", "Edit", { file_path: "/etc/b", old_string: "1", new_string: "2\n3" }),
      result("a", "ok"),
    ),
    callOf(call("a", "Write", { file_path: "c.txt", content: "1\n2\n" }), result("a", "ok")),
    callOf(
      call("a", "Agent", { description: "Look", prompt: "p" }),
      result("a", "ok", { agent: { tools: 3, ms: 95_000 } }),
    ),
    callOf(call("a", "mcp__github__list_issues", { repo: "a/b" }), result("a", "no", { failed: "error" })),
    callOf(
      call("a", "Grep", { pattern: "x+", path: "/home/ada/shop" }),
      result("a", "no", { failed: "rejected" }),
    ),
    callOf(call("a", "TodoWrite", { todos: [{ content: "x", status: "completed" }, {}] }), result("a", "ok")),
    callOf(call("a", "AskUserQuestion", { questions: [{ question: "Red?" }] }), result("a", "")),
    callOf(call("a", "Unheard", {})),
  ];
  expect(lines.map(lineOf)).toEqual([
    "Bash | npm test | 1.0 s · 3 lines",
    "Read | src/a.ts | 1.0 s · 88 KB",
    "Edit | /etc/b | 1.0 s · +2 −1",
    "Write | c.txt | 1.0 s · +2",
    "Agent | Look | 1 min 35 s · 3 tools",
    "github: list_issues | a/b | 1.0 s · failed",
    "Grep | x+ | denied",
    "To do | 1 of 2 done | ",
    "AskUserQuestion | Red? | 1.0 s",
    "Unheard |  | ",
  ]);
});

test("an edit is shown as claude recorded it, with the file's own numbers, and opens itself if it is short", () => {
  const patch = [
    { old_start: 3, new_start: 3, lines: [" a", "-b", "+c", "\\ No newline at end of file"] },
    { old_start: 90, new_start: 90, lines: ["+z"] },
  ];
  const one = callOf(
    call("a", "Edit", { file_path: "x", old_string: "b", new_string: "c" }),
    result("a", "ok", { patch }),
  );
  const edit = editOf(one);
  expect(edit?.map(({ kind, number }) => [kind, number])).toEqual([
    ["same", 3],
    ["gone", 4],
    ["new", 4],
    ["note", null],
    ["skipped", null],
    ["new", 90],
  ]);
  expect(opensItself(one, edit)).toBe(true);
  expect(
    opensItself(
      one,
      Array.from({ length: 99 }, () => ({ kind: "new", text: "", number: 1 })),
    ),
  ).toBe(false);
});

test("keys are the messages' own, so that they stay when older ones come", () => {
  const all = talk([user("a"), answer("b"), user("c")]);
  const whole = blocksOf(all).map(({ key }) => key);
  expect(blocksOf(all.slice(1)).map(({ key }) => key)).toEqual(whole.slice(1));
});

test("read back page by page, however it is cut, a conversation is what it is read at once", () => {
  const all = talk([
    ...[
      user("a"),
      call("1", "Read", {}),
      call("2", "Bash", {}),
      answer("b"),
      result("2", "two"),
      result("1", "one"),
    ],
    ...[
      call("3", "Bash", {}),
      turn(5),
      user("c"),
      call("4", "Read", {}),
      call("5", "Read", {}),
      result("4", "four"),
    ],
  ]);
  const plain = (blocks: readonly object[]) => blocks.map((block) => ({ ...block, rev: 0 }));
  const whole = plain(blocksOf(all));
  for (let first = 1; first < all.length; first++) {
    for (let second = 0; second < first; second++) {
      const { blocks, add, prepend } = conversationBlocks();
      all.slice(first, -1).forEach(add);
      prepend(all.slice(second, first));
      prepend(all.slice(0, second));
      add(all.at(-1) ?? ({} as Message));
      if (first < all.length - 1) expect(plain(blocks), `${first} ${second}`).toEqual(whole);
    }
  }
});

test("lengths and times are short", () => {
  expect([0, 900, 2_048, 70_000, 5_000_000].map(sizeWords)).toEqual([
    "0 bytes",
    "900 bytes",
    "2.0 KB",
    "68 KB",
    "4.8 MB",
  ]);
  expect([40, 9_949, 12_400, 65_000, 3_600_000].map(durationWords)).toEqual([
    "0.1 s",
    "9.9 s",
    "12 s",
    "1 min 5 s",
    "60 min 0 s",
  ]);
});
