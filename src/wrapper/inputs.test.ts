import { expect, spyOn, test } from "bun:test";
import type { InputId, InputMode, SessionStatus, WrapperMessage } from "../protocol.ts";
import { blank, type Row, type Screen } from "../screen.ts";
import { recorded } from "./dialogs/testing/recorded.ts";
import { inputs } from "./inputs.ts";

const rule: Row = [{ text: "─".repeat(20) }];
const box = (text: string): Screen => {
  const lines: Row[] = [[], rule, [{ text: "❯ " }, { text }], rule, []];
  return { ...blank(20, 5), lines };
};

function world() {
  const said: WrapperMessage[] = [];
  const typed: string[] = [];
  /** `took`: hears of each write at once. */
  const claude = { status: "idle" as SessionStatus, screen: box(""), draws: true, took: (_: string) => {} };
  let drawn = "";
  let settled = Promise.withResolvers<void>();
  const given = inputs({
    write: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      typed.push(text);
      drawn = /^[\r\x15]$/.test(text) ? "" : drawn + text;
      if (claude.draws) claude.screen = box(drawn);
      claude.took(text);
    },
    screen: () => claude.screen,
    status: () => claude.status,
    tell: (message) => {
      said.push(message);
      settled.resolve();
    },
  });
  return {
    said,
    typed,
    claude,
    given,
    async text(id: string, text: string, mode: InputMode = "if_empty") {
      settled = Promise.withResolvers();
      given.text({ id: id as InputId, text, mode });
      await settled.promise;
    },
  };
}

test("a text is typed, Enter in a write of its own, and delivered", async () => {
  const { text, typed, said } = world();
  await text("i1", "one\ntwo");
  expect(typed).toEqual(["one", "\n", "two", "\r"]);
  expect(said).toEqual([{ type: "input_delivered", id: "i1" as InputId }]);
});

test("Enter waits until claude has drawn the end of the text", async () => {
  const { given, typed, claude, said } = world();
  claude.draws = false;
  given.text({ id: "i1" as InputId, text: "one\ntwo three 👋🏽", mode: "if_empty" });
  while (typed.length < 3) await Bun.sleep(5);
  claude.screen = box("one  two t");
  await Bun.sleep(400); // Longer than any gap between two strokes.
  expect(typed).toEqual(["one", "\n", "two three 👋🏽"]);
  claude.screen = box("one  two th-ree 👋");
  while (said.length === 0) await Bun.sleep(5);
  expect(typed.at(-1)).toBe("\r");
});

test("a claude that is held up gets its Enter after 3 s, also where the clock is put back meanwhile", async () => {
  const { given, typed, claude, said } = world();
  claude.draws = false;
  const before = Date.now();
  given.text({ id: "i1" as InputId, text: "one", mode: "if_empty" });
  while (typed.length < 1) await Bun.sleep(5);
  using _ = spyOn(Date, "now").mockReturnValue(before - 3_600_000);
  while (said.length < 1) await Bun.sleep(50);
  expect(typed).toEqual(["one", "\r"]);
});

test("SEC-046 Enter is not pressed once a dialog has opened, or the box is gone", async () => {
  const { given, typed, claude, said } = world();
  claude.draws = false;
  given.text({ id: "i1" as InputId, text: "one", mode: "if_empty" });
  while (typed.length < 1) await Bun.sleep(5);
  claude.status = "waiting";
  while (said.length < 1) await Bun.sleep(5);
  claude.status = "idle";
  given.text({ id: "i2" as InputId, text: "two", mode: "if_empty" });
  while (typed.length < 2) await Bun.sleep(5);
  claude.screen = blank(20, 5);
  while (said.length < 2) await Bun.sleep(5);
  expect(said).toMatchObject([{ reason: "prompt_open" }, { reason: "not_ready" }]);
  expect(typed).toEqual(["one", "two"]);
});

test("SEC-046 no more of a text is typed once claude says that it waits, or its dialog stands there", async () => {
  const dialog = await recorded("2.1.329", "bash");
  for (const opens of ["status", "screen"] as const) {
    const { text, typed, claude, said } = world();
    claude.took = (keys) => {
      if (keys !== "\n") return;
      if (opens === "status") claude.status = "waiting";
      else claude.screen = dialog;
    };
    await text("i1", "one\n1\ntwo");
    expect([typed, said]).toMatchObject([["one", "\n"], [{ type: "input_refused", reason: "prompt_open" }]]);
  }
});

test("SEC-046 what a text replaces is cleared, and nothing is typed where a dialog opens just then", async () => {
  const { text, typed, claude, said } = world();
  claude.took = () => {
    claude.status = "waiting";
  };
  await text("i1", "1", "replace");
  expect([typed, said]).toMatchObject([["\x15"], [{ reason: "prompt_open" }]]);
});

test("the same text sent again is not typed again, and says again what became of it", async () => {
  const { text, typed, said } = world();
  await text("i1", "hello");
  await text("i1", "hello");
  expect(typed).toEqual(["hello", "\r"]);
  expect(said).toHaveLength(2);
});

test("a text sent again while it still waits for its turn is typed once", async () => {
  const { given, text, typed } = world();
  for (let i = 0; i < 3; i++) given.text({ id: "i1" as InputId, text: "a\nb", mode: "if_empty" });
  await text("i2", "c");
  while (typed.length < 6) await Bun.sleep(5);
  expect(typed).toEqual(["a", "\n", "b", "\r", "c", "\r"]);
});

test("two texts in quick succession do not mix", async () => {
  const { given, text, typed } = world();
  given.text({ id: "i1" as InputId, text: "a\nb", mode: "if_empty" });
  await text("i2", "c");
  while (typed.length < 6) await Bun.sleep(5);
  expect(typed).toEqual(["a", "\n", "b", "\r", "c", "\r"]);
});

test("what presses keys beside texts waits for those before it, is done once, and says why it was not", async () => {
  const { given, text, typed, said } = world();
  given.text({ id: "i1" as InputId, text: "a\nb", mode: "if_empty" });
  let times = 0;
  const work = async () => {
    times++;
    expect(typed).toEqual(["a", "\n", "b", "\r"]);
    return "mode_not_offered" as const;
  };
  given.inTurn("m1" as InputId, work);
  given.inTurn("m1" as InputId, work);
  await text("i2", "c");
  while (said.length < 3) await Bun.sleep(5);
  given.inTurn("m1" as InputId, work);
  expect(times).toBe(1);
  const refused = { type: "input_refused", id: "m1", reason: "mode_not_offered" };
  expect(said.filter((message) => "id" in message && message.id === "m1")).toEqual([
    refused,
    refused,
  ] as never);
});

test("somebody typing at the desk is not disturbed, unless the phone says how", async () => {
  const { text, typed, said, claude } = world();
  claude.screen = box("half a sent");
  await text("i1", "hello");
  expect(said).toEqual([{ type: "input_refused", id: "i1" as InputId, reason: "desk_typing" }]);
  expect(typed).toEqual([]);
  await text("i2", "hello", "replace");
  expect(typed).toEqual(["\x15", "hello", "\r"]);
  typed.length = 0;
  await text("i3", "hello", "append");
  expect(typed).toEqual(["\x05", "hello", "\r"]);
});

test("SEC-046 nothing is typed into a dialog, a suspended claude, or what is no longer claude", async () => {
  const { text, typed, said, claude } = world();
  const reasons = [
    ["waiting", "prompt_open"],
    ["suspended", "suspended"],
    ["starting", "not_ready"],
    ["ended", "exited"],
  ] as const;
  for (const [status, reason] of reasons) {
    claude.status = status;
    await text(`i-${status}`, "rm -rf /");
    expect(said.at(-1)).toMatchObject({ type: "input_refused", reason });
  }
  claude.status = "idle";
  claude.screen = blank(20, 5);
  await text("i-menu", "rm -rf /");
  expect(said.at(-1)).toMatchObject({ type: "input_refused", reason: "not_ready" });
  expect(typed).toEqual([]);
});

test("a text that is a file is refused", async () => {
  const { text, said } = world();
  await text("i1", "x".repeat(100_001));
  expect(said).toMatchObject([{ reason: "too_long" }]);
});

test("claude taking the prompt up is seen, also with its lines folded", async () => {
  const { given, text, said } = world();
  await text("i1", "one\n  two");
  given.taken("something else");
  given.taken("<pasted_content>one\ntwo</pasted_content>");
  given.taken("one two");
  expect(said.map((message) => message.type)).toEqual(["input_delivered", "input_seen"]);
});

test("a key is pressed once, and not while claude is suspended", () => {
  const { given, typed, said, claude } = world();
  given.key("k1" as InputId, "escape");
  given.key("k1" as InputId, "escape");
  expect(typed).toEqual(["\x1b"]);
  claude.status = "suspended";
  given.key("k2" as InputId, "enter");
  expect(typed).toHaveLength(1);
  expect(said.map((message) => message.type)).toEqual([
    "input_delivered",
    "input_delivered",
    "input_refused",
  ]);
});
