import { expect, test } from "bun:test";
import { cpuMs } from "../src/testing/cpu.ts";
import { highlighted, MAX_CODE_CHARS } from "./highlight.ts";

const textOf = (pieces: ReturnType<typeof highlighted>) => pieces?.map(({ text }) => text).join("");

test("code falls into pieces that are that code, each known for what it is", () => {
  const code = 'const name = [`a`, 1]; // "so"\nlet done = true;';
  const pieces = highlighted(code, "ts") ?? [];
  expect(textOf(pieces)).toBe(code);
  const kindOf = (text: string) => pieces.find((piece) => piece.text === text)?.kind;
  expect(["const", "1", '// "so"', "true"].map(kindOf)).toEqual(["keyword", "number", "comment", "keyword"]);
});

test("a difference shows what was added and removed; a command line its strings", () => {
  expect(highlighted("-a\n+b", "diff")?.map(({ kind }) => kind)).toEqual(["removed", null, "added"]);
  expect(highlighted('echo "x"', "sh")?.find(({ text }) => text === '"x"')?.kind).toBe("string");
});

test("an unknown language, and what is too long, stay plain", () => {
  expect(highlighted("x", "klingon")).toBeNull();
  expect(highlighted("x", "__proto__")).toBeNull();
  expect(highlighted("x", "")).toBeNull();
  expect(highlighted("x".repeat(MAX_CODE_CHARS + 1), "ts")).toBeNull();
});

const HOSTILE = [
  "[",
  "*",
  "_",
  "a@",
  "(",
  "\x1b",
  "`",
  "'",
  '"',
  "${",
  "/*",
  "<",
  "a.",
  "0",
  "{",
  "\\",
  "=>",
  "-",
];

test.each(["ts", "python", "sh", "json", "diff"])(
  "SEC-055 %s: the same sign again and again takes no longer than a page may stall",
  async (lang) => {
    for (const sign of HOSTILE)
      for (const end of ["", "!"]) {
        const code = `${sign.repeat(MAX_CODE_CHARS).slice(0, MAX_CODE_CHARS - 1)}${end}`;
        let pieces: ReturnType<typeof highlighted> = null;
        const spent = await cpuMs(() => {
          pieces = highlighted(code, lang);
        });
        expect(textOf(pieces)).toBe(code);
        expect(spent).toBeLessThan(200);
      }
  },
);
