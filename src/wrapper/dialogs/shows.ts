// Whether a dialog on the screen shows the very input that a hook told of. The screen wraps, cuts and indents; what it
// cannot show (invisible characters, what does not fit) is a difference, and then it does not.
import { basename, resolve } from "node:path";
import type { PermissionInput } from "../claude-hooks.ts";
import { type Dialog, TOOLS } from "./dialog.ts";

type Request = Pick<PermissionInput, "tool_name" | "tool_input" | "cwd" | "agent_id" | "agent_type">;

/** Whether it could be that tool's: by its name alone, and by who asks. */
export function couldBe(dialog: Dialog, request: Request): boolean {
  const tool = TOOLS[dialog.name];
  if (tool !== undefined && tool !== request.tool_name) return false;
  const hasOwn = Object.values(TOOLS).includes(request.tool_name);
  const isMcp = request.tool_name.startsWith("mcp__");
  if (isMcp !== (dialog.name === "mcp") || (hasOwn && tool === undefined)) return false;
  if ((dialog.agent !== null) !== (request.agent_id !== undefined)) return false;
  return dialog.agent === null || request.agent_type === undefined || dialog.agent === request.agent_type;
}

/** Whether it shows that input, as far as such a dialog shows any. A tool whose dialog is not known never does. */
export function shows(dialog: Dialog, request: Request): boolean {
  return couldBe(dialog, request) && dialog.input !== null && showsInput(dialog, request);
}

function showsInput({ name, input, body }: Dialog, { tool_name, tool_input, cwd }: Request): boolean {
  const text = (key: string) => (typeof tool_input[key] === "string" ? tool_input[key] : "");
  const all = tight(body.join(""));
  switch (name) {
    case "bash":
      return isText(input?.command ?? "", text("command"));
    case "write":
    case "overwrite":
      return isPath(input?.path ?? "", text("file_path"), cwd) && adds(input?.change ?? "", text("content"));
    case "edit":
      return isPath(input?.path ?? "", text("file_path"), cwd) && replaces(input?.change ?? "", text);
    case "notebook":
      return (
        isPath(input?.path ?? "", text("notebook_path"), cwd) &&
        adds(input?.change ?? "", text("new_source")) &&
        (text("cell_id") === "" || all.includes(tight(text("cell_id"))))
      );
    case "read":
      return isPath(input?.path ?? "", text("file_path"), cwd);
    case "fetch":
      return tight(input?.url ?? "") === tight(text("url")) && all.includes(tight(text("prompt")));
    case "search":
      return tight(input?.query ?? "") === tight(text("query"));
    case "skill":
      return input?.call === `Use skill "${text("skill")}"?`;
    case "mcp":
      return isCallOf(all, tool_name) && hasParameters(all, tool_input);
    case "tool":
      return tool_name === "Agent" && all.includes(tight(`Agent(${text("description")})`));
    default:
      return false;
  }
}

const tight = (text: string) => text.replaceAll(/\s/g, "");
const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

/** "server - tool(…)", or "server — Tool Tool: …" */
const isCallOf = (all: string, tool: string) => plain(all).startsWith(plain(tool.replace(/^mcp__/, "")));

/**
 * Whether rows are that text: between two rows anything blank may be missing, within a row nothing but the number of
 * blanks may differ.
 */
export function isText(rows: string, text: string): boolean {
  const flat = (part: string) => part.replaceAll(/\s+/g, " ");
  const whole = flat(text).trim();
  let at = 0;
  for (const row of rows.split("\n").map((one) => flat(one).trim())) {
    if (row === "") continue;
    if (whole[at] === " ") at++;
    if (!whole.startsWith(row, at)) return false;
    at += row.length;
  }
  return at > 0 && at === whole.length;
}

/** Paths are shown as given, from the working directory, or absolute. */
function isPath(shown: string, path: string, cwd: string): boolean {
  if (shown === "" || path === "") return false;
  return resolve(cwd, shown) === resolve(cwd, path) || (/^(\.\.\/)+/.test(shown) && endsAlike(shown, path));
}

/** From a working directory that is reached by links, `../` leads elsewhere than it looks. */
const endsAlike = (shown: string, path: string) =>
  basename(shown) === basename(path) && path.endsWith(shown.replace(/^(\.\.\/)+/, "/"));

/** Every added row of the difference is in the new text; a new file's rows are all of it. */
function adds(change: string, content: string): boolean {
  const rows = change.split("\n");
  const added = rows.filter((row) => row.startsWith("+"));
  const whole = tight(content);
  if (added.length === 0) return tight(rows.map((row) => row.slice(1)).join("")) === whole;
  return added.every((row) => whole.includes(tight(row.slice(1))));
}

/** What goes is among the rows before, what comes among the rows after. */
function replaces(change: string, text: (key: string) => string): boolean {
  const rows = change.split("\n");
  const without = (sign: string) =>
    tight(
      rows
        .filter((row) => !row.startsWith(sign))
        .map((row) => row.slice(1))
        .join(""),
    );
  return without("+").includes(tight(text("old_string"))) && without("-").includes(tight(text("new_string")));
}

/** Every parameter stands there with its value, as JSON. */
const hasParameters = (all: string, input: Record<string, unknown>) =>
  Object.entries(input).every(([key, value]) => all.includes(tight(`${key}:${JSON.stringify(value)}`)));
