// What a run prints: each fault's count, each outcome's count, and each promise with how often it was broken.
import { type Finding, judge, PROMISES, stageOf, stoppedByDesk } from "./auditor.ts";
import type { Evidence, PromptRow } from "./evidence.ts";
import type { Tally } from "./tally.ts";

/** Prints the whole; returns what was found. */
export function report(title: string, tally: Tally, evidence: Evidence): Finding[] {
  const findings = judge(evidence);
  const lines = [...outcomes(evidence)].sort().map(([what, n]) => `   ${String(n).padStart(5)}  ${what}`);
  console.log(tally.table(`${title}: ${evidence.told.length} prompts`));
  const stopped = evidence.told.filter((one) => {
    const truth = evidence.truths.get(one.token);
    return truth && stoppedByDesk(one, truth);
  });
  console.log(`   ── how they ended\n${lines.join("\n")}`);
  console.log(
    `   ${String(stopped.length).padStart(5)}  of these had begun when Esc at the desk stopped them`,
  );
  console.log("   ── broken promises");
  for (const [promise, words] of Object.entries(PROMISES)) {
    const count = findings.filter((one) => one.promise === promise).length;
    console.log(`   ${String(count).padStart(5)}  ${words}`);
  }
  for (const { promise, token, fault, why } of findings)
    console.log(`   ! ${PROMISES[promise]}: ${token}, ${fault}: ${why}`);
  return findings;
}

/** How many prompts ended in which way. */
function outcomes({ rows }: Evidence): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(wordsFor(row), (counts.get(wordsFor(row)) ?? 0) + 1);
  return counts;
}

function wordsFor(row: PromptRow): string {
  const stage = stageOf(row);
  const option = row.response === null ? null : (JSON.parse(row.response) as { option: string }).option;
  if (stage === "accepted") return `${option === "reject" ? "rejected" : "approved"} by a phone, accepted`;
  const chosen = row.outcome === "approved" || row.outcome === "rejected" ? `, who ${row.outcome}` : "";
  const answered = option === null ? "unanswered" : `${option} by a phone`;
  return `${answered}, ${stage} (${row.withdrawn_by ?? "-"}${chosen})`;
}
