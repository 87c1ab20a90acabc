// The difference between two texts as the lines a person reads: what goes, what comes, and a little around it.
import { structuredPatch } from "diff";

export type EditLine = {
  kind: "same" | "gone" | "new" | "skipped" | "note";
  text: string;
  number: number | null;
};

const CONTEXT_LINES = 3;
/** ms. Texts so different that this is not enough are shown as one going and one coming. */
const TIME_MS = 400;

/** Lines of the new text carry their number there, lines that go the number they had. */
export function editLines(before: string, after: string): EditLine[] {
  const patch = structuredPatch("", "", before, after, "", "", {
    context: CONTEXT_LINES,
    timeout: TIME_MS,
  });
  if (!patch) return [...whole(before, "gone"), ...whole(after, "new")];
  const lines: EditLine[] = [];
  let shownUpTo = 0;
  for (const hunk of patch.hunks) {
    skip(lines, hunk.oldStart - 1 - shownUpTo);
    let [old, fresh] = [hunk.oldStart, hunk.newStart];
    for (const line of hunk.lines) {
      const text = line.slice(1);
      if (line.startsWith("-")) lines.push({ kind: "gone", text, number: old++ });
      else if (line.startsWith("+")) lines.push({ kind: "new", text, number: fresh++ });
      else if (line.startsWith("\\")) lines.push({ kind: "note", text: text.trim(), number: null });
      else {
        lines.push({ kind: "same", text, number: fresh++ });
        old++;
      }
    }
    shownUpTo = old - 1;
  }
  if (patch.hunks.length > 0) skip(lines, linesIn(before) - shownUpTo);
  return lines;
}

function skip(lines: EditLine[], count: number) {
  if (count > 0)
    lines.push({ kind: "skipped", text: `${count} unchanged line${count === 1 ? "" : "s"}`, number: null });
}

function whole(text: string, kind: "gone" | "new"): EditLine[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => ({ kind, text: line, number: i + 1 }));
}

/** Lines of a text, a last line without a line feed counted. */
export function linesIn(text: string): number {
  if (text === "") return 0;
  const feeds = text.split("\n").length;
  return text.endsWith("\n") ? feeds - 1 : feeds;
}
