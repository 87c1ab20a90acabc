import { expect, test } from "bun:test";
import { DEAD_AFTER_MS, type SessionId, type ViewerEvents, type ViewerId } from "../src/protocol.ts";
import { createModel } from "./model.ts";
import { bash, firstFrame, run, session, state } from "./testing/world.ts";

/** A model whose clock the test moves; the server's clock is an hour ahead. */
function at() {
  let clock = 1_000_000;
  const model = createModel(() => clock);
  const serverNow = () => clock + 3_600_000;
  const begin = (...[sessions, prompts]: Parameters<typeof state>) =>
    model.fold("state", { ...state(sessions, prompts), now: serverNow() });
  return {
    model,
    begin,
    serverNow,
    pass(ms: number) {
      clock += ms;
    },
  };
}

test("what needs somebody comes first, the longest waiting at the top, what has ended last", () => {
  const { model, begin } = at();
  const now = Date.now();
  const [late, early] = [session("late", { status: "waiting" }), session("early", { status: "waiting" })];
  begin(
    [
      session("over", { status: "ended", ended_at: now }),
      session("gone", { connected: false }),
      session("still", { status: "idle" }),
      session("busy"),
      late,
      session("paused", { status: "suspended" }),
      early,
    ],
    [
      { ...bash("p1", late, "ls"), created_at: now - 1_000 },
      { ...bash("p2", early, "ls"), created_at: now - 90_000 },
      { ...bash("p3", late, "ls"), created_at: now - 500 },
    ],
  );
  expect(model.ordered().map(({ id }) => String(id))).toEqual([
    ...["early", "late", "busy", "still", "paused", "gone", "over"],
  ]);
  expect(model.open().map(({ id }) => String(id))).toEqual(["p2", "p1", "p3"]);
});

test("a turn that ended unseen is done, and idle once somebody has looked", () => {
  const { model, begin } = at();
  begin([session("a")]);
  const idle = session("a", { status: "idle" });
  model.fold("session_start", { session: idle });
  expect(model.look(idle)).toBe("done");
  model.watch(idle.id);
  expect(model.look(idle)).toBe("idle");
});

test("times are the server's, and what was not heard for fifteen seconds is stale", () => {
  const { model, begin, pass, serverNow } = at();
  begin([]);
  expect(model.now()).toBe(serverNow());
  pass(DEAD_AFTER_MS);
  expect(model.stale()).toBe(false);
  pass(1);
  expect(model.stale()).toBe(true);
  expect(model.asOf()).toBe(serverNow() - DEAD_AFTER_MS - 1);
  model.fold("heartbeat", { now: serverNow() });
  expect(model.stale()).toBe(false);
});

test("drops shorter than three seconds are not mentioned", () => {
  const { model, begin, pass } = at();
  begin([]);
  model.connect({ kind: "reconnecting", since: 1_000_000 });
  pass(2_999);
  expect(model.banner()).toBeNull();
  pass(1);
  expect(model.banner()).toBe("Reconnecting … (3 s)");
});

test("what this phone kept is shown with its age, is never fresh, and gives way to the server's first word", () => {
  const { model, begin } = at();
  const [shop, docs] = [session("webshop", { status: "waiting" }), session("docs")];
  expect(model.keepable()).toBeNull();
  const viewer = { id: "v1" as ViewerId, name: "Phone" };
  model.restore({ at: 999_000, viewer, sessions: [shop, docs], prompts: [bash("p1", shop, "ls")] });
  expect(model.open().map(({ id }) => id as string)).toEqual(["p1"]);
  expect([model.stale(), model.version, model.keepable()]).toEqual([true, null, null]);
  model.connect({ kind: "offline", since: 1_000_000 });
  expect(model.banner()).toMatch(/^Offline, as of /);
  begin([shop]);
  model.connect({ kind: "live" });
  expect(model.ordered().map(({ id }) => id as string)).toEqual(["webshop"]);
  expect([model.open(), model.stale(), model.banner()]).toEqual([[], false, null]);
  expect(model.keepable()).toMatchObject({ at: 1_000_000, sessions: [{ id: "webshop" }], prompts: [] });
  model.restore({ at: 999_000, viewer, sessions: [docs], prompts: [] });
  expect(model.session(docs.id)).toBeNull();
});

test("replies in any order, and any repetition of them, lead to a prompt's newest state", () => {
  const a = session("a");
  const open = bash("p", a, "ls");
  const later = [
    { ...open, stage: "answered" as const },
    { ...open, stage: "delivered" as const },
    { ...open, stage: "accepted" as const },
  ];
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0, 2],
    [2, 2, 1],
  ]) {
    const { model, begin } = at();
    begin([a], [open]);
    for (const i of order) {
      const prompt = later[i];
      if (prompt) model.replied(prompt);
    }
    expect(model.prompt(open.id)?.stage).toBe("accepted");
  }
});

test("a prompt that the stream tells to be open again is open again, and one that was too late may be accepted", () => {
  const { model, begin } = at();
  const a = session("a");
  const open = bash("p", a, "ls");
  begin([a], [{ ...open, stage: "delivered" }]);
  model.fold("prompt_response", { prompt: open });
  expect(model.open()).toHaveLength(1);
  model.fold("prompt_response", { prompt: { ...open, stage: "too_late" } });
  model.fold("prompt_response", { prompt: { ...open, stage: "accepted" } });
  expect(model.prompt(open.id)?.stage).toBe("accepted");
});

test("a state forgets what it does not name, but not how a prompt ended", () => {
  const { model, begin } = at();
  const a = session("a");
  const [open, ended] = [bash("p1", a, "ls"), { ...bash("p2", a, "ls"), stage: "withdrawn" as const }];
  begin([a, session("b")], [open, ended]);
  begin([a], []);
  expect(model.session("b" as SessionId)).toBeNull();
  expect(model.prompt(open.id)).toBeNull();
  expect(model.prompt(ended.id)?.stage).toBe("withdrawn");
});

test("an old session that is being read outlives a state that does not name it, until a phone deletes it", () => {
  const { model, begin } = at();
  const old = session("old", { status: "ended", ended_at: 1 });
  begin([session("a")], []);
  model.fold("session_end", { session: old });
  model.watch(old.id);
  begin([session("a")], []);
  expect(model.session(old.id)).toMatchObject({ id: "old" });
  model.watch(null);
  begin([session("a")], []);
  expect(model.session(old.id)).toBeNull();
  model.fold("session_end", { session: old });
  model.fold("session_gone", { session: old.id });
  expect(model.session(old.id)).toBeNull();
});

test("only the watched session's screen and log are kept, the log without gap or duplicate", () => {
  const { model } = at();
  const id = "a" as SessionId;
  const frame = firstFrame([[run("hello")]]);
  model.fold("output", { session: id, frame });
  expect(model.screen).toBeNull();
  model.watch(id);
  model.fold("output", { session: id, frame });
  expect(model.screen?.lines[0]).toEqual([run("hello")]);
  const line = (line_no: number) => ({ line_no, epoch: 0, source: "screen" as const, text: `${line_no}` });
  model.fold("lines", { session: id, lines: [line(5), line(6)] });
  model.fold("lines", { session: id, lines: [line(3), line(4), line(5)] });
  model.fold("lines", { session: "b" as SessionId, lines: [line(9)] });
  expect(model.lines().map(({ line_no }) => line_no)).toEqual([3, 4, 5, 6]);
  model.watch("b" as SessionId);
  expect(model.lines()).toEqual([]);
  expect(model.screen).toBeNull();
});

test("a flood of log lines is bounded, and reading back may go further", () => {
  const { model } = at();
  const session_id = "a" as SessionId;
  model.watch(session_id);
  const lines = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      line_no: from + i,
      epoch: 0,
      source: "screen" as const,
      text: "x",
    }));
  model.fold("lines", { session: session_id, lines: lines(10_000, 6_000) });
  expect(model.lines()).toHaveLength(5_000);
  model.fold("lines", { session: session_id, lines: lines(8_000, 3_000) });
  expect(model.lines()[0]?.line_no).toBe(8_000);
  expect(model.lines().length).toBeGreaterThan(5_000);
});

test("SEC-019 a phone that was paired meanwhile is named until somebody says it is known", () => {
  const { model, begin, serverNow } = at();
  begin([]);
  const viewer = (id: string, created_at: number): ViewerEvents["viewers"]["viewers"][number] => ({
    ...{ id: id as ViewerId, name: id, created_at, last_seen: created_at, revoked_at: null },
  });
  const [self, old, fresh] = [
    viewer("viewer-1", serverNow()),
    viewer("old", 5),
    viewer("fresh", serverNow()),
  ];
  model.fold("viewers", { viewers: [self, old, fresh] });
  expect(model.newViewers.map(({ name }) => name)).toEqual(["fresh"]);
  model.approveOf(fresh);
  model.fold("viewers", { viewers: [self, old, fresh] });
  expect(model.newViewers).toEqual([]);
  // Whoever let one in has its own answer before all are told.
  const next = viewer("next", serverNow());
  model.approveOf(next);
  model.fold("viewers", { viewers: [self, old, fresh, next] });
  expect(model.newViewers).toEqual([]);
});

test("nothing of what was told outlives the login, and nothing kept comes after its end", () => {
  const { model, begin } = at();
  const shop = session("webshop", { status: "waiting" });
  const ask = bash("p1", shop, "ls");
  begin([shop], [ask]);
  model.watch(shop.id);
  model.fold("output", { session: shop.id, frame: firstFrame([[run("hello")]]) });
  for (const _ of [1, 2]) model.connect({ kind: "logged_out" });
  expect([model.ordered(), model.open(), model.screen]).toEqual([[], [], null]);
  expect([model.loaded, model.version, model.banner()]).toEqual([
    ...[false, null, "This browser is not paired any more."],
  ]);
  const late = createModel(() => 0);
  late.connect({ kind: "logged_out" });
  const viewer = { id: "v1" as ViewerId, name: "Phone" };
  late.restore({ at: 0, viewer, sessions: [shop], prompts: [ask] });
  expect(late.ordered()).toEqual([]);
});
