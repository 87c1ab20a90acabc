// What a prompt's text makes the stand-in's model do.
//
// Directives stand one a line or joined by " ;; "; each is one turn, the next one follows the tool's result:
//   RUN: command · WRITE: path text · EDIT: path|old|new · READ: path · WEBFETCH: url · ASK or ASK: single|multi|many|previews
//   PLAN or PLAN: text · TOOL: Name {json} · MCP: mcp__server__tool {json} · AGENT: prompt (its own joined by " ,, ")
//   SAY: text · TEXT: lines · MD · ERROR: status
// For the whole prompt: MULTI, all turns at once · SLOW: ms before the first word · RATE: ms between two pieces ·
//   SAFE or FLAG: reason, the server's verdict on tool calls, which claude asks for in auto mode.
// After the last one the answer is "Done: <tool results>", and without any "Hello from the stand-in."
import type { MessagesRequest } from "./messages-request.ts";

export type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: object };
/** One answer of the model. With `error` (an HTTP status) there is no other. Times are milliseconds. */
export type Answer = {
  blocks: Block[];
  error: number | null;
  slow: number;
  rate: number;
  /** Of every tool call in it; null: none was given. */
  verdict: object | null;
};
type Directive = { word: string; arg: string };

const question = (words: string, header: string, multiSelect: boolean, labels: string[]) => ({
  question: words,
  header,
  multiSelect,
  options: labels.map((label) => ({ label, description: `The choice of ${label}` })),
});
const COLOR = question("Which color should the button be?", "Color", false, ["Red", "Blue", "Green"]);
const FEATURES = question("Which features do you want?", "Features", true, ["Login", "Search", "Export"]);
const DATABASE = question("Which database?", "Database", false, ["SQLite", "Postgres"]);
const LAYOUT = {
  ...question("Which layout?", "Layout", false, []),
  options: ["Wide", "Narrow"].map((label) => ({
    label,
    description: `The ${label} one`,
    preview: `+--------+\n| ${label.padEnd(6)} |\n+--------+`,
  })),
};
const QUESTIONS: Record<string, object[]> = {
  previews: [LAYOUT],
  single: [COLOR],
  multi: [FEATURES],
  many: [COLOR, FEATURES, DATABASE],
};
const PLAN_TEXT = "# The plan\n\n1. Create `a.txt`\n2. Run the tests\n3. Report back\n";
const MARKDOWN = [
  "# Heading\n\nSome **bold** and `code`.\n\n- one\n- two\n",
  "```js\nconst a = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
].join("\n");

const text = (words: string): Block => ({ type: "text", text: words });
const tool = (name: string, input: object): Block => ({
  type: "tool_use",
  id: `toolu_${crypto.randomUUID().replaceAll("-", "")}`,
  name,
  input,
});
function namedTool(arg: string): Block {
  const [, name = "", json = ""] = /^(\S*)\s*(.*)$/s.exec(arg) ?? [];
  return tool(name, json ? JSON.parse(json) : {});
}

/** The directives that are turns, except for errors. */
const TURNS: Record<string, (arg: string) => Block> = {
  RUN: (command) => tool("Bash", { command, description: "Run a command" }),
  WRITE: (arg) => {
    const [, path, words] = /^(\S+)\s*(.*)$/s.exec(arg) ?? [];
    return tool("Write", { file_path: path, content: `${words || "first line"}\nsecond line\n` });
  },
  EDIT: (arg) => {
    const [path, before, after] = arg.split("|");
    return tool("Edit", { file_path: path, old_string: before, new_string: after });
  },
  READ: (path) => tool("Read", { file_path: path }),
  WEBFETCH: (url) => tool("WebFetch", { url, prompt: "Summarise the page" }),
  ASK: (kind) => tool("AskUserQuestion", { questions: QUESTIONS[kind] ?? QUESTIONS.single }),
  PLAN: () => tool("ExitPlanMode", {}),
  TOOL: namedTool,
  MCP: namedTool,
  AGENT: (arg) =>
    tool("Agent", {
      description: "A helper",
      prompt: arg.replaceAll(" ,, ", " ;; "),
      subagent_type: "general-purpose",
      run_in_background: false,
    }),
  SAY: text,
  TEXT: (lines) =>
    text(Array.from({ length: Number(lines) || 10 }, (_, at) => `line ${at + 1} of the answer`).join("\n")),
  MD: () => text(MARKDOWN),
};
const MANNERS = ["MULTI", "SLOW", "RATE", "SAFE", "FLAG"];
const WORDS = [...Object.keys(TURNS), "ERROR", ...MANNERS].join("|");
const DIRECTIVE = new RegExp(`^\\s*(${WORDS})(?::\\s*|\\s+|$)(.*)$`, "s");

function directivesIn(prompt: string): Directive[] {
  return prompt.split(/\s;;\s|\n/).flatMap((piece) => {
    const [, word, arg = ""] = DIRECTIVE.exec(piece) ?? [];
    return word ? [{ word, arg: arg.trim() }] : [];
  });
}

/** A plan is first written to the file that claude's request names, and then shown. */
function writtenFirst(directive: Directive, { body }: MessagesRequest): Directive[] {
  if (directive.word !== "PLAN") return [directive];
  const file = /\/[^\s"'`\\]*\/plans\/[^\s"'`\\]+\.md/.exec(
    JSON.stringify([body.messages, body.system]),
  )?.[0];
  const plan = { file_path: file, content: directive.arg || PLAN_TEXT };
  return file ? [{ word: "TOOL", arg: `Write ${JSON.stringify(plan)}` }, directive] : [directive];
}

/** What the model answers to `request`. Throws a SyntaxError if the JSON of a TOOL or MCP directive is none. */
export function answerTo(request: MessagesRequest): Answer {
  const directives = directivesIn(request.prompt);
  const said = (word: string) => directives.find((directive) => directive.word === word)?.arg;
  const turns = directives
    .filter(({ word }) => !MANNERS.includes(word))
    .flatMap((directive) => writtenFirst(directive, request));
  const step = said("MULTI") === undefined ? request.step : request.step * turns.length;
  const now = turns.slice(step, said("MULTI") === undefined ? step + 1 : turns.length);
  const error = now.find(({ word }) => word === "ERROR");
  const blocks = now.flatMap(({ word, arg }) => TURNS[word]?.(arg) ?? []);
  return {
    blocks: blocks.length > 0 ? blocks : [text(closing(request))],
    error: error ? Number(error.arg) || 529 : null,
    slow: Number(said("SLOW") ?? 0),
    rate: Number(said("RATE") ?? 0),
    verdict: verdictOf(said("FLAG"), said("SAFE")),
  };
}

function closing({ results }: MessagesRequest): string {
  if (results.length === 0) return "Hello from the stand-in.";
  const all = results.map((result) => result.text).join(" | ");
  return `Done: ${all.slice(0, 300)}`;
}

function verdictOf(flag: string | undefined, safe: string | undefined) {
  if (flag !== undefined) return { type: "evaluated", outcome: "flagged", explanation: flag };
  return safe === undefined ? null : { type: "evaluated", outcome: "not_flagged" };
}
