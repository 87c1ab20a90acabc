import { expect, test } from "bun:test";
import type { Json } from "../src/protocol.ts";
import { cpuMs } from "../src/testing/cpu.ts";
import { editLines } from "./edit-lines.ts";
import { hiddenInBlocks, inputParts, sizeOf } from "./input-view.ts";

const parts = (
  tool: string,
  input: Json,
  diff: { path: string; before: string; after: string } | null = null,
) => inputParts({ tool, kind: tool === "ExitPlanMode" ? "plan" : "permission", input, diff });
const texts = (tool: string, input: Json) => parts(tool, input).blocks.map(({ text }) => text);

test("SEC-039 a command is the headline and claude's words about it stand apart", () => {
  const shown = parts("Bash", { command: "rm -rf ~", description: "list files" });
  expect(shown.blocks).toEqual([{ kind: "code", label: "Command", text: "rm -rf ~" }]);
  expect(shown.says).toBe("list files");
});

test("SEC-038 markup in a command is literal", () => {
  expect(texts("Bash", { command: "<b>safe</b> [x](y) **z**" })).toEqual(["<b>safe</b> [x](y) **z**"]);
});

test("whatever else an input holds is shown as well", () => {
  const command = { command: "ls", timeout: 5, run_in_background: true };
  expect(texts("Bash", command)).toEqual([
    "ls",
    JSON.stringify({ timeout: 5, run_in_background: true }, null, 2),
  ]);
  expect(texts("Bash", { command: "ls", description: 5 })).toEqual(["ls", '{\n  "description": 5\n}']);
  const write = texts("Write", { file_path: "/a", content: "x\n", mode: "0777" });
  expect(write).toEqual(["/a", "x", '{\n  "mode": "0777"\n}']);
  expect(texts("ExitPlanMode", { plan: "# Do", planFilePath: "/p", extra: 1 })).toEqual([
    "# Do",
    '{\n  "extra": 1\n}',
  ]);
});

test("what stands on claude's screen is shown as it stands there", () => {
  const text = "Bash command\n╌╌╌╌\nrm -rf build\n╌╌╌╌";
  const input = { command: "rm -rf build", text };
  expect(inputParts({ tool: "Bash", kind: "dialog", input, diff: null })).toEqual({
    blocks: [{ kind: "code", label: "On Claude's screen", text }],
    says: null,
  });
});

test("an unknown tool, and a known one with an odd input, is its whole JSON", () => {
  const input = { title: "x", nested: { deep: [1, null, "two\nlines"] } };
  expect(texts("mcp__x__y", input)).toEqual([JSON.stringify(input, null, 2)]);
  expect(texts("Bash", { command: ["rm"] })).toEqual([JSON.stringify({ command: ["rm"] }, null, 2)]);
  expect(texts("Edit", { file_path: "/a", old_string: 1 })).toEqual([
    JSON.stringify({ file_path: "/a", old_string: 1 }, null, 2),
  ]);
  expect(texts("Bash", "rm -rf /")).toEqual(['"rm -rf /"']);
});

test("an edit is the difference of the file, with the lines around it", () => {
  const before = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`).join("\n");
  const after = before.replace("line 10", "line ten\nline ten and a half");
  const lines = editLines(before, after);
  expect(lines.map(({ kind, text, number }) => `${kind} ${number ?? "-"} ${text}`)).toEqual([
    "skipped - 6 unchanged lines",
    ...[7, 8, 9].map((n) => `same ${n} line ${n}`),
    "gone 10 line 10",
    "new 10 line ten",
    "new 11 line ten and a half",
    ...[11, 12, 13].map((n) => `same ${n + 1} line ${n}`),
    "skipped - 7 unchanged lines",
  ]);
});

test("an edit whose file could not be read says so and compares the two texts", () => {
  const { blocks } = parts("Edit", {
    file_path: "/a",
    old_string: "one\n",
    new_string: "two\n",
    replace_all: true,
  });
  expect(blocks.map((block) => ("label" in block ? block.label : ""))).toEqual([
    "File",
    "Replaced text (the file itself could not be read)",
    "Also",
  ]);
});

test("a new file is shown whole, an empty one is said to be empty", () => {
  const diff = { path: "/a", before: "", after: "x\ny\n" };
  const { blocks } = parts("Write", { file_path: "/a", content: "x\ny\n" }, diff);
  expect(blocks[0]).toEqual({ kind: "path", label: "New file", text: "/a" });
  expect(blocks[1]?.text).toBe("x\ny");
  const [, empty] = parts("Write", { file_path: "/a", content: "" }).blocks;
  expect(empty && "label" in empty && empty.label).toContain("empty");
});

test("texts that have nothing in common are shown whole, and soon", async () => {
  const text = (word: string) => Array.from({ length: 6_000 }, (_, i) => `${word} ${i}`).join("\n");
  let lines: ReturnType<typeof editLines> = [];
  const work = () => {
    lines = editLines(text("old"), text("new"));
  };
  expect(await cpuMs(work)).toBeLessThan(2_000);
  expect(lines.filter(({ kind }) => kind === "gone")).toHaveLength(6_000);
  expect(lines.filter(({ kind }) => kind === "new")).toHaveLength(6_000);
});

test("a missing line feed at the end is part of the difference", () => {
  expect(editLines("a\n", "a").map(({ kind }) => kind)).toContain("note");
});

test("SEC-036 the size of what is shown counts everything", () => {
  const { blocks } = parts("Bash", { command: `ls${"\n".repeat(300)}rm -rf ~` });
  expect(sizeOf(blocks).text).toBe("301 lines, 310 bytes");
  expect(hiddenInBlocks(parts("Bash", { command: "a\u202eb\u200b" }).blocks)).toBe(2);
  expect(
    hiddenInBlocks(parts("Edit", { file_path: "/a\u202e", old_string: "x", new_string: "y\u200b" }).blocks),
  ).toBe(2);
});
