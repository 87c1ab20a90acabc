// The guards of the database: who wins, what may still change, what belongs to whom.
import type { Guards } from "./guard.ts";

const tests = [
  ...["prompt-table", "session-table", "line-table", "database"].map(
    (table) => `src/server/store/${table}.test.ts`,
  ),
  ...["src/server/prompts.test.ts", "src/server/uplink.test.ts"],
];

export const STORE_GUARDS: Guards[] = [
  {
    file: "src/server/store/prompt-table.ts",
    tests,
    guards: [
      {
        id: "answer-wins-once",
        promise: "P2 one answer is applied",
        text: "WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`",
        instead: "WHERE id = $id AND withdrawn_at IS NULL AND digest = $digest`",
      },
      {
        id: "answer-not-after-the-desk",
        promise: "P2 what was withdrawn is not answered",
        text: "WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`",
        instead: "WHERE id = $id AND responded_at IS NULL AND digest = $digest`",
      },
      {
        id: "answer-same-digest",
        promise: "P2 an answer applies to exactly what was shown",
        text: "WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`",
        instead: "WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND $digest = $digest`",
      },
      {
        id: "delivered-of-this-answer",
        promise: "P3 delivered is said of the answer that was delivered",
        text: "AND answer_id = $answer_id AND delivered_at IS NULL`",
        instead: "AND $answer_id = $answer_id AND delivered_at IS NULL`",
      },
      {
        id: "delivered-once",
        promise: "P3 delivered has one time",
        text: "AND answer_id = $answer_id AND delivered_at IS NULL`",
        instead: "AND answer_id = $answer_id`",
      },
      {
        id: "accepted-only-if-answered",
        promise: "P2 what nobody answered was not accepted",
        text: `    WHERE id = $id AND responded_at IS NOT NULL
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,
        instead: `    WHERE id = $id
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,
      },
      {
        id: "accepted-not-over-the-desk",
        promise: "P2 an end that is known does not change",
        text: "AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,\n  tooLate",
        instead: "`,\n  tooLate",
      },
      {
        id: "accepted-after-the-unknown",
        promise: "P2 what ended without a word may still learn how",
        text: "AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,\n  tooLate",
        instead: "AND outcome IS NULL`,\n  tooLate",
      },
      {
        id: "too-late-not-over-accepted",
        promise: "P2 what claude accepted stays accepted",
        text: `      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by IN ('unknown', $by)
        AND NOT (withdrawn_by = $by AND $chosen IS NULL)))`,
        instead: "",
      },
      {
        id: "too-late-learns",
        promise: "P2 what the desk chose may be learnt later",
        text: `      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by IN ('unknown', $by)
        AND NOT (withdrawn_by = $by AND $chosen IS NULL)))`,
        instead: "      AND outcome IS NULL",
      },
      {
        id: "reopens-only-the-unknown",
        promise: "P2 what somebody ended stays ended",
        text: "WHERE id = $id AND withdrawn_by = 'unknown' AND delivered_at IS NULL",
        instead: "WHERE id = $id AND withdrawn_by IS NOT NULL AND delivered_at IS NULL",
      },
      {
        id: "reopens-only-the-undelivered",
        promise: "P2 an answer that arrived is not asked for again",
        text: "WHERE id = $id AND withdrawn_by = 'unknown' AND delivered_at IS NULL",
        instead: "WHERE id = $id AND withdrawn_by = 'unknown'",
      },
      {
        id: "reopens-only-the-untold",
        promise: "P2 what its wrapper ended stays ended",
        text: "(outcome IS NULL AND outcome_at IS NULL))",
        instead: "outcome IS NULL)",
      },
      {
        id: "reopens-only-the-living",
        promise: "P4 the prompts of a session that has ended stay ended",
        text: "AND EXISTS (SELECT 1 FROM sessions WHERE id = $session AND ended_at IS NULL)`,",
        instead: "AND $session IS NOT NULL`,",
      },
      {
        id: "not-applied-of-this-answer",
        promise: "P3 what could not be given was this answer",
        text: "WHERE id = $id AND answer_id = $answer_id AND withdrawn_at IS NULL AND outcome IS NULL`",
        instead: "WHERE id = $id AND $answer_id = $answer_id AND withdrawn_at IS NULL AND outcome IS NULL`",
      },
      {
        id: "not-applied-not-after-the-end",
        promise: "P2 an end stays",
        text: "WHERE id = $id AND answer_id = $answer_id AND withdrawn_at IS NULL AND outcome IS NULL`",
        instead: "WHERE id = $id AND answer_id = $answer_id`",
      },
      {
        id: "withdraws-only-the-unanswered",
        promise: "P2 what was answered is too late, not withdrawn",
        text: "WHERE id = $id AND responded_at IS NULL AND (withdrawn_at IS NULL OR (",
        instead: "WHERE id = $id AND (withdrawn_at IS NULL OR (",
        equivalent:
          "both callers look at responded_at in the same transaction, and take tooLate where it is set: the statement never sees an answered prompt",
      },
      {
        id: "withdraws-once",
        promise: "P2 who ended it stays",
        text: "(withdrawn_at IS NULL OR (withdrawn_by IN ('unknown', $by)",
        instead: "($id = $id OR (withdrawn_by IN ('unknown', $by)",
      },
      {
        id: "withdrawn-learns",
        promise: "P2 what was withdrawn without a word may still learn by whom",
        text: "(withdrawn_at IS NULL OR (withdrawn_by IN ('unknown', $by)",
        instead: "(withdrawn_at IS NULL OR (0 AND withdrawn_by IN ('unknown', $by)",
      },
      {
        id: "changes-only-the-open",
        promise: "P2 what was answered does not change under its answer",
        text: "digest = $digest WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL`",
        instead: "digest = $digest WHERE id = $id`",
      },
      {
        id: "withdraws-the-unnamed",
        promise: "P4 what a wrapper names no more has ended",
        text: "this.#db.run(SQL.withdraw, { ...how, id: one.id, now, told: 0 });",
        instead: "",
      },
      {
        id: "withdraws-no-named",
        promise: "P4 what a wrapper names is open",
        text: `one.stage === "open" && !named.includes(one.id)`,
        instead: `one.stage === "open"`,
      },
      {
        id: "withdraws-no-answered",
        promise: "P3 an answer on its way is not withdrawn",
        text: `one.stage === "open" && !named.includes(one.id)`,
        instead: "!named.includes(one.id)",
        equivalent: "the statement withdraws only what nobody has answered",
      },
      {
        id: "end-of-the-answered",
        promise: "P3 an answer under way when its session ended is too late",
        text: `if (one.responded_at !== null) this.#db.run(SQL.tooLate, values);\n      else`,
        instead: "",
      },
      {
        id: "prompt-of-its-session",
        promise: "P7 a prompt is the session's that opened it",
        text: "if (before && before.session_id !== session) return null;",
        instead: "",
      },
      {
        id: "so-many-prompts",
        promise: "P6 so many open prompts, not more",
        text: "if (!before && this.#unfinished(session).length >= LIMITS.openPrompts) return null;",
        instead: "",
      },
      {
        id: "heard-twice-is-no-news",
        promise: "P4 hearing a prompt twice does no harm",
        text: "? before.digest !== digest && this.#db.run",
        instead: "? this.#db.run",
      },
      {
        id: "changed-is-news",
        promise: "P2 a prompt that changed is shown anew",
        text: "? before.digest !== digest && this.#db.run(SQL.change, row)",
        instead: "? false",
      },
      {
        id: "opens-again",
        promise: "P4 what nobody ended is open when its wrapper says so",
        text: `const reopened = before !== null && this.#db.run(SQL.reopen, { id, session });`,
        instead: "const reopened = before === null && false;",
      },
      {
        id: "fact-of-the-answered",
        promise: "P2 the end of an answered prompt is too late, not withdrawn",
        text: `if (before.responded_at !== null) return this.#db.run(SQL.tooLate, values);`,
        instead: "",
      },
      {
        id: "fact-once",
        promise: "P4 hearing a fact twice does no harm",
        text: "if (!this.#fact(fact, before, now)) return null;",
        instead: "this.#fact(fact, before, now);",
      },
      {
        id: "ends-with-its-session",
        promise: "P4 nothing stays open in a session that has ended",
        text: `      if (news && this.#db.get(SQL.endOf, { session })?.ended_at != null)\n        this.endWith(session, "unknown", now);\n`,
        instead: "",
      },
      {
        id: "repeats-the-undelivered",
        promise: "P3 what arrived is not said again",
        text: `filter((one) => one.stage === "answered");`,
        instead: `filter((one) => one.responded_at !== null);`,
      },
    ],
  },
  {
    file: "src/server/store/session-table.ts",
    tests,
    guards: [
      {
        id: "lives-again-only-if-lost",
        promise: "P4 a session that ended stays ended",
        text: "ended_at = iif(end_reason = 'lost', NULL, ended_at),",
        instead: "ended_at = NULL,",
      },
      {
        id: "ended-keeps-its-status",
        promise: "P4 an ended session takes no status",
        text: "iif(ended_at IS NULL OR end_reason = 'lost', $status, status)",
        instead: "$status",
      },
      {
        id: "ended-takes-no-state",
        promise: "P4 an ended session takes no state",
        text: "conversation = $conversation WHERE id = $id AND ended_at IS NULL`,\n  end",
        instead: "conversation = $conversation WHERE id = $id`,\n  end",
      },
      {
        id: "ends-once",
        promise: "P4 a session ends once",
        text: "waiting_for = NULL WHERE id = $id AND ended_at IS NULL`",
        instead: "waiting_for = NULL WHERE id = $id`",
      },
      {
        id: "session-of-its-device",
        promise: "P7 a session is the machine's that reported it first",
        text: "if (owner !== undefined && owner !== device) return null;",
        instead: "",
      },
      {
        id: "end-ends-its-prompts",
        promise: "P4 the end of a session ends its prompts",
        text: "const prompts = ended ? this.#prompts.endWith(id, by, now) : [];",
        instead: "const prompts: PromptState[] = ended ? [] : [];",
      },
      {
        id: "lost-names-nobody",
        promise: "P2 without its wrapper's word nobody knows how it ended",
        text: `const by = exit.reason === "lost" ? "unknown" : "exited";`,
        instead: `const by = "exited";`,
      },
    ],
  },
  {
    file: "src/server/store/line-table.ts",
    tests,
    guards: [
      {
        id: "lines-once",
        promise: "P4 a line is stored once",
        text: "add: `INSERT OR IGNORE INTO",
        instead: "add: `INSERT INTO",
      },
    ],
  },
  {
    file: "src/server/store/database.ts",
    tests,
    guards: [
      {
        id: "one-transaction",
        promise: "P5 a change is whole or it is not",
        text: "return this.raw.transaction(work).immediate();",
        instead: "return work();",
      },
      {
        id: "on-disk",
        promise: "P5 what is committed survives a loss of power",
        text: "PRAGMA synchronous = FULL",
        instead: "PRAGMA synchronous = OFF",
      },
    ],
  },
];
