// The table of docs/claude-versions.md: which dialog is answered how, on which version, and by which answers.
import { expectedOf, scenesFor } from "../../doctor/examine.ts";
import { answersOf, DIALOGS, NOT_PROVOKED } from "../../doctor/report.ts";
import type { DialogName } from "../../wrapper/dialogs/dialog.ts";
import { claudeVersions } from "../real-claude.ts";

/** The rows as Markdown: everything that the scenes try, and nothing else. */
export function coverageTable(versions: readonly string[] = claudeVersions): string {
  const expected = versions.map((version) => expectedOf(scenesFor(version, [])));
  const ways = ["hook", "keys"] as const;
  const columns = versions.flatMap((version) => ways.map((way) => `${version} by ${way}`));
  const rows = (Object.keys(DIALOGS) as DialogName[]).flatMap((dialog) => {
    const cells = expected.flatMap((all) =>
      ways.map((way) => answersOf(all, dialog, way).join(" · ") || "–"),
    );
    return cells.some((cell) => cell !== "–") ? [[DIALOGS[dialog], ...cells]] : [];
  });
  const unclaimed = NOT_PROVOKED.map((what) => [what, ...columns.map(() => "screen and key bar")]);
  const head = ["dialog", ...columns];
  return [head, head.map(() => "---"), ...rows, ...unclaimed]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

if (import.meta.main) console.log(coverageTable());
