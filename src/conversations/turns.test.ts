// When files are fetched from a devbox: after each turn, never twice at once, and not again and again from who refuses us.
import { beforeEach, expect, test } from "bun:test";
import type { ConversationId, Session, SessionCopy, SessionId, SessionStatus } from "../protocol.ts";
import { type FakeClock, fakeClock } from "../testing/clock.ts";
import { Changes } from "../testing/wait.ts";
import { told } from "./annex.ts";
import { SyncError } from "./rsync.ts";
import type { Synced } from "./sync.ts";
import { Turns } from "./turns.ts";

let clock: FakeClock;
let changes: Changes;
let turns: Turns;
/** What is under way, oldest first, until the test ends it. */
let asked: { id: SessionId; signal: AbortSignal; end: (how: Partial<Synced> | Error) => void }[];
let said: { id: SessionId; copy: SessionCopy }[];

beforeEach(() => {
  clock = fakeClock();
  changes = new Changes();
  asked = [];
  said = [];
  turns = new Turns({
    clock,
    placeOf: ({ device_name }) => (device_name === "laptop" ? null : device_name),
    carry({ id }, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Synced>();
      const whole: Synced = { how: "grown", path: "/x", note: null };
      const end = (how: Partial<Synced> | Error) =>
        how instanceof Error ? reject(how) : resolve({ ...whole, ...how });
      asked.push({ id, signal, end });
      changes.changed();
      return promise;
    },
    toError: told,
    tell(id, copy) {
      said.push({ id, copy });
      changes.changed();
    },
  });
});

const SESSION = { conversation: "c" as ConversationId, ended_at: null, device_name: "buildbox" };
const session = (id: string, status: SessionStatus, more: Partial<Session> = {}) =>
  ({ ...SESSION, id, status, ...more }) as Session;
function turn(id: string, more: Partial<Session> = {}) {
  turns.changed(session(id, "working", more));
  turns.changed(session(id, "idle", more));
  clock.advance(1_000);
}
const ids = () => asked.map(({ id }) => `${id}`);
async function ends(how: Partial<Synced> | Error = {}) {
  const count = said.length;
  asked.shift()?.end(how);
  await changes.until("what became of it", () => said.length > count);
  await Promise.resolve();
}

test("once a turn, when it has ended, and not in its midst or at home", () => {
  turns.changed(session("a", "working"));
  turns.changed(session("a", "waiting"));
  clock.advance(10_000);
  expect(ids()).toEqual([]);
  turns.changed(session("a", "idle"));
  turns.changed(session("a", "idle", { title: "another title" }));
  expect(ids()).toEqual([]);
  clock.advance(1_000);
  expect(ids()).toEqual(["a"]);
  turn("b", { device_name: "laptop" });
  turn("c", { conversation: null });
  expect(ids()).toEqual(["a"]);
});

test("a turn that ends while files are under way is fetched after them; sessions do not wait for one another, two at a time", async () => {
  for (const id of ["a", "b", "c"]) turn(id);
  turn("a");
  expect(ids()).toEqual(["a", "b"]);
  await ends();
  expect(said).toEqual([{ id: "a" as SessionId, copy: { at: clock.now(), problem: null } }]);
  await ends();
  await ends();
  await ends();
  expect(said.map(({ id }) => `${id}`)).toEqual(["a", "b", "a", "c"]);
});

test("its end is fetched as well, also after /clear", async () => {
  turn("a");
  await ends();
  turns.changed(session("a", "idle", { conversation: "d" as ConversationId }));
  clock.advance(1_000);
  expect(ids()).toEqual(["a"]);
  await ends();
  turns.changed(session("a", "ended", { ended_at: 7 }));
  turns.changed(session("a", "ended", { ended_at: 7 }));
  clock.advance(1_000);
  expect(ids()).toEqual(["a"]);
  await ends();
  turns.changed(session("a", "ended", { ended_at: 7 }));
  clock.advance(1_000);
  expect(ids()).toEqual([]);
});

test("what fails is said with the class and the next step, keeps the time of the last whole copy, and is tried after the next turn", async () => {
  turn("a");
  await ends();
  const { at } = said[0]?.copy ?? {};
  turn("a");
  await ends(new SyncError("lost", "the connection broke", "It is tried again after the next turn."));
  const problem = {
    class: "lost",
    message: "the connection broke",
    next: "It is tried again after the next turn.",
  };
  expect(said.at(-1)?.copy).toEqual({ at: at ?? null, problem });
  turn("a");
  await ends();
  expect(said.at(-1)?.copy).toEqual({ at: clock.now(), problem: null });
});

test("two copies that differ are a problem that is said", async () => {
  turn("a");
  await ends({ how: "beside", note: "it is kept as /x.buildbox" });
  expect(said.at(-1)?.copy).toMatchObject({
    at: null,
    problem: { class: "differs", message: "it is kept as /x.buildbox" },
  });
});

test("who refuses our key is asked again after a quarter of an hour, and not before; others are not their matter", async () => {
  turn("a");
  const refused = Object.assign(new SyncError("failed", "refused", "add the key"), { class: "auth" });
  await ends(refused);
  expect(said.at(-1)?.copy.problem?.class).toBe("auth");
  turn("a");
  turn("b");
  turn("c", { device_name: "otherbox" });
  await changes.until("the other one's turn", () => asked.length > 0);
  expect(ids()).toEqual(["c"]);
  await ends();
  clock.advance(15 * 60_000);
  turn("a");
  expect(ids()).toEqual(["a"]);
});

test("nothing is begun once it is stopped, and what is under way is ended, waited for, and no problem of anybody's", async () => {
  turn("a");
  const [under] = asked;
  let stopped = false;
  const end = turns.stop().then(() => {
    stopped = true;
  });
  turn("b");
  expect(ids()).toEqual(["a"]);
  expect([stopped, under?.signal.aborted]).toEqual([false, true]);
  under?.end(new SyncError("lost", "it was ended", "Try again."));
  await end;
  expect(said).toEqual([]);
});
