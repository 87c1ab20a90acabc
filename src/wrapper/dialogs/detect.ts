// Which of claude's dialogs stands on the screen, if any. Pure; what it knows was seen on the recorded versions, and
// what it is not sure of is no dialog: the screen and the key bar remain.
import type { Screen } from "../../screen.ts";
import { type Block, blockOf, firstStyle, isBlank, isDashes, isRule, type Line } from "./block.ts";
import { type Dialog, type DialogName, type DialogOption, fingerprintOf, type ShownInput } from "./dialog.ts";
import { formOf, isForm } from "./form.ts";
import { shownInput, withoutBar } from "./input.ts";
import { type Item, listOf } from "./list.ts";
import { meant } from "./meaning.ts";
import { cannotCheck, serversOf } from "./notices.ts";
import { isQuestion, questionOf } from "./questions.ts";

type Kind = {
  name: DialogName;
  title: RegExp;
  /** It asks "Do you want to …?" right above its options. */
  asks?: true;
  startUp?: true;
  hooked?: true;
};
const tool = { asks: true, hooked: true } as const;

/** Dialogs with a title and a list of options. What asks as tools do and has another title is `tool`. */
const KINDS: Kind[] = [
  { name: "bash", title: /^Bash command\b/, ...tool },
  { name: "write", title: /^Create file$/, ...tool },
  { name: "overwrite", title: /^Overwrite file$/, ...tool },
  { name: "edit", title: /^Edit file$/, ...tool },
  { name: "notebook", title: /^Edit notebook$/, ...tool },
  { name: "read", title: /^Read file$/, ...tool },
  { name: "fetch", title: /^Fetch$/, ...tool },
  { name: "skill", title: /^Use skill ".*"\?$/, ...tool },
  { name: "tool", title: /^Tool use$/, ...tool },
  { name: "plan", title: /^Ready to code\?$/, hooked: true },
  { name: "leave-plan", title: /^Exit plan mode\?$/, hooked: true },
  { name: "auto-offer", title: /^Make auto mode your default permission mode\?$/ },
  { name: "trust", title: /^Accessing workspace:$/, startUp: true },
  { name: "bypass", title: /^WARNING: Claude Code running in Bypass Permissions mode$/, startUp: true },
  { name: "imports", title: /^Allow external CLAUDE\.md file imports\?$/, startUp: true },
  { name: "mcp-server", title: /^New MCP server found in this project: /, startUp: true },
  { name: "settings-error", title: /^Settings Error$/, startUp: true },
  { name: "settings-warning", title: /^Settings Warning$/, startUp: true },
];
const REVIEW: Kind = { name: "review", title: /^/, hooked: true };

/** Above and below what would be done, at any width. */
const DASHES = "╌╌╌╌";
const ASKS = /^\s*Do you want to /;
/** What may stand below the options: claude's hints about keys, and nothing that says that more is hidden. */
const HINTS = [
  /^(Esc|Enter|Tab|Space|n|↑\/↓|Tab\/Arrow keys|ctrl\+[a-z]) to (cancel|confirm|select|amend|navigate|explain|add notes)$/,
  /^ctrl\+x(…| ctrl\+k twice to stop background agents)$/,
  /^ctrl\+g to (edit in )?\S+$/,
  /^(~|\/)\S*\/\s?plans\/.*\.md$/, // Where the plan is; a narrow screen mixes its columns.
];
/** No hook tells of it: auto mode could not judge, so claude asks. */
const UNHOOKED = /Auto mode can't check actions in this session/;

/** The dialog that takes the keys on this screen, or null. */
export function detect(screen: Screen): Dialog | null {
  const block = blockOf(screen);
  if (!block) return null;
  if (isQuestion(block)) return asked(block);
  const titled = titleOf(block);
  if (!titled) return null;
  if (isForm(titled.title)) return finished(formOf(block, titled));
  const special = cannotCheck(block, titled) ?? serversOf(block, titled);
  if (special) return finished(special);
  return listed(block, titled);
}

export type Titled = {
  title: string;
  /** What stands beside the title: who asks, and how many more wait. */
  beside: string;
  /** The first row below it, among the block's lines. */
  from: number;
};

/** The bold words below the rule, in the rule's own colour or, for plans, in another. */
function titleOf({ lines, rule }: Block): Titled | null {
  const style = lines[0] && firstStyle(lines[0]);
  if (!style?.bold || lines[0]?.text.trim() === "") return null;
  let from = 0;
  const title: string[] = [];
  const beside: string[] = [];
  for (; lines[from]; from++) {
    const line = lines[from];
    const first = line && firstStyle(line);
    if (!line || !first?.bold || first.fg !== style.fg) break;
    for (const { text, style: own } of line.row)
      (own?.bold && own.fg === style.fg ? title : beside).push(text.trim());
  }
  const said = { title: words(title), beside: words(beside), from };
  const same = firstStyle(rule)?.fg === style.fg;
  return same || /^(Ready to code|Exit plan mode)\?$/.test(said.title) ? said : null;
}

const words = (parts: string[]) =>
  parts
    .filter((part) => part !== "")
    .join(" ")
    .replaceAll(/\s+/g, " ");

function listed(block: Block, { title, beside, from }: Titled): Dialog | null {
  const known = KINDS.find((kind) => kind.title.test(title));
  const kind: Kind = known ?? { name: "tool", title: /^/, ...tool };
  const list = listOf(block, kind.name);
  if (!list || list.from <= from || !isHint(block.lines.slice(list.to + 1))) return null;
  const above = block.lines.slice(from, list.from);
  const body = kind.asks ? withoutQuestion(above) : above;
  if (!body) return null;
  const items = ownField(kind.name, list.items);
  const options = optionsOf(kind.name, items, block);
  // Another title is a tool's only if it offers what tools do.
  if (!known && options.some(({ effect }) => effect === "answer")) return null;
  const name = kind.name === "tool" ? toolOf(body) : kind.name;
  const input = shownInput(name, title, body, block);
  if (isUnfinished(input)) return null;
  return finished({
    name,
    title,
    agent: /· from the (.+) agent/.exec(beside)?.[1] ?? null,
    position: Number(/\b(\d+) of \d+$/.exec(beside)?.[1] ?? 1),
    body: textOf(body, block),
    input,
    options,
    typing: items.some(({ field }) => field !== undefined && (field.kind === "amend" || !field.empty)),
    startUp: kind.startUp === true,
    at: pointed(items),
    cols: block.cols,
    hooked: kind.hooked === true && !UNHOOKED.test(noteIn(body, block)),
  });
}

/** A file's difference is drawn after the rest, on a busy machine a second later. */
const isUnfinished = (input: ShownInput | null) =>
  input?.change !== undefined && (input.path === "" || input.change.trim() === "…");

/** Where the pointer stands. */
const pointed = (items: { selected: boolean }[]) => ({
  row: items.findIndex(({ selected }) => selected),
  column: 0,
});

/** claude's own words below what the tool would do. */
function noteIn(body: Line[], { cols }: Block): string {
  return words(body.slice(body.findLastIndex((line) => isDashes(line, cols)) + 1).map(withoutBar));
}

/** The rows above the question that stands right above the options; null where there is none. */
function withoutQuestion(above: Line[]): Line[] | null {
  const at = above.findLastIndex(({ text }) => ASKS.test(text));
  const rows = above.slice(at);
  if (at < 0 || rows.some(isBlank) || !rows.at(-1)?.text.endsWith("?")) return null;
  return above.slice(0, at);
}

function isHint(below: Line[]): boolean {
  const text = words(below.map((line) => line.text.trim()));
  return text === "" || text.split(" · ").every((part) => HINTS.some((hint) => hint.test(part)));
}

/** A plan's field for own words keeps its name while it is typed into. */
function ownField(name: DialogName, items: Item[]): Item[] {
  if (name !== "plan") return items;
  return items.map((item) =>
    item.field?.kind === "own" ? { ...item, label: "Tell Claude what to change" } : item,
  );
}

function optionsOf(name: DialogName, items: Item[], { lines, inText }: Block): DialogOption[] {
  const key = { by: "row", press: "enter" } as const;
  const canAmend = lines.some(({ text }) => /Tab to amend/.test(text));
  return meant(
    name,
    items.map(({ label }) => label),
  ).map((option, i) => {
    const selected = items[i]?.selected === true;
    const within = selected && inText ? { inText: true as const } : {};
    const common = { ...option, ...within, selected, place: { row: i, column: 0 }, key };
    if (!canAmend || option.effect !== "reject") return common;
    return { ...common, text: "optional", field: "amend" };
  });
}

function toolOf(body: Line[]): DialogName {
  const text = words(body.map((line) => line.text));
  if (/(^| )Web Search\(/.test(text)) return "search";
  return /\(MCP\)/.test(text) ? "mcp" : "tool";
}

/** The rows as they are shown, without claude's frames around them and blank rows at the ends. */
function textOf(body: Line[], block: Block): string[] {
  const rows = body
    .filter((line) => !isRule(line, block.cols) && !/^[╭╰]─+[╮╯]$/.test(line.text))
    .map((line) => (isDashes(line, block.cols) ? DASHES : withoutBar(line).trimEnd()));
  const margin = Math.min(
    ...rows.filter((row) => row !== "" && row !== DASHES).map((row) => row.search(/\S/)),
  );
  const cut = rows.map((row) => (row === DASHES ? row : row.slice(Number.isFinite(margin) ? margin : 0)));
  const first = cut.findIndex((row) => row !== "");
  return first < 0 ? [] : cut.slice(first, cut.findLastIndex((row) => row !== "") + 1);
}

function asked(block: Block): Dialog | null {
  const hint = (to: number) => isHint(block.lines.slice(to + 1));
  const question = questionOf(block);
  if (question) {
    const { title, body, options, row, to, typing } = question;
    if (!hint(to)) return null;
    const common = { agent: null, position: 1, input: null, startUp: false, hooked: true, cols: block.cols };
    return finished({ name: "question", title, body, options, at: { row, column: 0 }, typing, ...common });
  }
  const list = listOf(block, REVIEW.name);
  if (!list || !hint(list.to)) return null;
  const heading = block.lines.findIndex(({ text }) => text.trim() === "Review your answers");
  if (heading < 0 || heading >= list.from) return null;
  const above = block.lines.slice(heading + 1, list.from);
  return finished({
    name: "review",
    title: "Review your answers",
    agent: null,
    position: 1,
    body: textOf(above, block),
    input: null,
    options: optionsOf("review", list.items, block),
    at: pointed(list.items),
    cols: block.cols,
    typing: false,
    startUp: false,
    hooked: true,
  });
}

/** With its fingerprint; null where two options could be taken for one another. */
function finished(dialog: Omit<Dialog, "fingerprint"> | null): Dialog | null {
  if (!dialog || dialog.options.length === 0) return null;
  const ids = dialog.options.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) return null;
  return { ...dialog, fingerprint: fingerprintOf(dialog) };
}
