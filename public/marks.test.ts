import { expect, test } from "bun:test";
import { cpuMs } from "../src/testing/cpu.ts";
import { hiddenIn, piecesOf } from "./marks.ts";

/** The text as it is shown, marks in braces. */
const shown = (text: string) =>
  piecesOf(text)
    .map((piece) => (piece.mark ? `{${piece.text}}` : piece.text))
    .join("");

test.each([
  ["bidi override", "a\u202eb", "a{<U+202E>}b"],
  ["bidi isolate", "\u2066x\u2069", "{<U+2066>}x{<U+2069>}"],
  ["zero width space", "rm\u200b -rf", "rm{<U+200B>} -rf"],
  ["zero width joiner in a word", "a\u200db", "a{<U+200D>}b"],
  ["byte order mark", "\ufeffx", "{<U+FEFF>}x"],
  ["soft hyphen", "a\u00adb", "a{<U+00AD>}b"],
  ["tag characters", "x\u{e0041}", "x{<U+E0041>}"],
  ["variation selectors", "a\ufe01\u{e0100}", "a{<U+FE01>}{<U+E0100>}"],
  ["Hangul filler", "a\u3164b", "a{<U+3164>}b"],
  ["braille blank", "a\u2800b", "a{<U+2800>}b"],
  ["no-break and other spaces", "a\u00a0b\u2003c", "a{<U+00A0>}b{<U+2003>}c"],
  ["line and paragraph separators", "a\u2028b\u2029", "a{<U+2028>}b{<U+2029>}"],
  ["escape", "\x1b[2K", "{<ESC>}[2K"],
  ["carriage return", "safe\revil", "safe{<CR>}evil"],
  ["backspace, NUL, bell, delete", "\b\0\x07\x7f", "{<BS>}{<NUL>}{<BEL>}{<DEL>}"],
  ["C1 controls", "\x9b", "{<U+009B>}"],
  ["a lone half of a pair", "x\ud800y", "x{<U+D800>}y"],
  ["private use", "\ue000", "{<U+E000>}"],
  ["an accent on a slash", "/\u0338", "/{<U+0338>}"],
])("SEC-037 %s is shown as a mark", (_name, text, marked) => {
  expect(shown(text)).toBe(marked);
});

test.each([
  ["a Cyrillic letter in a Latin word", "p\u0430ypal", "p{\u0430<U+0430>}ypal"],
  ["a word of look-alikes alone", "\u0441\u043e\u0440\u0443", "{с<U+0441>}{о<U+043E>}{р<U+0440>}{у<U+0443>}"],
  ["a Greek letter in a host", "g\u03bfogle.com", "g{\u03bf<U+03BF>}ogle.com"],
  ["fullwidth letters", "\uff52\uff4d", "{\uff52<U+FF52>}{\uff4d<U+FF4D>}"],
  ["a division slash", "a\u2215b", "a{\u2215<U+2215>}b"],
  ["a minus that is none", "rm \u2212rf", "rm {\u2212<U+2212>}rf"],
  ["mathematical letters", "\u{1d42b}m", "{\u{1d42b}<U+1D42B>}m"],
])("SEC-037 %s is kept and marked", (_name, text, marked) => {
  expect(shown(text)).toBe(marked);
});

test.each([
  "npm test\n\t--watch",
  "größe naïve señor",
  "Привет, мир",
  "日本語のテスト",
  "emoji 👩‍💻 ⚠️ 🇩🇪 👍🏽",
  "don’t — “quoted” …",
  "e\u0301 combined",
  "",
])("ordinary writing is left alone: %p", (text) => {
  expect(shown(text)).toBe(text);
});

test("every character is either shown or named", () => {
  const text = Array.from({ length: 0x500 }, (_, code) => String.fromCharCode(code)).join("");
  const plain = piecesOf(text).filter(({ mark }) => !mark);
  expect(plain.map((piece) => piece.text).join("")).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\xa0\xad]/);
  expect(hiddenIn("a\u202eb\0")).toBe(2);
});

test("SEC-055 a long hostile text is marked in good time", async () => {
  const text = "\u0430a\u202e\x1b".repeat(50_000);
  expect(await cpuMs(() => expect(hiddenIn(text)).toBe(150_000))).toBeLessThan(1_000);
});
