// What a claude prints: lines with numbers, and below them its input box, or a dialog in its place.
const BOX = `${"─".repeat(20)}\r\n❯ \r\n${"─".repeat(20)}`;
const BOX_ROWS = 3;

export class Painter {
  /** How many lines it has printed. */
  printed = 0;
  #boxed = false;

  /** The bytes of so many lines more. `boxed`: the input box stands below them. */
  paint(what: string, lines: number, boxed: boolean): string {
    const above = this.#boxed ? `\r\x1b[${BOX_ROWS - 1}A\x1b[J` : "";
    const text = Array.from({ length: lines }, () => `${this.printed++} ${what}\r\n`).join("");
    this.#boxed = boxed;
    return above + text + (boxed ? BOX : "");
  }
}
