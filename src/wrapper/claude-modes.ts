// claude's permission modes: what its footer says in each, and what Shift-Tab makes of them. Seen on 2.1.197 and 2.1.329.
import type { PermissionMode } from "../protocol.ts";
import { rowText, type Screen } from "../screen.ts";
import { inputBoxEmpty } from "./input-box.ts";

/** What stands below the input box in each; an older claude names none where it asks for everything. */
const FOOTERS: [PermissionMode, RegExp][] = [
  ["default", /^ *⏸ manual mode on\b/],
  ["acceptEdits", /^ *⏵⏵ accept edits on\b/],
  ["plan", /^ *⏸ plan mode on\b/],
  ["auto", /^ *⏵⏵ auto mode on\b/],
  ["dontAsk", /^ *⏵⏵ don't ask on\b/],
  ["bypassPermissions", /^ *⏵⏵ bypass permissions on\b/],
  ["default", /^ *(\? for shortcuts|esc to interrupt)( |$)/],
];
const RULE = /^─{10,}/;

/** The mode that claude shows, or null where its footer says something else for now, or there is none. */
export function modeShown(screen: Screen): PermissionMode | null {
  if (inputBoxEmpty(screen) === null) return null;
  const rows = screen.lines.map(rowText);
  const footer = rows.slice(rows.findLastIndex((row) => RULE.test(row)) + 1);
  return FOOTERS.find(([, words]) => footer.some((row) => words.test(row)))?.[0] ?? null;
}

/** As Shift-Tab goes round; `bypassPermissions` is among them only if the run was started so, and `dontAsk` never again. */
const ROUND: readonly PermissionMode[] = ["default", "acceptEdits", "plan", "bypassPermissions", "auto"];
/** Shift-Tabs after which claude is where it began, whatever it offers: one more than there are modes. */
export const MOST_PRESSES = ROUND.length + 1;

/** How much each allows without asking. */
const ALLOWS: Record<PermissionMode, number> = {
  plan: 0,
  dontAsk: 1,
  default: 1,
  acceptEdits: 2,
  auto: 3,
  bypassPermissions: 4,
};

/** Whether Shift-Tab leads from one to the other through a mode that allows more than both. */
export function passesWider(from: PermissionMode, to: PermissionMode, bypass: boolean): boolean {
  const round = ROUND.filter((mode) => bypass || mode !== "bypassPermissions");
  const begin = round.indexOf(from); // -1 of `dontAsk`, which is left for the first.
  const end = round.indexOf(to);
  const most = Math.max(ALLOWS[from], ALLOWS[to]);
  const steps = (end - begin + round.length) % round.length;
  const between = Array.from(
    { length: Math.max(0, steps - 1) },
    (_, i) => round[(begin + 1 + i) % round.length],
  );
  return between.some((mode) => mode !== undefined && ALLOWS[mode] > most);
}

/** Words of the command line with which bypassing becomes one of the modes. */
const BYPASS = /^--(allow-)?dangerously-skip-permissions$|^--permission-mode=bypassPermissions$/;

/** Whether a claude with these arguments may be switched to bypassing every permission. */
export const mayBypass = (args: readonly string[]): boolean =>
  args.some(
    (arg, i) => BYPASS.test(arg) || (args[i - 1] === "--permission-mode" && arg === "bypassPermissions"),
  );
