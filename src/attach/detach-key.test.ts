// Which keys leave, and that every other byte gets through.
import { describe, expect, test } from "bun:test";
import { type DetachKey, detachKey } from "./detach-key.ts";

const TWICE = "ctrl-\\ ctrl-\\";

function key(words: string): DetachKey {
  const found = detachKey(words);
  if (!found) throw new Error(`${words} are no keys`);
  return found;
}

/** What gets through of these pieces, and whether they leave. */
function feed(filter: DetachKey, ...pieces: string[]) {
  let passed = "";
  for (const piece of pieces) {
    const { bytes, detach } = filter.feed(Buffer.from(piece, "latin1"));
    passed += Buffer.from(bytes).toString("latin1");
    if (detach) return { passed, left: true };
  }
  return { passed, left: false };
}

test("twice Ctrl-\\ leaves, in one piece or two, and what stood before it gets through", () => {
  expect(feed(key(TWICE), "\x1c\x1c")).toEqual({ passed: "", left: true });
  expect(feed(key(TWICE), "abc\x1c", "\x1cdef")).toEqual({ passed: "abc", left: true });
});

test("once is held back, and gets through with what follows it, or when that is long in coming", () => {
  const filter = key(TWICE);
  expect(feed(filter, "\x1c")).toEqual({ passed: "", left: false });
  expect(filter.held).toBe(true);
  expect(feed(filter, "n")).toEqual({ passed: "\x1cn", left: false });
  expect(filter.held).toBe(false);
  feed(filter, "\x1c");
  expect(Buffer.from(filter.release())).toEqual(Buffer.from("\x1c"));
  expect(feed(filter, "\x1c")).toEqual({ passed: "", left: false });
});

test("in a paste the same bytes are text, also where the paste comes in pieces", () => {
  const pasted = "\x1b[200~a\x1c\x1cb\x1c\x1b[201~";
  for (let cut = 1; cut < pasted.length; cut++) {
    const filter = key(TWICE);
    expect(feed(filter, pasted.slice(0, cut), pasted.slice(cut))).toEqual({ passed: pasted, left: false });
    expect(feed(filter, "\x1c\x1c").left).toBe(true);
  }
});

test("keys that begin like the wanted ones lose nothing", () => {
  expect(feed(key("ctrl-a ctrl-a d"), "\x01\x01\x01d")).toEqual({ passed: "\x01", left: true });
  expect(feed(key("ctrl-a ctrl-a d"), "\x01\x01x\x01d")).toEqual({ passed: "\x01\x01x\x01d", left: false });
});

describe("names", () => {
  test.each([
    [TWICE, "Ctrl-\\ twice", "\x1c\x1c"],
    ["Ctrl-a,d", "Ctrl-a d", "\x01d"],
    ["^]", "Ctrl-]", "\x1d"],
    ["ctrl-?", "Ctrl-?", "\x7f"],
  ])("%p is %s", (words, name, bytes) => {
    expect(key(words).name).toBe(name);
    expect(feed(key(words), bytes).left).toBe(true);
  });

  test.each(["", "d", "q q", "ctrl-", "ctrl-ab", "ctrl-é", "F1", "ctrl-a b c d e"])(
    "%p are no keys",
    (words) => {
      expect(detachKey(words)).toBeNull();
    },
  );
});
