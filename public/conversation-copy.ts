// Copying: to the clipboard where the browser allows it, else by the selection, which works over plain http too.
import { element } from "./dom.ts";

/** How long a button says that it has copied, ms. */
const SAID_MS = 2_000;

/** A button that copies what `text` gives, and says so, also to those who do not see it. */
export function copyButton(text: () => string, label: string): HTMLElement {
  const button = element("button", "text-button small copy", "Copy");
  button.setAttribute("aria-label", label);
  button.addEventListener("click", async () => {
    const words = (await copied(text())) ? "Copied" : "Not copied";
    button.textContent = words;
    announce(words);
    setTimeout(() => {
      button.textContent = "Copy";
    }, SAID_MS);
  });
  return button;
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

function copiedBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return done;
}

let live: HTMLElement | null = null;

function announce(words: string) {
  if (!live) {
    live = element("div", "sr");
    live.setAttribute("role", "status");
    document.body.append(live);
  }
  live.textContent = "";
  const region = live;
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}
