// Search over all that was said and logged, in slices of a few milliseconds, so that nobody waits for somebody's question.
// What was said is looked up in the full-text index; the logs have none (see docs/architecture.md) and are read, the newest
// first, as far back as the time allows.
import type { Database } from "bun:sqlite";
import type { SearchHit, SessionId } from "../protocol.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { asSaid, lineHit, messageHit, textsIn } from "./search-hits.ts";
import { type LineRow, type MessageRow, type Slice, SQL } from "./search-statements.ts";
import { beginningIn, keyOf, phrasesOf, quoted, standIn, type Wanted } from "./search-words.ts";
import type { Named } from "./store/database.ts";

/** Where a page begins: the numbers before one, newest first, or after one, oldest first. */
type Place = { from: number; back: boolean };
type Question = {
  wanted: Wanted;
  session: SessionId | null;
  place: Place;
  limit: number;
  signal: AbortSignal;
};
type Where = "messages" | "lines";

/**
 * `next`: where a further page begins, or null at the end. `reached`: when what was looked at last was said, where the time
 * did not allow for all. `many`: more words of the index begin as the last one does than were tried.
 */
type Found = { hits: SearchHit[]; next: number | null; reached: number | null; many: boolean };

const NOTHING: Found = { hits: [], next: null, reached: null, many: false };

/** Looks things up in a database, a few at a time. */
export class Search {
  readonly #db: Database;
  #running = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Throws `rate_limited` where too many search already. */
  async find(where: Where, question: Question): Promise<Found> {
    if (question.wanted.words.length === 0) return NOTHING;
    if (this.#running >= LIMITS.searches)
      throw new ApiError("rate_limited", "Others search just now. Try again in a moment.");
    this.#running++;
    try {
      if (where === "lines") return await this.#lines(question);
      const found = await (question.wanted.indexed ? this.#index(question) : this.#messages(question));
      return { ...found, hits: asSaid(found.hits, question.place.back) };
    } finally {
      this.#running--;
    }
  }

  #all<T>(name: keyof typeof SQL, values: Named): T[] {
    return this.#db.query<T, [Named]>(SQL[name]).all(values);
  }

  #get<T>(name: keyof typeof SQL, values: Named = {}): T | null {
    return this.#db.query<T, [Named]>(SQL[name]).get(values);
  }

  /** Word by word in the index, over a window of message numbers at a time. */
  async #index({ wanted, session, place, limit, signal }: Question): Promise<Found> {
    const { match, many } = this.#match(wanted);
    const { first, last } = this.#get<{ first: number; last: number }>("ends") ?? { first: 0, last: -1 };
    const turns = takingTurns(signal);
    const hits: SearchHit[] = [];
    const step = LIMITS.searchIndexRows;
    for (let at = place.back ? Math.min(place.from - 1, last) : Math.max(place.from + 1, first); ; ) {
      if (place.back ? at < first : at > last) return { ...NOTHING, hits, many };
      const [low, high] = place.back ? [at - step + 1, at] : [at, at + step - 1];
      const values = { match, low, high, session, limit: limit - hits.length };
      hits.push(
        ...this.#all<MessageRow>(place.back ? "indexBack" : "indexOn", values).map((row) =>
          messageHit(row, wanted),
        ),
      );
      if (hits.length === limit) return { ...NOTHING, hits, many, next: hits.at(-1)?.id ?? null };
      at = place.back ? low - 1 : high + 1;
      if (!(await turns()))
        return {
          hits,
          many,
          next: place.back ? low : high,
          reached: this.#get<{ at: number }>("saidAt", { low })?.at ?? null,
        };
    }
  }

  /** The words as a query of the index. The last may be a beginning: then it stands for all words that begin so. */
  #match(wanted: Wanted): { match: string; many: boolean } {
    const beginning = beginningIn(wanted);
    const begun = beginning === null ? [] : this.#wordsFrom(beginning);
    const many = begun.length > LIMITS.searchBeginnings;
    const whole = (begun.length > 0 ? wanted.words.slice(0, -1) : wanted.words).flatMap(phrasesOf);
    const some = begun.slice(0, LIMITS.searchBeginnings).map(quoted).join(" OR ");
    return { match: [...whole, ...(some ? [`(${some})`] : [])].join(" AND "), many };
  }

  #wordsFrom(beginning: string): string[] {
    const words: string[] = [];
    for (let at = beginning; words.length <= LIMITS.searchBeginnings; ) {
      const term = this.#get<{ term: string }>("word", { at })?.term;
      if (!term?.startsWith(beginning)) break;
      words.push(term);
      at = `${term}\u0000`; // The next one: the index would walk through every place of this one else.
    }
    return words;
  }

  /** What the index does not know as words: every message is read. */
  #messages(question: Question): Promise<Found> {
    const { wanted, session, place } = question;
    const values = { key: keyOf(wanted.words.map(inJson)), session, bytes: LIMITS.searchBytes };
    return this.#read<MessageRow>(question, LIMITS.searchMessages, {
      slice: place.back ? "messagesSliceBack" : "messagesSliceOn",
      rows: place.back ? "messagesBack" : "messagesOn",
      values,
      number: ({ id }) => id,
      hit: (row) =>
        standIn(
          textsIn(row.body).map(({ text }) => text),
          wanted.words,
        )
          ? messageHit(row, wanted)
          : null,
    });
  }

  #lines(question: Question): Promise<Found> {
    const { session, place } = question;
    const wanted = { ...question.wanted, indexed: false };
    const which = session === null ? "lines" : "own";
    return this.#read<LineRow>(question, LIMITS.searchLines, {
      slice: place.back ? `${which}SliceBack` : `${which}SliceOn`,
      rows: place.back ? `${which}Back` : `${which}On`,
      values: { key: keyOf(wanted.words), ...(session && { session }) },
      number: ({ id, line_no }) => (session === null ? id : line_no),
      hit: (row) => (standIn([row.line], wanted.words) ? lineHit(row, wanted) : null),
    });
  }

  /** Reads row by row, a slice at a time. */
  async #read<R>(
    { place, limit, signal }: Question,
    rows: number,
    { slice, rows: some, values, number, hit }: Reading<R>,
  ): Promise<Found> {
    const turns = takingTurns(signal);
    const hits: SearchHit[] = [];
    for (let { from } = place; ; ) {
      const own = "session" in values ? { session: values.session ?? null } : {};
      const end = this.#get<Slice>(slice, { ...(slice.startsWith("own") ? own : {}), from, rows: rows - 1 });
      for (const row of this.#db.query<R, [Named]>(SQL[some]).iterate({ ...values, from, rows })) {
        const found = hit(row);
        if (found) hits.push(found);
        if (hits.length === limit) return { ...NOTHING, hits, next: number(row) };
      }
      if (end?.last == null) return { ...NOTHING, hits };
      from = end.last;
      if (!(await turns())) return { ...NOTHING, hits, next: from, reached: end.at };
    }
  }
}

type Reading<R> = {
  slice: keyof typeof SQL;
  rows: keyof typeof SQL;
  values: Named;
  number: (row: R) => number;
  hit: (row: R) => SearchHit | null;
};

/** Lets everybody else have a turn; false when the time is up, or nobody waits any more. */
function takingTurns(signal: AbortSignal): () => Promise<boolean> {
  const began = performance.now();
  let since = began;
  return async () => {
    if (performance.now() - since > LIMITS.searchSliceMs) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = performance.now();
    }
    return !signal.aborted && since - began < LIMITS.searchMs;
  };
}

/** A word as JSON spells it. */
const inJson = (word: string) => JSON.stringify(word).slice(1, -1);
