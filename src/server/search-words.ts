// What somebody looks for, as words; and where they stand in a text. Every character given is data, never an operator.
import { LIMITS } from "./limits.ts";

/** What was asked for. `indexed`: the full-text index knows such words; else every text has to be read. */
export type Wanted = { words: string[]; indexed: boolean; unfinished: boolean };
/** A part of a text around what was found; `marks` are places in it, [from, to). `which`: the number of the text it is of. */
export type Snippet = { which: number } & Cut;
type Cut = { text: string; marks: [from: number, to: number][]; before: boolean; after: boolean };

/** Written without blanks between words: the index holds such a run as one word, whatever is in it. */
const RUNS_ON =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const IN_A_WORD = /[\p{L}\p{N}]/u;
/** Characters shown before and after the first that was found. */
const BEFORE = 60;
const SHOWN = 240;
/** Marks of one snippet. */
const MOST_MARKS = 50;
/** Characters of a text in which accents are looked past; a longer one is only shown from its beginning. */
const FOLDED_CHARS = 100_000;
/** The rarer an ASCII run, the fewer rows are looked at; more than this costs more than it spares. */
const KEY_CHARS = 16;

/** The words of a query, the last of which may be a beginning. */
export function wantedIn(query: string): Wanted {
  // What cannot be seen cannot be meant, and a NUL would end the index's own syntax.
  const clean = query.slice(0, LIMITS.searchChars).replace(/\p{Cc}/gu, " ");
  const words = clean.split(/\s+/u).filter((word) => word !== "");
  const kept = words.slice(0, LIMITS.searchWords);
  const indexed = kept.every((word) => IN_A_WORD.test(word) && !RUNS_ON.test(word));
  return { words: kept, indexed, unfinished: kept.length > 0 && !/\s$/u.test(clean) };
}

/** A word as a string of the index's syntax: nothing in it is an operator. */
export const quoted = (word: string) => `"${word.replaceAll('"', '""')}"`;

/** A word with signs in it is several to the index, one after another: the first few have to stand so, the rest anywhere. */
export function phrasesOf(word: string): string[] {
  const tokens = tokensOf(word);
  if (tokens.length <= LIMITS.searchPhrase) return [quoted(word)];
  const rest = [...new Set(tokens.slice(LIMITS.searchPhrase))].slice(0, LIMITS.searchWords);
  return [quoted(tokens.slice(0, LIMITS.searchPhrase).join(" ")), ...rest.map(quoted)];
}

const tokensOf = (word: string) => word.match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];

/** The beginning of a word as the index spells it, or null where the last word is more, or too short to be one. */
export function beginningIn({ words, unfinished }: Wanted): string | null {
  const last = folded(words.at(-1) ?? "");
  const whole = !unfinished || !/^[\p{L}\p{N}]+$/u.test(last) || last.length < LIMITS.searchBeginning;
  return whole ? null : last;
}

/** The longest run of plain characters in these words, in lower case, which every text that is found has; or "". */
export function keyOf(words: readonly string[]): string {
  const runs = words.flatMap((word) => word.match(/[ !#-[\]-~]+/g) ?? []);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  return longest.slice(0, KEY_CHARS).toLowerCase();
}

/** Whether all the words stand in these texts, anywhere, whatever their case. */
export function standIn(texts: readonly string[], words: readonly string[]): boolean {
  const lower = texts.map((text) => text.toLowerCase());
  return words.every((word) => lower.some((text) => text.includes(word.toLowerCase())));
}

/** The part of these texts that shows most of what was looked for. */
export function snippetOf(texts: readonly string[], wanted: Wanted): Snippet {
  const best = { which: 0, found: [] as [number, number][], kinds: 0 };
  texts.forEach((text, which) => {
    const { found, kinds } = findIn(text, wanted);
    if (kinds > best.kinds) Object.assign(best, { which, found, kinds });
  });
  return { which: best.which, ...cut(texts[best.which] ?? "", best.found) };
}

/** Every place of the words in a text, in order, and how many of the words are there. */
function findIn(text: string, wanted: Wanted) {
  const exact = placesIn(text, wanted);
  if (exact.kinds > 0 || text.length > FOLDED_CHARS) return exact;
  const plain = foldedInPlace(text);
  const words = wanted.words.map(folded);
  return plain === text.toLowerCase() ? exact : placesIn(plain, { ...wanted, words });
}

function placesIn(text: string, { words, indexed, unfinished }: Wanted) {
  const found: [number, number][] = [];
  let kinds = 0;
  words.forEach((word, i) => {
    const open = unfinished && i === words.length - 1;
    let any = false;
    for (const place of indexed ? wordsIn(text, wordPattern(word, open)) : literalsIn(text, word)) {
      any = true;
      if (found.push(place) >= MOST_MARKS * words.length) break;
    }
    if (any) kinds++;
  });
  return { found: merged(found.sort(([a], [b]) => a - b)), kinds };
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

function* wordsIn(text: string, pattern: RegExp): Iterable<[number, number]> {
  for (const { index, 0: found } of text.matchAll(pattern)) yield [index, index + found.length];
}

/** Without a pattern: a long one that nearly fits everywhere would take its length for each character of the text. */
function* literalsIn(text: string, word: string): Iterable<[number, number]> {
  const [all, wanted] = [text, word].map((one) =>
    one.toLowerCase().length === one.length ? one.toLowerCase() : one,
  );
  if (all === undefined || wanted === undefined) return;
  for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at + wanted.length))
    yield [at, at + wanted.length];
}

/** As the index parts words: by what is neither letter nor digit. */
function wordPattern(word: string, open: boolean): RegExp {
  const tokens = tokensOf(word).slice(0, LIMITS.searchPhrase);
  const end = open ? "" : "(?![\\p{L}\\p{N}])";
  return new RegExp(`(?<![\\p{L}\\p{N}])${tokens.map(escaped).join("[^\\p{L}\\p{N}]+")}${end}`, "giu");
}

/** Without accents and in lower case, as the index spells words. */
const folded = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The same, of the same length, so that places in it are places in the text. */
function foldedInPlace(text: string): string {
  return text.replace(/[^\x00-\x7f]/g, (unit) => {
    const plain = folded(unit);
    return plain.length === 1 ? plain : unit;
  });
}

function merged(places: [number, number][]): [number, number][] {
  const kept: [number, number][] = [];
  for (const [from, to] of places) {
    const last = kept.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else kept.push([from, to]);
  }
  return kept;
}

function cut(text: string, found: [number, number][]): Cut {
  const first = found[0]?.[0] ?? 0;
  let from = Math.max(0, first - BEFORE);
  let to = Math.min(text.length, from + SHOWN);
  if (isHalf(text, from)) from++;
  if (isHalf(text, to)) to--;
  const within = found.filter(([start]) => start < to).slice(0, MOST_MARKS);
  const marks = within.map(([start, end]): [number, number] => [start - from, Math.min(end, to) - from]);
  return { text: text.slice(from, to), marks, before: from > 0, after: to < text.length };
}

/** A cut there would part the halves of one character. */
const isHalf = (text: string, at: number) => at > 0 && /[\udc00-\udfff]/.test(text[at] ?? "");
