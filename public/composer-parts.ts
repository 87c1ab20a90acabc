// What the composer and its tools share.
import type { Session, SessionId } from "../src/protocol.ts";
import { element, icon } from "./dom.ts";
import type { Model } from "./model.ts";

/** What the composer gives to its tools. */
export type ComposerParts = {
  model: Model;
  session: SessionId;
  text: HTMLTextAreaElement;
  /** Lists stand there, over the text. */
  above: HTMLElement;
  /** Buttons stand there, under it. */
  tools: HTMLElement;
  /** Sets the text, the caret at its end or at `caret`. */
  put: (value: string, caret?: number) => void;
  /** What can be sent has changed. */
  changed: () => void;
  /** Shows a line to whoever composes, or none; `from` is who says it. */
  say: (from: "mode" | "files" | "speech", kind: "warn" | "", text: string) => void;
  /** A menu was opened on claude's screen. */
  onMenu: () => void;
};

/** A round button with an icon of index.html. */
export function toolButton(name: string, label: string, act: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "compose-tool";
  button.setAttribute("aria-label", label);
  button.append(icon(name));
  button.addEventListener("pointerdown", (event) => event.preventDefault()); // The keyboard stays as it is.
  button.addEventListener("click", act);
  return button;
}

/** What stands in place of the composer once a session has ended: where its conversation can go on. */
export function farewell({ devbox, device_id, conversation }: Session): (Node | string)[] {
  if (!conversation) return ["This session has ended."];
  const place = devbox ?? (device_id === "local" ? "local" : null);
  if (!place)
    return [
      "This session has ended. Continue it at its desk with ",
      element("code", "", "claude-remote --resume"),
    ];
  const link = element("a", "button wide", "Continue this conversation");
  link.setAttribute("href", `/new?${new URLSearchParams({ devbox: place, resume: conversation })}`);
  return ["This session has ended.", link];
}
