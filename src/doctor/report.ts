// What an examination found, a row a dialog: for people, and as JSON.
import type { DialogName } from "../wrapper/dialogs/dialog.ts";
import type { Expected, Finding, Verdict } from "./examine.ts";
import type { Way } from "./examined-claude.ts";

/** What each dialog asks, in the order in which they are shown. */
export const DIALOGS: Record<DialogName, string> = {
  bash: "a command",
  write: "a new file",
  overwrite: "a file overwritten",
  edit: "an edit",
  notebook: "an edit of a notebook",
  read: "reading outside of the project",
  fetch: "a page fetched",
  search: "a search of the web",
  mcp: "a tool of an MCP server",
  skill: "a skill",
  tool: "any other tool",
  question: "a question of claude's",
  review: "the review of several answers",
  plan: "a plan",
  "leave-plan": "leaving plan mode without a plan",
  form: "a form of an MCP server",
  "cannot-check": "auto mode cannot check",
  "auto-offer": "auto mode offered as the default",
  trust: "trust in a folder",
  bypass: "the warning about bypassing permissions",
  imports: "imports from outside of the project",
  "mcp-server": "a new MCP server",
  "mcp-servers": "several new MCP servers",
  "settings-error": "settings that are wrong",
  "settings-warning": "settings that claude does not know",
};

/** What nothing here can provoke: the page shows claude's screen, and its key bar presses the keys. No claim is made. */
export const NOT_PROVOKED = [
  "usage and spending limits",
  "the first start: theme, login, API key",
  "menus that somebody opens (/model, /permissions, /resume …)",
];

/** The ways in which it is tried, each with the worst that was found (and claude's screen then), and every answer. */
export type Row = { dialog: DialogName; about: string } & Record<Way, Cell | null>;
export type Cell = {
  verdict: Verdict;
  why: string;
  screen: string;
  answers: { answer: string; verdict: Verdict }[];
};

const WORST: Verdict[] = ["not recognised", "not answered", "not raised", "not examined", "ok"];

/** A row for each dialog that was tried. */
export function rowsOf(findings: readonly Finding[]): Row[] {
  const cell = (dialog: DialogName, way: Way): Cell | null => {
    const its = findings.filter((one) => one.dialog === dialog && one.way === way);
    const [worst] = its.toSorted((a, b) => WORST.indexOf(a.verdict) - WORST.indexOf(b.verdict));
    const answers = its.map(({ answer, verdict }) => ({ answer, verdict }));
    return worst ? { verdict: worst.verdict, why: worst.why, screen: worst.screen, answers } : null;
  };
  return (Object.keys(DIALOGS) as DialogName[])
    .map((dialog) => ({
      dialog,
      about: DIALOGS[dialog],
      hook: cell(dialog, "hook"),
      keys: cell(dialog, "keys"),
    }))
    .filter(({ hook, keys }) => hook || keys);
}

const failures = (rows: readonly Row[]) =>
  rows.flatMap(({ about, hook, keys }) => {
    const cells = [
      ["by hook", hook],
      ["by keys", keys],
    ] as const;
    return cells.flatMap(([way, cell]) => (cell && cell.verdict !== "ok" ? [{ about, way, ...cell }] : []));
  });

/** One line: whether everything that should be answered can be. */
export function verdictOf(version: string, rows: readonly Row[]): string {
  const wrong = new Set(failures(rows).map(({ about }) => about)).size;
  if (wrong === 0)
    return `claude ${version}: each of the ${rows.length} dialogs can be answered from a phone.`;
  return `claude ${version}: ${wrong} of ${rows.length} dialogs cannot be answered as they should be.`;
}

const ABOUT_WIDTH = 42;
const WAY_WIDTH = 16;

/** The table, what failed and what to do about it, and the verdict. */
export function textOf(version: string, rows: readonly Row[]): string {
  const line = (about: string, hook: string, keys: string) =>
    `${about.padEnd(ABOUT_WIDTH)}${hook.padEnd(WAY_WIDTH)}${keys}`.trimEnd();
  const table = rows.map(({ about, hook, keys }) => line(about, hook?.verdict ?? "–", keys?.verdict ?? "–"));
  const wrong = failures(rows).flatMap(({ about, way, verdict, why, answers }) => {
    const which = answers.filter((one) => one.verdict === verdict).map(({ answer }) => answer);
    return [`${about}, ${way}: ${verdict} (${which.join("; ")})`, `  ${why}`, `  ${ADVICE[verdict]}`];
  });
  return [
    line("dialog", "by hook", "by keys"),
    ...table,
    "",
    `Not provoked, so nothing is claimed (screen and key bar): ${NOT_PROVOKED.join("; ")}.`,
    ...(wrong.length > 0 ? ["", ...wrong] : []),
    "",
    verdictOf(version, rows),
  ].join("\n");
}

const ADVICE: Record<Verdict, string> = {
  ok: "",
  "not recognised":
    "No card comes for it. Answer it on the page: its screen shows the dialog, the key bar presses the keys.",
  "not answered":
    "Its card comes, but its answer has no effect. Answer it on the page with the key bar, or at the desk.",
  "not raised": "This claude did not ask. If it asks elsewhere, the page's screen and key bar answer it.",
  "not examined": "Run it again; until then answer it on the page with the key bar.",
};

/** What `--json` prints. */
export function jsonOf(path: string, version: string, rows: readonly Row[]) {
  const ok = failures(rows).length === 0;
  return {
    claude: path,
    version,
    ok,
    verdict: verdictOf(version, rows),
    dialogs: rows,
    not_provoked: NOT_PROVOKED,
  };
}

/** Which answers are tried on which way: the rows of a table of what is covered. */
export function answersOf(expected: readonly Expected[], dialog: DialogName, way: Way): string[] {
  const its = expected.filter((one) => one.dialog === dialog && one.way === way).map(({ answer }) => answer);
  return [...new Set(its)];
}
