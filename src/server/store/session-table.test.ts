import { expect, test } from "bun:test";
import type { DeviceId } from "../../protocol.ts";
import { prompt, statement } from "../../testing/link.ts";
import { DESK, stores } from "../../testing/store.ts";

const { now, withSession } = stores();

test("stating a session twice changes nothing but what changed", () => {
  const { store, id } = withSession({ age_ms: 5_000 });
  const first = store.sessions.get(id);
  expect(first).toMatchObject({
    started_at: now - 5_000,
    status: "working",
    ended_at: null,
    device_name: "desk",
  });
  store.sessions.state(DESK, statement({ id, age_ms: 9_000, title: "another" }), now + 4_000);
  expect(store.sessions.get(id)).toEqual({ ...first, title: "another", heard_at: now + 4_000 } as NonNullable<
    typeof first
  >);
});

test("SEC-026 a session is the device's that reported it first", () => {
  const { store, id } = withSession();
  expect(store.sessions.state("other" as DeviceId, statement({ id, title: "mine now" }), now)).toBeNull();
  expect(store.sessions.get(id)?.title).toBe("a title");
});

test("a session ends once: the first word stays", () => {
  const { store, id } = withSession();
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  const again = store.sessions.end(id, { code: null, signal: "SIGHUP", reason: "hangup" }, now + 1);
  expect(again.session).toMatchObject({ ended_at: now, exit_code: 0, signal: null, end_reason: "exit" });
});

test("a session that has ended takes no state", () => {
  const { store, id } = withSession({ title: "before" });
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  store.sessions.setState(id, { ...statement(), title: "after", status: "working" }, now);
  expect(store.sessions.get(id)).toMatchObject({ status: "ended", title: "before" });
});

test("SEC-032 the end of a session ends its prompts, and nothing revives them", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const { session, prompts } = store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  expect(session).toMatchObject({ status: "ended", end_reason: "exit", exit_code: 0, ended_at: now });
  expect(prompts).toMatchObject([{ id: asked.id, stage: "withdrawn", withdrawn_by: "exited" }]);
  store.sessions.state(DESK, statement({ id, status: "working", open: [asked.id] }), now + 1);
  expect(store.prompts.open(id, asked, now + 1)).toMatchObject({
    news: false,
    prompt: { stage: "withdrawn" },
  });
  expect(store.sessions.get(id)).toMatchObject({ status: "ended", ended_at: now });
});

test("a session that was given up as lost and speaks again has not ended", () => {
  const { store, id } = withSession();
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  store.sessions.state(DESK, statement({ id, status: "idle" }), now + 1);
  expect(store.sessions.get(id)).toMatchObject({ status: "idle", ended_at: null, end_reason: null });
});

test("SEC-026 a session that is being deleted still belongs to its machine, and one that speaks again is there again", () => {
  const { store, id } = withSession();
  const other = "other" as DeviceId;
  store.devices.add(other, "laptop", now);
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  expect(store.sessions.delete(id, "owner", now)).toBe(true);
  expect([store.sessions.get(id), store.sessions.ended()]).toEqual([null, []]);
  expect(store.sessions.state(other, statement({ id }), now)).toBeNull();
  expect(store.sessions.state(DESK, statement({ id }), now)?.session).toMatchObject({ id, ended_at: null });
  expect(store.retention.sweep(now)).toBe(false);
});
