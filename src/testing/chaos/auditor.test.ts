// The auditor itself: it is content with a history in which all is well, and finds each kind of broken promise.
import { expect, test } from "bun:test";
import type { AnswerId, PromptId } from "../../protocol.ts";
import { judge } from "./auditor.ts";
import type { Entry, Evidence, PromptRow, Truth } from "./evidence.ts";
import { NOTHING } from "./faults.ts";
import type { Verb } from "./phone.ts";
import { command } from "./place.ts";
import { SPOILS } from "./spoils.ts";
import { messageFor, type Told } from "./workload.ts";

type Line = { told: Told; row: PromptRow; entries: Entry[]; truth: Truth };

/** A prompt that a phone answered, and claude did what it was told. */
function answered(token: string, verb: Verb): Line {
  const [id, answer_id, digest] = [
    `prompt-${token}` as PromptId,
    `answer-${token}` as AnswerId,
    `digest-${token}`,
  ];
  const no = verb === "reject";
  const message = no ? messageFor(token) : null;
  const given = { option: verb, ...(message === null ? {} : { text: message }) };
  const entry = (action: string, name: string | null, detail: object): Entry => ({
    ...{ action, subject: id, name, asked: null },
    detail: { digest, ...detail },
  });
  return {
    told: {
      ...{
        token,
        verb,
        fault: NOTHING,
        prompt: id,
        desk: [],
        ended: false,
        stages: ["accepted", "accepted"],
      },
      said: [{ phone: "A", verb, message, answerId: answer_id, sent: 1, won: true, refused: null }],
    },
    row: {
      ...{ id, prompt_text: command(token), digest, answer_id, response: JSON.stringify(given) },
      ...{ responded_at: 1, delivered_at: 2, withdrawn_at: null, withdrawn_by: null, outcome: "accepted" },
    },
    entries: [
      { ...entry("prompt", "desk", {}), asked: { digest, prompt_text: command(token) } },
      entry("answer", "A", { answer_id, ...given }),
      entry("delivered", "desk", { answer_id }),
      entry("accepted", "desk", {}),
    ],
    truth: no ? { ran: 0, result: message } : { ran: 1, result: "" },
  };
}

/** A prompt that was decided at the desk before anybody else did. */
function atTheDesk(token: string): Line {
  const { told, row, entries } = answered(token, "approve");
  const { id, digest } = row;
  return {
    told: { ...told, said: [], desk: ["yes"], stages: ["withdrawn", "withdrawn"] },
    row: {
      ...{ id, prompt_text: row.prompt_text, digest, answer_id: null, response: null, responded_at: null },
      ...{ delivered_at: null, withdrawn_at: 1, withdrawn_by: "desk", outcome: "approved" },
    },
    entries: [
      ...entries.slice(0, 1),
      { action: "withdrawn", subject: id, name: "desk", asked: null, detail: {} },
    ],
    truth: { ran: 1, result: "" },
  };
}

function history(lines: Line[]): Evidence {
  return {
    told: lines.map(({ told }) => told),
    rows: lines.map(({ row }) => row),
    entries: lines.flatMap(({ entries }) => entries),
    truths: new Map(lines.map(({ told, truth }) => [told.token, truth])),
  };
}

const well = history([answered("one-x", "approve"), answered("two-x", "reject"), atTheDesk("three-x")]);
const found = (evidence: Evidence) => new Set(judge(evidence).map(({ promise }) => promise));

test("nothing is found where every answer did what it should", () => {
  expect(judge(well)).toEqual([]);
});

test.each([...SPOILS])("$name is found", ({ spoil, promise }) => {
  expect(found(spoil(well))).toContain(promise);
});

test("a decision of the desk that was not so is found", () => {
  const [, , desk] = [answered("one-x", "approve"), answered("two-x", "reject"), atTheDesk("three-x")];
  const nobody = { ...desk, told: { ...desk.told, desk: [] } };
  expect(found(history([nobody]))).toEqual(new Set(["another", "otherwise"]));
  const idle = { ...desk, truth: { ran: 0, result: "The user doesn't want to proceed with this tool use." } };
  expect(found(history([idle]))).toEqual(new Set(["otherwise"]));
});

test("a yes that Esc stopped in the same moment is not lost; without an Esc it is", () => {
  const { told, ...line } = answered("one-x", "approve");
  const ended = { ...line, truth: { ran: 0, result: "Exit code 143" } };
  expect(found(history([{ ...ended, told: { ...told, desk: ["no"] } }]))).toEqual(new Set());
  expect(found(history([{ ...ended, told }]))).toEqual(new Set(["lost"]));
});

test("what nobody asked for is found", () => {
  const stray = answered("stray-x", "approve");
  expect(found({ ...well, rows: [...well.rows, stray.row] })).toEqual(new Set(["unknown"]));
});
