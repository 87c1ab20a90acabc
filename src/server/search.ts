// Search over all that was said and logged, in slices of a few milliseconds, so that nobody waits for somebody's question.
// What was said is looked up in the full-text index; the logs have none (see docs/architecture.md) and are read, the newest
// first, as far back as the time allows.
import type { Database } from "bun:sqlite";
import * as v from "valibot";
import type { Json, Message, SearchHit, Session, SessionId } from "../protocol.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { plain, type Route } from "./routes.ts";
import {
  beginningIn,
  keyOf,
  phrasesOf,
  quoted,
  snippetOf,
  standIn,
  type Wanted,
  wantedIn,
} from "./search-words.ts";
import type { Sessions } from "./sessions.ts";
import type { Named } from "./store/database.ts";
import type { Store } from "./store.ts";

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

type MessageRow = {
  id: number;
  conversation_id: string;
  uuid: string;
  seq: number;
  role: Message["role"];
  created_at: number;
  body: string;
  session: string | null;
};
type LineRow = {
  id: number;
  session_id: string;
  line_no: number;
  source: "screen" | "transcript";
  timestamp: number;
  line: string;
};
type Slice = { last: number | null; at: number | null };

/** The newest session with that conversation. */
const ITS_SESSION = `(SELECT s.id FROM session_conversations c JOIN sessions s ON s.id = c.session_id
  WHERE c.conversation_id = m.conversation_id AND s.deleted_at IS NULL AND s.id = coalesce($session, s.id)
  ORDER BY s.started_at DESC LIMIT 1)`;
const MESSAGE = `m.id, m.conversation_id, m.uuid, m.seq, m.role, m.created_at, ${ITS_SESSION} AS session`;
const LINE = "id, session_id, line_no, source, timestamp, line";
const ANY_LINE = `instr(lower(line), $key) > 0 AND session_id IN (SELECT id FROM sessions WHERE deleted_at IS NULL)`;

const SQL = {
  ends: "SELECT coalesce(min(id), 0) AS first, coalesce(max(id), 0) AS last FROM messages",
  word: "SELECT term FROM messages_words WHERE term >= $at LIMIT 1",
  indexBack: `SELECT ${MESSAGE}, m.body FROM messages_text t JOIN messages m ON m.id = t.rowid
    WHERE messages_text MATCH $match AND t.rowid BETWEEN $low AND $high AND session IS NOT NULL
    ORDER BY t.rowid DESC LIMIT $limit`,
  indexOn: `SELECT ${MESSAGE}, m.body FROM messages_text t JOIN messages m ON m.id = t.rowid
    WHERE messages_text MATCH $match AND t.rowid BETWEEN $low AND $high AND session IS NOT NULL
    ORDER BY t.rowid LIMIT $limit`,
  saidAt: "SELECT created_at AS at FROM messages WHERE id >= $low ORDER BY id LIMIT 1",
  messagesBack: `SELECT * FROM (SELECT ${MESSAGE}, m.body FROM messages m WHERE id < $from ORDER BY id DESC LIMIT $rows)
    WHERE octet_length(body) <= $bytes AND instr(lower(body), $key) > 0 AND session IS NOT NULL`,
  messagesOn: `SELECT * FROM (SELECT ${MESSAGE}, m.body FROM messages m WHERE id > $from ORDER BY id LIMIT $rows)
    WHERE octet_length(body) <= $bytes AND instr(lower(body), $key) > 0 AND session IS NOT NULL`,
  messagesSliceBack: `SELECT id AS last, created_at AS at FROM messages WHERE id < $from ORDER BY id DESC
    LIMIT 1 OFFSET $rows`,
  messagesSliceOn:
    "SELECT id AS last, created_at AS at FROM messages WHERE id > $from ORDER BY id LIMIT 1 OFFSET $rows",
  linesBack: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE id < $from ORDER BY id DESC LIMIT $rows)
    WHERE ${ANY_LINE}`,
  linesOn: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE id > $from ORDER BY id LIMIT $rows) WHERE ${ANY_LINE}`,
  linesSliceBack: `SELECT id AS last, timestamp AS at FROM output_log WHERE id < $from ORDER BY id DESC LIMIT 1 OFFSET $rows`,
  linesSliceOn:
    "SELECT id AS last, timestamp AS at FROM output_log WHERE id > $from ORDER BY id LIMIT 1 OFFSET $rows",
  // Of one session, by the number of its lines.
  ownBack: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE session_id = $session AND line_no < $from
    ORDER BY line_no DESC LIMIT $rows) WHERE instr(lower(line), $key) > 0`,
  ownOn: `SELECT * FROM (SELECT ${LINE} FROM output_log WHERE session_id = $session AND line_no > $from
    ORDER BY line_no LIMIT $rows) WHERE instr(lower(line), $key) > 0`,
  ownSliceBack: `SELECT line_no AS last, timestamp AS at FROM output_log WHERE session_id = $session AND line_no < $from
    ORDER BY line_no DESC LIMIT 1 OFFSET $rows`,
  ownSliceOn: `SELECT line_no AS last, timestamp AS at FROM output_log WHERE session_id = $session AND line_no > $from
    ORDER BY line_no LIMIT 1 OFFSET $rows`,
} as const;

const NOTHING: Found = { hits: [], next: null, reached: null, many: false };

const whole = v.pipe(v.string(), v.regex(/^\d{1,15}$/, "must be a whole number"), v.transform(Number));
const asked = v.object({
  q: v.pipe(v.string(), v.maxLength(LIMITS.searchChars, `may have ${LIMITS.searchChars} characters`)),
  in: v.optional(v.picklist(["messages", "lines"], "must be messages or lines"), "messages"),
  session: v.optional(v.string()),
  before: v.optional(whole),
  after: v.optional(whole),
  limit: v.optional(whole),
});

/** `GET /api/search`. */
export function searchRoutes({ store, sessions }: { store: Store; sessions: Sessions }): Route[] {
  const search = new Search(store.tables);
  return [
    {
      ...plain("GET", "/api/search", ["viewer", "token:read"], async ({ query, request }) => {
        const parsed = v.safeParse(asked, Object.fromEntries(query));
        if (!parsed.success) {
          const [issue] = parsed.issues;
          throw new ApiError("invalid", `${v.getDotPath(issue) ?? "query"}: ${issue.message}`);
        }
        const { q, in: where, before, after, limit = LIMITS.searchHits } = parsed.output;
        const session = parsed.output.session === undefined ? null : sessions.get(parsed.output.session).id;
        const found = await search.find(where, {
          wanted: wantedIn(q),
          session,
          place:
            after === undefined
              ? { from: before ?? Number.MAX_SAFE_INTEGER, back: true }
              : { from: after, back: false },
          limit: Math.min(Math.max(1, limit), LIMITS.searchHits),
          signal: request.signal,
        });
        const named = [...new Set(found.hits.map((hit) => hit.session))];
        const known = named.map((id) => sessions.known(id)).filter((one): one is Session => one !== null);
        return Response.json({ ...found, sessions: known });
      }),
      rate: "searches",
    },
  ];
}

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
      return await (question.wanted.indexed ? this.#index(question) : this.#messages(question));
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

function messageHit(row: MessageRow, wanted: Wanted): SearchHit {
  const { id, conversation_id: conversation, uuid, seq, role, created_at: at, session } = row;
  const texts = textsIn(row.body);
  const { which, ...snippet } = snippetOf(
    texts.map(({ text }) => text),
    wanted,
  );
  const part = texts[which]?.part ?? null;
  return { id, session, at, ...snippet, in: "messages", conversation, uuid, seq, role, part } as SearchHit;
}

function lineHit(
  { id, session_id: session, line_no, source, timestamp: at, line }: LineRow,
  wanted: Wanted,
): SearchHit {
  const { which, ...snippet } = snippetOf([line], wanted);
  return { id, session, at, ...snippet, in: "lines", line_no, source } as SearchHit;
}

/** Not text that anybody reads: what the index leaves out as well. */
const NAMES = new Set(["type", "call", "event", "media_type"]);

type Text = { text: string; part: string | null };

/** Every text of a message, in its order. */
function textsIn(body: string): Text[] {
  const texts: Text[] = [];
  const walk = (value: Json, key: string, part: string | null) => {
    if (typeof value === "string") {
      if (!NAMES.has(key)) texts.push({ text: value, part });
    } else if (Array.isArray(value)) for (const item of value) walk(item, "", part);
    else if (value !== null && typeof value === "object")
      for (const [name, item] of Object.entries(value)) walk(item, name, part);
  };
  const value: Json = JSON.parse(body);
  const { usage, parts, ...more } = isFields(value) ? value : { text: value };
  for (const one of Array.isArray(parts) ? parts : []) {
    walk(one, "", isFields(one) && typeof one.type === "string" ? one.type : null);
  }
  walk(more, "", null);
  return texts;
}

const isFields = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
