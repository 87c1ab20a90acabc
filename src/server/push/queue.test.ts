// What one phone gets, and when: by a clock of the test's own.
import { describe, expect, test } from "bun:test";
import type { PromptId, QuietHours, SessionId } from "../../protocol.ts";
import { openPrompt, session } from "../../testing/push-world.ts";
import type { Notice } from "./notices.ts";
import { COLLECT_MS, type Due, PER_HOUR, Queue, TOPIC_EVERY_MS } from "./queue.ts";
import { isQuiet } from "./quiet.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const HOUR = 60 * 60_000;
let last = 0;

/** A question of that session. */
function asked(of: string, kind: "permission" | "question" | "reminder" = "permission"): Notice {
  const known = session({ id: of as SessionId });
  const prompt = openPrompt(known, { id: `p${last++}` as PromptId });
  return { id: prompt.id, topic: `session ${of}`, at: NOON, kind, prompt, session: known };
}
const words = (due: Due[]) =>
  due.map((one) => (one.kind === "one" ? one.notice.id : `${one.why} ${one.notices.length}`));

test("at most one push about the same session in half a minute, and then the newest", () => {
  const queue = new Queue();
  const [first, second, third] = [asked("a"), asked("a"), asked("a")];
  queue.add(first);
  expect(words(queue.due(NOON, null))).toEqual([first.id]);
  queue.add(second);
  expect(queue.due(NOON + TOPIC_EVERY_MS - 1, null)).toEqual([]);
  queue.add(third);
  expect(words(queue.due(NOON + TOPIC_EVERY_MS, null))).toEqual([third.id]);
});

test("SEC-077 of ten thousand questions of one session one push a half minute comes", () => {
  const queue = new Queue();
  let pushes = 0;
  for (let i = 0; i < 10_000; i++) {
    queue.add(asked("flood"));
    pushes += queue.due(NOON + i, null).length; // A thousand a second.
  }
  expect(pushes).toBe(1);
  expect(words(queue.due(NOON + TOPIC_EVERY_MS, null))).toHaveLength(1);
});

test("what was due and not even tried comes later, and is not counted twice", () => {
  const queue = new Queue();
  for (let i = 0; i < PER_HOUR; i++) queue.add(asked(`s${i}`));
  const [, ...rest] = queue.due(NOON, null);
  for (const due of rest) queue.back(due, NOON + 9_000);
  expect(queue.due(NOON + 8_999, null)).toEqual([]);
  expect(words(queue.due(NOON + 9_000, null))).toEqual(words(rest));
});

test("another session is not held up", () => {
  const queue = new Queue();
  queue.add(asked("a"));
  queue.due(NOON, null);
  const other = asked("b");
  queue.add(other);
  expect(words(queue.due(NOON + 1, null))).toEqual([other.id]);
});

describe("past twenty in an hour", () => {
  function full() {
    const queue = new Queue();
    for (let i = 0; i < PER_HOUR + 7; i++) queue.add(asked(`s${i}`));
    expect(queue.due(NOON, null)).toHaveLength(PER_HOUR);
    return queue;
  }

  test("one says how many more there are, a moment later", () => {
    const queue = full();
    expect(queue.due(NOON + COLLECT_MS - 1, null)).toEqual([]);
    expect(words(queue.due(NOON + COLLECT_MS, null))).toEqual(["many 7"]);
    for (let i = 0; i < 5; i++) queue.add(asked(`later${i}`));
    expect(queue.due(NOON + HOUR - 1, null)).toEqual([]);
  });

  test("what still waits when there is room again comes in one", () => {
    const queue = full();
    queue.due(NOON + COLLECT_MS, null);
    expect(words(queue.due(NOON + HOUR, null))).toEqual(["many 7"]);
    expect(queue.due(NOON + 2 * HOUR, null)).toEqual([]);
  });

  test("a restart does not forget what was sent", () => {
    const sent = Array.from({ length: PER_HOUR }, (_, i) => ({ topic: `s${i}`, at: NOON - 1 }));
    const queue = new Queue(sent);
    queue.add(asked("a"));
    expect(queue.due(NOON, null)).toEqual([]);
    const again = new Queue([{ topic: "session a", at: NOON - 1 }]);
    again.add(asked("a"));
    expect(again.due(NOON, null)).toEqual([]);
  });
});

describe("quiet hours", () => {
  const quiet: QuietHours = { from: "22:00", to: "07:00", time_zone: "Europe/Berlin" };
  const night = Date.UTC(2026, 10, 21, 23);
  const morning = Date.UTC(2026, 10, 22, 6);

  test("are those of the phone's own time zone, over midnight and within a day", () => {
    expect(isQuiet(quiet, Date.UTC(2026, 10, 21, 20, 59))).toBe(false);
    expect(isQuiet(quiet, Date.UTC(2026, 10, 21, 21, 0))).toBe(true);
    expect(isQuiet(quiet, Date.UTC(2026, 10, 22, 5, 59))).toBe(true);
    expect(isQuiet(quiet, Date.UTC(2026, 10, 22, 6, 0))).toBe(false);
    expect(isQuiet({ ...quiet, from: "13:00", to: "14:00" }, Date.UTC(2026, 6, 1, 11, 30))).toBe(true);
    expect(isQuiet({ ...quiet, to: "22:00" }, night)).toBe(false);
    expect(isQuiet(null, night)).toBe(false);
  });

  test("let only permissions through, and tell the rest in one afterwards", () => {
    const queue = new Queue();
    const permission = asked("a");
    for (const notice of [permission, asked("b", "question"), asked("c", "reminder")]) queue.add(notice);
    expect(words(queue.due(night, quiet))).toEqual([permission.id]);
    expect(words(queue.due(morning, quiet))).toEqual(["quiet 2"]);
    expect(queue.due(morning + HOUR, quiet)).toEqual([]);
  });

  test("a single thing is told as itself, and what is over is not told", () => {
    const queue = new Queue();
    const [one, over] = [asked("b", "question"), asked("c", "question")];
    queue.add(one);
    queue.add(over);
    queue.due(night, quiet);
    expect(queue.drop((notice) => notice !== over)).toEqual([over]);
    expect(words(queue.due(morning, quiet))).toEqual([one.id]);
  });
});

test("what did not get through comes again after the pause, unless there is something newer", () => {
  const queue = new Queue();
  const [first, newer] = [asked("a"), asked("a")];
  queue.add(first);
  queue.due(NOON, null);
  queue.again(first, NOON + 5_000);
  expect(queue.due(NOON + 4_999, null)).toEqual([]);
  expect(words(queue.due(NOON + 5_000, null))).toEqual([first.id]);
  queue.add(newer);
  queue.again(first, NOON + 10_000);
  expect(words(queue.due(NOON + 10_000, null))).toEqual([newer.id]);
});
