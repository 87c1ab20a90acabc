import { expect, test } from "bun:test";
import type { InputId } from "../protocol.ts";
import { firstPrompt } from "./first-prompt.ts";

type Typed = { id: InputId; text: string; mode: string };

function prompted(text: string | null) {
  const typed: Typed[] = [];
  const waiting: (() => void)[] = [];
  const first = firstPrompt(text, (message) => {
    typed.push(message);
    for (const next of waiting.splice(0)) next();
  });
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  const last = () => typed.at(-1)?.id ?? ("" as InputId);
  return { first, typed, next, last };
}

test("a first prompt is typed once claude is idle, and never again", () => {
  const { first, typed, last } = prompted("run the tests");
  expect(typed).toEqual([]);
  first.idle();
  first.idle();
  expect(typed).toMatchObject([{ text: "run the tests", mode: "if_empty" }]);
  expect(first.heard({ type: "input_delivered", id: last() })).toBe(true);
  first.idle();
  expect(typed).toHaveLength(1);
  first[Symbol.dispose]();
});

test("where the input box is not drawn yet it is tried again; where somebody types, at the next quiet", async () => {
  const { first, typed, next, last } = prompted("go");
  first.idle();
  const again = next();
  expect(first.heard({ type: "input_refused", id: last(), reason: "not_ready" })).toBe(true);
  await again;
  expect(typed).toHaveLength(2);
  expect(first.heard({ type: "input_refused", id: last(), reason: "desk_typing" })).toBe(true);
  expect(typed).toHaveLength(2);
  first.idle();
  expect(typed).toHaveLength(3);
  first[Symbol.dispose]();
});

test("what others type is not its own, and without a text nothing is typed", () => {
  const { first, typed } = prompted(null);
  first.idle();
  expect(typed).toEqual([]);
  expect(first.heard({ type: "input_delivered", id: "another" as InputId })).toBe(false);
  expect(first.heard({ type: "ping" })).toBe(false);
});
