// Every limit has a test that goes over it: here those that stand nowhere else, and the list of all.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Launches } from "../devbox/launches.ts";
import type { ConversationId, DeviceId, Launch, LaunchBody, LogLine, SessionId } from "../protocol.ts";
import { type Channel, ClientHandshake, deviceSecret } from "../seal.ts";
import { fakeClock } from "../testing/clock.ts";
import { statement, TestLink } from "../testing/link.ts";
import { frameOf, RawSocket } from "../testing/security/raw-socket.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Commands } from "./commands.ts";
import { LIMITS, RATES } from "./limits.ts";
import { Store } from "./store.ts";

const DAY_MS = 86_400_000;
const line = (line_no: number): LogLine => ({ line_no, epoch: 0, source: "screen", text: `l${line_no}` });
const device = "local" as DeviceId;

/** A server, and its database beside it: what a test needs many of is written there at once. */
async function world(): Promise<{ server: TestServer; store: Store } & AsyncDisposable> {
  const server = await testServer();
  const store = new Store(join(server.data, "claude-remote.db"));
  return {
    ...{ server, store },
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a page of a listing has pageRows rows, whatever is asked for", async () => {
  await using at = await world();
  const viewer = await TestViewer.pair(at.server);
  const { link, id } = await TestLink.session(at.server);
  at.store.lines.add(
    id,
    Array.from({ length: LIMITS.pageRows + 50 }, (_, i) => line(i)),
    Date.now(),
  );
  const { body } = await viewer.get(`/api/sessions/${id}/lines?limit=1000000`);
  expect((body as never as { lines: LogLine[] }).lines).toHaveLength(LIMITS.pageRows);
  link[Symbol.dispose]();
});

test("`state` has the endedSessions newest of those that have ended", async () => {
  await using at = await world();
  const viewer = await TestViewer.pair(at.server);
  for (let i = 0; i < LIMITS.endedSessions + 10; i++) {
    const { id } = at.store.sessions.state(device, statement({ title: `s${i}` }), Date.now())?.session ?? {};
    at.store.sessions.end(id as SessionId, { code: 0, signal: null, reason: "exit" }, Date.now() + i);
  }
  const { state } = await viewer.listen();
  const titles = state?.sessions.filter(({ ended_at }) => ended_at !== null).map(({ title }) => title) ?? [];
  expect(titles).toHaveLength(LIMITS.endedSessions);
  expect(titles).not.toContain("s0");
  viewer.leave();
});

test("catchUpLines and catchUpMessages are read at once for who catches up, and then the rest", async () => {
  await using at = await world();
  const conversation = "c1" as ConversationId;
  const { id } = at.store.sessions.state(device, statement({ conversation }), Date.now())?.session ?? {};
  const session = id as SessionId;
  at.store.lines.add(
    session,
    Array.from({ length: LIMITS.catchUpLines + 5 }, (_, i) => line(i)),
    Date.now(),
  );
  for (let seq = 0; seq <= LIMITS.catchUpMessages; seq++)
    at.store.messages.add(
      session,
      { conversation, uuid: `u${seq}`, seq, role: "user", body: [] },
      Date.now(),
    );
  const first = at.store.catchUp.since(session, { line: 0, message: 0 });
  expect([first.lines.length, first.messages.length, first.more]).toEqual([
    LIMITS.catchUpLines,
    LIMITS.catchUpMessages,
    true,
  ]);
  const rest = at.store.catchUp.since(session, { line: first.line, message: first.messages.at(-1)?.id ?? 0 });
  expect([rest.lines.length, rest.messages.length, rest.more]).toEqual([5, 1, false]);
});

test("a viewer that is slow gets one `state` in the place of more than pendingEvents facts", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  await viewer.listen(id);
  const begun = viewer.events.filter((name) => name === "state").length;
  // In one go, before the reader has its turn: a whole screen fills what is on its way, then fact upon fact.
  const row = [{ text: "x".repeat(LIMITS.streamBytes) }];
  link.say({ type: "output", frame: { lines: [{ y: 0, row }] } });
  for (let i = 0; i < 4 * LIMITS.pendingEvents; i++)
    link.say({ type: "input_delivered", id: `i${i} ${"y".repeat(80)}`.replaceAll(" ", "-") as never });
  await link.ask();
  await viewer.until("a state for what was left out", () => {
    return viewer.events.filter((name) => name === "state").length > begun;
  });
  expect(viewer.inputs.size).toBeLessThan(4 * LIMITS.pendingEvents);
  viewer.leave();
  link[Symbol.dispose]();
});

test("of a session's texts and keys the newest `inputs` are known again", async () => {
  await using server = await testServer({ clock: fakeClock() }); // Nothing is taken for lost meanwhile.
  const viewer = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  const press = async (key: number) =>
    viewer.post(`/api/sessions/${id}/input`, { id: `k${key}`, key: "down" });
  const pressed = async () => {
    await link.ask(); // What the server said before has come.
    return link.heard.filter(({ type }) => type === "key").length;
  };
  for (let i = 0; i <= LIMITS.inputs; i++) await press(i);
  expect(await pressed()).toBe(LIMITS.inputs + 1);
  await press(LIMITS.inputs); // Known: it is the same one.
  expect(await pressed()).toBe(LIMITS.inputs + 1);
  await press(0); // Forgotten: it is another one.
  expect(await pressed()).toBe(LIMITS.inputs + 2);
  link[Symbol.dispose]();
});

test("the commands of commandSessions sessions are kept, the newest", () => {
  const commands = new Commands();
  for (let i = 0; i <= LIMITS.commandSessions; i++)
    commands.set(`s${i}` as SessionId, [{ name: "x" } as never]);
  expect(commands.of("s0" as SessionId)).toEqual([]);
  expect(commands.of("s1" as SessionId)).toHaveLength(1);
});

test("messages are forgotten sweepMessages at a time, and what was used after usageMs", async () => {
  await using at = await world();
  const conversation = "c1" as ConversationId;
  const now = Date.now();
  const { id } = at.store.sessions.state(device, statement({ conversation }), now)?.session ?? {};
  const session = id as SessionId;
  for (let seq = 0; seq < LIMITS.sweepMessages + 1; seq++)
    at.store.messages.add(session, { conversation, uuid: `u${seq}`, seq, role: "user", body: [] }, now);
  at.store.sessions.end(session, { code: 0, signal: null, reason: "exit" }, now);
  const database = new Database(join(at.server.data, "claude-remote.db"));
  const used = "INSERT INTO usage VALUES (?, NULL, 'c1', ?, 'm', 1, 1, 0, 0, NULL, 0)";
  database.run(used, ["old", now + LIMITS.keepMs + DAY_MS - LIMITS.usageMs - 1]);
  database.run(used, ["new", now]);
  const count = (table: string) =>
    Object.values(database.query(`SELECT count(*) FROM ${table}`).get() as object)[0];
  const left: unknown[] = [];
  while (at.store.retention.sweep(now + LIMITS.keepMs + DAY_MS)) left.push(count("messages"));
  expect(left).toContain(1);
  expect(count("messages")).toBe(0);
  expect(database.query("SELECT id FROM usage").all()).toEqual([{ id: "new" }]);
  database.close();
});

test("a wrapper that reads nothing is let go past uplinkBytes", async () => {
  await using server = await testServer({ clock: fakeClock() }); // And not for its silence.
  const viewer = await TestViewer.pair(server);
  await viewer.listen();
  const master = new Uint8Array(readFileSync(join(server.data, "master.key")));
  const handshake = new ClientHandshake({ device, secret: deviceSecret(master, device) });
  using raw = await RawSocket.open(server.port);
  const stated = statement();
  let channel: Channel | null = null;
  for (let said = 0; !channel; ) {
    const text = raw.texts[said];
    if (text === undefined) {
      await new Promise((resolve) => raw.socket.once("data", resolve));
      continue;
    }
    said++;
    const step = handshake.receive(text);
    if (step.step === "send") raw.socket.write(frameOf(0x81, Buffer.from(step.send)));
    if (step.step === "open") channel = step.channel;
  }
  raw.socket.write(frameOf(0x82, channel.seal(JSON.stringify({ type: "session", session: stated }))));
  await viewer.until("the session", () => viewer.sessions.get(stated.id)?.connected);
  raw.socket.pause();
  const text = "z".repeat(LIMITS.textChars);
  let status = 200;
  let sent = 0;
  for (let i = 0; status === 200 && i < RATES.writes.most - 10; i++) {
    ({ status } = await viewer.post(`/api/sessions/${stated.id}/input`, { id: `i${i}`, text }));
    sent += text.length;
  }
  expect(status).toBe(503);
  expect(sent).toBeGreaterThan(LIMITS.uplinkBytes);
  await viewer.until("out of reach", () => viewer.sessions.get(stated.id)?.connected === false);
  viewer.leave();
}, 60_000);

test("a launch that takes longer than launchMs is called off", async () => {
  const clock = fakeClock();
  const ended = Promise.withResolvers<Launch>();
  const launches = new Launches({
    clock,
    start: (_, __, signal) =>
      new Promise((___, reject) => signal.addEventListener("abort", () => reject(new Error("late")))),
    toError: () => ({ class: "timeout", message: "late", next: "" }),
    tell() {},
    onFault: (error) => ended.reject(error),
    onEnd: (launch) => ended.resolve(launch),
  });
  launches.begin({ launch: "l1", devbox: "box", dir: "~" } as unknown as LaunchBody);
  clock.advance(LIMITS.launchMs - 1);
  expect(launches.list()).toMatchObject([{ step: "connecting" }]);
  clock.advance(1);
  expect(await ended.promise).toMatchObject({ step: "failed", error: { class: "timeout" } });
});

/** Where each limit is gone over: a file here unless it has a path, and how the test's name begins. */
const GONE_OVER: Record<string, readonly [file: string, name: string]> = {
  bodyBytes: ["api", "SEC-073 a body over the limit"],
  textChars: ["api", "an input that makes no sense names its wrong field"],
  fileBytes: ["files", "SEC-068 size, pieces at once"],
  filePieceBytes: ["files", "an answer does not wait behind a file"],
  files: ["files", "so many files of one session"],
  filesAtOnce: ["files", "SEC-068 size, pieces at once"],
  filePieceMs: ["files", "a wrapper that is gone"],
  fileNameChars: ["files", "SEC-068 names never travel as paths"],
  commands: ["files", "a session's commands"],
  commandChars: ["files", "a session's commands"],
  commandAboutChars: ["files", "a session's commands"],
  commandSessions: ["limits", "the commands of commandSessions"],
  nameChars: ["pairing", "a name is kept as letters"],
  titleChars: ["history", "a session is called by"],
  countedCallers: ["rate", "callers whose time is over"],
  forwardedChars: ["address", "SEC-012 a proxy of ours says"],
  streamsPerViewer: ["events", "SEC-075 a ninth stream"],
  streams: ["events", "SEC-075 256 streams"],
  streamBytes: ["events", "SEC-076 a reader that stalls"],
  stalledMs: ["events", "SEC-076 a viewer that reads nothing"],
  pollMs: ["mailbox", "nothing new is said after ten seconds"],
  pendingEvents: ["limits", "a viewer that is slow gets one `state`"],
  catchUpLines: ["limits", "catchUpLines and catchUpMessages"],
  catchUpMessages: ["limits", "catchUpLines and catchUpMessages"],
  pageRows: ["limits", "a page of a listing has pageRows"],
  pageBytes: ["store/message-table", "a page of messages ends before"],
  endedSessions: ["limits", "`state` has the endedSessions"],
  searchChars: ["search", "GET /api/search tells hits"],
  searchWords: ["search", "GET /api/search tells hits"],
  searchBeginning: ["search", "what was said is found by its words"],
  searchBeginnings: ["search", "SEC-055 a million characters"],
  searchPhrase: ["search", "SEC-055 a million characters"],
  searchHits: ["search", "pages follow one another"],
  searchIndexRows: ["search", "a search stops when its time is up"],
  searchMessages: ["search", "a search stops when its time is up"],
  searchLines: ["search", "a search stops when its time is up"],
  searchBytes: ["search", "SEC-055 a million characters"],
  searchSliceMs: ["search", "a search stops when its time is up"],
  searchMs: ["search", "a search stops when its time is up"],
  searches: ["search", "only so many search at once"],
  devboxes: ["../devbox/annex", "launches at once are bounded"],
  launches: ["../devbox/annex", "launches at once are bounded"],
  launchMs: ["limits", "a launch that takes longer than launchMs"],
  directories: ["../devbox/annex", "folders are completed as they are typed"],
  listings: ["../devbox/annex", "a listing is remembered"],
  devboxTests: ["../devbox/annex", "tests at once are bounded"],
  wrappers: ["connection", "SEC-078 of more than twenty handshakes"],
  handshakes: ["connection", "SEC-078 of more than twenty handshakes"],
  frameBytes: ["gate", "SEC-078 a frame over the limit"],
  framesPerSecond: ["connection", "SEC-078 more frames a second"],
  uplinkBytes: ["limits", "a wrapper that reads nothing"],
  handshakeMs: ["connection", "silence of 15 s is death"],
  answerAgainMs: ["prompts", "an answer is said again every 2 s"],
  openPrompts: ["prompts", "three hundred open prompts"],
  inputs: ["limits", "of a session's texts and keys"],
  linesPerMessage: ["messages", "what is only too big"],
  lineChars: ["messages", "what is only too big"],
  tokens: ["tokens", "a name, scopes and days that make no sense"],
  tokenDays: ["tokens", "SEC-021 a token ends with its days"],
  tokenMostDays: ["tokens", "a name, scopes and days that make no sense"],
  operatorDays: ["tokens", "an operator's right ends by itself"],
  pairingMs: ["pairing", "SEC-016 a code is 40 bits"],
  pairingTries: ["pairing", "SEC-016 closed, wrong and open"],
  loginIdleMs: ["pairing", "SEC-021 a login dies"],
  loginMs: ["pairing", "SEC-021 a login dies"],
  clockSlackMs: ["pairing", "SEC-021 a login dies"],
  keepMs: ["store/retention", "what ended 30 days ago"],
  auditMs: ["store/audit-table", "the audit forgets its oldest rows only"],
  usageMs: ["limits", "messages are forgotten sweepMessages"],
  auditRows: ["store/audit-table", "the audit forgets its oldest rows only"],
  auditBytes: ["store/audit-table", "the audit forgets its oldest rows only"],
  auditDrops: ["store/audit-table", "the audit forgets its oldest rows only"],
  auditPageRows: ["audit", "the log comes in pages"],
  auditPageBytes: ["store/audit-table", "a page of large rows ends early"],
  exports: ["audit-export", "an export that nobody reads"],
  refusals: ["audit", "of machines that knock without end"],
  refusalsWithinMs: ["audit", "of machines that knock without end"],
  logBytes: ["store/line-table", "SEC-077 the log of one session"],
  trimRows: ["store/line-table", "SEC-077 the log of one session"],
  lostMs: ["uplink", "a session not heard of for a day"],
  sweepRows: ["store/retention", "what ended 30 days ago"],
  sweepMessages: ["limits", "messages are forgotten sweepMessages"],
  logFileBytes: ["server", "the log is turned over"],
};

test("every limit is gone over by a test; whoever adds one names it here (of rates, rate.test.ts tries all there are)", () => {
  const all = Object.keys(LIMITS);
  expect(all.filter((name) => !(name in GONE_OVER))).toEqual([]);
  expect(Object.keys(GONE_OVER).filter((name) => !all.includes(name))).toEqual([]);
  for (const [name, [file, begins]] of Object.entries(GONE_OVER)) {
    const text = readFileSync(resolve(import.meta.dir, `${file}.test.ts`), "utf8");
    expect(
      new RegExp(`\\btest(\\.each)?\\([^"'\`]*["'\`]${escaped(begins)}`).test(text) ||
        text.includes(`"${begins}`),
      name,
    ).toBe(true);
  }
});

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
