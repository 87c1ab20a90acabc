// When the next frame may go: soon after a quiet time, at a bounded rate while much changes, never when nobody watches.

/** After quiet: a program repaints in several writes, so that much is collected first. Not felt on a network. */
const COLLECT_MS = 4;

/** `now` is a clock in ms that only goes forward. */
export function pacer(send: () => void, now: () => number = () => performance.now()) {
  let interval = Number.POSITIVE_INFINITY;
  let sentAt = Number.NEGATIVE_INFINITY;
  let waiting = false; // Something changed since the last frame.
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const flush = () => {
    stop();
    waiting = false;
    sentAt = now();
    send();
  };
  const plan = () => {
    if (timer || !waiting || interval === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(flush, Math.max(COLLECT_MS, sentAt + interval - now()));
  };

  return {
    /** The screen may be another. */
    changed() {
      waiting = true;
      plan();
    },
    /** At most so many frames a second; 0 when nobody watches. */
    rate(perSecond: number) {
      interval = 1000 / perSecond;
      stop();
      plan();
    },
    /** A frame now, watched or not: a change of status, the end. */
    flushNow: flush,
  };
}
