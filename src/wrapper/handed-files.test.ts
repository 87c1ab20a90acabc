import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { FileId, WrapperMessage } from "../protocol.ts";
import { endingOf, HandedFiles } from "./handed-files.ts";

const root = mkdtempSync(join(tmpdir(), "claude-remote-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const ID = "f1" as FileId;

function world(maxBytes?: number) {
  const said: WrapperMessage[] = [];
  const runFolder = mkdtempSync(join(root, "run-"));
  const files = new HandedFiles({
    runFolder,
    tell: (message) => void said.push(message),
    ...(maxBytes ? { maxBytes } : {}),
  });
  return {
    files,
    said,
    runFolder,
    last: () => said.at(-1),
    take(at: number, text: string | Uint8Array, { id = ID, name = "a.txt", size = 6 } = {}) {
      files.take({ id, name, size, at, bytes: Buffer.from(text).toString("base64") });
      return said.at(-1);
    },
  };
}

const pathOf = (message: WrapperMessage | undefined) =>
  message?.type === "file_taken" ? (message.path ?? "") : "";

test("pieces become one file, private, and claude is told where it is only when it is whole", () => {
  const { take, files } = world();
  expect(take(0, "abc")).toEqual({ type: "file_taken", id: ID, upto: 3, path: null });
  const whole = take(3, "def");
  expect(whole).toMatchObject({ type: "file_taken", upto: 6 });
  const path = pathOf(whole);
  expect(readFileSync(path, "utf8")).toBe("abcdef");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  files[Symbol.dispose]();
  expect(existsSync(dirname(path))).toBe(false);
});

test("a piece that came before, or too early, changes nothing and is told where to go on", () => {
  const { take, files } = world();
  take(0, "abc");
  expect(take(0, "XYZ")).toMatchObject({ upto: 3, path: null });
  expect(take(5, "X")).toMatchObject({ upto: 3, path: null });
  const path = pathOf(take(3, "def"));
  expect(take(3, "XYZ")).toMatchObject({ upto: 6, path });
  expect(readFileSync(path, "utf8")).toBe("abcdef");
  files[Symbol.dispose]();
});

test("SEC-067 SEC-068 neither the viewer's name nor its id is any part of the path", () => {
  const names = [
    "../../x",
    "/etc/passwd",
    ".bashrc",
    "con",
    "a\u0000b.sh\n",
    "x".repeat(300),
    "..",
    "a.png/../b",
  ];
  const { take, files, runFolder } = world();
  for (const [i, name] of names.entries()) {
    const id = `../${i}` as FileId;
    const path = pathOf(take(0, "abcdef", { id, name }));
    expect(dirname(dirname(path))).toBe(runFolder);
    expect(basename(path)).toMatch(/^[0-9a-f-]{36}\.(txt|sh|png)$/);
  }
  expect(readdirSync(runFolder)).toHaveLength(1);
  files[Symbol.dispose]();
});

test("the ending is one that is known, or says whether it is text", () => {
  expect(["a.PNG", "b.tar.gz", "c", "d.exe", "e.md", ".bashrc"].map(endingOf)).toEqual([
    ...(["png", null, null, null, "md", null] as const),
  ]);
  const { take, files } = world();
  expect(pathOf(take(0, "abc é", { id: "t" as FileId, name: "notes" }))).toEndWith(".txt");
  const bytes = new Uint8Array([0, 1, 2, 255, 254, 253]);
  expect(pathOf(take(0, bytes, { id: "b" as FileId, name: "setup.exe" }))).toEndWith(".bin");
  files[Symbol.dispose]();
});

test("more bytes than were said, too many files, and too much of them are refused; a removed file stays removed", () => {
  const { take, files, last, runFolder } = world(100);
  expect(take(0, "abcdefg")).toEqual({ type: "file_refused", id: ID, reason: "too_large" });
  expect(take(0, "a", { id: "big" as FileId, size: 101 })).toMatchObject({ reason: "full" });
  const path = pathOf(take(0, "abcdef", { id: "f2" as FileId }));
  files.gone("f2" as FileId);
  expect(existsSync(path)).toBe(false);
  expect(take(0, "abcdef", { id: "f2" as FileId })).toMatchObject({ reason: "gone" });
  for (let i = 0; i < 200; i++) take(0, "a", { id: `n${i}` as FileId, size: 1 });
  expect(last()).toMatchObject({ reason: "full" });
  files[Symbol.dispose]();
  expect(readdirSync(runFolder)).toEqual([]);
});

test("a disk that takes nothing is told", () => {
  const { take, files, runFolder } = world();
  take(0, "abc");
  rmSync(runFolder, { recursive: true });
  expect(take(3, "def")).toEqual({ type: "file_refused", id: ID, reason: "disk" });
  files[Symbol.dispose]();
});
