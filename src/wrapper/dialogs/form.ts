// An MCP server's form (elicitation): fields one below the other, then Accept and Decline beside one another.
import type { OptionId } from "../../protocol.ts";
import { type Block, isBlank, type Line } from "./block.ts";
import type { Dialog, DialogOption, Field } from "./dialog.ts";

const TITLE = /^MCP server .* requests your input$/;
/** `❯ * Name: Type something…`: pointer, mark (required, or filled in), name and value. */
const FIELD = /^ {2}(❯| ) ([*✔ ]) (\S[^:]*): ?(.*)$/;
const BUTTONS = /^ {2}(❯| ) Accept {2,4}(❯?) *Decline$/;
const HINT = /^Esc to cancel · ↑\/↓ to navigate/;
const UNSET = /^(not set|Type something…)$/;
const BOX = /^[☐☒]/;

export const isForm = (title: string) => TITLE.test(title);

/** The form, or null where it is not wholly there. */
export function formOf(
  block: Block,
  { title, from }: { title: string; from: number },
): Omit<Dialog, "fingerprint"> | null {
  const { lines } = block;
  const at = lines.findIndex(({ text }) => BUTTONS.test(text));
  const below = lines.slice(at + 1).map(({ text }) => text.trim());
  if (at < 0 || !HINT.test(below.join(" ").trim())) return null;
  const first = lines.findIndex(({ text }, i) => i >= from && i < at && FIELD.test(text));
  if (first < 0) return null;
  const fields = lines.slice(first, at).flatMap((line) => (FIELD.test(line.text) ? [fieldOf(line)] : []));
  if (lines.slice(first, at).some((line) => !isBlank(line) && !FIELD.test(line.text))) return null;
  const [, accept, decline] = BUTTONS.exec(lines[at]?.text ?? "") ?? [];
  const here = fields.findIndex(({ selected }) => selected);
  const row = here >= 0 ? here : fields.length;
  return {
    name: "form",
    title,
    agent: null,
    position: 1,
    body: lines.slice(from, first).flatMap(({ text }) => (text.trim() === "" ? [] : [text.trim()])),
    input: null,
    fields: fields.map(({ selected, ...field }) => field),
    at: { row, column: decline === "❯" ? 1 : 0 },
    options: [
      option("submit", "Accept", "answer", accept === "❯", { row: fields.length, column: 0 }),
      option("reject", "Decline", "reject", decline === "❯", { row: fields.length, column: 1 }),
    ],
    cols: block.cols,
    typing: block.inText && fields[here]?.empty === false,
    startUp: false,
    hooked: false,
  };
}

function option(
  id: string,
  label: string,
  effect: DialogOption["effect"],
  selected: boolean,
  place: DialogOption["place"],
): DialogOption {
  return { id: id as OptionId, label, effect, selected, place, key: { by: "row", press: "enter" } };
}

function fieldOf({ text, row }: Line): Field & { selected: boolean } {
  const [, pointer, mark, name = "", value = ""] = FIELD.exec(text) ?? [];
  const selected = pointer === "❯";
  const hint = row.some(({ style }) => style?.dim) || UNSET.test(value);
  const kind = !selected ? "unknown" : BOX.test(value) ? "box" : "text";
  return {
    name,
    kind,
    required: mark === "*",
    empty: hint || mark !== "✔",
    value: hint ? "" : value,
    selected,
  };
}
