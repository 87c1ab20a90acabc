// AskUserQuestion on the screen: one question with its choices, a field for own words, and the way out.
import type { OptionId } from "../../protocol.ts";
import { type Block, firstStyle, isBlank, isRule, isSecondary, type Line } from "./block.ts";
import type { DialogOption } from "./dialog.ts";
import { nameOf } from "./meaning.ts";

/** The names of the questions, or of the only one: on a coloured ground, each with its box. */
const CHIPS = /^\s*(← +)?[☐☒✔]/;
const CHOICE = /^(❯| ) (\d{1,2})\.( ?)(.*)$/;
const CHAT = /^(❯| ) (\d{1,2}\. ?)?Chat about this$/;
/** Below the choices of which several are marked; `Next` where another question follows. */
const SUBMIT = /^(❯| ) {4}(Submit|Next)$/;
/** The frame of a preview, beside the choices. */
const PREVIEW = /\s{2,}[┌│├└].*$|^\s+[┌│├└].*$/;
const OWN_WORDS = /^(\[.\] )?Type something\.?$/;

export type Question = {
  title: string;
  body: string[];
  options: DialogOption[];
  /** The row of the pointer, and the last row, among the block's lines. */
  row: number;
  to: number;
  typing: boolean;
};

type Choice = {
  label: string;
  kind: "choice" | "own" | "submit" | "chat";
  selected: boolean;
  typed: boolean;
};

export const isQuestion = ({ lines }: Block) =>
  CHIPS.test(lines[0]?.text ?? "") && (lines[0]?.row ?? []).some(({ style }) => style?.bg !== undefined);

/** The question in this block, or null where it is not wholly there. */
export function questionOf(block: Block): Question | null {
  const { lines } = block;
  const asked = lines.findIndex((line, i) => i > 0 && !isBlank(line) && firstStyle(line)?.bold === true);
  const first = lines.findIndex((line) => Number(CHOICE.exec(line.text)?.[2]) === 1);
  if (asked < 0 || first < asked) return null;
  const body = lines.slice(asked, first).filter((line) => !isBlank(line));
  const found = choicesOf(block, first);
  if (!found?.choices.some(({ selected }) => selected)) return null;
  const chips = lines.slice(0, asked).map(({ text }) => text.trim());
  return {
    title: chips.join(" ").trim(),
    body: body.map(({ text }) => text.trim()),
    options: found.choices.map(optionFor),
    row: found.choices.findIndex(({ selected }) => selected),
    to: found.to,
    typing: found.choices.some(({ kind, typed }) => kind === "own" && typed),
  };
}

function choicesOf(block: Block, first: number): { choices: Choice[]; to: number } | null {
  const { lines } = block;
  const choices: Choice[] = [];
  const previews = lines.slice(first).some(({ text }) => PREVIEW.test(text));
  let to = first;
  for (let i = first; i < lines.length; i++) {
    const line = lines[i];
    if (!line) break;
    const choice = choiceAt(block, line, choices.length);
    if (choice) choices.push(choice);
    else if (choices.at(-1)?.kind === "chat") break;
    else if (!belongs(block, line)) return null;
    else if (!previews) addTo(block, choices.at(-1), line);
    to = i;
    if (choice?.kind === "chat") break;
  }
  if (choices.at(-1)?.kind !== "chat") return null;
  const numbered = choices.filter(({ kind }) => kind === "choice" || kind === "own");
  const last = numbered.at(-1);
  if (last && !previews) last.kind = "own";
  return { choices, to };
}

function choiceAt({ pointer }: Block, line: Line, so: number): Choice | null {
  const text = line.text.replace(PREVIEW, "");
  const selected = line.y === pointer?.y;
  const chat = CHAT.exec(text);
  if (chat) return { label: "Chat about this", kind: "chat", selected, typed: false };
  const submit = SUBMIT.exec(text)?.[2];
  if (submit) return { label: submit, kind: "submit", selected, typed: false };
  const found = CHOICE.exec(text);
  if (!found || Number(found[2]) !== so + 1) return null;
  const label = (found[4] ?? "").trim();
  const hint = line.row.some(({ style }) => style?.dim);
  return { label, kind: "choice", selected, typed: !OWN_WORDS.test(label) && !hint };
}

/** Descriptions, previews, notes, the rule above the way out. */
const belongs = ({ cols }: Block, line: Line) =>
  isBlank(line) || isRule(line, cols) || line.text.startsWith("  ");

function addTo(block: Block, choice: Choice | undefined, line: Line) {
  const text = line.text.trim();
  if (choice?.kind !== "choice" || text === "" || isRule(line, block.cols)) return;
  if (!isSecondary(line, block)) choice.label += ` ${text}`;
}

function optionFor({ label, kind, selected }: Choice, row: number): DialogOption {
  const common = { selected, place: { row, column: 0 }, key: { by: "row", press: "enter" } } as const;
  const id = (name: string) => name as OptionId;
  switch (kind) {
    case "chat":
      return { id: id("reject"), label, effect: "reject", ...common };
    case "submit":
      return { id: id("submit"), label, effect: "answer", ...common };
    case "own": {
      const own = { id: id("own"), label: "Other …", effect: "answer" } as const;
      return { ...own, ...common, text: "required", field: "own" };
    }
    case "choice":
      return { id: id(`choice-${nameOf(label)}`), label, effect: "answer", ...common };
  }
}
