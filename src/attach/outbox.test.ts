// What was typed is said until it is taken, and is written once, whatever was lost on the way.
import { expect, test } from "bun:test";
import type { DeskId, DeskKeys } from "../protocol.ts";
import { attachedDesks } from "../wrapper/desks.ts";
import { outbox } from "./outbox.ts";

const DESK = "desk" as DeskId;
const bytes = (text: string) => new TextEncoder().encode(text);

/** Both ends, with a way between them that can be cut. */
function ends() {
  const desks = attachedDesks();
  const state = { up: true, deaf: false, written: "" };
  const box = outbox((keys: DeskKeys) => {
    if (!state.up) return;
    const got = desks.keys(DESK, keys);
    if (got) state.written += Buffer.from(got).toString("latin1");
    if (!state.deaf) box.taken(desks.upto(DESK));
  });
  return { box, state };
}

test("what was lost is written when it is said again, in order and once", () => {
  const { box, state } = ends();
  box.put(bytes("a"));
  state.up = false;
  box.put(bytes("b"));
  box.put(bytes("c"));
  state.up = true;
  box.put(bytes("d")); // Before it the others are missing: it must wait for them.
  expect(state.written).toBe("a");
  box.again();
  box.again();
  expect(state.written).toBe("abcd");
  expect(box.empty).toBe(true);
});

test("what was written and not confirmed is not written again", () => {
  const { box, state } = ends();
  state.deaf = true;
  box.put(bytes("yes"));
  state.deaf = false;
  box.again();
  expect(state.written).toBe("yes");
  expect(box.empty).toBe(true);
});

test("what was given up leaves no gap that anything waits for", () => {
  const { box, state } = ends();
  state.up = false;
  box.put(bytes("old"));
  box.drop();
  state.up = true;
  box.put(bytes("new"));
  box.put(bytes("er"));
  expect(state.written).toBe("newer");
});

test("a large paste goes in pieces and is whole", () => {
  const { box, state } = ends();
  const text = "0123456789".repeat(30_000);
  box.put(bytes(text));
  expect(state.written).toBe(text);
});

test("it says when it holds more than it should", () => {
  const { box, state } = ends();
  state.up = false;
  box.put(new Uint8Array(200_000));
  expect(box.full).toBe(false);
  box.put(new Uint8Array(200_000));
  expect(box.full).toBe(true);
  state.up = true;
  box.again();
  expect(box.full).toBe(false);
});
