// The same with the real claude of each version: what it was told and what it did, while things break.
import { expect, test } from "bun:test";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudeVersions } from "../real-claude.ts";
import { leave, realDesk } from "./desks.ts";
import { FAULTS, GRAVEST } from "./faults.ts";
import { prepare } from "./place.ts";
import { report } from "./report.ts";
import { ChaosRun } from "./run.ts";
import { endings, type Task, tasks } from "./tasks.ts";

const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
/** Prompts of all versions together. */
const PROMPTS = ALL ? 50 : 5;
/** A claude takes some seconds to start, and a prompt of its some hundred milliseconds; a busy machine ten times that. */
const TEST_MS = ALL ? 1_800_000 : 600_000;

/** Where each version's share of the prompts begins, and of the gravest faults. */
const begin = (i: number) => Math.ceil((PROMPTS * i) / claudeVersions.length);
const shares = claudeVersions.map((version, i) => [version, begin(i + 1) - begin(i), begin(i)] as const);

test.each(shares)(
  "claude %s: %i approvals and rejections, none lost, doubled, misapplied or told otherwise",
  async (version, count, first) => {
    await using api = await messagesApi();
    await using here = await claudeHome({ api });
    prepare(here.project);
    await using run = await ChaosRun.open(here);
    const at = (list: readonly Task[]) =>
      run.at(realDesk(run.world, version, here.home), list, (desk) => leave(desk, here.home));
    await at(tasks("r", count, ALL ? FAULTS : GRAVEST.slice(first, first + count)));
    if (ALL) for (const list of endings(1)) await at(list);
    const history = await run.end();
    expect(report(`claude ${version}`, run.tally, history)).toEqual([]);
    expect(history.told.length).toBeGreaterThanOrEqual(count);
  },
  TEST_MS,
);
