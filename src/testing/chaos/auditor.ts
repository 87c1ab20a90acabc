// At the end: what every prompt was told to be, against what really ran. Every finding is a broken promise.
import { Database } from "bun:sqlite";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command, marks } from "./place.ts";
import type { Tally } from "./tally.ts";
import { messageFor, type Told } from "./workload.ts";
import type { ChaosWorld } from "./world.ts";

/** The kinds of broken promises. */
export const PROMISES = [
  "lost: said to count, and no outcome",
  "applied twice",
  "applied to another prompt",
  "left without a known outcome",
  "told otherwise than it really was",
] as const;
type Promise_ = (typeof PROMISES)[number];
export type Finding = { promise: Promise_; token: string; fault: string; why: string };

type Row = {
  id: string;
  prompt_text: string;
  response: string | null;
  answer_id: string | null;
  responded_at: number | null;
  delivered_at: number | null;
  withdrawn_at: number | null;
  withdrawn_by: string | null;
  outcome: string | null;
};
/** What claude itself wrote down about a call, and how often its command ran. */
type Truth = { ran: number; result: string | null };

/** claude's own words for a No or an Esc at the desk. */
const DESK_NO = /^The user doesn't want to (proceed with|take) this/;

/**
 * Holds every prompt against what `home`'s transcripts and the marks in the project say. The server must have ended.
 * `vague`: prompts whose end names nobody and no choice, since nobody is left who could know.
 */
export function audit(
  { server, project }: ChaosWorld,
  home: string,
  told: readonly Told[],
): { findings: Finding[]; vague: number } {
  const rows = rowsIn(join(server.data, "claude-remote.db"));
  const results = resultsIn(join(home, ".claude", "projects"));
  const findings = told.flatMap((one) => {
    const truth = { ran: marks(project, one.token), result: results.get(command(one.token)) ?? null };
    const its = rows.filter((row) => row.prompt_text === command(one.token));
    const found =
      its.length === 1 && its[0]
        ? judged(one, its[0], truth)
        : [{ promise: PROMISES[3], why: `${its.length} prompts` }];
    const brief = its.map(({ response, delivered_at, withdrawn_by, outcome }) => ({
      ...{ response, delivered: delivered_at !== null, withdrawn_by, outcome },
    }));
    const all = JSON.stringify({ said: one.said, desk: one.desk, stages: one.stages, stored: brief, truth });
    return found.map(({ promise, why }) => ({
      promise,
      token: one.token,
      fault: one.fault.name,
      why: `${why}: ${all}`,
    }));
  });
  const named = (outcome: string | null) => outcome !== null && outcome !== "too_late";
  const vague = rows.filter(({ withdrawn_by, outcome }) => withdrawn_by !== null && !named(outcome));
  return { findings, vague: vague.length };
}

/** Prints the whole. */
export function report(tally: Tally, told: readonly Told[], findings: readonly Finding[], vague: number) {
  console.log(tally.table(`${told.length} prompts`));
  for (const { promise, token, fault, why } of findings)
    console.log(`   ! ${promise}: ${token}, ${fault}: ${why}`);
  for (const promise of PROMISES)
    console.log(`   ${promise}: ${findings.filter((one) => one.promise === promise).length}`);
  console.log(`   ended with their session, and nobody could know who chose what: ${vague}`);
}

type Verdict = { promise: Promise_; why: string };

function judged(one: Told, row: Row, { ran, result }: Truth): Verdict[] {
  const verdicts: Verdict[] = [];
  const must = (kept: boolean, promise: Promise_, why: string) => {
    if (!kept) verdicts.push({ promise, why });
  };
  const stage = stageOf(row);
  const over = ["accepted", "too_late", "withdrawn"].includes(stage);
  const winner = one.said.find(({ answerId }) => answerId === row.answer_id);
  const response =
    row.response === null ? null : (JSON.parse(row.response) as { option: string; text?: string });
  const mayRun = one.said.some(({ verb }) => verb === "approve") || one.desk.includes("yes");
  const byPhoneNo = result === messageFor(one.token);

  for (const said of one.said) {
    must(
      !said.won || row.answer_id === said.answerId,
      PROMISES[4],
      `${said.phone} was told that its answer counts`,
    );
    must(!said.won || over, PROMISES[0], `${said.phone} was told that its answer counts`);
    must(
      said.won || said.refused !== null || one.ended,
      PROMISES[3],
      `${said.phone} never learnt what became of it`,
    );
  }
  must(ran <= 1, PROMISES[1], `it ran ${ran} times`);
  must(ran === 0 || mayRun, PROMISES[2], "it ran, and nobody had approved it");
  must(
    result === null || DESK_NO.test(result) || !/^Not /.test(result) || byPhoneNo,
    PROMISES[2],
    "another prompt's words",
  );
  must(over, PROMISES[3], `it is ${stage}`);
  for (const [i, seen] of one.stages.entries()) must(seen === stage, PROMISES[4], `phone ${i} shows ${seen}`);

  const differs = (why: string) => must(false, PROMISES[4], why);
  if (response && !winner) differs("an answer counts that nobody gave");
  if (winner && response && (response.option === "reject") !== (winner.verb === "reject"))
    differs("another answer is stored");
  if (stage === "accepted") {
    const no = response?.option === "reject";
    if (no && ran > 0) differs("a no was accepted, and it ran");
    if (no && result !== null && !byPhoneNo) differs("a no was accepted, and claude heard other words");
    if (!no && ran === 0 && (result === null || DESK_NO.test(result) || byPhoneNo))
      differs("a yes was accepted, and it did not run");
  }
  if (stage === "too_late" && byPhoneNo) differs("a no was too late, and it is what claude heard");
  if (row.outcome === "approved" && ran === 0 && (result === null || DESK_NO.test(result)))
    differs("the desk approved, and it did not run");
  if (row.outcome === "rejected" && ran > 0) differs("the desk rejected, and it ran");
  if (row.withdrawn_by === "desk" && one.desk.length === 0) differs("the desk is named, and pressed nothing");
  if (row.withdrawn_by === "exited" && !one.ended) differs("claude is said to have exited");
  return verdicts;
}

function stageOf(row: Row): string {
  if (row.withdrawn_at !== null) return "withdrawn";
  if (row.responded_at === null) return "open";
  if (row.outcome === "accepted") return "accepted";
  if (row.outcome !== null) return "too_late";
  return row.delivered_at === null ? "answered" : "delivered";
}

/** Every prompt there is. Throws if the database is not whole. */
function rowsIn(file: string): Row[] {
  using db = new Database(file);
  const check = db.query("PRAGMA integrity_check").get() as { integrity_check: string };
  if (check.integrity_check !== "ok") throw new Error(`the database is damaged: ${check.integrity_check}`);
  return db.query("SELECT * FROM prompts").all() as Row[];
}

/** What each command's call ended in, by all transcripts. */
function resultsIn(folder: string): Map<string, string> {
  const calls = new Map<string, string>();
  const results = new Map<string, string>();
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".jsonl"),
  );
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  for (const line of lines) {
    if (!line.includes("tool_")) continue;
    const content = (parsed(line) as { message?: { content?: unknown } } | null)?.message?.content;
    for (const part of Array.isArray(content) ? content : []) {
      if (part.type === "tool_use") calls.set(part.id, String(part.input?.command));
      if (part.type !== "tool_result") continue;
      const asked = calls.get(part.tool_use_id);
      if (asked)
        results.set(asked, typeof part.content === "string" ? part.content : JSON.stringify(part.content));
    }
  }
  return results;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
