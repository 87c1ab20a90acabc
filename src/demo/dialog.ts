// A dialog as rows: what is asked about between two rules, the question, numbered options with one preselected.
import { dim, laid, sgr } from "./painter.ts";
import type { Dialog, Option } from "./tools.ts";

const blue = (text: string) => sgr("38;5;153", text);
const plain = (text: string) => text;

/** The rows for `cols` columns; `open` dialogs wait, of which this is the first. */
export function dialogRows(dialog: Dialog, selected: number, open: number, cols: number): string[] {
  const { title, about, body, question, options } = dialog;
  const rule = dim("╌".repeat(cols));
  const inner = body.flatMap((row) => laid(" ", row, cols, (text) => sgr(colour(row), text)));
  return [
    blue("─".repeat(cols)),
    ` ${sgr("1;38;5;153", title)}${open > 1 ? dim(` (1 of ${open})`) : ""}`,
    ...(about ? laid(" ", about, cols, dim) : []),
    ...(inner.length > 0 ? [rule, ...inner, rule] : []),
    ...laid(" ", question, cols),
    ...options.flatMap((option, at) => optionRows(option, at + 1, at === selected, cols)),
    "",
    dim(" Esc to cancel"),
  ];
}

function optionRows({ label, detail }: Option, number: number, selected: boolean, cols: number): string[] {
  const head = `${selected ? " ❯" : "  "} ${number}. `;
  return [
    ...laid(head, label, cols, selected ? blue : plain),
    ...(detail ? laid("      ", detail, cols, dim) : []),
  ];
}

/** Removed rows red, added ones green. */
function colour(row: string): string {
  if (row.startsWith("- ")) return "31";
  return row.startsWith("+ ") ? "32" : "39";
}
