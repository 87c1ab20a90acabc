// What is worth a push, and when: by a clock of the test's own.
import { describe, expect, test } from "bun:test";
import type { DeviceId, PromptId, PromptState, Session, SessionId } from "../../protocol.ts";
import { openPrompt, session } from "../../testing/push-world.ts";
import {
  DESK_USED_MS,
  DONE_AFTER_MS,
  GRACE_MS,
  HOST_LOST_MS,
  LONG_TURN_MS,
  Notices,
  REMIND_AFTER_MS,
} from "./notices.ts";

const BEGAN = 1_000_000;
const kinds = (notices: Notices, now: number) => notices.due(now).map(({ kind }) => kind);

/** Notices that know one session. */
function world(of: Partial<Session> = {}) {
  const notices = new Notices();
  const known = session(of);
  notices.session(known, BEGAN);
  const ask = (change: Partial<PromptState> = {}) => {
    const prompt = openPrompt(known, { created_at: BEGAN, ...change });
    notices.prompt(prompt, BEGAN);
    return prompt;
  };
  const says = (change: Partial<Session>, now: number) => notices.session({ ...known, ...change }, now);
  return { notices, known, ask, says };
}

describe("a question", () => {
  test("is told at once, and once", () => {
    const { notices, ask } = world();
    const prompt = ask();
    expect(kinds(notices, BEGAN)).toEqual(["permission"]);
    notices.prompt(prompt, BEGAN + 5);
    expect(kinds(notices, BEGAN + 10)).toEqual([]);
  });

  test("waits eight seconds for whoever typed at the desk in the last minute", () => {
    const { notices, ask } = world();
    ask({ desk_idle_ms: DESK_USED_MS });
    expect(kinds(notices, BEGAN + GRACE_MS - 1)).toEqual([]);
    expect(kinds(notices, BEGAN + GRACE_MS)).toEqual(["permission"]);
  });

  test("does not wait where the desk was used longer ago", () => {
    const { notices, ask } = world();
    ask({ desk_idle_ms: DESK_USED_MS + 1 });
    expect(kinds(notices, BEGAN)).toEqual(["permission"]);
  });

  test("answered meanwhile is not told at all", () => {
    const { notices, ask } = world();
    const prompt = ask({ desk_idle_ms: 0 });
    notices.prompt({ ...prompt, stage: "withdrawn" }, BEGAN + 3_000);
    expect(kinds(notices, BEGAN + GRACE_MS)).toEqual([]);
  });

  test("that changed is another one", () => {
    const { notices, ask } = world();
    const prompt = ask();
    const [first] = notices.due(BEGAN);
    notices.prompt({ ...prompt, digest: "d".repeat(64) as PromptState["digest"] }, BEGAN + 1);
    expect(first && notices.holds(first, BEGAN + 1)).toBe(false);
    expect(kinds(notices, BEGAN + 1)).toEqual(["permission"]);
  });

  test("nobody answers is told once more after ten minutes, and never again", () => {
    const { notices, ask } = world();
    ask({ kind: "plan" });
    expect(kinds(notices, BEGAN)).toEqual(["plan"]);
    expect(kinds(notices, BEGAN + REMIND_AFTER_MS - 1)).toEqual([]);
    expect(kinds(notices, BEGAN + REMIND_AFTER_MS)).toEqual(["reminder"]);
    expect(kinds(notices, BEGAN + 10 * REMIND_AFTER_MS)).toEqual([]);
  });

  test("told before a restart is not told again, only reminded of", () => {
    const id = "p1" as PromptId;
    const notices = new Notices({ prompts: new Set([id]), reminded: new Set() });
    const known = session();
    notices.session(known, BEGAN);
    notices.prompt(openPrompt(known, { id, created_at: BEGAN }), BEGAN);
    expect(kinds(notices, BEGAN)).toEqual([]);
    expect(kinds(notices, BEGAN + REMIND_AFTER_MS)).toEqual(["reminder"]);
  });

  test("of a session that ended holds no more", () => {
    const { notices, ask, says } = world();
    ask();
    const [told] = notices.due(BEGAN);
    says({ status: "ended", ended_at: BEGAN + 1 }, BEGAN + 1);
    expect(told && notices.holds(told, BEGAN + 1)).toBe(false);
    expect(notices.open).toBe(0);
  });
});

describe("a turn's end", () => {
  test("is told ten seconds later where the turn took over a minute", () => {
    const { notices, says } = world({ status: "working" });
    says({ status: "idle" }, BEGAN + LONG_TURN_MS);
    expect(kinds(notices, BEGAN + LONG_TURN_MS + DONE_AFTER_MS - 1)).toEqual([]);
    expect(kinds(notices, BEGAN + LONG_TURN_MS + DONE_AFTER_MS)).toEqual(["done"]);
    expect(kinds(notices, BEGAN + 10 * LONG_TURN_MS)).toEqual([]);
  });

  test("is no news where it was short, or where the next has begun", () => {
    const { notices, says } = world({ status: "working" });
    says({ status: "idle" }, BEGAN + LONG_TURN_MS - 1);
    expect(kinds(notices, BEGAN + 2 * LONG_TURN_MS)).toEqual([]);
    says({ status: "working" }, BEGAN + 3 * LONG_TURN_MS);
    says({ status: "waiting" }, BEGAN + 4 * LONG_TURN_MS);
    says({ status: "idle" }, BEGAN + 5 * LONG_TURN_MS);
    says({ status: "working" }, BEGAN + 5 * LONG_TURN_MS + 5_000);
    expect(kinds(notices, BEGAN + 6 * LONG_TURN_MS)).toEqual([]);
  });
});

describe("a machine", () => {
  test("lost for two minutes is told once, and once when it is back", () => {
    const { notices, says } = world();
    says({ connected: false }, BEGAN);
    expect(kinds(notices, BEGAN + HOST_LOST_MS - 1)).toEqual([]);
    expect(kinds(notices, BEGAN + HOST_LOST_MS)).toEqual(["host_lost"]);
    expect(kinds(notices, BEGAN + 5 * HOST_LOST_MS)).toEqual([]);
    says({ connected: true }, BEGAN + 6 * HOST_LOST_MS);
    expect(kinds(notices, BEGAN + 6 * HOST_LOST_MS)).toEqual(["host_back"]);
  });

  test("lost for less is nobody's business", () => {
    const { notices, says } = world();
    says({ connected: false }, BEGAN);
    says({ connected: true }, BEGAN + HOST_LOST_MS - 1);
    expect(kinds(notices, BEGAN + 2 * HOST_LOST_MS)).toEqual([]);
  });

  test("is there while any of its sessions is", () => {
    const { notices, says } = world();
    notices.session(session({ id: "other" as SessionId }), BEGAN);
    notices.session(
      session({ id: "far" as SessionId, device_id: "d2" as DeviceId, connected: false }),
      BEGAN,
    );
    says({ connected: false }, BEGAN);
    expect(notices.due(BEGAN + HOST_LOST_MS).map(({ topic }) => topic)).toEqual(["host d2"]);
  });
});

describe("a snoozed session", () => {
  const HOUR = 60 * 60_000;

  test("is silent for the hour; what is still open then is told", () => {
    const { notices, known, ask } = world();
    notices.snooze(known.id, BEGAN + HOUR, BEGAN);
    ask();
    expect(kinds(notices, BEGAN + HOUR - 1)).toEqual([]);
    expect(kinds(notices, BEGAN + HOUR)).toEqual(["permission"]);
  });

  test("takes back what waits to be sent", () => {
    const { notices, known, ask } = world();
    ask();
    const [told] = notices.due(BEGAN);
    notices.snooze(known.id, BEGAN + HOUR, BEGAN + 1);
    expect(told && notices.holds(told, BEGAN + 1)).toBe(false);
    notices.snooze(known.id, BEGAN + 2, BEGAN + 2);
    expect(notices.snoozed(BEGAN + 2)).toEqual([]);
    expect(kinds(notices, BEGAN + 2)).toEqual(["permission"]);
  });

  test("says nothing of a turn's end, and other sessions speak", () => {
    const { notices, known, says } = world({ status: "working" });
    const other = session({ id: "other" as SessionId });
    notices.session(other, BEGAN);
    notices.snooze(known.id, BEGAN + HOUR, BEGAN);
    says({ status: "idle" }, BEGAN + LONG_TURN_MS);
    notices.prompt(openPrompt(other, { created_at: BEGAN }), BEGAN);
    expect(notices.due(BEGAN + LONG_TURN_MS + DONE_AFTER_MS).map(({ topic }) => topic)).toEqual([
      "session other",
    ]);
  });
});
