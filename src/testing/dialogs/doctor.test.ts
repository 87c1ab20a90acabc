// `claude-remote doctor --claude` as a user runs it, on each version of the real claude: everything that claude asks is
// provoked, and answered through our hook and by keys. What the document claims is what is tried here, and no more.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { briefly, examine, expectedOf, scenesFor } from "../../doctor/examine.ts";
import { jsonOf, type Row, rowsOf, textOf } from "../../doctor/report.ts";
import { ended } from "../ended.ts";
import { program } from "../program.ts";
import { claudePath, claudeVersions } from "../real-claude.ts";
import { newerClaude } from "./newer-claude.ts";
import { coverageTable } from "./table.ts";

const root = join(import.meta.dir, "../../..");
/** The newest version is tried with every answer, the older ones with one a dialog; or all with all. */
const everywhere = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
const isWhole = (version: string) => everywhere || version === claudeVersions.at(-1);
/** On a machine that does other things too. */
const WHOLE_MS = 900_000;

/** Where a newer claude's words are others. */
const OTHERWISE = ["a plan, approved", "questions of several pages"];

const here = mkdtempSync(join(tmpdir(), "claude-remote-doctor-"));
afterAll(() => rmSync(here, { recursive: true, force: true }));

const newest = () => claudePath(claudeVersions.at(-1) ?? "");

/** Waits for what nothing announces; the test's own limit ends it. */
async function until(look: () => boolean) {
  while (!look()) await Bun.sleep(20);
}

type Report = ReturnType<typeof jsonOf>;

/** Runs it in an empty folder, with a home and a place for temporary files that must stay empty. */
async function doctor(name: string, claude: string, ...args: string[]) {
  const folder = mkdtempSync(join(here, `${name}-`));
  const child = Bun.spawn([program(), "doctor", "--claude", ...args], {
    cwd: folder,
    env: { HOME: folder, TMPDIR: folder, PATH: process.env.PATH ?? "", CLAUDE_REMOTE_CLAUDE: claude },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { out, err, code } = await ended(child);
  return { out, err, code, left: readdirSync(folder) };
}

const answers = (rows: readonly Row[]) =>
  rows
    .flatMap(({ dialog, hook, keys }) => [
      ...(hook?.answers ?? []).map(({ answer, verdict }) => `${dialog} by hook: ${answer} ${verdict}`),
      ...(keys?.answers ?? []).map(({ answer, verdict }) => `${dialog} by keys: ${answer} ${verdict}`),
    ])
    .sort();

const wrong = ({ dialogs }: Report) =>
  dialogs.flatMap(({ about, hook, keys }) =>
    [hook, keys].flatMap((cell) =>
      cell && cell.verdict !== "ok" ? [`${about}: ${cell.verdict} ${cell.why}\n${cell.screen}`] : [],
    ),
  );

test.each([...claudeVersions])(
  "claude %s: each dialog has a card, and its answers are taken, by hook and by keys",
  async (version) => {
    const path = claudePath(version);
    const { out, err, code, left } = await doctor(
      version,
      path,
      "--json",
      ...(isWhole(version) ? ["--all"] : []),
    );
    const report: Report = JSON.parse(out || "{}");
    expect(err).toBe("");
    expect(wrong(report).join("\n")).toBe("");
    const scenes = scenesFor(version, []);
    const expected = expectedOf(isWhole(version) ? scenes : briefly(scenes));
    const tried = expected.map((one) => `${one.dialog} by ${one.way}: ${one.answer} ok`);
    expect(answers(report.dialogs)).toEqual(tried.sort());
    expect(report).toMatchObject({ claude: path, version, ok: true });
    expect(report.verdict).toContain("can be answered from a phone");
    expect({ code, left }).toEqual({ code: 0, left: [] });
  },
  WHOLE_MS,
);

test("docs/claude-versions.md claims what is tried, and no more", () => {
  const document = readFileSync(join(root, "docs/claude-versions.md"), "utf8");
  const [, table = ""] = /<!-- what is tried -->\n([\s\S]*?)\n<!-- -->/.exec(document) ?? [];
  expect(table).toBe(coverageTable());
});

test(
  "a newer claude whose dialogs differ is found out: what is not recognised, and what is not answered",
  async () => {
    const path = newerClaude(newest(), here);
    const ourselves = [program()];
    const scenes = scenesFor("2.1.999", ourselves).filter(({ name }) => OTHERWISE.includes(name));
    const examined = { path, version: "2.1.999", ourselves, patience: 15_000 };
    const findings = await examine({ examined, scenes: briefly(scenes), atOnce: 3 });
    const rows = rowsOf(findings);
    const verdicts = rows.map(({ dialog, hook, keys }) => [dialog, hook?.verdict, keys?.verdict]);
    expect(verdicts).toEqual([
      ["question", undefined, "ok"],
      ["review", undefined, "not answered"], // One of its options has other words: none is what it was.
      ["plan", "ok", "not recognised"], // It asks in other words; the hook tells of it as before.
    ]);
    const text = textOf("2.1.999", rows);
    expect(text).toContain("claude 2.1.999: 2 of 3 dialogs cannot be answered as they should be.");
    expect(text).toContain("the key bar presses the keys");
    expect(jsonOf(path, "2.1.999", rows).ok).toBe(false);
  },
  WHOLE_MS,
);

test(
  "a claude that does not even start ends it with 1, and says so of each dialog",
  async () => {
    const broken = join(here, "broken");
    await Bun.write(broken, '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.999 (Claude Code)"\nexit 7\n');
    await Bun.$`chmod +x ${broken}`.quiet();
    const { out, code, left } = await doctor("broken", broken);
    expect({ code, left }).toEqual({ code: 1, left: [] });
    expect(out).toContain("claude ended");
    expect(out.trim()).toEndWith("dialogs cannot be answered as they should be.");
  },
  WHOLE_MS,
);

test(
  "Ctrl-C ends it at once, and nothing of it is left",
  async () => {
    const folder = mkdtempSync(join(here, "interrupted-"));
    const child = Bun.spawn([program(), "doctor", "--claude"], {
      cwd: folder,
      env: { HOME: folder, TMPDIR: folder, PATH: process.env.PATH ?? "", CLAUDE_REMOTE_CLAUDE: newest() },
      stdin: "ignore",
      stderr: "pipe",
    });
    await until(
      () => [...new Bun.Glob("*/home/.claude/sessions/*").scanSync({ cwd: folder, dot: true })].length > 0,
    );
    child.kill("SIGINT");
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toContain("interrupted");
    expect(readdirSync(folder)).toEqual([]);
  },
  WHOLE_MS,
);

test("a program that is no claude, and a word that doctor does not know, are told", async () => {
  const none = await doctor("none", "/bin/false");
  expect([none.code, none.out]).toEqual([1, ""]);
  expect(none.err).toContain("/bin/false does not tell its version");
  const child = Bun.spawnSync([program(), "doctor", "everything"], { cwd: here, env: { HOME: here } });
  expect(child.exitCode).toBe(2);
  expect(child.stderr.toString()).toContain("doctor --claude [--all]");
});
