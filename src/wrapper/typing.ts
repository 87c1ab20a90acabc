// A text from a phone as the keystrokes of a fast typist: claude takes a longer burst, or a paste, for something else.

/** One write, and how many ms to wait before it. */
export type Stroke = { after: number; bytes: Uint8Array };

/** claude takes more than 800 characters that come at once for a paste, and hands it to the model in a wrapping. */
const MAX_STROKE_BYTES = 700;
/** Keeps two writes from being read as one. Measured: 61 lines so sent arrive exactly. */
const GAP_MS = 8;
/** What claude itself makes of a pasted tab; the key would complete or switch something. */
const TAB = "    ";
const NEW_LINE = "\n"; // Ctrl-J: a new line in claude's input box, never the end of it.
const ENTER = "\r";

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const encode = (text: string) => new TextEncoder().encode(text);

/** The writes that type `text` and send it. Control characters cannot be typed so; a leading `/`, `!`, `#` or `@` can. */
export function typed(text: string): Stroke[] {
  const lines = typeable(text).split("\n");
  const writes = lines.flatMap((line, i) => [...(i > 0 ? [NEW_LINE] : []), ...pieces(line)]);
  return [...writes, ENTER].map((write, i) => ({ after: i > 0 ? GAP_MS : 0, bytes: encode(write) }));
}

/** Without escape sequences and control characters, line ends as one, and none at the end. */
function typeable(text: string): string {
  const plain = text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/\x1b\[[0-?]*[ -/]*[@-~]/g, "")
    .replaceAll("\t", TAB)
    .replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "")
    .replace(/\n+$/, "");
  return plain.endsWith("\\") ? `${plain} ` : plain; // A backslash before Enter would make it a new line.
}

/** The line in writes that are not too long, no character cut. */
function pieces(line: string): string[] {
  if (encode(line).length <= MAX_STROKE_BYTES) return line === "" ? [] : [line];
  const found: string[] = [];
  let piece = "";
  let bytes = 0;
  for (const part of parts(line)) {
    const size = encode(part).length;
    if (bytes + size > MAX_STROKE_BYTES) {
      found.push(piece);
      piece = "";
      bytes = 0;
    }
    piece += part;
    bytes += size;
  }
  return [...found, piece];
}

/** What is not cut: what a reader sees as one character, or, where that alone is too long, a code point. */
function* parts(line: string): Iterable<string> {
  for (const { segment } of characters.segment(line)) {
    if (encode(segment).length <= MAX_STROKE_BYTES) yield segment;
    else yield* segment;
  }
}
