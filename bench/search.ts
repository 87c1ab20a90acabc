// How long a search takes in a large database, and how long everybody else waits for it at most. In this process, so that
// a turn of its event loop can be measured; `--quick` for a tenth.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConversationId, DeviceId, LogLine, SessionId } from "../src/protocol.ts";
import { Search } from "../src/server/search.ts";
import { wantedIn } from "../src/server/search-words.ts";
import { Store } from "../src/server/store.ts";
import { statement } from "../src/testing/link.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { median } from "./samples.ts";

type Counts = { sessions: number; messages: number; lines: number };
const FULL: Counts = { sessions: 50, messages: 100_000, lines: 1_000_000 };
const QUICK: Counts = { sessions: 50, messages: 10_000, lines: 100_000 };
/** Of each, the best says what a search costs; the worst turn is what counts. */
const TIMES = 5;
/** Nobody waits longer than this for somebody's search. */
const TURN_MS = 50;
/** Words of the language that is spoken here, the frequent ones first. */
const WORDS = 30_000;
const COMMON = ["the", "of", "error", "file", "test"];

const word = () => {
  const i = Math.floor(Math.exp(Math.random() * Math.log(WORDS))) - 1;
  return COMMON[i] ?? `${(i * 7_919).toString(36)}${["", "ing", "ed", "tion"][i % 4]}`;
};
const words = (count: number) => Array.from({ length: count }, word).join(" ");

/** A database in which so much was said and logged. */
function fill(file: string, { sessions, messages, lines }: Counts): Store {
  const store = new Store(file);
  const [device, now] = ["local" as DeviceId, Date.now()];
  store.devices.add(device, "desk", now);
  const of = (i: number) => `s${i % sessions}` as SessionId;
  for (let i = 0; i < sessions; i++) {
    store.sessions.state(device, statement({ id: of(i), conversation: `c-s${i}` as ConversationId }), now);
  }
  store.tables.run("PRAGMA synchronous = OFF"); // What it is filled with may be lost.
  for (let i = 0; i < messages; i++) {
    const parts = [{ type: "text", text: words(i % 7 === 0 ? 400 : 60) }];
    const message = {
      conversation: `c-${of(i)}` as ConversationId,
      uuid: `u${i}`,
      seq: i,
      body: { time: 1, parts },
    };
    store.messages.add(of(i), { ...message, role: i % 2 === 0 ? "user" : "assistant" }, now);
  }
  for (let first = 0; first < lines; first += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, i): LogLine => {
      return { line_no: first + i, epoch: 0, source: "screen", text: words(1 + ((first + i) % 16)) };
    });
    store.lines.add(of(first / 1_000), some, now);
  }
  return store;
}

const ASKED: [what: string, where: "messages" | "lines", q: string, session?: string][] = [
  ["a frequent word", "messages", "the "],
  ["three frequent words", "messages", "the of error "],
  ["the beginning of many words", "messages", "tes"],
  ["a word that is nowhere", "messages", "the nowhereatall "],
  ["signs, which are read for", "messages", "=> nowhereatall"],
  ["in a log: frequent", "lines", "error"],
  ["in the logs: nowhere", "lines", "nowhereatall"],
  ["in one log: nowhere", "lines", "nowhereatall", "s7"],
];

/** How long the work took, and the longest turn in it, ms. */
async function timed(work: () => Promise<unknown>): Promise<{ took: number; turn: number }> {
  await Bun.sleep(5);
  const began = performance.now();
  let [last, turn] = [began, 0];
  const timer = setInterval(() => {
    turn = Math.max(turn, performance.now() - last);
    last = performance.now();
  }, 1);
  await work();
  const took = performance.now() - began;
  clearInterval(timer);
  return { took, turn: Math.max(turn, performance.now() - last) };
}

export async function search({ quick }: BenchOptions): Promise<Report> {
  const counts = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-search-"));
  try {
    using store = fill(join(folder, "test.db"), counts);
    const search = new Search(store.tables);
    const rows: [string, number, number][] = [];
    for (const [what, where, q, session] of ASKED) {
      const all: { took: number; turn: number }[] = [];
      for (let i = 0; i < TIMES; i++) {
        const place = { from: Number.MAX_SAFE_INTEGER, back: true };
        const signal = AbortSignal.timeout(60_000);
        const question = {
          wanted: wantedIn(q),
          session: (session ?? null) as SessionId | null,
          place,
          limit: 20,
          signal,
        };
        all.push(await timed(() => search.find(where, question)));
      }
      rows.push([what, median(all.map(({ took }) => took)), median(all.map(({ turn }) => turn))]);
    }
    const { messages, lines } = counts;
    return {
      name: "search",
      tables: [
        {
          title: `Of ${messages.toLocaleString("en")} messages and ${lines.toLocaleString("en")} lines, ms, median of ${TIMES}`,
          columns: ["", "until it is answered", "longest turn"],
          rows,
        },
      ],
      aims: [
        {
          what: "longest turn of all",
          seen: Math.max(...rows.map(([, , turn]) => turn)),
          limit: TURN_MS,
          unit: "ms",
        },
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await main(search);
