import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { canonical, digestOf } from "./digest.ts";
import type { Json, OptionId, PromptId } from "./protocol.ts";

const shown = {
  prompt: "p1" as PromptId,
  kind: "permission" as const,
  tool: "Bash",
  input: { command: "npm test" } as Json,
  options: ["approve", "reject"] as OptionId[],
};

test("the order of keys does not matter, the order of a list does", () => {
  expect(canonical({ b: [1, 2], a: { d: null, c: "x" } })).toBe('{"a":{"c":"x","d":null},"b":[1,2]}');
  expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
});

test("canonical text is JSON of the same value, whatever the strings hold", () => {
  const odd: Json = { 'quote"': "\u202e\u0000\n", "\ud800": "😀", "": [true, false, -1.5e-7, []], é: {} };
  expect(JSON.parse(canonical(odd))).toEqual(odd);
});

test("a key named __proto__ is a key like any other", () => {
  expect(canonical(JSON.parse('{"b":1,"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1},"b":1}');
});

test("keys sort by code unit, not by locale", () => {
  expect(canonical({ a: 1, B: 2, é: 3, Z: 4 })).toBe('{"B":2,"Z":4,"a":1,"é":3}');
});

test("the digest is SHA-256 of the canonical JSON, spelled out", () => {
  const text =
    '{"input":{"command":"npm test"},"kind":"permission","options":["approve","reject"],"prompt":"p1","tool":"Bash"}';
  expect<string>(digestOf(shown)).toBe(createHash("sha256").update(text).digest("hex"));
});

test("SEC-029 whatever changes what is shown changes the digest", () => {
  const variants = [
    shown,
    { ...shown, prompt: "p2" as PromptId },
    { ...shown, kind: "plan" as const },
    { ...shown, tool: "Write" },
    { ...shown, input: { command: "npm test " } },
    { ...shown, options: ["reject", "approve"] as OptionId[] },
    { ...shown, options: ["approve"] as OptionId[] },
  ];
  expect(new Set(variants.map(digestOf)).size).toBe(variants.length);
});
