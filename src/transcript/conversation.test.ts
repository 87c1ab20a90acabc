import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConversationId, Message } from "../protocol.ts";
import { Conversation, type Cost } from "./conversation.ts";

const ONE = "c1" as ConversationId;
const TWO = "c2" as ConversationId;
const said = (uuid: string, more = "") =>
  `${JSON.stringify({ type: "user", uuid, timestamp: "2026-11-21T10:00:00.000Z", message: { content: uuid + more } })}\n`;
const noise = (bytes: number) => `${JSON.stringify({ type: "api-request-blob", hash: "x".repeat(bytes) })}\n`;

/** A server that stores what it is told, by uuid, and says so; `lost`: it is away. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), "cr-conversation-"));
  const stored = new Map<string, Message>();
  const sent: Message[] = [];
  const costs: Cost[] = [];
  let lost = false;
  let full = false;
  let silent = false;
  let changed = Promise.withResolvers<void>();
  const cursor = (id: ConversationId) =>
    Math.max(-1, ...[...stored.values()].filter((one) => one.conversation === id).map(({ seq }) => seq));
  const ack = (id: ConversationId) => conversation.acked(id, cursor(id));
  const conversation = new Conversation({
    now: () => Date.parse("2026-11-21T10:00:05.000Z"),
    full: () => full,
    cost: (cost) => !lost && costs.push(cost) > 0,
    send(message) {
      if (lost) return false;
      sent.push(message);
      if (!stored.has(message.uuid)) stored.set(message.uuid, message);
      if (!silent) setImmediate(() => !lost && ack(message.conversation));
      changed.resolve();
      changed = Promise.withResolvers();
      return true;
    },
  });
  return {
    ...{ folder, stored, sent, costs, conversation, ack },
    file: join(folder, "a.jsonl"),
    uuids: () => [...stored.keys()],
    set: (how: { full?: boolean; silent?: boolean }) => {
      full = how.full ?? full;
      silent = how.silent ?? silent;
    },
    cut() {
      lost = true;
      conversation.offline();
    },
    back() {
      lost = false;
      ack(ONE);
    },
    async until(done: () => boolean) {
      while (!done()) await changed.promise;
    },
    [Symbol.dispose]() {
      conversation[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test("nothing is sent before the server has said what it holds", () => {
  using here = world();
  writeFileSync(here.file, said("a"));
  here.conversation.follow(here.file, ONE);
  here.conversation.grew();
  expect(here.sent).toEqual([]);
  here.ack(ONE);
  expect(here.sent).toMatchObject([
    {
      conversation: ONE,
      uuid: "a",
      seq: 0,
      role: "user",
      age_ms: 5_000,
      body: { parts: [{ type: "text", text: "a" }] },
    },
  ]);
});

test("a transcript that appears later is sent when there is something in it", () => {
  using here = world();
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  writeFileSync(here.file, said("a").slice(0, 20));
  here.conversation.grew();
  appendFileSync(here.file, said("a").slice(20) + said("b"));
  here.conversation.grew();
  expect(here.uuids()).toEqual(["a", "b"]);
});

test("a connection lost at any place leaves neither gap nor duplicate", async () => {
  for (const cutAfter of [1, 7, 50, 99, 100]) {
    using here = world();
    const all = Array.from({ length: 120 }, (_, i) => `m${i}`);
    writeFileSync(here.file, all.map((uuid, i) => said(uuid) + (i % 3 ? "" : noise(50))).join(""));
    here.conversation.follow(here.file, ONE);
    here.ack(ONE);
    await here.until(() => here.sent.length >= cutAfter);
    here.cut();
    const before = here.stored.size;
    here.back();
    await here.until(() => here.stored.size === 120);
    expect(here.uuids()).toEqual(all);
    expect(here.sent).toHaveLength(120);
    expect(before).toBeLessThanOrEqual(120);
    const numbers = [...here.stored.values()].map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});

test("a server that is slow to store is not flooded, nor is a full network", async () => {
  using here = world();
  writeFileSync(here.file, Array.from({ length: 500 }, (_, i) => said(`m${i}`)).join(""));
  here.set({ silent: true });
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  for (let i = 0; i < 5; i++) here.conversation.grew();
  expect(here.sent).toHaveLength(50);
  here.set({ silent: false, full: true });
  for (let i = 0; i < 50; i++) here.ack(ONE);
  here.conversation.grew();
  expect(here.sent).toHaveLength(50);
  here.set({ full: false });
  await here.until(() => here.stored.size === 500);
  expect(here.sent).toHaveLength(500);
});

test("after /clear the next transcript is another conversation; a late word about the old one changes nothing", () => {
  using here = world();
  writeFileSync(here.file, said("a"));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  const next = join(here.folder, "b.jsonl");
  writeFileSync(next, said("b"));
  here.conversation.follow(next, TWO);
  here.ack(ONE);
  expect(here.uuids()).toEqual(["a"]);
  here.ack(TWO);
  expect([...here.stored.values()].map(({ uuid, conversation }) => [uuid, conversation])).toEqual([
    ["a", ONE],
    ["b", TWO],
  ]);
});

test("of a resumed conversation only what the server does not hold is sent", () => {
  using here = world();
  writeFileSync(here.file, said("a") + said("b") + said("c"));
  here.conversation.follow(here.file, ONE);
  here.conversation.acked(ONE, said("a").length);
  expect(here.uuids()).toEqual(["c"]);
});

test("a file that is not the one the server heard of is told from its beginning, numbered behind what was", () => {
  using here = world();
  writeFileSync(here.file, said("a") + said("b"));
  here.conversation.follow(here.file, ONE);
  here.conversation.acked(ONE, 1_000_000);
  expect(here.sent.map(({ uuid, seq }) => [uuid, seq])).toEqual([
    ["a", 1_000_001],
    ["b", 1_000_001 + said("a").length],
  ]);
});

test.each([
  ["cut short", said("a"), [said("d")]],
  ["written anew, longer than it was", said("a"), [said("d", "x".repeat(500))]],
  ["emptied", "", [said("d"), said("e")]],
  ["cut within a line", said("a") + said("b").slice(0, 20), ["\n", said("d")]],
])("of a file that was %s everything new is told at once, and nothing twice", (_, left, more) => {
  using here = world();
  here.set({ silent: true });
  writeFileSync(here.file, said("a") + said("b") + said("c") + said("half").slice(0, 30));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  here.ack(ONE); // It holds all three.
  truncateSync(here.file);
  appendFileSync(here.file, left + more.join(""));
  here.conversation.grew();
  const now = more.filter((line) => line !== "\n").map((line) => (JSON.parse(line) as { uuid: string }).uuid);
  expect(here.uuids()).toEqual(["a", "b", "c", ...now]);
});

test("what is no message is passed over, however long it is", async () => {
  using here = world();
  const long = noise(9 * 1024 * 1024);
  writeFileSync(here.file, said("a") + long + said("ü") + noise(300_000) + said("c"));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  await here.until(() => here.stored.size === 3);
  expect(here.uuids()).toEqual(["a", "ü", "c"]);
  expect(here.stored.get("ü")?.seq).toBe(said("a").length + long.length);
});

test("of a long conversation that the server does not know, the last 64 MiB are told", async () => {
  using here = world();
  writeFileSync(here.file, said("first"));
  for (let i = 0; i < 9; i++) appendFileSync(here.file, noise(7.5 * 1024 * 1024));
  appendFileSync(here.file, said("last"));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  await here.until(() => here.stored.size === 1);
  expect(here.uuids()).toEqual(["last"]);
});

const spent = (usd: number) => `${JSON.stringify({ type: "cost-state", totalCostUSD: usd, startTime: 7 })}\n`;

test("what was spent is told when it is written, and again after a cut, since nobody acknowledges it", () => {
  using here = world();
  writeFileSync(here.file, said("one") + spent(0.5));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  expect(here.costs).toEqual([{ conversation: ONE, chain: "7", usd: 0.5 }]);
  here.cut();
  appendFileSync(here.file, spent(0.75));
  here.back();
  expect(here.costs.map(({ usd }) => usd)).toEqual([0.5, 0.5, 0.75]);
  expect(here.uuids()).toEqual(["one"]);
});

test("when claude has ended, what is left goes at once, whatever the server has not said yet", () => {
  using here = world();
  here.set({ silent: true });
  const all = Array.from({ length: 120 }, (_, i) => said(`m${i}`));
  writeFileSync(here.file, all.join(""));
  here.conversation.follow(here.file, ONE);
  here.ack(ONE);
  expect(here.uuids().length).toBeLessThan(120);
  appendFileSync(here.file, spent(0.25));
  here.conversation.last();
  expect(here.uuids()).toHaveLength(120);
  expect(here.costs.map(({ usd }) => usd)).toEqual([0.25]);
});
