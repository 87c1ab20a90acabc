// What subagents used, from their recorded transcripts: each answer once, however often and in how many pieces it is read.
import { afterEach, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConversationId } from "../protocol.ts";
import { Subagents, type UsedBySubagent } from "./subagents.ts";

const ONE = "one" as ConversationId;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A conversation's folder, and what is told of its subagents. `lost`: nobody listens; `full`: the network takes no more. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), "cr-subagents-"));
  folders.push(folder);
  const own = join(folder, "one", "subagents");
  const told: UsedBySubagent[] = [];
  const way = { lost: false, full: false };
  const subagents = new Subagents({
    send: (used) => !way.lost && told.push(used) > 0,
    full: () => way.full,
    now: () => Date.parse("2026-11-21T12:00:00Z"),
  });
  const path = join(folder, "one.jsonl");
  const write = (name: string, text: string) => {
    mkdirSync(own, { recursive: true });
    appendFileSync(join(own, name), text);
  };
  return { told, way, subagents, path, write, ids: () => told.map(({ usage }) => usage.id) };
}

const record = (id: string, output: number, more: object = {}) =>
  `${JSON.stringify({
    ...{ type: "assistant", isSidechain: true, timestamp: "2026-11-21T11:59:00Z", ...more },
    message: { id, model: "opus", usage: { input_tokens: 5, output_tokens: output } },
  })}\n`;

test.each(["2.1.197", "2.1.329"])(
  "of claude %s, each answer of a subagent is told with its tokens",
  (version) => {
    const recorded = readFileSync(join(import.meta.dir, "testdata", `${version}.subagent.jsonl`), "utf8");
    const here = world();
    here.subagents.online();
    here.subagents.follow(here.path, ONE);
    here.write("agent-a5c4c2c6043212a8b.jsonl", recorded);
    here.subagents.look();
    here.subagents.look();
    expect(here.told).toEqual([
      {
        conversation: ONE,
        usage: {
          ...{ id: "msg_mock_7", model: expect.any(String), input: 10, output: 10 },
          ...{ cache_read: 0, cache_write: 0 },
        },
        age_ms: expect.any(Number),
      },
    ]);
  },
);

test("an answer of several records is told again only where a record says more; half a line waits", () => {
  const here = world();
  here.subagents.online();
  here.subagents.follow(here.path, ONE);
  here.write("agent-a.jsonl", record("m1", 1) + record("m1", 1) + record("m2", 9).slice(0, 40));
  here.subagents.look();
  expect(here.ids()).toEqual(["m1"]);
  here.write("agent-a.jsonl", record("m2", 9).slice(40) + record("m1", 30));
  here.write("agent-b.jsonl", record("m3", 2));
  here.subagents.look();
  expect(here.ids()).toEqual(["m1", "m2", "m1", "m3"]);
  expect(here.told[2]).toMatchObject({ usage: { output: 30 }, age_ms: 60_000 });
});

test("what is no answer of a subagent counts nothing: other files, other records, lines that cannot be read", () => {
  const here = world();
  here.subagents.online();
  here.write("notes.jsonl", record("m1", 1));
  here.write("agent-a.meta.json", record("m2", 1));
  here.write("agent-a.jsonl", record("m3", 1, { isSidechain: false }) + record("m4", 1, { type: "user" }));
  here.write("agent-a.jsonl", `{"usage"\n${record("", 1)}${record("m5", 1)}`);
  here.subagents.follow(here.path, ONE);
  expect(here.ids()).toEqual(["m5"]);
});

test("nothing is read before a server listens, and a server that was away hears all of it again", () => {
  const here = world();
  here.write("agent-a.jsonl", record("m1", 1));
  here.subagents.follow(here.path, ONE);
  here.subagents.look();
  expect(here.told).toEqual([]);
  here.subagents.online();
  here.way.lost = true;
  here.write("agent-a.jsonl", record("m2", 1));
  here.subagents.look();
  here.way.lost = false;
  here.subagents.look();
  expect(here.ids()).toEqual(["m1"]); // It waits to hear of the server.
  here.subagents.offline();
  here.subagents.online();
  expect(here.ids()).toEqual(["m1", "m1", "m2"]);
});

test("a full network is not filled further, and a line without end is passed over", () => {
  const here = world();
  here.subagents.online();
  here.subagents.follow(here.path, ONE);
  here.write("agent-a.jsonl", `${"x".repeat(9 * 1024 * 1024)}\n${record("m1", 1)}`);
  here.way.full = true;
  for (let looks = 0; looks < 5; looks++) here.subagents.look();
  expect(here.told).toEqual([]);
  here.way.full = false;
  for (let looks = 0; looks < 8; looks++) here.subagents.look();
  expect(here.ids()).toEqual(["m1"]);
});

test("another conversation's subagents are its own", () => {
  const here = world();
  here.subagents.online();
  here.write("agent-a.jsonl", record("m1", 1));
  here.subagents.follow(here.path, ONE);
  const next = here.path.replace("one.jsonl", "two.jsonl");
  writeFileSync(next, "");
  here.write("agent-a.jsonl", record("m2", 1));
  here.subagents.follow(next, "two" as ConversationId);
  expect(here.told.map(({ conversation, usage }) => [conversation as string, usage.id])).toEqual([
    ["one", "m1"],
    ["one", "m2"],
  ]);
});
