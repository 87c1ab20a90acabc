// Believes a dialog when two looks in a row agree, its absence after some more. Looks only after something was painted.
import { type Dialog, isSame } from "./dialog.ts";

/** Between two looks: claude paints in a few milliseconds, a dot that blinks every 600. */
const LOOK_MS = 100;
/** Looks in a row that must agree. A busy machine leaves a dialog half painted for a while, which looks like none. */
const LOOKS = { dialog: 2, none: 4 };

export type Watch = Disposable & {
  /** Something was painted, or claude said something: look, soon. */
  changed(): void;
  /** What stands now is to be told, even if it looks as before: look twice. */
  again(): void;
};

/** `look` gives what stands on the screen now, `shown` is told each change that was believed. */
export function watch(look: () => Promise<Dialog | null>, shown: (dialog: Dialog | null) => void): Watch {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: Dialog | null | undefined;
  let looks = 0;
  /** Undefined: whatever is found next is news. */
  let told: Dialog | null | undefined = null;
  let dirty = false;
  let closed = false;
  const same = (a: Dialog | null | undefined, b: Dialog | null) => (a && b ? isSame(a, b) : a === b);

  function later() {
    timer ??= setTimeout(check, LOOK_MS);
  }

  async function check() {
    dirty = false;
    const found = await look();
    timer = undefined;
    if (closed) return;
    looks = same(last, found) ? looks + 1 : 1;
    last = found;
    const agreed = looks >= (found ? LOOKS.dialog : LOOKS.none);
    if (!agreed || dirty) later();
    if (!agreed || same(told, found)) return;
    told = found;
    shown(found);
  }

  return {
    changed() {
      dirty = true;
      later();
    },
    again() {
      last = told = undefined;
      later();
    },
    [Symbol.dispose]() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
