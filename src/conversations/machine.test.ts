// What a machine says of its conversations, asked by the scripts that every devbox is asked by; recorded transcripts.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claudeVersions } from "../testing/real-claude.ts";
import { conversationOf, type Ends, HEAD_BYTES, isConversationId, TAIL_BYTES } from "./conversation.ts";
import { LIST, LOOK, listed, localShell, looked } from "./script.ts";

const testdata = join(import.meta.dir, "testdata");
const text = (version: string) => Bun.file(join(testdata, `${version}.jsonl`)).text();
const recorded = ["2.1.197", "2.1.329"];

const A = "aaaaaaaa-1111-4111-8111-111111111111";
const B = "bbbbbbbb-2222-4222-8222-222222222222";

let root = "";
let claude = "";
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "cr-conversations-")));
  claude = join(root, "home", ".claude");
  for (const folder of ["-home-developer-wk-proj", "-other"])
    mkdirSync(join(claude, "projects", folder), { recursive: true });
  cpSync(join(testdata, "2.1.197.jsonl"), join(claude, "projects", "-home-developer-wk-proj", `${A}.jsonl`));
  cpSync(join(testdata, "2.1.329.jsonl"), join(claude, "projects", "-other", `${B}.jsonl`));
  utimesSync(join(claude, "projects", "-other", `${B}.jsonl`), 1_000, 1_000);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const shell = (env = {}) => localShell({ PATH: process.env.PATH, HOME: join(root, "home"), ...env });
const list = async (most = 10, env = {}, folder = "", begin = "") =>
  listed((await shell(env).script(LIST, { stdin: `${most}\n${folder}\n${begin}\n` })).out);
const look = async (id: string, bytes = 0, dir = "") =>
  looked((await shell().script(LOOK, { stdin: `${id}\n${bytes}\n${dir}\n` })).out);
const ends = (whole: string): Ends => ({
  ...{ id: isConversationId(A) ? A : never(), folder: "-x", bytes: whole.length, modifiedAt: 7 },
  head: whole.slice(0, HEAD_BYTES),
  tail: whole.slice(-TAIL_BYTES),
});
function never(): never {
  throw new Error("not an id");
}

test("every pinned version has a recorded transcript here", () => {
  if (process.env.CLAUDE_REMOTE_TEST_CLAUDE) return expect(claudeVersions.length).toBeGreaterThan(0);
  expect(recorded).toEqual([...claudeVersions]);
});

test.each(recorded)(
  "claude %s: a title, the first words, the directory and the time of the last record",
  async (version) => {
    const whole = await text(version);
    const times = [...whole.matchAll(/"timestamp":"([^"]+)"/g)].map(([, time]) => Date.parse(time ?? ""));
    expect(conversationOf(ends(whole))).toMatchObject({
      ...{ title: "my name", first: "READ: a.txt ;; RUN: touch made.txt ;; SAY: all done" },
      ...{ directories: ["/home/developer/wk/proj"], at: Math.max(...times) },
    });
  },
);

test.each(recorded)(
  "claude %s: from whatever byte on the ends are cut, the same is read",
  async (version) => {
    const whole = await text(version);
    const told = conversationOf(ends(whole));
    for (let cut = 0; cut < 3_000; cut += 97)
      expect(conversationOf({ ...ends(whole), tail: whole.slice(-TAIL_BYTES + cut) })).toEqual(told);
  },
);

test("a file in which nothing was said is no conversation, and no file can bring more than words", () => {
  expect(conversationOf(ends(""))).toBeNull();
  expect(conversationOf(ends('{"type":"mode"}\n{"type":"last-prompt","lastPrompt":"lost"}\n'))).toBeNull();
  expect(conversationOf(ends("garbage\n{}\n[1]\n{nonsense\n"))).toBeNull();
  const evil = {
    cwd: "/tmp/\u001b[2J",
    type: "user",
    uuid: "u",
    message: { content: `a\n\u001b[31m b${"x".repeat(9_999)}` },
  };
  const whole = { ...evil, cwd: "/srv/app" };
  const told = conversationOf(ends(`${JSON.stringify(evil)}\n${JSON.stringify(whole)}\n`));
  expect(told?.directories).toEqual(["/srv/app"]);
  expect(told?.first.length).toBe(200);
});

test("the newest are listed, newest first, and no more than were asked for", async () => {
  const all = await list();
  expect(all?.home).toBe(join(root, "home"));
  expect(all?.folder).toBe(claude);
  expect(all?.files.map(({ id, folder }) => [id, folder])).toEqual([
    [A, "-home-developer-wk-proj"],
    [B, "-other"],
  ]);
  const told = all?.files.map(conversationOf);
  const expected = [A, B].map(async (_, at) => conversationOf(ends(await text(recorded[at] ?? ""))));
  for (const [at, one] of (await Promise.all(expected)).entries())
    expect(told?.[at]).toMatchObject({
      title: one?.title,
      first: one?.first,
      at: one?.at,
      directories: one?.directories,
    });
  expect((await list(1))?.files.map(({ id }) => `${id}`)).toEqual([A]);
  expect((await list(9, {}, "-other"))?.files.map(({ id }) => `${id}`)).toEqual([B]);
  expect((await list(9, {}, "", "bbbbbbbb-2"))?.files.map(({ id }) => `${id}`)).toEqual([B]);
  expect((await list(9, {}, "-other", "a"))?.files).toEqual([]);
});

test("what is not a conversation's file of claude's is left out: subagents, links, strange names, folders", async () => {
  const folder = join(claude, "projects", "-strange");
  mkdirSync(join(folder, A, "subagents"), { recursive: true });
  writeFileSync(join(folder, A, "subagents", `${B}.jsonl`), "{}\n");
  symlinkSync("/etc/passwd", join(folder, "cccccccc-2222-4222-8222-222222222222.jsonl"));
  writeFileSync(join(folder, "not-an-id-at-all-but-as-long-as-one-isxx.jsonl"), "{}\n");
  writeFileSync(join(folder, "dddddddd-2222-4222-8222-22222222222\n.jsonl"), "{}\n");
  mkdirSync(join(claude, "projects", "with blank"));
  writeFileSync(join(claude, "projects", "with blank", `${B}.jsonl`), "{}\n");
  expect((await list())?.files.map(({ id }) => `${id}`)).toEqual([A, B]);
});

test("CLAUDE_CONFIG_DIR moves everything, also with blanks and quotes in it", async () => {
  const moved = join(root, `it's "here" $HOME`);
  mkdirSync(join(moved, "projects", "-x"), { recursive: true });
  cpSync(join(testdata, "2.1.197.jsonl"), join(moved, "projects", "-x", `${B}.jsonl`));
  const there = await list(10, { CLAUDE_CONFIG_DIR: moved });
  expect(there?.folder).toBe(moved);
  expect(there?.files.map(({ id }) => `${id}`)).toEqual([B]);
});

test("a machine without any claude has no conversations", async () => {
  expect(await list(10, { HOME: join(root, "nobody") })).toEqual({
    ...{ home: join(root, "nobody"), folder: join(root, "nobody", ".claude"), running: [], files: [] },
  });
});

test("a file of 100 MB costs no more than its ends", async () => {
  const file = join(claude, "projects", "-other", `${B}.jsonl`);
  const line = `${JSON.stringify({ type: "attachment", uuid: "u", text: "x".repeat(99_000) })}\n`.repeat(10);
  for (let i = 0; i < 100; i++) appendFileSync(file, line);
  appendFileSync(
    file,
    '{"type":"user","timestamp":"2030-01-02T03:04:05.000Z","cwd":"/home/developer/wk/proj"}\n',
  );
  const { out } = await shell().script(LIST, { stdin: "10\n\n\n" });
  expect(out.length).toBeLessThan(4 * (HEAD_BYTES + TAIL_BYTES));
  const [newest] = listed(out)?.files ?? [];
  expect(newest && conversationOf(newest)).toMatchObject({
    id: B,
    title: "my name",
    at: Date.parse("2030-01-02T03:04:05Z"),
  });
  cpSync(join(testdata, "2.1.329.jsonl"), file);
});

test("a claude that runs is told; one that was killed, or whose number another process has, is not", async () => {
  const folder = join(claude, "sessions");
  mkdirSync(folder, { recursive: true });
  const say = (pid: number, state: object) =>
    writeFileSync(join(folder, `${pid}.json`), JSON.stringify(state));
  const alive = { sessionId: A, cwd: "/code/x", startedAt: Date.now() };
  const other = Bun.spawn(["sleep", "60"]);
  const ended = Bun.spawn(["true"]);
  await ended.exited;
  say(process.pid, alive);
  say(ended.pid, { ...alive, sessionId: B });
  say(other.pid, { ...alive, sessionId: B, startedAt: Date.now() - 3_600_000 });
  writeFileSync(join(folder, "notes.json"), "{}");
  try {
    expect((await list())?.running).toEqual([{ pid: process.pid, conversation: A, cwd: "/code/x" }]);
    expect((await look(A))?.running).toEqual([{ pid: process.pid, conversation: A, cwd: "/code/x" }]);
  } finally {
    other.kill();
    rmSync(folder, { recursive: true });
  }
});

test("one conversation is looked at: where, how much, the sum of its beginning, and a directory without links", async () => {
  const whole = await Bun.file(join(testdata, "2.1.197.jsonl")).bytes();
  const sum = (bytes: number) =>
    new Bun.CryptoHasher("sha256").update(whole.subarray(0, bytes)).digest("hex");
  symlinkSync(join(root, "home"), join(root, "a link"));
  for (const bytes of [0, 1, 1_000, whole.length, whole.length + 10]) {
    const seen = await look(A, bytes, join(root, "a link"));
    expect(seen?.found).toMatchObject([
      { folder: "-home-developer-wk-proj", bytes: whole.length, sum: sum(bytes), more: false },
    ]);
    expect(seen?.dir).toBe(join(root, "home"));
  }
  expect((await look(A, 0, "~"))?.dir).toBe(join(root, "home"));
  expect((await look(A, 0, "~/.claude"))?.dir).toBe(claude);
  expect((await look(A, 0, "/nowhere at all"))?.dir).toBeNull();
  expect((await look("eeeeeeee-1111-4111-8111-111111111111"))?.found).toEqual([]);
});

test("an answer that was cut, or that somebody else wrote, is none", async () => {
  const { out } = await shell().script(LOOK, { stdin: `${A}\n0\n\n` });
  expect(looked(out)).not.toBeNull();
  expect(looked(out.slice(0, -2))).toBeNull();
  expect(looked("end\n")).toBeNull();
  expect(looked("home x\nfolder ::module\nend\n")).toBeNull();
  expect(listed("")).toBeNull();
  const stray = `home /h\nfolder /h/.claude\nfile 1 2 ./projects/../../${A}.jsonl\nfile 1 2 ./projects/-x/${A}.jsonl/../y\nend\n`;
  expect(listed(stray)?.files).toEqual([]);
});
