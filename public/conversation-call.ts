// What a tool call says in one line, and whether it is shown open from the start.
import type { Json, PatchHunk } from "../src/protocol.ts";
import { type Call, durationWords, sizeWords } from "./conversation-blocks.ts";
import { type EditLine, editLines, linesIn } from "./edit-lines.ts";

export type Todo = { text: string; state: "pending" | "in_progress" | "completed" };

/** Lines of a difference that stands open. */
const OPEN_EDIT_LINES = 14;
/** Characters of a line in the list of calls; more never fits. */
const MAX_WHAT = 200;

type Fields = { [key: string]: Json };

/** The tool as people call it. */
export function toolName(tool: string): string {
  if (tool === "") return "Result";
  if (tool === "TodoWrite") return "To do";
  const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return server && name ? `${server}: ${name}` : tool;
}

/** What it is about, in one line: the command, the file, the pattern. */
export function whatOf(call: Call, cwd: string): string {
  const input = fieldsOf(call.input);
  const todos = todosOf(call);
  if (todos) return `${todos.filter(({ state }) => state === "completed").length} of ${todos.length} done`;
  const path = textOf(input, "file_path", "notebook_path", "path");
  const said = textOf(
    input,
    "command",
    "pattern",
    "query",
    "url",
    "description",
    "subject",
    "skill",
    "planFilePath",
  );
  const what = said && textOf(input, "command", "pattern") ? said : (path && shortPath(path, cwd)) || said;
  if (call.tool === "AskUserQuestion") return questionIn(input);
  return (what || firstText(input)).trimStart().split("\n")[0]?.slice(0, MAX_WHAT) ?? "";
}

function questionIn({ questions }: Fields): string {
  const first = Array.isArray(questions) ? fieldsOf(questions[0] ?? null) : {};
  return textOf(first, "question");
}

/** How long it took, how much came back. */
export function outcomeOf(call: Call, edit: EditLine[] | null): { text: string; bad: boolean } {
  const { result, ms } = call;
  if (!result) return { text: call.over ? "no result" : "", bad: false };
  if (result.failed === "rejected") return { text: "denied", bad: true };
  if (todosOf(call) && !result.failed) return { text: "", bad: false };
  const took = ms === null ? "" : durationWords(ms);
  const size = result.failed ? "failed" : edit ? editWords(edit) : resultWords(call);
  return { text: [took, size].filter(Boolean).join(" · "), bad: result.failed !== null };
}

function resultWords({ result }: Call): string {
  if (!result || result.text === "") return "";
  if (result.agent) return `${result.agent.tools} tool${result.agent.tools === 1 ? "" : "s"}`;
  const lines = linesIn(result.text);
  if (result.cut > 0) return sizeWords(result.text.length + result.cut);
  return lines === 1 ? "1 line" : `${lines} lines`;
}

function editWords(lines: EditLine[]): string {
  const of = (kind: EditLine["kind"]) => lines.filter((line) => line.kind === kind).length;
  return [`+${of("new")}`, `−${of("gone")}`].filter((part) => !/^.0$/.test(part)).join(" ");
}

const EDITS = ["Edit", "MultiEdit", "Write", "NotebookEdit"];

/** The difference that an edit makes, as claude recorded it, or as its input says; null for other tools. */
export function editOf(call: Call): EditLine[] | null {
  if (!EDITS.includes(call.tool)) return null;
  if (call.result?.patch?.length) return linesOfPatch(call.result.patch);
  const input = fieldsOf(call.input);
  const [before, after, content] = [input.old_string, input.new_string, input.content];
  if (typeof before === "string" && typeof after === "string") return editLines(before, after);
  return typeof content === "string" ? editLines("", content) : null;
}

function linesOfPatch(hunks: PatchHunk[]): EditLine[] {
  return hunks.flatMap(({ old_start, new_start, lines }, i) => {
    let [old, fresh] = [old_start, new_start];
    const own = lines.map((line): EditLine => {
      const text = line.slice(1);
      if (line.startsWith("-")) return { kind: "gone", text, number: old++ };
      if (line.startsWith("+")) return { kind: "new", text, number: fresh++ };
      if (line.startsWith("\\")) return { kind: "note", text: text.trim(), number: null };
      old++;
      return { kind: "same", text, number: fresh++ };
    });
    return i === 0 ? own : [{ kind: "skipped" as const, text: "", number: null }, ...own];
  });
}

/** The steps of a plan that claude keeps; null for other tools. */
export function todosOf({ tool, input }: Call): Todo[] | null {
  const { todos } = fieldsOf(input);
  if (tool !== "TodoWrite" || !Array.isArray(todos)) return null;
  return todos.map((one) => {
    const { content, status } = fieldsOf(one);
    const state = status === "completed" || status === "in_progress" ? status : "pending";
    return { text: typeof content === "string" ? content : "", state };
  });
}

/** A short difference, a list of steps and a plan are worth more than a line. */
export function opensItself(call: Call, edit: EditLine[] | null): boolean {
  if (call.result?.failed === "rejected") return false;
  return (edit !== null && edit.length <= OPEN_EDIT_LINES) || todosOf(call) !== null || planOf(call) !== null;
}

/** The plan that claude proposes, as markdown. */
export function planOf({ tool, input }: Call): string | null {
  const { plan } = fieldsOf(input);
  return tool === "ExitPlanMode" && typeof plan === "string" ? plan : null;
}

function shortPath(path: string, cwd: string): string {
  return path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}

function textOf(input: Fields, ...names: string[]): string {
  for (const name of names) {
    const value = input[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

const firstText = (input: Fields) =>
  Object.values(input).find((value): value is string => typeof value === "string") ?? "";

const fieldsOf = (value: Json): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
