import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { editDiff } from "./edit-diff.ts";

let folder = "";
const path = () => join(folder, "a.txt");
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cr-edit-"));
  writeFileSync(path(), "alpha\nbeta\nbeta\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an edit shows the file before and after, once or everywhere", () => {
  const edit = { file_path: path(), old_string: "beta", new_string: "$& two" };
  expect(editDiff("Edit", edit)?.after).toBe("alpha\n$& two\nbeta\n");
  expect(editDiff("Edit", { ...edit, replace_all: true })?.after).toBe("alpha\n$& two\n$& two\n");
});

test("writing shows the whole new text, against nothing for a new file", () => {
  expect(editDiff("Write", { file_path: path(), content: "new" })).toMatchObject({ after: "new" });
  expect(editDiff("Write", { file_path: join(folder, "none"), content: "new" })).toMatchObject({
    before: "",
  });
});

test("what cannot be shown as a difference is left to claude's own input", () => {
  writeFileSync(join(folder, "binary"), "a\0b");
  writeFileSync(join(folder, "large"), "x".repeat(300_000));
  expect(editDiff("Bash", { command: "ls" })).toBeNull();
  expect(editDiff("Edit", { file_path: path(), old_string: "gone", new_string: "x" })).toBeNull();
  expect(editDiff("Edit", { file_path: join(folder, "none"), old_string: "a", new_string: "b" })).toBeNull();
  expect(editDiff("Write", { file_path: join(folder, "binary"), content: "x" })).toBeNull();
  expect(editDiff("Write", { file_path: join(folder, "large"), content: "x" })).toBeNull();
  expect(editDiff("Write", { file_path: path(), content: "x".repeat(300_000) })).toBeNull();
});
