// A long list of which only what is near the screen is in the page. What is read never moves: new blocks, blocks that
// change their height and another width of the page all leave the first visible block where it is.

/** px. Within this of the end the reader is at the end, and stays there. */
export const PINNED_PX = 48;
/** Blocks in the page at once. */
const MOST_DRAWN = 200;
/** So many screens above and below are drawn, and drawn anew when less than half of one is left. */
const AHEAD = 1.5;
const LEAST_AHEAD = 0.5;
/** ms without scrolling after which the place on the scale may be put right: before, a finger's swing would stop. */
const REST_MS = 120;

export type Item = { key: string; rev: number };
type Drawn = { node: HTMLElement; rev: number };

export type WindowOptions<T extends Item> = {
  /** The box that scrolls, and in it the box for the blocks. */
  scroll: HTMLElement;
  list: HTMLElement;
  draw: (item: T) => HTMLElement;
  /** px, before it was ever drawn, on a page so wide. */
  estimate: (item: T, width: number) => number;
  /** The first and the last block that are drawn, or where the reader stands, changed. */
  onMove: () => void;
};

/** Shows some of the items that `show` is given. */
export function listWindow<T extends Item>({ scroll, list, draw, estimate, onMove }: WindowOptions<T>) {
  let items: readonly T[] = [];
  /** Where each item begins, were the list as high as it is thought to be; one more for its end. */
  let tops = new Float64Array(1);
  const heights = new Map<string, number>();
  const guesses = new Map<string, number>();
  const drawn = new Map<string, Drawn>();
  let first = 0;
  let last = 0;
  /** So much lower than `tops` says everything stands: estimates were wrong. Put right at rest. */
  let drift = 0;
  let pinned = true;
  let touching = false;
  let width = 0;
  let keptFrom = 0;
  let hidden = true;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const heightOf = (item: T) => heights.get(item.key) ?? guessOf(item);

  function guessOf(item: T): number {
    const known = guesses.get(item.key);
    if (known !== undefined) return known;
    const guess = estimate(item, width);
    guesses.set(item.key, guess);
    return guess;
  }

  const top = (i: number) => tops[i] ?? 0;

  function measureTops() {
    if (tops.length !== items.length + 1) tops = new Float64Array(items.length + 1);
    let sum = 0;
    for (let i = 0; i < items.length; i++) {
      tops[i] = sum;
      const item = items[i];
      if (item) sum += heightOf(item);
    }
    tops[items.length] = sum;
  }

  /** The item that is at `y` of the list. */
  function indexAt(y: number): number {
    let low = 0;
    let high = items.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (top(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  const firstVisible = () => indexAt(seenFrom() - drift);
  /** A box that nobody sees has no place; it had one. */
  const seenFrom = () => (scroll.clientHeight === 0 ? keptFrom : scroll.scrollTop);

  function seeFrom(y: number) {
    scroll.scrollTop = y;
    keptFrom = scroll.clientHeight === 0 ? y : scroll.scrollTop;
  }

  const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < PINNED_PX;

  /** Whoever has scrolled away is told by an event of the next frame, and must not be led back before that. */
  function seeWhetherPinned() {
    if (!hidden && scroll.clientHeight > 0 && scroll.scrollTop !== keptFrom) pinned = isAtEnd();
  }

  /** Which items are to be drawn around the screen. */
  function range(): [from: number, to: number] {
    const view = scroll.clientHeight;
    const y = seenFrom() - drift;
    const start = indexAt(y);
    let from = start;
    while (from > 0 && start - from < MOST_DRAWN / 2 && top(from) > y - AHEAD * view) from--;
    let to = start;
    while (to < items.length && to - from < MOST_DRAWN && top(to) < y + (1 + AHEAD) * view) to++;
    return [from, to];
  }

  /** Makes the page have the items of the range, and the first visible one where it was. */
  function redraw([from, to]: [number, number], anchor: number) {
    const place = top(anchor) + drift;
    const wanted = new Set<string>();
    for (let i = from; i < to; i++) wanted.add(items[i]?.key ?? "");
    for (const [key, { node }] of drawn) {
      if (wanted.has(key)) continue;
      watcher.unobserve(node);
      node.remove();
      drawn.delete(key);
    }
    let next: Element | null = null;
    for (let i = to - 1; i >= from; i--) {
      const item = items[i];
      if (!item) continue;
      const node = nodeOf(item);
      if (node.parentElement !== list || node.nextElementSibling !== next) list.insertBefore(node, next);
      next = node;
    }
    first = from;
    last = to;
    measureDrawn();
    settle(anchor, place);
  }

  function nodeOf(item: T): HTMLElement {
    const known = drawn.get(item.key);
    if (known?.rev === item.rev) return known.node;
    if (known) {
      watcher.unobserve(known.node);
      known.node.remove();
    }
    const node = draw(item);
    node.dataset.key = item.key;
    drawn.set(item.key, { node, rev: item.rev });
    watcher.observe(node);
    return node;
  }

  function measureDrawn(): boolean {
    let changed = false;
    if (scroll.clientHeight === 0) return false;
    for (const [key, { node }] of drawn) {
      const { height } = node.getBoundingClientRect();
      if (Math.abs((heights.get(key) ?? -1) - height) < 0.1) continue;
      heights.set(key, height);
      changed = true;
    }
    return changed;
  }

  /** The anchor stands at `place` of the scroll box from now on; the reader at the end stays at the end. */
  function settle(anchor: number, place: number) {
    measureTops();
    drift = pinned ? 0 : place - top(anchor);
    pad();
    if (pinned) seeFrom(scroll.scrollHeight);
    else if (top(first) + drift < 0) straighten();
    else restSoon();
  }

  function pad() {
    list.style.paddingTop = `${Math.max(0, top(first) + drift)}px`;
    list.style.paddingBottom = `${Math.max(0, top(items.length) - top(last))}px`;
  }

  /** Puts list and scroll bar right together, so that nothing is seen of it. */
  function straighten() {
    if (Math.abs(drift) < 0.5) return;
    const by = drift;
    drift = 0;
    const target = seenFrom() - by;
    pad();
    seeFrom(target);
  }

  function restSoon() {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (touching) return restSoon();
      straighten();
      moved();
    }, REST_MS);
  }

  /** Draws what came near the screen. */
  function moved() {
    seeWhetherPinned();
    const view = scroll.clientHeight;
    const y = seenFrom() - drift;
    const short =
      (first > 0 && y - top(first) < LEAST_AHEAD * view) ||
      (last < items.length && top(last) - (y + view) < LEAST_AHEAD * view);
    if (short) {
      const wanted = range();
      if (wanted[0] !== first || wanted[1] !== last) redraw(wanted, firstVisible());
    }
    onMove();
  }

  const watcher = new ResizeObserver(() => {
    if (scroll.clientHeight === 0) {
      hidden = true;
      return;
    }
    if (hidden && !pinned) scroll.scrollTop = keptFrom;
    hidden = false;
    const anchor = firstVisible();
    const place = top(anchor) + drift;
    const rewrapped = scroll.clientWidth !== width;
    width = scroll.clientWidth;
    if (rewrapped) {
      heights.clear();
      guesses.clear();
    }
    const changed = measureDrawn();
    if (changed || rewrapped) settle(anchor, place);
    else if (pinned) seeFrom(scroll.scrollHeight);
    moved();
  });
  watcher.observe(scroll);

  scroll.addEventListener(
    "scroll",
    () => {
      if (scroll.clientHeight === 0) return;
      pinned = isAtEnd();
      keptFrom = scroll.scrollTop;
      restSoon();
      moved();
    },
    { passive: true },
  );
  // Whoever opens something reads what they tapped, and no longer the end.
  list.addEventListener(
    "click",
    () => {
      pinned = false;
      clearTimeout(again);
      again = setTimeout(() => {
        if (scroll.clientHeight === 0) return; // Another tab was chosen: they are where they were.
        pinned = isAtEnd();
        onMove();
      }, REST_MS);
    },
    { capture: true },
  );
  const lifted = (event: Event) => {
    touching = event instanceof TouchEvent && event.touches.length > 0;
  };
  scroll.addEventListener(
    "touchstart",
    ({ target }) => {
      touching = true;
      // On what is touched itself: where that is drawn anew under the finger, nothing of its end is heard here.
      for (const name of ["touchend", "touchcancel"])
        target?.addEventListener(name, lifted, { passive: true });
    },
    { passive: true },
  );

  return {
    /** These are the items now. Those that were there before keep their key. */
    show(next: readonly T[]) {
      seeWhetherPinned();
      const anchor = firstVisible();
      const item = items[anchor];
      const place = top(anchor) + drift;
      items = next;
      width = scroll.clientWidth;
      const now = item ? next.findIndex(({ key }) => key === item.key) : -1;
      measureTops();
      if (now < 0) drift = 0;
      else drift = pinned ? 0 : place - top(now);
      if (pinned) pinToEnd();
      else redraw(range(), now < 0 ? firstVisible() : now);
      onMove();
    },
    toEnd() {
      pinned = true;
      pinToEnd();
      onMove();
    },
    /** Scrolls until what is at this place of the window is in the upper half of the box; not if it is in sight. */
    bring(y: number | null) {
      const { top: above, height } = scroll.getBoundingClientRect();
      if (y === null || height === 0 || (y > above && y < above + height / 2)) return;
      seeFrom(Math.max(0, seenFrom() + y - above - height / 3));
      moved();
    },
    /** The reader is not at the end, wherever the list ends now. */
    unpin() {
      pinned = false;
    },
    /** Brings the item's beginning into sight, if that is above. */
    reveal(key: string) {
      const i = items.findIndex((one) => one.key === key);
      if (i >= 0 && top(i) + drift < seenFrom()) seeFrom(top(i) + drift);
    },
    /** Puts the item's beginning into the upper part of the box; the reader is there, and no longer at the end. */
    goTo(key: string) {
      const i = items.findIndex((one) => one.key === key);
      if (i < 0) return;
      pinned = false;
      drift = 0;
      width = scroll.clientWidth;
      measureTops();
      pad();
      seeFrom(Math.max(0, top(i) - scroll.clientHeight / 5));
      redraw(range(), i);
      onMove();
    },
    get pinned() {
      return pinned;
    },
    /** px from what is seen to either end of what there is. */
    get above() {
      return seenFrom() - drift;
    },
    get below() {
      return top(items.length) - (seenFrom() - drift) - scroll.clientHeight;
    },
    get drawn() {
      return drawn.size;
    },
    close() {
      clearTimeout(rest);
      clearTimeout(again);
      watcher.disconnect();
    },
  };

  function pinToEnd() {
    drift = 0;
    const view = Math.max(scroll.clientHeight, 1);
    let from = items.length;
    while (
      from > 0 &&
      items.length - from < MOST_DRAWN / 2 &&
      top(items.length) - top(from) < (1 + AHEAD) * view
    )
      from--;
    redraw([from, items.length], Math.max(0, items.length - 1));
    // Once more: what was drawn may be lower than was thought.
    if (list.offsetHeight - top(first) < view && first > 0)
      redraw([Math.max(0, items.length - MOST_DRAWN / 2), items.length], Math.max(0, items.length - 1));
  }
}
