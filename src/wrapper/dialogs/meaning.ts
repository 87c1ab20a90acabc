// What the options of claude's dialogs mean, by their words: those seen on the recorded versions, and nothing guessed.
import { createHash } from "node:crypto";
import type { Option, OptionId } from "../../protocol.ts";
import type { DialogName, DialogOption } from "./dialog.ts";

type Meaning = Pick<Option, "effect" | "text"> & { id: string; field?: "own" | "amend" };
type Known = [words: RegExp, meaning: Meaning];

const approve: Meaning = { id: "approve", effect: "approve" };
const reject: Meaning = { id: "reject", effect: "reject" };
/** Named by its words: what it allows is in them. */
const always: Meaning = { id: "always", effect: "approve_always" };
const plain = (id: string): Meaning => ({ id, effect: "answer" });

const TOOL: Known[] = [
  [/^Yes$/, approve],
  [/^No$/, reject],
  [/^No, and tell Claude what to do differently$/, reject],
  [/^Yes, and don['’]t ask again for\b/, always],
  [/^Yes, and always allow access to\b/, always],
  [/^Yes, allow (all edits|reading)\b/, always],
  [/^Yes, and switch to (auto mode|accept edits)\b/, always],
];

const BY_NAME: Partial<Record<DialogName, Known[]>> = {
  plan: [
    [/^Yes, and use auto mode$/, { id: "mode-auto", effect: "approve" }],
    [/^Yes, (and )?auto-accept edits$/, { id: "mode-acceptEdits", effect: "approve" }],
    [/^Yes, manually approve edits$/, approve],
    [/^Tell Claude what to change$/, { ...reject, text: "optional", field: "own" }],
  ],
  "leave-plan": [
    [/^Yes$/, approve],
    [/^Yes, and switch to default \(ask each time\) for this session$/, approve],
    [/^No$/, reject],
  ],
  review: [
    [/^Submit answers$/, { id: "submit", effect: "answer" }],
    [/^Cancel$/, reject],
  ],
  trust: [
    [/^Yes, I trust this folder$/, approve],
    [/^No, exit$/, reject],
  ],
  bypass: [
    [/^Yes, I accept$/, approve],
    [/^No, exit$/, reject],
  ],
  imports: [
    [/^Yes, allow external imports$/, approve],
    [/^No, disable external imports$/, reject],
  ],
  "mcp-server": [
    [/^Use this MCP server$/, approve],
    [/^Use this and all future MCP servers in this project$/, always],
    [/^Continue without using this MCP server$/, reject],
  ],
  "auto-offer": [
    [/^Yes, set auto mode as my default permission mode$/, always],
    [/^No, keep manual mode$/, reject],
  ],
  "settings-error": [
    [/^Fix with Claude$/, plain("fix")],
    [/^Exit and fix manually$/, plain("exit")],
    [/^Continue without these settings$/, plain("continue")],
  ],
  "settings-warning": [
    [/^Continue$/, plain("continue")],
    [/^Fix with Claude$/, plain("fix")],
    [/^Exit and fix manually$/, plain("exit")],
  ],
};

/** What is known of this dialog's options. */
export const knownOf = (name: DialogName): Known[] => BY_NAME[name] ?? TOOL;

/** A name for words that have no other: the same wherever and however they stand. */
export const nameOf = (words: string) =>
  createHash("sha256").update(words.replaceAll(/\s/g, "")).digest("hex").slice(0, 12);

const id = (text: string) => text as OptionId;

/**
 * The options by what they mean. One that is not known makes the whole set one of plain answers: nobody should approve by
 * one tap what we do not know the choices of.
 */
export function meant(
  name: DialogName,
  labels: string[],
): Omit<DialogOption, "selected" | "place" | "key">[] {
  const known = labels.map((label) => ({
    label,
    meaning: knownOf(name).find(([words]) => words.test(label))?.[1],
  }));
  if (known.some(({ meaning }) => !meaning))
    return labels.map((label) => ({ id: id(`option-${nameOf(label)}`), label, effect: "answer" }));
  return known.flatMap(({ label, meaning }) => {
    if (!meaning) return [];
    if (meaning.effect !== "approve_always") return [{ ...meaning, id: id(meaning.id), label }];
    return [{ ...meaning, id: id(`${meaning.id}-${nameOf(label)}`), label, scope: label }];
  });
}
