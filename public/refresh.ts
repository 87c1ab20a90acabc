// The list, asked for anew: pulled down at its top, or by the button at its end. For whoever does not trust what stands there.
import { part, setText } from "./dom.ts";
import type { Model } from "./model.ts";

/** px of a finger's way down after which it is said what letting go does, and after which letting go does it. */
const SEEN_PX = 24;
const MEANT_PX = 80;
/** ms: how long the outcome is said, and how long an answer is waited for. */
const SAID_MS = 2_000;
const PATIENCE_MS = 5_000;

/** `again` opens the stream anew. To be called at each change of the model: tells when an answer has come. */
export function refresher(root: HTMLElement, model: Model, again: () => void): () => void {
  const told = part(root, "pulled", HTMLElement);
  const scroll = part(root, "scroll", HTMLElement);
  /** Where the finger began, while it pulls. */
  let from: number | null = null;
  let meant = false;
  /** Not answered yet: when it was asked, and of when the list was then. */
  let asked: { at: number; asOf: number } | null = null;
  let hide: ReturnType<typeof setTimeout> | undefined;

  function say(words: string, ms?: number) {
    clearTimeout(hide);
    told.hidden = words === "";
    setText(told, words);
    if (ms !== undefined) hide = setTimeout(() => say(""), ms);
  }

  function refresh() {
    asked = { at: Date.now(), asOf: model.asOf() };
    say("Refreshing …");
    again();
  }

  function end() {
    const go = meant;
    if (from !== null) say("");
    from = null;
    meant = false;
    if (go) refresh();
  }

  function pulled({ touches }: TouchEvent) {
    if (from === null) return;
    const way = (touches[0]?.clientY ?? from) - from;
    meant = way > MEANT_PX;
    if (way < 0 || scroll.scrollTop > 0 || touches.length > 1) return forget();
    say(meant ? "Let go to refresh" : way > SEEN_PX ? "Pull to refresh" : "");
  }

  /** It scrolls, or was never meant for this. */
  function forget() {
    meant = false;
    end();
  }

  const passive = { passive: true };
  scroll.addEventListener(
    "touchstart",
    ({ touches }) => {
      from = scroll.scrollTop <= 0 && touches.length === 1 ? (touches[0]?.clientY ?? null) : null;
    },
    passive,
  );
  scroll.addEventListener("touchmove", pulled, passive);
  scroll.addEventListener("touchend", end, passive);
  scroll.addEventListener("touchcancel", forget, passive);
  part(root, "refresh", HTMLElement).addEventListener("click", refresh);

  return () => {
    if (!asked) return;
    const answered = model.connection.kind === "live" && model.asOf() > asked.asOf;
    if (!answered && Date.now() - asked.at < PATIENCE_MS) return;
    asked = null;
    say(answered ? "Up to date" : "The server does not answer", SAID_MS);
  };
}
