// The keys that leave a session: told from all others in what is typed, never in what is pasted.

/** What is pasted stands between these. */
const PASTE_BEGINS = "\x1b[200~";
const PASTE_ENDS = "\x1b[201~";

export type DetachKey = {
  /** As people read it. */
  name: string;
  /** What is to be passed on of these bytes. `detach`: the keys are complete; what follows them is dropped. */
  feed(bytes: Uint8Array): { bytes: Uint8Array; detach: boolean };
  /** The first of the keys is held back, since the others may follow. */
  readonly held: boolean;
  /** They did not follow: what was held back. */
  release(): Uint8Array;
};

/** Reads keys like "ctrl-\ ctrl-\" or "ctrl-a d". Null: they are none. */
export function detachKey(words: string): DetachKey | null {
  const keys = words.trim().split(/[\s,]+/);
  const codes = keys.map(codeOf);
  if (codes.length > 4 || !codes.every((code) => code !== null)) return null;
  // Text alone could not be typed any more.
  return codes.some((code) => code < 0x20 || code === 0x7f) ? filter(nameOf(keys), codes) : null;
}

function codeOf(key: string): number | null {
  const [, ctrl, character = ""] = /^(ctrl-|\^)?([!-~])$/i.exec(key) ?? [];
  if (character === "") return null;
  if (!ctrl) return character.charCodeAt(0);
  if (character === "?") return 0x7f;
  return /[@a-z[\\\]^_]/i.test(character) ? character.toUpperCase().charCodeAt(0) & 0x1f : null;
}

function nameOf(keys: string[]): string {
  const names = keys.map((key) => key.replace(/^(ctrl-|\^)/i, "Ctrl-"));
  const twice = names.length === 2 && names[0] === names[1];
  return twice ? `${names[0]} twice` : names.join(" ");
}

function filter(name: string, codes: number[]): DetachKey {
  let held: number[] = [];
  let pasting = false;
  let newest = "";

  const isBeginning = () => held.every((code, i) => code === codes[i]);
  /** Follows where a paste begins and ends. */
  const see = (code: number) => {
    newest = (newest + String.fromCharCode(code)).slice(-PASTE_BEGINS.length);
    if (newest === PASTE_BEGINS) pasting = true;
    if (newest === PASTE_ENDS) pasting = false;
  };

  return {
    name,
    get held() {
      return held.length > 0;
    },
    feed(bytes) {
      const passed: number[] = [];
      for (const code of bytes) {
        see(code);
        held.push(code);
        while (held.length > 0 && (pasting || !isBeginning())) passed.push(held.shift() ?? 0);
        if (held.length < codes.length) continue;
        held = [];
        return { bytes: Uint8Array.from(passed), detach: true };
      }
      return { bytes: Uint8Array.from(passed), detach: false };
    },
    release() {
      const bytes = Uint8Array.from(held);
      held = [];
      return bytes;
    },
  };
}
