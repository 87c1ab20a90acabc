// A named key to the bytes a terminal would send for it, by the modes that the program has switched on.
import type { Key } from "../protocol.ts";
import type { Modes } from "../screen.ts";

/** A wheel's step where the program reads no mouse: terminals send as many arrows to a full-screen program. */
const ARROWS_A_STEP = 3;

/** The bytes; none for a key that means nothing now (the wheel on the main screen, where the viewer itself scrolls). */
export function keyBytes(key: Key, modes: Modes): Uint8Array {
  return Buffer.from(sequence(key, modes), "latin1");
}

function sequence(key: Key, modes: Modes): string {
  switch (key) {
    case "escape":
      return "\x1b";
    case "tab":
      return "\t";
    case "shift_tab":
      return "\x1b[Z";
    case "enter":
      return "\r";
    case "up":
      return cursor("A", modes);
    case "down":
      return cursor("B", modes);
    case "right":
      return cursor("C", modes);
    case "left":
      return cursor("D", modes);
    case "home":
      return cursor("H", modes);
    case "end":
      return cursor("F", modes);
    case "page_up":
      return "\x1b[5~";
    case "page_down":
      return "\x1b[6~";
    case "backspace":
      return "\x7f";
    case "ctrl_c":
      return "\x03";
    case "ctrl_j":
      return "\n";
    case "ctrl_o":
      return "\x0f";
    case "ctrl_r":
      return "\x12";
    case "space":
      return " ";
    case "wheel_up":
      return wheel(64, "A", modes);
    case "wheel_down":
      return wheel(65, "B", modes);
  }
}

const cursor = (letter: string, modes: Modes) =>
  modes.application_cursor ? `\x1bO${letter}` : `\x1b[${letter}`;

/** As SGR reports (?1006), which whoever reads the mouse today asks for; x10 knows no wheel. */
function wheel(button: number, arrow: string, modes: Modes): string {
  if (modes.mouse !== "none" && modes.mouse !== "x10") return `\x1b[<${button};1;1M`;
  return modes.alternate ? cursor(arrow, modes).repeat(ARROWS_A_STEP) : "";
}
