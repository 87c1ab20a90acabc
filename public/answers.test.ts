import { expect, spyOn, test } from "bun:test";
import type { AnswerId, PromptState } from "../src/protocol.ts";
import { type Around, type Attempt, cardStatus, createAnswers, requestFor } from "./answers.ts";
import { mainOptions } from "./card-footer.ts";
import { createModel } from "./model.ts";
import { bash, OPTIONS, PLAN_OPTIONS, prompt, QUESTION_OPTIONS, session, state } from "./testing/world.ts";

const a = session("a");
const open = bash("p", a, "ls");
const noon = new Date(2026, 0, 2, 12, 0).getTime();
const around = (more: Partial<Around> = {}): Around => ({
  ...{
    known: true,
    session: a,
    attempt: null,
    undone: false,
    now: noon,
    asOf: noon,
    stale: false,
    offline: false,
    clock: 0,
  },
  ...more,
});
const [approve, always, reject] = OPTIONS as [(typeof OPTIONS)[0], (typeof OPTIONS)[0], (typeof OPTIONS)[0]];
const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  ...{ id: "mine" as AnswerId, prompt: open.id, option: approve, path: "", body: {}, at: 0 },
  ...{ sending: false, problem: null, refused: null, reply: null, taken: false },
  ...more,
});

test("options are found by what they are, in whatever order they come", () => {
  for (const options of [OPTIONS, OPTIONS.toReversed()]) {
    const { yes, no, more } = mainOptions({ options });
    expect([yes?.id, no?.id, more.map(({ id }) => id)]).toEqual([
      approve.id,
      reject.id,
      [always.id],
    ] as never);
  }
  const plan = mainOptions({ options: PLAN_OPTIONS.toReversed() });
  expect(plan.yes?.label).toBe("Approve, ask before edits");
  expect(plan.more.map(({ label }) => label)).toEqual(["Approve, auto mode", "Approve, accept edits"]);
  expect(mainOptions({ options: QUESTION_OPTIONS }).yes?.effect).toBe("answer");
});

test("SEC-034 an unknown set of options has no one-tap approve", () => {
  const options = PLAN_OPTIONS.filter(({ id }) => id !== "approve");
  expect(mainOptions({ options }).yes).toBeNull();
  expect(mainOptions({ options }).more).toHaveLength(2);
  expect(mainOptions({ options: [always, reject] }).yes).toBeNull();
});

test("each kind of answer goes to its own address with exactly what was chosen", () => {
  const id = "answer-1" as AnswerId;
  const both = { digest: open.digest, answer_id: id };
  expect(requestFor(open, approve, id, {})).toEqual({
    path: "/api/prompts/p/approve",
    body: { ...both, option: approve.id },
  });
  expect(requestFor(open, always, id, {}).body).toEqual({ ...both, option: always.id });
  expect(requestFor(open, reject, id, {})).toEqual({ path: "/api/prompts/p/reject", body: both });
  expect(requestFor(open, reject, id, { text: "no" }).body).toEqual({ ...both, message: "no" } as never);
  const [answer] = QUESTION_OPTIONS;
  const answers = { "Which?": "Red" };
  expect(answer && requestFor(open, answer, id, { answers })).toEqual({
    path: "/api/prompts/p/answer",
    body: { ...both, option: answer?.id, answers } as never,
  });
});

const kindOf = (one: PromptState, more: Partial<Around> = {}) => {
  const status = cardStatus(one, around(more));
  return "text" in status
    ? status.text
    : "reason" in status
      ? `${status.kind}: ${status.reason}`
      : status.kind;
};

test("SEC-045 what cannot be true any more cannot be answered, and says why", () => {
  expect(kindOf(open)).toBe("ready");
  expect(kindOf(open, { stale: true })).toBe("blocked: No contact with the server since 12:00.");
  expect(kindOf(open, { offline: true })).toBe("blocked: This phone is offline.");
  expect(kindOf(open, { session: null })).toMatch(/^blocked/);
  const gone = session("a", { connected: false, heard_at: noon - 60_000 });
  expect(kindOf(open, { session: gone })).toBe("blocked: laptop has been unreachable since 11:59.");
  expect(kindOf(open, { session: session("a", { status: "suspended" }) })).toMatch(
    /^blocked: Claude is suspended/,
  );
  expect(kindOf(open, { session: session("a", { ended_at: noon }) })).toBe(
    "blocked: Its session ended 12:00.",
  );
  expect(kindOf(open, { known: false })).toBe("No longer open.");
});

test("an answer is never said to have worked before claude took it", () => {
  const mine = { answer_id: "mine" as AnswerId, responded_at: noon };
  const tapped = { attempt: attempt() };
  const status = (one: PromptState, more = {}) => cardStatus(one, around({ ...tapped, ...more }));
  expect(status(open)).toEqual({ kind: "progress", stage: "sending" });
  expect(status({ ...open, ...mine, stage: "answered" })).toEqual({ kind: "progress", stage: "sent" });
  expect(status({ ...open, ...mine, stage: "delivered" })).toEqual({ kind: "progress", stage: "delivered" });
  expect(status({ ...open, ...mine, stage: "delivered" }, { clock: 10_000 }).kind).toBe("unconfirmed");
  expect(kindOf({ ...open, ...mine, stage: "accepted", outcome_at: noon }, tapped)).toBe(
    "Claude accepted 12:00",
  );
});

/** A page with one question, which the server replies to when told to. */
function answering() {
  const fetched = spyOn(globalThis, "fetch");
  Object.assign(globalThis, { localStorage: globalThis.localStorage ?? { getItem: () => null } });
  const replies: ((response: Response) => void)[] = [];
  fetched.mockImplementation((() => new Promise((resolve) => replies.push(resolve))) as never);
  const model = createModel(() => noon);
  const answers = createAnswers(model, () => noon);
  model.fold("state", state([a], [open]));
  return {
    ...{ model, answers },
    now() {
      const [one, own] = [model.prompt(open.id) ?? open, answers.of(open.id)];
      return cardStatus(one, around({ attempt: own, undone: answers.undone(open.id) }));
    },
    async reply(response: Response) {
      replies.shift()?.(response);
      for (let i = 0; i < 40; i++) await null;
    },
    [Symbol.dispose]: () => fetched.mockRestore(),
  };
}

test("an answer of a browser that was not let in leaves every choice for when it is paired again", async () => {
  using page = answering();
  page.answers.send(open, approve);
  expect(page.now().kind).toBe("progress");
  await page.reply(
    Response.json({ error: { code: "unauthorized", message: "No.", request: "r" } }, { status: 401 }),
  );
  expect(page.now()).toEqual({ kind: "ready", undone: false });
});

test("an answer that could not be given there leaves the question open, with every choice, whatever still comes of it", async () => {
  using page = answering();
  const { model, answers, now, reply } = page;
  answers.send(open, approve);
  const answered = { ...open, stage: "answered" as const, answer_id: answers.of(open.id)?.id ?? null };
  model.fold("prompt_response", { prompt: answered });
  expect(now()).toEqual({ kind: "progress", stage: "sent" });
  model.fold("prompt_response", { prompt: open });
  expect(now()).toEqual({ kind: "ready", undone: true });
  await reply(Response.json({ prompt: answered }));
  expect(now()).toEqual({ kind: "ready", undone: true });
  answers.send(open, reject);
  expect(now()).toEqual({ kind: "progress", stage: "sending" });
  // A reply that overtakes what the stream still has to tell: the prompt was open before the answer, not after it.
  const own = { ...open, stage: "answered" as const, answer_id: answers.of(open.id)?.id ?? null };
  await reply(Response.json({ prompt: own }));
  model.fold("prompt", { prompt: open });
  expect(now().kind).toBe("progress");
});

test("a lost connection offers the same answer again, a refusal does not", () => {
  expect(kindOf(open, { attempt: attempt({ problem: "The server did not answer." }) })).toBe(
    "unconfirmed: The server did not answer.",
  );
  expect(kindOf(open, { attempt: attempt({ refused: "No longer open." }) })).toBe("No longer open.");
  const arrived = { ...open, stage: "answered" as const, answer_id: "mine" as AnswerId };
  expect(kindOf(arrived, { attempt: attempt({ problem: "lost" }) })).toBe("progress");
});

test("who answered elsewhere is named, with the time and what it was", () => {
  const theirs = {
    ...open,
    stage: "answered" as const,
    answer_id: "theirs" as AnswerId,
    responded_by: "iPad",
    responded_at: noon,
  };
  expect(kindOf({ ...theirs, response: { option: reject.id } }, { attempt: attempt() })).toBe(
    "Answered on iPad 12:00 (denied)",
  );
  expect(kindOf({ ...theirs, response: { option: always.id } })).toBe(
    "Answered on iPad 12:00 (approved, always)",
  );
  const desk = { ...open, stage: "withdrawn" as const, withdrawn_by: "desk" as const, withdrawn_at: noon };
  expect(kindOf({ ...desk, outcome: "approved" })).toBe("Answered at the desk 12:00 (approved)");
  expect(kindOf(desk)).toBe("Answered at the desk 12:00");
  expect(kindOf({ ...desk, stage: "too_late", outcome: "rejected" })).toBe(
    "Too late: answered at the desk 12:00 (denied)",
  );
  expect(kindOf(prompt("q", a, { stage: "withdrawn", withdrawn_by: "exited", withdrawn_at: noon }))).toBe(
    "Claude exited 12:00",
  );
});
