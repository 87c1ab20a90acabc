// Which switches of the terminal a program has left on, so that they can be put back when it could not do so itself.

/** The private modes a program like claude switches, and the letter that puts each back. */
const PUT_BACK = new Map<string, "h" | "l">([
  ...[
    "1",
    "9",
    "66",
    "1000",
    "1002",
    "1003",
    "1004",
    "1005",
    "1006",
    "1015",
    "1016",
    "2004",
    "2026",
    "2031",
  ].map((mode) => [mode, "l"] as const),
  ["7", "h"],
  ["25", "h"],
]);
const ALTERNATE = ["47", "1047", "1049"];
/** `CSI ? … h|l`, `CSI > … u`, `CSI < … u`, `CSI = … u`, `CSI > … m`, and a full reset. */
const SWITCH = /\x1b(?:\[([?>=<])([\d;]*)([hlum])|c)/g;
/** A sequence that the end of a chunk cut. */
const CUT = /\x1b(?:\[(?:[?>=<][\d;]{0,40})?)?$/;

/** Follows a program's output. `undo` is what puts back the switches left on, empty when there are none. */
export class TtyModes {
  readonly #on = new Set<string>();
  /** Keyboard modes pushed (kitty's protocol), by screen: each screen has a stack of its own. */
  #pushed = { main: 0, alternate: 0 };
  #alternate: string | null = null;
  #otherKeys = false;
  #cut = "";

  see(bytes: Uint8Array) {
    if (this.#cut === "" && !bytes.includes(0x1b)) return;
    const text = this.#cut + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    for (const [, kind, numbers = "", letter] of text.matchAll(SWITCH)) {
      if (!kind) this.#reset();
      else this.#switch(kind, numbers, letter ?? "");
    }
    this.#cut = text.match(CUT)?.[0] ?? "";
  }

  #switch(kind: string, numbers: string, letter: string) {
    if (kind === "?" && (letter === "h" || letter === "l"))
      for (const mode of numbers.split(";")) this.#mode(mode, letter);
    else if (letter === "u") this.#keyboard(kind, Number(numbers.split(";")[0] || 1));
    else if (kind === ">" && letter === "m" && /^4(;|$)/.test(numbers))
      this.#otherKeys = Number(numbers.split(";")[1] ?? 0) > 0;
  }

  #mode(mode: string, letter: "h" | "l") {
    if (ALTERNATE.includes(mode)) this.#alternate = letter === "h" ? mode : null;
    const back = PUT_BACK.get(mode);
    if (back === undefined) return;
    if (letter === back) this.#on.delete(mode);
    else this.#on.add(mode);
  }

  #keyboard(kind: string, count: number) {
    const screen = this.#alternate ? "alternate" : "main";
    if (kind === ">") this.#pushed[screen]++;
    if (kind === "<") this.#pushed[screen] = Math.max(0, this.#pushed[screen] - count);
  }

  #reset() {
    this.#on.clear();
    this.#pushed = { main: 0, alternate: 0 };
    this.#alternate = null;
    this.#otherKeys = false;
  }

  /** The sequences that put everything back. The terminal has them only once they are written. */
  undo(): string {
    const pop = (count: number) => (count > 0 ? `\x1b[<${count}u` : "");
    const modes = [...this.#on].map((mode) => `\x1b[?${mode}${PUT_BACK.get(mode)}`).join("");
    const screen = this.#alternate ? `${pop(this.#pushed.alternate)}\x1b[?${this.#alternate}l` : "";
    return modes + screen + pop(this.#pushed.main) + (this.#otherKeys ? "\x1b[>4m" : "");
  }

  /** The sequences that switch on what the program left on: for a terminal that missed some of its output. */
  restate(): string {
    const modes = [...this.#on].map((mode) => `\x1b[?${mode}${PUT_BACK.get(mode) === "l" ? "h" : "l"}`);
    return (this.#alternate ? `\x1b[?${this.#alternate}h` : "") + modes.join("");
  }

  /** Nothing is on any more. */
  forget() {
    this.#reset();
    this.#cut = "";
  }
}
