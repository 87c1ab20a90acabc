// What went wrong on a screen, and the way on: a tap, or the connection that comes back.
import { part, setText } from "./dom.ts";
import type { Model } from "./model.ts";

const AGAIN = "Try again";

/** The trouble of one screen; to be closed with it. */
export function trouble(root: HTMLElement, model: Model) {
  const words = part(root, "trouble", HTMLElement);
  const button = part(root, "try-again", HTMLButtonElement);
  const isLive = () => model.connection.kind === "live";
  let again: (() => unknown) | null = null;
  let live = isLive();
  /** A connection has come since the last try began. */
  let came = false;
  /** Another connection may bring another answer. */
  let waits = true;
  let trying = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tryAgain() {
    came = false;
    if (again === null || trying) return;
    trying = true;
    setText(button, "Trying …");
    again();
  }

  button.addEventListener("click", tryAgain);
  const stop = model.subscribe(() => {
    const back = isLive() && !live;
    live = isLive();
    came ||= back;
    if (back && waits && !trying) tryAgain();
  });

  return {
    /** Null: nothing is wrong any more. What `retry` does ends in another call; `byItself`: also when a connection comes. */
    show(problem: string | null, retry?: () => unknown, byItself = true) {
      const hadFocus = document.activeElement === button;
      again = problem === null ? null : (retry ?? null);
      waits = byItself;
      trying = false;
      setText(words, problem ?? "");
      words.hidden = problem === null;
      button.hidden = again === null;
      setText(button, AGAIN);
      if (hadFocus && button.hidden) root.querySelector("h1")?.focus({ preventScroll: true });
      // After whoever called this is through.
      if (came && live && waits) timer = setTimeout(tryAgain, 0);
    },
    close() {
      stop();
      clearTimeout(timer);
    },
  };
}
