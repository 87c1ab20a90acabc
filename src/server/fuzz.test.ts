// A hundred thousand mutated messages on either channel: what makes no sense is refused as such, and nothing stays of it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "../testing/clock.ts";
import { prompt, statement } from "../testing/link.ts";
import { api } from "./api.ts";
import { front } from "./front.ts";
import { publicDoor } from "./gate.ts";
import { RATES } from "./limits.ts";
import { openLog } from "./log.ts";
import { parseWrapperMessage } from "./messages.ts";
import { joinParts } from "./parts.ts";
import { responder } from "./respond.ts";
import { Store } from "./store.ts";

setDefaultTimeout(180_000);

const MESSAGES = 100_000;
/** What may stay of all of them: what the runtime keeps for itself. */
const FLAT_BYTES = 48 * 1_024 * 1_024;
const PIECES = [
  ...["-1", "0.5", "1e309", "9007199254740993", "null", "true", '"7"', "[]", "{}", '""', '"\\ud800"'],
  ...[
    '"__proto__":{"a":1},',
    '"constructor"',
    "\u0000",
    "\u202e",
    "{",
    "]",
    '"',
    "\\",
    "[[[[",
    " ",
    "ÿ",
    "🙂",
  ],
];

/** The same numbers at each run, so that what fails fails again. */
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** One to three places of it are something else. */
function mutated(seed: string, pick: (below: number) => number): string {
  let text = seed;
  for (let times = 1 + pick(3); times > 0; times--) {
    const at = pick(text.length + 1);
    text = text.slice(0, at) + (PIECES[pick(PIECES.length)] ?? "") + text.slice(at + pick(12));
  }
  return text;
}

async function grown(work: () => Promise<void> | void): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  await work();
  Bun.gc(true);
  return process.memoryUsage().rss - before;
}

test("SEC-092 100,000 mutated messages of a wrapper are read, ignored or refused, and memory stays flat", async () => {
  const whole = { type: "session", session: statement() };
  const frame = {
    size: { cols: 80, rows: 24 },
    lines: [{ y: 1, row: [{ text: "x", style: { bold: true } }] }],
  };
  const line = { line_no: 1, epoch: 0, source: "screen", text: "a line", age_ms: 3 };
  const seeds = [
    whole,
    { type: "prompt", prompt: prompt() },
    { type: "output", frame },
    { type: "lines", lines: [line, line] },
    { type: "too_late", prompt: "p", by: "desk", chosen: null },
    { type: "exit", code: 0, signal: null, reason: "exit" },
    { type: "left", session: "s", code: null, signal: "SIGKILL", reason: "lost", facts: [] },
  ].map((message) => JSON.stringify(message));
  const pick = dice(1);
  const counts = { read: 0, ignored: 0, refused: 0 };
  const round = () => {
    for (let i = 0; i < MESSAGES / 4; i++) {
      try {
        const message = parseWrapperMessage(mutated(seeds[pick(seeds.length)] ?? "", pick));
        if (message) counts.read++;
        else counts.ignored++;
        if (message) expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
      } catch (error) {
        counts.refused++;
        // Whatever it is, it is an error that ends that one connection.
        if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
          throw error;
      }
    }
  };
  round(); // The runtime warms up.
  expect(await grown(() => [1, 2, 3].forEach(round))).toBeLessThan(FLAT_BYTES);
  expect(counts.read + counts.ignored + counts.refused).toBe(MESSAGES);
  expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(1_000);
  expect(({} as { a?: number }).a).toBeUndefined();
});

test("SEC-092 100,000 mutated requests of a paired browser: none is a 500, and memory stays flat", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const clock = fakeClock();
  const log = openLog({ level: "silent" });
  const store = new Store(join(folder, "test.db"));
  store.tables.run("PRAGMA synchronous = OFF"); // Thousands of refusals are written down: nobody's disk is tried here.
  const parts = joinParts({
    ...{ store, clock, log, version: "0", masterKey: new Uint8Array(32) },
    insecure: () => false,
  });
  const names = front({ host: "127.0.0.1", port: 7200 });
  const door = publicDoor({ names: () => names, logins: parts.logins, tokens: parts.tokens, now: clock.now });
  const answer = responder({ routes: api({ ...parts, version: "0", assets: new Map() }), door, log });
  const { secret } = parts.logins.add("Phone", "127.0.0.1");
  const server = { requestIP: () => null, timeout: () => {}, upgrade: () => false } as never;
  const digest = "a".repeat(64);
  const seeds: [method: string, path: string, body: object][] = [
    ["POST", "/api/prompts/x/approve", { digest, answer_id: "a1", option: "approve" }],
    ["POST", "/api/prompts/x/answer", { digest, answer_id: "a1", option: "o", answers: { q: "a" } }],
    ["POST", "/api/sessions/x/input", { id: "i1", text: "hello", mode: "append" }],
    ["POST", "/api/sessions/x/resize", { cols: 80, rows: 24 }],
    ["POST", "/api/pair", { code: "AAAA-AAAA", name: "Phone", claim: "c", bind: true }],
    ["GET", "/api/sessions/x/lines?after=1&before=9&limit=5", {}],
    ["GET", "/api/audit?before=5&limit=5", {}],
    ["DELETE", "/api/viewers/x", {}],
  ];
  const headers = { cookie: `cr=${secret}`, host: "127.0.0.1:7200", "content-type": "application/json" };
  const pick = dice(2);
  const statuses = new Map<number, number>();
  const round = async () => {
    for (let i = 0; i < MESSAGES / 4; i++) {
      if (i % (RATES.writes.most / 2) === 0) clock.advance(RATES.writes.withinMs + 1);
      // Each refused answer is written down and waited for: fewer of those.
      const [method, path, body] = seeds[pick(20) === 0 ? pick(2) : 2 + pick(6)] ?? ["GET", "/", {}];
      const asked = pick(4) === 0 ? mutated(path, pick).replaceAll(/[^\x21-\x7e]/g, "%00") : path;
      const text = mutated(JSON.stringify(body), pick);
      const init = { method, headers, ...(method === "POST" ? { body: text } : {}) };
      const response = await answer(new Request(`http://127.0.0.1:7200/${asked.slice(1)}`, init), server);
      const status = response?.status ?? 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 500) throw new Error(`500 for ${method} ${asked} ${text}: ${await response?.text()}`);
    }
  };
  await round();
  expect(
    await grown(async () => {
      for (let i = 0; i < 3; i++) await round();
    }),
  ).toBeLessThan(FLAT_BYTES);
  for (const expected of [200, 400, 404]) expect(statuses.get(expected) ?? 0).toBeGreaterThan(100);
  expect([...statuses.values()].reduce((sum, count) => sum + count)).toBe(MESSAGES);
  parts.stop();
  store[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});
