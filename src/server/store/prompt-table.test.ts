import { expect, test } from "bun:test";
import type { AnswerId, OptionId } from "../../protocol.ts";
import { prompt, statement } from "../../testing/link.ts";
import { DESK, stores } from "../../testing/store.ts";
import { LIMITS } from "../limits.ts";

const { now, withSession } = stores();

test("what a wrapper does not name any more is withdrawn, and who did it may still be learnt", () => {
  const { store, id } = withSession();
  const [gone, stays] = [prompt(), prompt()];
  for (const one of [gone, stays]) store.prompts.open(id, one, now);
  const stated = store.sessions.state(DESK, statement({ id, open: [stays.id] }), now);
  expect(stated?.withdrawn.map((one) => [one.id, one.stage, one.withdrawn_by])).toEqual([
    [gone.id, "withdrawn", "unknown"],
  ]);
  expect(store.prompts.get(stays.id)?.stage).toBe("open");
  const fact = { type: "withdrawn", prompt: gone.id, by: "desk", chosen: "approved" } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({
    stage: "withdrawn",
    withdrawn_by: "desk",
    outcome: "approved",
  });
  expect(store.prompts.fact({ ...fact, by: "claude" }, now)).toBeNull();
});

test("what was chosen at the desk may be learnt after who it was, once", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const fact = { type: "withdrawn", prompt: asked.id, by: "desk", chosen: null } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({ withdrawn_by: "desk", outcome: null });
  expect(store.prompts.fact(fact, now + 1)).toBeNull();
  const known = store.prompts.fact({ ...fact, chosen: "approved" }, now + 2);
  expect(known).toMatchObject({ withdrawn_at: now, withdrawn_by: "desk", outcome: "approved" });
  expect(store.prompts.fact({ ...fact, chosen: "rejected" }, now + 3)).toBeNull();
});

test("a prompt is answered once: one statement decides, and the first stays", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const give = (answer_id: string, option: string, digest: string = asked.digest) =>
    store.prompts.answer(
      { prompt: asked.id, digest, answer_id: answer_id as AnswerId, answer: { option: option as OptionId } },
      { actor: "viewer v1", name: "Phone", address: "192.0.2.7" },
      now,
    );
  expect(give("a0", "approve", "0".repeat(64)).applied).toBe(false);
  expect(give("a1", "approve").applied).toBe(true);
  expect(give("a2", "reject")).toMatchObject({
    applied: false,
    prompt: { response: { option: "approve" }, answer_id: "a1" },
  });
  const rows = store.audit.after().filter((row) => row.subject === asked.id);
  const actions = rows.map((row) => row.action);
  expect(actions).toEqual(["prompt", "answer"]);
});

test("SEC-032 what was withdrawn is not answered, and what the desk ended is not opened again", () => {
  const { store, id } = withSession();
  const by = { actor: "viewer v1", name: "Phone", address: "192.0.2.7" };
  const answer = { option: "approve" as OptionId };
  const given = (asked: ReturnType<typeof prompt>) =>
    store.prompts.answer(
      { prompt: asked.id, digest: asked.digest, answer_id: "a1" as AnswerId, answer },
      by,
      now,
    );
  const [withdrawn, late] = [prompt(), prompt()];
  for (const asked of [withdrawn, late]) store.prompts.open(id, asked, now);
  store.prompts.fact({ type: "withdrawn", prompt: withdrawn.id, by: "desk", chosen: null }, now);
  expect(given(withdrawn)).toMatchObject({ applied: false, prompt: { stage: "withdrawn", answer_id: null } });
  expect(given(late).applied).toBe(true);
  store.prompts.fact({ type: "too_late", prompt: late.id, by: "desk", chosen: null }, now);
  expect(store.prompts.open(id, late, now)).toMatchObject({ news: false, prompt: { stage: "too_late" } });
});

test("a prompt that is told twice is news once", () => {
  const { store, id } = withSession();
  const asked = prompt();
  expect(store.prompts.open(id, asked, now)?.news).toBe(true);
  expect(store.prompts.open(id, asked, now)?.news).toBe(false);
  expect(store.prompts.open(id, { ...asked, digest: prompt().digest }, now)?.news).toBe(true);
});

test("the stages of a prompt follow from its times", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer_id = "a1" as AnswerId;
  const answer = { option: "approve" as OptionId };
  const given = { prompt: asked.id, digest: asked.digest, answer_id, answer };
  expect(
    store.prompts.answer(given, { actor: "viewer v", name: "V", address: "192.0.2.7" }, now).prompt.stage,
  ).toBe("answered");
  const other = "another" as AnswerId;
  expect(store.prompts.fact({ type: "delivered", prompt: asked.id, answer_id: other }, now)).toBeNull();
  expect(store.prompts.undelivered(id)).toHaveLength(1);
  expect(store.prompts.fact({ type: "delivered", prompt: asked.id, answer_id }, now)?.stage).toBe(
    "delivered",
  );
  expect(store.prompts.undelivered(id)).toHaveLength(0);
  expect(store.prompts.fact({ type: "delivered", prompt: asked.id, answer_id }, now)).toBeNull();
  const late = { type: "too_late", prompt: asked.id, by: "desk", chosen: "rejected" } as const;
  expect(store.prompts.fact(late, now)).toMatchObject({
    stage: "too_late",
    outcome: "rejected",
    withdrawn_by: "desk",
  });
  expect(store.prompts.fact({ type: "accepted", prompt: asked.id }, now)).toBeNull();
});

test("an answered prompt that the desk withdrew came too late", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer = { option: "approve" as OptionId };
  store.prompts.answer(
    { prompt: asked.id, digest: asked.digest, answer_id: "a" as AnswerId, answer },
    { actor: "viewer v", name: "V", address: "192.0.2.7" },
    now,
  );
  const fact = { type: "withdrawn", prompt: asked.id, by: "desk", chosen: null } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({
    stage: "too_late",
    withdrawn_by: "desk",
    withdrawn_at: null,
  });
  expect(store.prompts.fact(fact, now)).toBeNull();
  // What the desk chose is known later; then that stands.
  const chosen = { ...fact, type: "too_late", chosen: "rejected" } as const;
  expect(store.prompts.fact(chosen, now)).toMatchObject({ stage: "too_late", outcome: "rejected" });
  expect(store.prompts.fact({ ...chosen, chosen: "approved" }, now)).toBeNull();
  expect(store.prompts.fact({ type: "accepted", prompt: asked.id }, now)).toBeNull();
});

test("what ended only with a session that was given up is open again when its wrapper says so", () => {
  const { store, id } = withSession();
  const [asked, answered, arrived, other] = [prompt(), prompt(), prompt(), prompt()];
  for (const one of [asked, answered, arrived, other]) store.prompts.open(id, one, now);
  const given = ({ id, digest }: typeof asked, name: string) => {
    const answer = { option: "approve" as OptionId };
    const body = { prompt: id, digest, answer_id: name as AnswerId, answer };
    store.prompts.answer(body, { actor: "viewer v", name: "V", address: "192.0.2.7" }, now);
  };
  given(answered, "a1");
  given(arrived, "a2");
  store.prompts.fact({ type: "delivered", prompt: arrived.id, answer_id: "a2" as AnswerId }, now);
  store.prompts.fact({ type: "withdrawn", prompt: other.id, by: "unknown", chosen: null }, now);
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  store.sessions.state(DESK, statement({ id, open: [asked.id, answered.id, arrived.id] }), now + 1);
  for (const one of [asked, answered, arrived, other]) store.prompts.open(id, one, now + 1);
  const stages = [asked, answered, arrived, other].map((one) => store.prompts.get(one.id)?.stage);
  expect(stages).toEqual(["open", "open", "too_late", "withdrawn"]);
  expect(store.prompts.get(answered.id)).toMatchObject({ answer_id: null, responded_at: null });
  // An answer that had arrived may have counted: only its wrapper knows.
  expect(store.prompts.fact({ type: "accepted", prompt: arrived.id }, now + 2)).toMatchObject({
    stage: "accepted",
    withdrawn_by: null,
  });
});

test("what ended with its session stays as it was while that has ended, however often it is told", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer = { option: "approve" as OptionId };
  const body = { prompt: asked.id, digest: asked.digest, answer_id: "a1" as AnswerId, answer };
  store.prompts.answer(body, { actor: "viewer v", name: "V", address: "192.0.2.7" }, now);
  store.sessions.end(id, { code: null, signal: null, reason: "lost" }, now);
  const ended = store.prompts.get(asked.id);
  expect(ended).toMatchObject({ answer_id: "a1", stage: "too_late" });
  expect(store.prompts.open(id, asked, now + 1)).toEqual({ news: false, prompt: ended as never });
});

test("what nobody answered is not accepted", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  expect(store.prompts.fact({ type: "accepted", prompt: asked.id }, now)).toBeNull();
  expect(store.prompts.get(asked.id)).toMatchObject({ stage: "open", outcome: null });
});

test("an answer that could not be given is taken back: that answer alone, and only while nothing ended it", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const answer_id = "a1" as AnswerId;
  const answer = { option: "approve" as OptionId };
  const by = { actor: "viewer v", name: "V", address: "192.0.2.7" };
  const given = { prompt: asked.id, digest: asked.digest, answer_id, answer };
  const notApplied = { type: "not_applied", prompt: asked.id, answer_id, reason: "" } as const;
  store.prompts.answer(given, by, now);
  expect(store.prompts.fact({ ...notApplied, answer_id: "a0" as AnswerId }, now)).toBeNull();
  expect(store.prompts.fact(notApplied, now)).toMatchObject({ stage: "open", answer_id: null });
  expect(store.prompts.answer(given, by, now).applied).toBe(true);
  store.prompts.fact({ type: "too_late", prompt: asked.id, by: "desk", chosen: null }, now);
  expect(store.prompts.fact(notApplied, now)).toBeNull();
  expect(store.prompts.get(asked.id)).toMatchObject({ stage: "too_late", answer_id });
});

test("what was answered does not change under its answer", () => {
  const { store, id } = withSession();
  const asked = prompt();
  store.prompts.open(id, asked, now);
  const given = { prompt: asked.id, digest: asked.digest, answer_id: "a1" as AnswerId };
  const by = { actor: "viewer v", name: "V", address: "192.0.2.7" };
  store.prompts.answer({ ...given, answer: { option: "approve" as OptionId } }, by, now);
  const other = { ...asked, digest: prompt().digest };
  expect(store.prompts.open(id, other, now)).toMatchObject({ news: false, prompt: { digest: asked.digest } });
});

test("a session has so many open prompts, and those that are known are told again all the same", () => {
  const { store, id } = withSession();
  const first = prompt();
  store.prompts.open(id, first, now);
  const columns = "session_id, created_at, kind, prompt_text, detail, options, digest";
  const copies = (count: number) =>
    store.tables.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO prompts (id, ${columns}) SELECT id || '-' || i, ${columns} FROM prompts, n WHERE id = ?`,
      [count, first.id],
    );
  copies(LIMITS.openPrompts - 1);
  expect(store.prompts.open(id, prompt(), now)).toBeNull();
  expect(store.prompts.open(id, first, now)).toMatchObject({ news: false });
  expect(store.prompts.list("open")).toHaveLength(LIMITS.openPrompts);
});

test("a question that is told of only after its session's end is not open for ever", () => {
  const { store, id } = withSession();
  store.sessions.end(id, { code: 0, signal: null, reason: "exit" }, now);
  const late = prompt();
  expect(store.prompts.open(id, late, now)).toMatchObject({ news: true, prompt: { stage: "withdrawn" } });
  expect(store.prompts.list("open")).toEqual([]);
  const fact = { type: "withdrawn", prompt: late.id, by: "desk", chosen: "approved" } as const;
  expect(store.prompts.fact(fact, now)).toMatchObject({ withdrawn_by: "desk", outcome: "approved" });
});
