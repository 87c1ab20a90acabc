// The prompts: one statement decides who answers, and what ended stays ended. Times say where one stands, never a column.
import type {
  Answer,
  AnswerId,
  Decider,
  Prompt,
  PromptId,
  PromptStage,
  PromptState,
  SessionId,
  WrapperMessage,
} from "../../protocol.ts";
import type { By } from "../audit.ts";
import { LIMITS } from "../limits.ts";
import type { AuditTable } from "./audit-table.ts";
import type { Db, Row } from "./database.ts";

export type PromptFactMessage = Extract<
  WrapperMessage,
  { type: "withdrawn" | "delivered" | "accepted" | "too_late" | "not_applied" }
>;

const SQL = {
  get: "SELECT * FROM prompts WHERE id = $id",
  // None of these has an outcome; said so, the index of what is unfinished finds them.
  open: `SELECT * FROM prompts WHERE responded_at IS NULL AND withdrawn_at IS NULL AND outcome IS NULL
    ORDER BY created_at`,
  unfinished: "SELECT * FROM prompts WHERE withdrawn_at IS NULL AND outcome IS NULL ORDER BY created_at",
  // Those that came last, with no look at all others.
  recent: `SELECT * FROM (SELECT * FROM prompts ORDER BY rowid DESC LIMIT $limit) ORDER BY created_at DESC`,
  ofSession: `SELECT * FROM prompts WHERE session_id = $session AND withdrawn_at IS NULL AND outcome IS NULL
    ORDER BY created_at`,
  add: `INSERT INTO prompts (id, session_id, created_at, kind, prompt_text, detail, options, digest)
    VALUES ($id, $session, $created_at, $kind, $prompt_text, $detail, $options, $digest)`,
  change: `UPDATE prompts SET kind = $kind, prompt_text = $prompt_text, detail = $detail, options = $options,
    digest = $digest WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL`,
  answer: `UPDATE prompts SET response = $response, answer_id = $answer_id, responded_at = $now, responded_by = $by
    WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`,
  delivered: `UPDATE prompts SET delivered_at = $now WHERE id = $id AND answer_id = $answer_id AND delivered_at IS NULL`,
  // What ended only because its session was given up may still learn how it really did.
  accepted: `UPDATE prompts SET outcome = 'accepted', outcome_at = $now, delivered_at = coalesce(delivered_at, $now),
      withdrawn_by = NULL
    WHERE id = $id AND responded_at IS NOT NULL
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,
  tooLate: `UPDATE prompts SET outcome = coalesce($chosen, 'too_late'), outcome_at = $now, withdrawn_by = $by
    WHERE id = $id AND responded_at IS NOT NULL
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by IN ('unknown', $by)
        AND NOT (withdrawn_by = $by AND $chosen IS NULL)))`,
  // Nobody said that it ended, and its wrapper says that it has not. An answer that never arrived has not been given.
  reopen: `UPDATE prompts SET response = NULL, answer_id = NULL, responded_at = NULL, responded_by = NULL,
      withdrawn_at = NULL, withdrawn_by = NULL, outcome = NULL, outcome_at = NULL
    WHERE id = $id AND withdrawn_by = 'unknown' AND delivered_at IS NULL
      AND (outcome = 'too_late' OR (outcome IS NULL AND outcome_at IS NULL))
      AND EXISTS (SELECT 1 FROM sessions WHERE id = $session AND ended_at IS NULL)`,
  // As if it had not been given: whoever retries, or answers otherwise, wins.
  notApplied: `UPDATE prompts SET response = NULL, answer_id = NULL, responded_at = NULL, responded_by = NULL,
    delivered_at = NULL WHERE id = $id AND answer_id = $answer_id AND withdrawn_at IS NULL AND outcome IS NULL`,
  // What was withdrawn only because nobody spoke of it any more may still learn who ended it, and any what was chosen.
  // `outcome_at` is when its wrapper spoke of the end ($told).
  withdraw: `UPDATE prompts SET withdrawn_at = coalesce(withdrawn_at, $now), withdrawn_by = $by, outcome = $chosen,
      outcome_at = iif($told OR $chosen IS NOT NULL, $now, NULL)
    WHERE id = $id AND responded_at IS NULL AND (withdrawn_at IS NULL OR (withdrawn_by IN ('unknown', $by)
      AND outcome IS NULL AND NOT (withdrawn_by = $by AND $chosen IS NULL AND (outcome_at IS NOT NULL OR NOT $told))))`,
  endOf: "SELECT ended_at FROM sessions WHERE id = $session",
  deviceNameOf: `SELECT d.name FROM sessions s JOIN devices d ON d.id = s.device_id AND s.deleted_at IS NULL
    WHERE s.id = $session`,
} as const;

export class PromptTable {
  readonly #db: Db;
  readonly #audit: AuditTable;

  constructor(db: Db, audit: AuditTable) {
    this.#db = db;
    this.#audit = audit;
  }

  get(id: string): PromptState | null {
    const row = this.#db.get(SQL.get, { id });
    return row && toPrompt(row);
  }

  list(which: "open" | "unfinished"): PromptState[] {
    return this.#db.all(SQL[which]).map(toPrompt);
  }

  /** The newest first. */
  recent(limit: number): PromptState[] {
    return this.#db.all(SQL.recent, { limit }).map(toPrompt);
  }

  /** Answered prompts of that session whose answer did not arrive yet. */
  undelivered(session: SessionId): PromptState[] {
    return this.#unfinished(session).filter((one) => one.stage === "answered");
  }

  /**
   * A prompt is open; one of a session that has ended has ended with it, or nobody ever would. `news`: it was not known, or
   * it changed. Null: it is another session's, or there are too many.
   */
  open(session: SessionId, prompt: Prompt, now: number): { prompt: PromptState; news: boolean } | null {
    return this.#db.tx(() => {
      const before = this.get(prompt.id);
      if (before && before.session_id !== session) return null;
      if (!before && this.#unfinished(session).length >= LIMITS.openPrompts) return null;
      const { id, age_ms, digest } = prompt;
      const row = toRow(prompt);
      const reopened = before !== null && this.#db.run(SQL.reopen, { id, session });
      const changed = before
        ? before.digest !== digest && this.#db.run(SQL.change, row)
        : this.#db.run(SQL.add, { ...row, session, created_at: now - age_ms });
      const news = changed || reopened;
      const action = reopened ? "prompt reopened" : before ? "prompt changed" : "prompt";
      if (news) this.#asked(action, prompt, session, now);
      if (news && this.#db.get(SQL.endOf, { session })?.ended_at != null)
        this.endWith(session, "unknown", now);
      return { prompt: this.#known(id), news };
    });
  }

  /** One caller wins; whoever calls learns by the result's `answer_id` and `stage` whether it was this one. */
  answer(
    given: { prompt: PromptId; digest: string; answer_id: AnswerId; answer: Answer },
    by: Exclude<By, "owner">,
    now: number,
  ): { applied: boolean; prompt: PromptState } {
    return this.#db.tx(() => {
      const { prompt: id, digest, answer_id } = given;
      const response = JSON.stringify(given.answer);
      const applied = this.#db.run(SQL.answer, { id, digest, answer_id, response, by: by.name, now });
      const prompt = this.#known(id);
      const detail = { digest, answer_id, ...given.answer };
      const entry = { ...by, session: prompt.session_id, action: "answer", subject: id, detail };
      if (applied) this.#audit.add(entry, now);
      return { applied, prompt };
    });
  }

  /** A wrapper tells how it went. Null: nothing changed, it was known. */
  fact(fact: PromptFactMessage, now: number): PromptState | null {
    return this.#db.tx(() => {
      const before = this.#known(fact.prompt);
      if (!this.#fact(fact, before, now)) return null;
      const { type: action, prompt: subject, ...more } = fact;
      const { session_id, digest } = before;
      const detail = { digest, ...more };
      if ("by" in fact) this.#ended(before, { by: fact.by, chosen: fact.chosen }, now);
      else this.#audit.add({ ...this.#machine(session_id), action, subject, detail }, now);
      return this.#known(fact.prompt);
    });
  }

  #fact(fact: PromptFactMessage, before: PromptState, now: number): boolean {
    const id = fact.prompt;
    if (fact.type === "delivered") return this.#db.run(SQL.delivered, { id, answer_id: fact.answer_id, now });
    if (fact.type === "accepted") return this.#db.run(SQL.accepted, { id, now });
    if (fact.type === "not_applied") return this.#db.run(SQL.notApplied, { id, answer_id: fact.answer_id });
    const values = { id, by: fact.by, chosen: fact.chosen, now };
    if (before.responded_at !== null) return this.#db.run(SQL.tooLate, values);
    return this.#db.run(SQL.withdraw, { ...values, told: 1 });
  }

  /** Ends, within the caller's transaction, what its wrapper does not name any more; tells what that was. */
  withdrawUnnamed(session: SessionId, named: readonly PromptId[], now: number): PromptState[] {
    const gone = this.#unfinished(session).filter((one) => one.stage === "open" && !named.includes(one.id));
    for (const one of gone) {
      const how = { by: "unknown", chosen: null } as const;
      this.#db.run(SQL.withdraw, { ...how, id: one.id, now, told: 0 });
      this.#ended(one, how, now);
    }
    return gone.map((one) => this.#known(one.id));
  }

  /** Ends, within the caller's transaction, what was open or under way in a session; tells what that was. */
  endWith(session: SessionId, by: "unknown" | "exited", now: number): PromptState[] {
    const under = this.#unfinished(session);
    for (const one of under) {
      const how = { by, chosen: null } as const;
      const values = { ...how, id: one.id, now };
      if (one.responded_at !== null) this.#db.run(SQL.tooLate, values);
      else this.#db.run(SQL.withdraw, { ...values, told: 0 });
      this.#ended(one, how, now);
    }
    return under.map((one) => this.#known(one.id));
  }

  #asked(action: string, prompt: Prompt, session: SessionId, now: number) {
    const { id, age_ms, diff, questions, ...asked } = prompt;
    this.#audit.add({ ...this.#machine(session), action, subject: id, detail: {}, asked }, now);
  }

  /** A prompt, as it was before, ended without an answer that counts; who ended it is who did it. */
  #ended(before: PromptState, how: { by: Decider; chosen: "approved" | "rejected" | null }, now: number) {
    const { id: subject, session_id, digest } = before;
    const action = before.responded_at === null ? "withdrawn" : "too_late";
    const actor = how.by === "exited" ? "claude" : how.by;
    const detail = { digest, ...how };
    this.#audit.add({ ...this.#machine(session_id), actor, action, subject, detail }, now);
  }

  /** A session's wrapper, as one who does something. */
  #machine(session: SessionId) {
    const name = this.#db.get(SQL.deviceNameOf, { session })?.name ?? null;
    return { actor: `session ${session}`, name: name === null ? null : String(name), session };
  }

  #known(id: PromptId): PromptState {
    const prompt = this.get(id);
    if (!prompt) throw new Error("the prompt is not there");
    return prompt;
  }

  #unfinished(session: SessionId): PromptState[] {
    return this.#db.all(SQL.ofSession, { session }).map(toPrompt);
  }
}

/** The columns that a wrapper's word fills. */
function toRow(prompt: Prompt) {
  const { id, kind, prompt_text, digest, age_ms, options, ...detail } = prompt;
  const packed = { options: JSON.stringify(options), detail: JSON.stringify(detail) };
  return { id, kind, prompt_text, digest, ...packed };
}

function toPrompt(row: Row): PromptState {
  const { detail, options, response, ...rest } = row;
  const parsed = { options: JSON.parse(String(options)), response: JSON.parse(String(response)) };
  const prompt = { ...rest, ...JSON.parse(String(detail)), ...parsed } as PromptState;
  return { ...prompt, stage: stageOf(prompt) };
}

/** What the times say; never stored. */
function stageOf(prompt: Omit<PromptState, "stage">): PromptStage {
  if (prompt.withdrawn_at !== null) return "withdrawn";
  if (prompt.responded_at === null) return "open";
  if (prompt.outcome === "accepted") return "accepted";
  if (prompt.outcome !== null) return "too_late";
  return prompt.delivered_at === null ? "answered" : "delivered";
}
