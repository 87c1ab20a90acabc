import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { detect } from "./detect.ts";
import type { Dialog } from "./dialog.ts";
import { recorded } from "./testing/recorded.ts";
import { watch } from "./watch.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Runs timers and what waits for them. */
async function pass(ms: number) {
  for (let t = 0; t < ms; t += 25) {
    jest.advanceTimersByTime(25);
    for (let i = 0; i < 4; i++) await Promise.resolve();
  }
}

async function world() {
  const bash = detect(await recorded("2.1.329", "bash"));
  const rm = detect(await recorded("2.1.329", "bash-rm"));
  let now: Dialog | null = null;
  let looks = 0;
  const shown: (string | null)[] = [];
  const watching = watch(
    async () => {
      looks++;
      return now;
    },
    (dialog) => shown.push(dialog?.input?.command ?? null),
  );
  const paint = (dialog: Dialog | null) => {
    now = dialog;
    watching.changed();
  };
  return { bash, rm, shown, paint, watching, looks: () => looks };
}

test("a dialog is believed after two looks, its absence after four, and looked at no more until something is painted", async () => {
  const { bash, shown, paint, looks } = await world();
  paint(bash);
  await pass(150);
  expect(shown).toEqual([]);
  await pass(150);
  expect(shown).toEqual(["touch foo.txt && echo hi"]);
  const before = looks();
  await pass(5_000);
  expect(looks()).toBe(before);
});

test("what is there for one look only is not believed", async () => {
  const { bash, rm, shown, paint } = await world();
  paint(bash);
  await pass(125);
  paint(rm);
  await pass(100);
  paint(null);
  await pass(1_000);
  expect(shown).toEqual([]);
});

test("a dot that blinks keeps looking, and tells nothing twice", async () => {
  const { bash, shown, paint, watching } = await world();
  for (let i = 0; i < 10; i++) {
    paint(bash && { ...bash, at: { row: i % 3, column: 0 } });
    await pass(300);
  }
  expect(shown).toHaveLength(1);
  watching.again();
  await pass(500);
  expect(shown).toHaveLength(2);
  paint(null);
  await pass(500);
  expect(shown.at(-1)).toBeNull();
  watching[Symbol.dispose]();
  paint(bash);
  await pass(500);
  expect(shown).toHaveLength(3);
});
