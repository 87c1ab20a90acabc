// The keys of a terminal that a phone's keyboard has not.
import type { Key } from "../src/protocol.ts";
import { confirm } from "./dialogs.ts";
import { element } from "./dom.ts";

const KEYS: [key: Key, text: string, name: string][] = [
  ["escape", "Esc", "Esc"],
  ["up", "↑", "Up"],
  ["down", "↓", "Down"],
  ["enter", "Enter", "Enter"],
  ["tab", "Tab", "Tab"],
  ["shift_tab", "⇧Tab", "Shift Tab"],
  ["left", "←", "Left"],
  ["right", "→", "Right"],
  ["wheel_up", "Wheel ↑", "Wheel up"],
  ["wheel_down", "Wheel ↓", "Wheel down"],
  ["page_up", "PgUp", "PgUp, page up"],
  ["page_down", "PgDn", "PgDn, page down"],
  ["ctrl_c", "Ctrl-C", "Ctrl-C"],
];

/** A button each; what cannot be taken back is asked about first. */
export function keyButtons(press: (key: Key) => void): HTMLElement[] {
  return KEYS.map(([key, text, name]) => {
    const button = element("button", key === "ctrl_c" ? "key danger" : "key", text);
    button.setAttribute("aria-label", name);
    button.addEventListener("pointerdown", (event) => event.preventDefault()); // The keyboard stays as it is.
    button.addEventListener("click", async () => {
      if (key === "ctrl_c" && !(await confirm(CTRL_C))) return;
      press(key);
    });
    return button;
  });
}

const CTRL_C = {
  title: "Press Ctrl-C?",
  text: "It cancels what Claude is doing; twice in a row ends Claude.",
  yes: "Press Ctrl-C",
  danger: true,
};
