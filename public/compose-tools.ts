// What stands around the text one types to claude: commands, the permission mode, files, dictation. Loaded on demand.
import type { SessionId } from "../src/protocol.ts";
import { attachFiles } from "./attach-files.ts";
import { commandList } from "./commands.ts";
import { dictation } from "./dictation.ts";
import { element, icon } from "./dom.ts";
import { modeChip } from "./mode.ts";
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

/** The tools of one composer. */
export function composeTools(parts: ComposerParts) {
  const files = attachFiles(parts);
  const commands = commandList(parts);
  const mode = modeChip(parts);
  const speech = dictation(parts);
  const slash = toolButton("slash", "Commands", () => commands.begin());
  slash.setAttribute("aria-haspopup", "listbox");
  parts.tools.append(files.button, slash, mode.root, element("span", "spacer"));
  if (speech) parts.tools.append(speech.button);

  return {
    update() {
      mode.update();
      files.update();
    },
    /** The text changed, by whatever hand. */
    typed: () => commands.typed(),
    /** A key for a list that is open; true: it was for that. */
    key: (event: KeyboardEvent) => commands.key(event),
    /** A list of commands stands there. */
    get lists() {
      return commands.open;
    },
    /** What claude makes of the command that stands there, or null. */
    meaning: () => commands.meaning(),
    /** Whether files are on their way that the text must wait for. */
    get waits() {
      return files.waits;
    },
    get any() {
      return files.any;
    },
    /** The text with what belongs to it. It is sent now: nothing of it stays here. */
    take(text: string): string {
      speech?.stop();
      if (commands.isMenu(text)) parts.onMenu();
      return [text, files.take()].filter((one) => one.trim() !== "").join("\n");
    },
    close() {
      speech?.stop();
      files.close();
    },
  };
}

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

export type ComposeTools = ReturnType<typeof composeTools>;
