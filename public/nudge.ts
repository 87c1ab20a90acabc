// The one line of the list that leads to notifications, until they are on or the owner does not want them.
import { part, setText } from "./dom.ts";
import type { Situation } from "./phone.ts";
import { nextStep } from "./push.ts";

/** Said once: whoever closes it does not see it again on this browser. */
const DISMISSED = "nudge-dismissed";

const WORDS: Partial<Record<Situation, string>> = {
  off: "Turn on notifications",
  install: "Get notifications: add this page to the Home Screen",
  insecure: "Notifications need https: three ways to it",
};

/** Draws it into the list; the returned function looks again whether it is needed. */
export function nudge(root: HTMLElement): () => void {
  const line = part(root, "nudge", HTMLElement);
  let looked = 0;
  part(root, "nudge-no", HTMLElement).addEventListener("click", () => {
    line.hidden = true;
    localStorage.setItem(DISMISSED, "yes");
  });

  async function look() {
    const step = await nextStep();
    const words = localStorage.getItem(DISMISSED) ? undefined : WORDS[step];
    line.hidden = words === undefined;
    setText(part(root, "nudge-text", HTMLElement), words ?? "");
  }

  return () => {
    if (Date.now() - looked < LOOK_EVERY_MS) return;
    looked = Date.now();
    look().catch(() => {});
  };
}

/** It changes by a tap on another screen, or in the browser's settings. */
const LOOK_EVERY_MS = 2_000;
