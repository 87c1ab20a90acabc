// What stands around the text one types to claude: commands, the permission mode, files, dictation. Loaded on demand.
import { attachFiles } from "./attach-files.ts";
import { commandList } from "./commands.ts";
import { type ComposerParts, toolButton } from "./composer-parts.ts";
import { dictation } from "./dictation.ts";
import { element } from "./dom.ts";
import { modeChip } from "./mode.ts";

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

export type ComposeTools = ReturnType<typeof composeTools>;
