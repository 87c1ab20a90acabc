// Histories of a run in each of which one promise was broken: an auditor that finds nothing in them is blind.
import type { Broken } from "./auditor.ts";
import type { Entry, Evidence, PromptRow, Truth } from "./evidence.ts";
import { command } from "./place.ts";
import type { Told } from "./workload.ts";

export type Spoil = { name: string; promise: Broken; spoil: (evidence: Evidence) => Evidence };

export const SPOILS: readonly Spoil[] = [
  {
    name: "a yes and a no of two prompts, swapped",
    promise: "another",
    spoil(evidence) {
      const [yes, no] = [accepted(evidence, "approve"), accepted(evidence, "reject")];
      const of = ({ token }: Told) => evidence.truths.get(token) ?? { ran: 0, result: null };
      return truth(truth(evidence, yes, of(no)), no, of(yes));
    },
  },
  {
    name: "an answer stored at another prompt",
    promise: "another",
    spoil(evidence) {
      const { answer_id } = rowOf(evidence, accepted(evidence, "reject"));
      return row(evidence, accepted(evidence, "approve"), { answer_id });
    },
  },
  {
    name: "an answer to what was not shown",
    promise: "another",
    spoil: (evidence) =>
      entries(evidence, accepted(evidence, "approve"), (entry) =>
        entry.action === "answer" ? [{ ...entry, detail: { ...entry.detail, digest: "another" } }] : [entry],
      ),
  },
  {
    name: "a command that ran twice",
    promise: "twice",
    spoil: (evidence) => truth(evidence, accepted(evidence, "approve"), { ran: 2 }),
  },
  {
    name: "an answer that was taken twice",
    promise: "twice",
    spoil: (evidence) =>
      entries(evidence, accepted(evidence, "reject"), (entry) =>
        entry.action === "answer" ? [entry, entry] : [entry],
      ),
  },
  {
    name: "an acknowledged answer that is not stored",
    promise: "lost",
    spoil: (evidence) =>
      row(evidence, accepted(evidence, "approve"), {
        ...{ answer_id: null, response: null, responded_at: null },
        ...{ delivered_at: null, outcome: null },
      }),
  },
  {
    name: "an accepted yes without effect",
    promise: "lost",
    spoil: (evidence) => truth(evidence, accepted(evidence, "approve"), { ran: 0 }),
  },
  {
    name: "an accepted no that claude never heard",
    promise: "lost",
    spoil: (evidence) => truth(evidence, accepted(evidence, "reject"), { result: "" }),
  },
  {
    name: "an answer without an end",
    promise: "unknown",
    spoil: (evidence) => row(evidence, accepted(evidence, "approve"), { outcome: null }),
  },
  {
    name: "a phone that never learnt of the end",
    promise: "unknown",
    spoil: (evidence) => told(evidence, accepted(evidence, "reject"), { stages: [null, "accepted"] }),
  },
  {
    name: "a prompt that the server never heard of",
    promise: "unknown",
    spoil(evidence) {
      const { id } = rowOf(evidence, accepted(evidence, "approve"));
      return { ...evidence, rows: evidence.rows.filter((one) => one.id !== id) };
    },
  },
  {
    name: "an end that the audit log does not have",
    promise: "unknown",
    spoil: (evidence) =>
      entries(evidence, accepted(evidence, "approve"), (entry) =>
        entry.action === "accepted" ? [] : [entry],
      ),
  },
  {
    name: "a phone that shows another end",
    promise: "otherwise",
    spoil: (evidence) => told(evidence, accepted(evidence, "approve"), { stages: ["withdrawn", "accepted"] }),
  },
  {
    name: "an answer that the audit log ascribes to somebody else",
    promise: "otherwise",
    spoil: (evidence) =>
      entries(evidence, accepted(evidence, "approve"), (entry) =>
        entry.action === "answer" ? [{ ...entry, name: "Somebody else" }] : [entry],
      ),
  },
  {
    name: "a no that was accepted, and it ran",
    promise: "otherwise",
    spoil: (evidence) => truth(evidence, accepted(evidence, "reject"), { ran: 1 }),
  },
];

/** A prompt that one phone answered so, as it should be, and of which nothing else is to be said. */
function accepted({ told, rows }: Evidence, verb: string): Told {
  const found = told.find(({ said, desk, token, ended }) => {
    const stored = rows.find(({ prompt_text }) => prompt_text === command(token));
    const [only] = said;
    const alone = said.length === 1 && only?.verb === verb && only.won && desk.length === 0 && !ended;
    return alone && stored?.outcome === "accepted";
  });
  if (!found) throw new Error(`nothing was simply answered with ${verb}`);
  return found;
}

function rowOf({ rows }: Evidence, { token }: Told): PromptRow {
  const found = rows.find(({ prompt_text }) => prompt_text === command(token));
  if (!found) throw new Error(`there is no row for ${token}`);
  return found;
}

function row(evidence: Evidence, one: Told, other: Partial<PromptRow>): Evidence {
  const { id } = rowOf(evidence, one);
  return { ...evidence, rows: evidence.rows.map((its) => (its.id === id ? { ...its, ...other } : its)) };
}

function truth(evidence: Evidence, { token }: Told, other: Partial<Truth>): Evidence {
  const before = evidence.truths.get(token) ?? { ran: 0, result: null };
  return { ...evidence, truths: new Map([...evidence.truths, [token, { ...before, ...other }]]) };
}

function told(evidence: Evidence, one: Told, other: Partial<Told>): Evidence {
  const changed = evidence.told.map((its) => (its.token === one.token ? { ...its, ...other } : its));
  return { ...evidence, told: changed };
}

function entries(evidence: Evidence, one: Told, change: (entry: Entry) => Entry[]): Evidence {
  const { id } = rowOf(evidence, one);
  const changed = evidence.entries.flatMap((entry) => (entry.subject === id ? change(entry) : [entry]));
  return { ...evidence, entries: changed };
}
