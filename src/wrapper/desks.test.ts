// Whose size a session has, of all the terminals that show it.
import { expect, test } from "bun:test";
import type { DeskId } from "../protocol.ts";
import { attachedDesks } from "./desks.ts";

const [A, B] = ["a" as DeskId, "b" as DeskId];
const SMALL = { cols: 60, rows: 20 };
const LARGE = { cols: 200, rows: 50 };

function desks() {
  let now = 1_000;
  return { all: attachedDesks(() => now), pass: (ms: number) => (now += ms) };
}

test("nobody attached: no other size than that of the terminal in front", () => {
  expect(desks().all.size(true)).toBeNull();
  expect(desks().all.size(false)).toBeNull();
});

test("attaching beside the session's own terminal changes nothing; typing there does, and typing here undoes it", () => {
  const { all, pass } = desks();
  all.set(A, { ...SMALL, idle_ms: null });
  expect(all.size(true)).toBeNull();
  pass(10);
  all.typedAt(A);
  expect(all.size(true)).toMatchObject(SMALL);
  pass(10);
  all.typedHere();
  expect(all.size(true)).toBeNull();
});

test("where the session has no terminal of its own, whoever attaches decides", () => {
  const { all } = desks();
  all.set(A, { ...SMALL, idle_ms: null });
  expect(all.size(false)).toMatchObject(SMALL);
});

test("of several the one that typed last decides, and the other when that is gone", () => {
  const { all, pass } = desks();
  all.set(A, { ...SMALL, idle_ms: null });
  all.typedAt(A);
  pass(10);
  all.set(B, { ...LARGE, idle_ms: null });
  expect(all.size(false)).toMatchObject(SMALL);
  all.typedAt(B);
  expect(all.size(false)).toMatchObject(LARGE);
  all.gone(B);
  expect(all.size(false)).toMatchObject(SMALL);
});

test("after a new connection it is still known who typed last", () => {
  const { all, pass } = desks();
  pass(60_000);
  all.set(A, { ...SMALL, idle_ms: 2_000 });
  all.set(B, { ...LARGE, idle_ms: 30_000 });
  expect(all.size(false)).toMatchObject(SMALL);
});
