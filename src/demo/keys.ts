// What a terminal sends, cut into keys: one string each, an escape sequence whole, a paste as the characters it holds.

const ESC = "\x1b";
/** A sequence, Alt-Enter or one character; and a sequence that is not whole yet. */
const TOKEN = new RegExp(`${ESC}\\[[0-?]*[ -/]*[@-~]|${ESC}O.|${ESC}\\r|.`, "gsu");
const BEGUN = new RegExp(`${ESC}(?:\\[[0-?]*[ -/]*|O)$`);

/** Calls `onKey` for each key; for a pasted character, line ends as "\n" and no control characters, with `pasted` set. */
export function keys(onKey: (key: string, pasted: boolean) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  let pasted = false;

  return (bytes: Uint8Array) => {
    const text = rest + decoder.decode(bytes, { stream: true });
    rest = BEGUN.exec(text)?.[0] ?? "";
    for (const [key] of text.slice(0, text.length - rest.length).matchAll(TOKEN)) {
      if (key === `${ESC}[200~`) pasted = true;
      else if (key === `${ESC}[201~`) pasted = false;
      else if (!pasted) onKey(key, false);
      else if (key === "\r" || key === "\n" || /^\P{Cc}/u.test(key)) onKey(key === "\r" ? "\n" : key, true);
    }
  };
}
