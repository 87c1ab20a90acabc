// Folders of a devbox below the field in which one is typed: a tap takes one, and shows what is in it.
import { ApiFailure, get } from "./api.ts";
import { pathOf } from "./devboxes.ts";
import { element, reconcile, setMarked, setText } from "./dom.ts";

/** Typing goes on within this; asking for each letter would only be slower. */
const TYPED_MS = 200;
/** Folders shown; whoever wants another types a letter more. */
const SHOWN = 30;

type Listing = { directories: string[]; more: boolean };

/** Completes `input`; `onTake` after a tap on a folder. */
export function folders(input: HTMLInputElement, onTake: () => void) {
  const root = element("div", "folders");
  const list = element("ul", "folder-list");
  const note = element("p", "quiet");
  note.setAttribute("role", "status");
  let devbox = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The last question; an answer to an older one comes too late. */
  let asked = 0;
  root.hidden = true;
  list.setAttribute("aria-label", "Folders");
  root.append(list, note);
  input.addEventListener("input", () => later(TYPED_MS));
  input.addEventListener("focus", () => later(0));

  function later(ms: number) {
    clearTimeout(timer);
    timer = setTimeout(ask, ms);
  }

  async function ask() {
    const [mine, under] = [++asked, input.value.trim()];
    if (!/^(\/|~$|~\/)/.test(under)) return show([], under === "" ? "" : "A folder begins with / or ~/");
    const path = pathOf(devbox, `/directories?under=${encodeURIComponent(under)}`);
    try {
      const { directories, more } = (await get(path)) as Listing;
      if (mine !== asked) return;
      const words = more || directories.length > SHOWN ? "There are more: type on." : "";
      show(directories.slice(0, SHOWN), directories.length === 0 ? "No folder of that name." : words);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (mine === asked) show([], `The folders there cannot be read: ${error.message}`);
    }
  }

  function show(directories: string[], words: string) {
    root.hidden = false;
    reconcile(
      list,
      directories,
      (path) => path,
      make,
      () => {},
    );
    setMarked(note, words);
  }

  function make(path: string): HTMLElement {
    const item = element("li", "");
    const button = element("button", "folder mono");
    button.setAttribute("type", "button");
    setMarked(button, `${path.split("/").at(-1)}/`);
    // The field keeps the keyboard.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      input.value = `${path}/`;
      onTake();
      later(0);
    });
    item.append(button);
    return item;
  }

  function hide() {
    clearTimeout(timer);
    asked++;
    root.hidden = true;
    list.replaceChildren();
    setText(note, "");
  }

  return {
    root,
    hide,
    close: hide,
    /** Another devbox's folders from now on. */
    of(name: string) {
      devbox = name;
      hide();
    },
  };
}
