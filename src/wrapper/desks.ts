// The attached desks of one run: which there are, whose size counts, and what they typed, each byte once.
import type { DeskId, DeskKeys, DeskSize } from "../protocol.ts";

/** Desks that are remembered, so that what they say again is not typed again. */
const MOST_REMEMBERED = 64;

type Size = { cols: number; rows: number };
type Desk = Size & { typedAt: number };

/** `now` is a clock in ms that only goes forward. */
export function attachedDesks(now: () => number = () => performance.now()) {
  const there = new Map<DeskId, Desk>();
  /** The last number that was written, of desks that are there and that were. */
  const written = new Map<DeskId, number>();
  let typedHereAt = now();

  const remember = (desk: DeskId, no: number) => {
    written.delete(desk);
    written.set(desk, no);
    for (const [oldest] of written) if (written.size > MOST_REMEMBERED) written.delete(oldest);
  };

  return {
    get count() {
      return there.size;
    },
    /** A desk is there, or has another size. */
    set(desk: DeskId, { cols, rows, idle_ms }: DeskSize) {
      const typedAt = idle_ms === null ? Number.NEGATIVE_INFINITY : now() - idle_ms;
      there.delete(desk);
      there.set(desk, { cols, rows, typedAt });
    },
    gone(desk: DeskId) {
      there.delete(desk);
    },
    /** Nobody can be there without the server. */
    allGone() {
      there.clear();
    },
    /** A key at the terminal in front of us. */
    typedHere() {
      typedHereAt = now();
    },
    /** What is to be written of it: nothing, if it was before, or if something before it is missing. */
    keys(desk: DeskId, { no, first, bytes }: DeskKeys): Uint8Array | null {
      const last = written.get(desk) ?? 0;
      if (no <= last || (no > last + 1 && no !== first)) return null;
      remember(desk, no);
      return Buffer.from(bytes, "base64");
    },
    /** A key there. */
    typedAt(desk: DeskId) {
      const known = there.get(desk);
      if (known) known.typedAt = now();
    },
    /** Up to where everything of that desk is written. */
    upto: (desk: DeskId) => written.get(desk) ?? 0,
    /** The size of the desk where somebody typed last; null: that is the terminal in front of us, if it is `here`. */
    size(here: boolean): Size | null {
      let newest: Desk | null = null;
      for (const desk of there.values()) if (!newest || desk.typedAt >= newest.typedAt) newest = desk;
      return newest && !(here && typedHereAt >= newest.typedAt) ? newest : null;
    },
  };
}
