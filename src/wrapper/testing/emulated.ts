// An emulator under test, what it shows, and streams to give it.
import { rowText, type Screen } from "../../screen.ts";
import { Emulator, type EmulatorOptions } from "../emulator.ts";

export const MB = 1024 * 1024;
export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** An emulator and all that it calls out. */
export function testEmulator(options: Partial<EmulatorOptions> = {}) {
  const seen = { lines: [] as string[], erased: 0, gaps: [] as number[], skips: 0, changes: 0, replies: "" };
  const emulator = new Emulator({
    cols: 100,
    rows: 40,
    onLine: (text) => seen.lines.push(text),
    onErase: () => seen.erased++,
    onGap: (lines) => seen.gaps.push(lines),
    onSkip: () => seen.skips++,
    onChange: () => seen.changes++,
    onReply: (reply) => {
      seen.replies += new TextDecoder().decode(reply);
    },
    ...options,
  });
  return { emulator, seen };
}

/** The screen after these bytes, written in one piece or several. */
export async function screenAfter(pieces: (string | Uint8Array)[], cols = 100, rows = 40): Promise<Screen> {
  const { emulator } = testEmulator({ cols, rows });
  for (const piece of pieces) emulator.write(typeof piece === "string" ? bytesOf(piece) : piece);
  await emulator.settled();
  const screen = emulator.screen();
  emulator.close();
  return screen;
}

export const texts = (screen: Screen) => screen.lines.map(rowText);
export const plain = (text: string) => text.split("\n").map((line) => line.trimEnd());
export const shown = (screen: Screen) => plain(texts(screen).join("\n")).join("\n").trimEnd();

/** mulberry32: the same numbers in [0, 1) for the same seed. */
export function random(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Cuts the bytes at random, into pieces of up to `most`. */
export function chopped(bytes: Uint8Array, next: () => number, most: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(next() * most);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** What programs write, and what they should not. Without DECSC, on which terminals differ after a scroll. */
export function randomStream(next: () => number, tokens: number): string {
  const pick = (most: number) => Math.floor(next() * most);
  const token = [
    () => "the quick brown fox "[pick(20)] ?? "",
    () => "some words ".repeat(pick(20)),
    () =>
      ["“quoted”…", "漢字", "👩‍👩‍👧‍👦", "e\u0301", "❤️", "🇩🇪", "─│┌", "\u2003", "1️⃣", "한국"][pick(10)] ?? "",
    () => "\r\n".repeat(1 + pick(5)),
    () => `\x1b[${1 + pick(45)};${1 + pick(110)}H`,
    () => `\x1b[${pick(60)}${"ABCDEFGSTLMPX@"[pick(14)]}`,
    () => `\x1b[${pick(4)}${"JK"[pick(2)]}`,
    () => `\x1b[${[0, 1, 2, 3, 4, 7, 9, 31, 42, "38;5;208", "48;2;10;20;30"][pick(11)]}m`,
    () => `\x1b[${1 + pick(10)};${20 + pick(20)}r`,
    () => ["\x1bM", "\x1bD", "\t", "\b", "\x1b[r", "\x1b[4h", "\x1b[4l", "\x1b(0", "\x1b(B"][pick(9)] ?? "",
    () => `\x1b[?${[1, 6, 25, 1004, 1049, 2004][pick(6)]}${"hl"[pick(2)]}`,
    () => `\x1b]${[0, 2, 8, 52, 777][pick(5)]};${"x".repeat(pick(30))}\x07`,
    () => `\x1bP${"q".repeat(pick(9))}\x1b\\`,
  ];
  return Array.from({ length: tokens }, () => token[pick(token.length)]?.() ?? "").join("");
}
