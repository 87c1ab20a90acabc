// A list that is read page by page, the newest first, by a button at its end.
import { setText } from "./dom.ts";
import type { Context } from "./screen.ts";

export type Older = {
  button: HTMLButtonElement;
  /** What the button says. */
  words: string;
  say: Context["say"];
  /** Reads the next page and draws it; whether there is more. */
  read: () => Promise<boolean>;
  /** After each page, and each failure. */
  onRead: (failed: boolean) => void;
};

/** Reads the first page at once, until it is there; a later one that failed is tried again by the same button. */
export function readOlder({ button, words, say, read, onRead }: Older) {
  let more = true;
  let begun = false;

  async function load() {
    let failed = false;
    button.disabled = true;
    try {
      more = await read();
      begun = true;
      say(null);
    } catch (error) {
      failed = true;
      say(error, begun ? undefined : load);
    }
    button.disabled = false;
    button.hidden = begun ? !more && !failed : true;
    setText(button, failed ? "Try again" : words);
    onRead(failed);
  }

  button.addEventListener("click", load);
  load();
}
