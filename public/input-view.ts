// The exact input of a tool, as it will be used: a command literally, an edit as a difference, anything else as its JSON.
import type { Json, PromptState } from "../src/protocol.ts";
import { element, marked } from "./dom.ts";
import { type EditLine, editLines, linesIn } from "./edit-lines.ts";
import { hiddenIn } from "./marks.ts";

export type InputParts = {
  /** What is shown, from top to bottom. */
  blocks: Block[];
  /** claude's own words about it, never part of what runs. */
  says: string | null;
};

export type Block =
  | { kind: "path"; label: string; text: string }
  | { kind: "code"; label: string; text: string }
  | { kind: "edit"; label: string; lines: EditLine[]; text: string }
  | { kind: "plan"; text: string };

/** More than this is folded until somebody asks for all of it. */
const FOLD_LINES = 24;
const FOLD_CHARS = 1_600;

type Input = { [key: string]: Json };
type Shown = Pick<PromptState, "tool" | "kind" | "input" | "diff">;

/** What to show of a prompt's input. Nothing of the input is left out but claude's description, which comes apart. */
export function inputParts(prompt: Shown): InputParts {
  const { tool, diff } = prompt;
  const input = asInput(prompt.input);
  if (!input) return { blocks: [json("Input", prompt.input)], says: null };
  const text = (key: string) => (typeof input[key] === "string" ? input[key] : null);
  const onScreen = text("text");
  if (prompt.kind === "dialog" && onScreen !== null) {
    // The rest of such an input is taken from this text.
    return { blocks: [{ kind: "code", label: "On Claude's screen", text: onScreen }], says: null };
  }
  const path = text("file_path");
  const plan = text("plan");
  if (prompt.kind === "plan" && plan !== null) {
    return { blocks: [{ kind: "plan", text: plan }, ...rest(input, ["plan", "planFilePath"])], says: null };
  }
  const command = text("command");
  if (tool === "Bash" && command !== null) {
    const says = text("description");
    const shown = says === null ? ["command"] : ["command", "description"];
    return { blocks: [{ kind: "code", label: "Command", text: command }, ...rest(input, shown)], says };
  }
  if (tool === "Edit" && path !== null) return { blocks: editBlocks(input, path, diff), says: null };
  const content = text("content");
  if (tool === "Write" && path !== null && content !== null) {
    return { blocks: writeBlocks(input, path, content, diff), says: null };
  }
  return { blocks: [json("Input", prompt.input)], says: null };
}

function editBlocks(input: Input, path: string, diff: Shown["diff"]): Block[] {
  const [old, fresh] = [input.old_string, input.new_string];
  if (typeof old !== "string" || typeof fresh !== "string") return [json("Input", input)];
  const known = ["file_path", "old_string", "new_string"];
  if (input.replace_all === false || diff) known.push("replace_all");
  const label = diff ? "Change" : "Replaced text (the file itself could not be read)";
  const lines = diff ? editLines(diff.before, diff.after) : editLines(old, fresh);
  return [{ kind: "path", label: "File", text: path }, edit(label, lines), ...rest(input, known)];
}

function writeBlocks(input: Input, path: string, content: string, diff: Shown["diff"]): Block[] {
  const file: Block = { kind: "path", label: diff && diff.before === "" ? "New file" : "File", text: path };
  const more = rest(input, ["file_path", "content"]);
  if (diff && diff.before !== "") return [file, edit("Change", editLines(diff.before, diff.after)), ...more];
  const label = content === "" ? "Content: nothing, the file will be empty" : "Content";
  return [file, edit(label, editLines("", content)), ...more];
}

function edit(label: string, lines: EditLine[]): Block {
  const empty = lines.length === 0 && label === "Change" ? "No change" : label;
  return { kind: "edit", label: empty, lines, text: lines.map((line) => line.text).join("\n") };
}

function rest(input: Input, shown: string[]): Block[] {
  const left = Object.entries(input).filter(([key]) => !shown.includes(key));
  return left.length > 0 ? [json("Also", Object.fromEntries(left))] : [];
}

const json = (label: string, value: Json): Block => ({
  kind: "code",
  label,
  text: JSON.stringify(value, null, 2),
});

function asInput(input: Json): Input | null {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : null;
}

/** How many characters of the blocks cannot be seen or look like others. */
export function hiddenInBlocks(blocks: Block[]): number {
  return blocks.reduce((sum, block) => sum + hiddenIn(block.text), 0);
}

/** "312 lines, 10.2 KB" of everything shown. */
export function sizeOf(blocks: Block[]): { lines: number; bytes: number; text: string } {
  let lines = 0;
  let bytes = 0;
  for (const block of blocks) {
    lines += block.kind === "edit" ? block.lines.length : linesIn(block.text);
    bytes += new TextEncoder().encode(block.text).length;
  }
  const size = bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KB`;
  return { lines, bytes, text: `${lines} line${lines === 1 ? "" : "s"}, ${size}` };
}

export type DrawnInput = {
  root: HTMLElement;
  end: HTMLElement;
  /** Shows all of it; false when it was shown already. */
  unfold: () => boolean;
};

/**
 * The blocks as elements. `end` stands after the last character; a long input is folded first, and `end` is in the page
 * only once all of it is.
 */
export function drawInput(blocks: Block[]): DrawnInput {
  const root = element("div", "input");
  const end = element("div", "input-end");
  for (const block of blocks) root.append(drawBlock(block));
  const { lines, text } = sizeOf(blocks);
  const length = blocks.reduce((sum, block) => sum + block.text.length, 0);
  if (lines <= FOLD_LINES && length <= FOLD_CHARS) {
    root.append(end);
    return { root, end, unfold: () => false };
  }
  root.classList.add("folded");
  const more = element("button", "unfold", `Show all (${text})`);
  const unfold = () => {
    if (!more.isConnected) return false;
    root.classList.remove("folded");
    more.replaceWith(element("p", "input-size", text), end);
    return true;
  };
  more.addEventListener("click", unfold);
  const outer = element("div", "input-outer");
  outer.append(root, more);
  return { root: outer, end, unfold };
}

function drawBlock(block: Block): HTMLElement {
  if (block.kind === "plan") return drawPlan(block.text);
  const section = element("section", `block ${block.kind}`);
  section.append(element("h2", "", block.label));
  if (block.kind === "edit") {
    if (block.lines.length > 0) section.append(drawEdit(block.lines));
    return section;
  }
  const body = element("div", "literal");
  body.append(marked(block.text));
  section.append(body);
  return section;
}

const SIGNS = { same: " ", gone: "−", new: "+", skipped: "⋯", note: " " };
const SPOKEN = { same: "", gone: "removed: ", new: "added: ", skipped: "", note: "" };

/** The lines with their numbers and signs. */
export function drawEdit(lines: EditLine[]): HTMLElement {
  const table = element("div", "edit-lines");
  for (const line of lines) {
    const row = element("div", `edit-line ${line.kind}`);
    row.append(element("span", "number", line.number === null ? "" : String(line.number)));
    row.append(element("span", "sign", SIGNS[line.kind]));
    const text = element("span", "edit-text");
    if (SPOKEN[line.kind]) text.append(element("span", "sr", SPOKEN[line.kind]));
    text.append(marked(line.text));
    row.append(text);
    table.append(row);
  }
  return table;
}

/** A plan is prose: its own words and line breaks, headings and lists set off, nothing of it interpreted further. */
function drawPlan(text: string): HTMLElement {
  const plan = element("section", "block plan");
  for (const line of text.split("\n")) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const item = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/.exec(line);
    const made = element("div", heading ? "plan-heading" : item ? "plan-item" : "plan-line");
    if (item) made.append(element("span", "plan-bullet", /\d/.test(item[2] ?? "") ? `${item[2]}` : "•"));
    const words = element("span", "");
    words.append(marked(heading?.[1] ?? item?.[3] ?? line));
    made.append(words);
    if (item) made.style.marginInlineStart = `${Math.min(item[1]?.length ?? 0, 12) * 0.5}em`;
    plan.append(made);
  }
  return plan;
}
