// A text from a phone as the keystrokes of a fast typist: claude takes a longer burst, or a paste, for something else.

/** One write, and how many ms to wait before it. */
export type Stroke = { after: number; bytes: Uint8Array };

/**
 * claude takes more than 800 characters that it reads at once for a paste, hands it to the model in a wrapping, and takes
 * an Enter among them for a part of it. What it reads at once is what came while it was painting, so writes are small and
 * no faster than this: 700 bytes in 140 ms. Measured on 2.1.197 and 2.1.329, with four busy processes beside them.
 */
const MAX_STROKE_BYTES = 350;
const MS_A_BYTE = 0.2;
/** Between the shortest writes. */
const GAP_MS = 8;
/** Before the Enter after more than one write: within 100 ms of a paste, claude takes it for a part of that. */
const ENTER_GAP_MS = 250;
/** What claude itself makes of a pasted tab; the key would complete or switch something. */
const TAB = "    ";
const NEW_LINE = "\n"; // Ctrl-J: a new line in claude's input box, never the end of it.
const ENTER = "\r";

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const encode = (text: string) => new TextEncoder().encode(text);

/** The writes that type `text` and send it. Control characters cannot be typed so; a leading `/`, `!`, `#` or `@` can. */
export function typed(text: string): Stroke[] {
  const lines = typeable(text).split("\n");
  const writes = lines.flatMap((line, i) => [...(i > 0 ? [NEW_LINE] : []), ...pieces(line)]).map(encode);
  const strokes = writes.map((bytes, i) => ({ after: gapAfter(writes[i - 1]), bytes }));
  return [...strokes, { after: writes.length > 1 ? ENTER_GAP_MS : GAP_MS, bytes: encode(ENTER) }];
}

const gapAfter = (before: Uint8Array | undefined) =>
  Math.max(GAP_MS, Math.ceil((before?.length ?? 0) * MS_A_BYTE));

/** Enter after a backslash is a new line; after a file's name it takes the first of the files that claude offers. */
const ENTER_MEANS_ELSE = /\\$|(^|\s)@\S*$/;

/** Without escape sequences and control characters, line ends as one, and none at the end. */
function typeable(text: string): string {
  const plain = text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/\x1b\[[0-?]*[ -/]*[@-~]/g, "")
    .replaceAll("\t", TAB)
    .replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "")
    .replace(/\n+$/, "");
  return ENTER_MEANS_ELSE.test(plain) ? `${plain} ` : plain;
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
