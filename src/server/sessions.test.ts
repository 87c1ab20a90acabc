import { expect, spyOn, test } from "bun:test";
import type { InputId, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { statement, TestLink } from "../testing/link.ts";
import { testServer } from "../testing/server.ts";
import { DESK, stores } from "../testing/store.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Events } from "./events.ts";
import type { Uplink } from "./live-session.ts";
import { openLog } from "./log.ts";
import { Sessions } from "./sessions.ts";
import { Db } from "./store/database.ts";

const { fresh } = stores();
const DAY = 86_400_000;

/** Sessions that nobody but one phone looks at, and a wrapper that says nothing. */
function world() {
  const clock = fakeClock();
  const { store } = fresh();
  const log = openLog({ level: "silent" });
  const nobody = { state: () => ({}) as never, screen: () => null, onWatch() {}, onSeen() {} };
  const events = new Events({ catchUp: store.catchUp, clock, log, ...nobody });
  events.watching = () => 1;
  const sessions = new Sessions(store, clock, events);
  const uplink: Uplink = { heardAt: clock.now() + 1_000, tell() {}, replaced() {} };
  const begin = () => sessions.state(DESK, statement(), uplink)?.id as SessionId;
  return { clock, store, sessions, uplink, begin };
}

test("what is known of all sessions is written down in one go, however many there are: each write waits for the disk", () => {
  const { store, sessions, uplink, begin } = world();
  for (let i = 0; i < 20; i++) begin();
  const alone: string[] = [];
  const { run } = Db.prototype;
  using _ = spyOn(Db.prototype, "run").mockImplementation(function (this: Db, sql, values) {
    if (!this.raw.inTransaction) alone.push(sql);
    return run.call(this, sql, values);
  });
  sessions.tidy();
  expect(alone).toEqual([]);
  expect(new Set(store.sessions.open().map(({ heard_at }) => heard_at))).toEqual(new Set([uplink.heardAt]));
});

test("the screen of a session that is watched is kept by the next tidying", () => {
  const { store, sessions, begin } = world();
  const id = begin();
  const lines = [{ y: 0, row: [{ text: "now" }] }];
  sessions.frame(id, { size: { cols: 80, rows: 24 }, lines });
  expect(store.sessions.screen(id)).toBeNull();
  sessions.tidy();
  expect(store.sessions.screen(id)?.lines[0]).toEqual([{ text: "now" }]);
});

test("of a session that ended, was left or given up as lost, everybody who keeps something of it hears", () => {
  const { clock, sessions, uplink, begin } = world();
  const [ended, lost] = [begin(), begin()];
  const heard: SessionId[] = [];
  sessions.onEnd((id) => heard.push(id));
  sessions.end(ended, { code: 0, signal: null, reason: "exit" });
  sessions.lost(lost, uplink);
  clock.advance(DAY + 2_000);
  sessions.tidy();
  clock.advance(60_000);
  sessions.tidy();
  expect(heard).toEqual([ended, lost]);
});

test("days that the machine slept through, or that its clock was put forward by, end no session: it is heard again first", () => {
  const { clock, sessions, uplink, begin } = world();
  const id = begin();
  clock.advance(3 * DAY);
  sessions.tidy();
  expect(sessions.get(id)).toMatchObject({ ended_at: null });
  Object.assign(uplink, { heardAt: clock.now() }); // Its wrapper speaks within seconds.
  clock.advance(60_000);
  sessions.tidy();
  expect(sessions.get(id)).toMatchObject({ ended_at: null });
});

test("nothing that was typed into it is remembered of a session whose end another wrapper reports", async () => {
  await using server = await testServer();
  await using phone = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  const typed = async () =>
    (await phone.post(`/api/sessions/${id}/input`, { id: "i1", text: "hello" })).status;
  expect([await typed(), await typed()]).toEqual([200, 200]); // The same again is the same one.
  link.say({ type: "input_delivered", id: "i1" as InputId });
  await link.ask();
  link[Symbol.dispose]();
  using next = await TestLink.connect(server);
  next.say({ type: "left", session: id, code: 0, signal: null, reason: "exit" });
  await next.next("ack");
  expect(await typed()).toBe(410);
});
