// Makes visible what a text hides: control, bidi and invisible characters, odd spaces, and letters that look like others.

/** A piece of a text: as it is, or, with `mark`, what stands for characters that cannot be seen or trusted. */
export type Piece = { text: string; mark: boolean };

/** Everything that has no glyph of its own, or one that is taken for a space or a line break. */
const HIDDEN =
  /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800]|[^\P{Cc}\n\t]|[^\P{Zs} ]/u;
const PICTOGRAPH = /\p{Extended_Pictographic}/u;
/** Accents on letters are writing; on anything else they only disguise. */
const ACCENT = /[\p{Mn}\p{Me}]/u;
const LETTER = /[\p{L}\p{M}]/u;

const NAMES: Record<number, string> = {
  0: "NUL",
  7: "BEL",
  8: "BS",
  11: "VT",
  12: "FF",
  13: "CR",
  27: "ESC",
  127: "DEL",
};

/** Letters drawn like Latin ones: Cyrillic small and capital, Greek capital and small, Armenian. */
const LOOKALIKE = new RegExp(
  `[${[
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d",
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u04ae",
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "\u03bf\u03b1\u03bd\u03b9\u03c1\u03c5\u03f2\u03f3",
    "\u0585\u057d\u0570\u0578\u0581",
  ].join("")}]`,
  "u",
);
const FOREIGN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}]/u;
const LATIN = /\p{Script=Latin}/u;
/** Letters and signs that copy ASCII ones whatever stands around them: fullwidth, mathematical, slashes, dashes, dots. */
const COPIES =
  /[\uff0d-\uff19\uff21-\uff3a\uff3c\uff41-\uff5a\u{1d400}-\u{1d7ff}\u2024\u2044\u2215\u29f8\u2010-\u2012\u2212\ufe63\ufe52\u01c3\u0251\u0261]/u;

const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** The text in pieces. Tab, line feed, ordinary writing of any language and emoji are left as they are. */
export function piecesOf(text: string): Piece[] {
  if (/^[\n\t -~]*$/.test(text)) return text === "" ? [] : [{ text, mark: false }];
  const pieces: Piece[] = [];
  const add = (piece: string, mark: boolean) => {
    const last = pieces.at(-1);
    if (last && last.mark === mark && !mark) last.text += piece;
    else pieces.push({ text: piece, mark });
  };
  const suspects = suspectWords(text);
  const characters = Array.from(text);
  let at = 0;
  characters.forEach((character, i) => {
    const inSuspect = suspects.has(at);
    at += character.length;
    const hidden = isHidden(characters, i);
    const looksLike = !hidden && (COPIES.test(character) || (inSuspect && FOREIGN.test(character)));
    const shown = hidden ? nameOf(character) : looksLike ? character + nameOf(character) : character;
    add(shown, hidden || looksLike);
  });
  return pieces;
}

/** How many characters of the text needed a mark. */
export function hiddenIn(text: string): number {
  return piecesOf(text).filter((piece) => piece.mark).length;
}

function isHidden(characters: string[], i: number): boolean {
  const character = characters[i] ?? "";
  const before = characters[i - 1] ?? "";
  if (ACCENT.test(character) && !HIDDEN.test(character)) return !LETTER.test(before);
  if (!HIDDEN.test(character)) return false;
  if (character === "\ufe0f") return !PICTOGRAPH.test(before);
  if (character === "\u200d") {
    return !(/[\ufe0f\p{Extended_Pictographic}]/u.test(before) && PICTOGRAPH.test(characters[i + 1] ?? ""));
  }
  return true;
}

/** Where in the text words stand that mix alphabets, or consist of nothing but look-alikes: the offsets of their letters. */
function suspectWords(text: string): Set<number> {
  const offsets = new Set<number>();
  if (!FOREIGN.test(text)) return offsets;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const letters = Array.from(word).filter((letter) => /\p{L}/u.test(letter));
    const mixed = LATIN.test(word) && FOREIGN.test(word);
    const disguised = letters.length > 1 && letters.every((letter) => LOOKALIKE.test(letter));
    if (mixed || disguised) for (let i = 0; i < word.length; i++) offsets.add(index + i);
  }
  return offsets;
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `<${NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}>`;
}
