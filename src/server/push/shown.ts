// What a notification shows of a prompt's input, and whether that is all of it and harmless enough to say yes to.
import { posix } from "node:path";
import type { Json, PromptState } from "../../protocol.ts";

/** Characters of an input in a notification: what Android shows folded out, and one can read at a glance. */
export const BODY_CHARS = 120;

/** Everything without a glyph of its own, what is taken for a space, and other alphabets' copies of ASCII letters. */
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|[^\P{Zs} ]|[\uff01-\uff5e\u{1d400}-\u{1d7ff}]/gu;
/** Letters of other alphabets that look like Latin ones. */
const FOREIGN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}]/u;

/** Characters of which a notification can show the beginning; a line of more is not read to its end. */
const READ_CHARS = 1_000;

/** Its beginning in one line, with a mark for what cannot be seen: more than any notification shows. */
export function visible(text: string): string {
  const marked = text.slice(0, READ_CHARS).replace(/\r?\n|\t/g, (found) => (found === "\t" ? "⇥" : "⏎"));
  return marked.replace(HIDDEN, (found) => `<U+${codeOf(found).padStart(4, "0")}>`);
}

const codeOf = (character: string) => (character.codePointAt(0) ?? 0).toString(16).toUpperCase();

/** The beginning of a text in so many characters, none of them cut in half. */
export function cut(text: string, most: number): string {
  const characters = Array.from(text.slice(0, most * 2 + 2));
  return characters.length <= most && text.length <= most * 2
    ? text
    : `${characters.slice(0, most - 1).join("")}…`;
}

/** Fields of an input that say what would happen, best first. What claude says of it (`description`) is none of them. */
const HEADLINES = ["command", "file_path", "notebook_path", "path", "url", "query", "pattern", "prompt"];

/** Tool and input of a prompt in one line: `Bash: npm test`. */
export function inputLine(prompt: PromptState): string {
  if (mayApprove(prompt)) return wholeInput(prompt);
  const input = fieldsOf(prompt.input);
  const named = HEADLINES.map((name) => input[name]).find((value) => typeof value === "string");
  const said = prompt.kind === "permission" && typeof named === "string";
  return cut(said ? `${visible(prompt.tool)}: ${visible(named)}` : visible(prompt.prompt_text), BODY_CHARS);
}

/** The tool and every field of its input. */
function wholeInput({ tool, input }: PromptState): string {
  const fields = Object.entries(fieldsOf(input));
  const text = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));
  const [only] = fields;
  const said =
    only && fields.length === 1
      ? text(only[1])
      : fields.map(([name, value]) => `${name} ${text(value)}`).join(" · ");
  return `${visible(tool)}: ${visible(said)}`;
}

const isWhole = (line: string) => Array.from(line).length <= BODY_CHARS;

function fieldsOf(input: Json): { [name: string]: Json } {
  return input !== null && typeof input === "object" && !Array.isArray(input) ? input : {};
}

/** Tools that look at files or change them, and where they do. Everything else is answered on the page alone. */
const FILE_TOOLS: Record<string, string> = {
  Read: "file_path",
  Edit: "file_path",
  Write: "file_path",
  NotebookEdit: "notebook_path",
  Glob: "path",
  Grep: "path",
  LS: "path",
};
/** Tools that look in the project where no path is named. */
const HERE = ["Glob", "Grep"];

/**
 * Whether a notification may have an Approve button: all of the input stands in it, with nothing hidden, and it reads or
 * changes an ordinary file of the project. Never a shell, the network, a plan, or a place that decides what is run.
 */
export function mayApprove(prompt: PromptState): boolean {
  const { kind, tool, cwd } = prompt;
  const input = fieldsOf(prompt.input);
  const field = Object.hasOwn(FILE_TOOLS, tool) ? FILE_TOOLS[tool] : undefined;
  if (kind !== "permission" || field === undefined) return false;
  const line = wholeInput(prompt);
  if (!isWhole(line) || /[⏎⇥]|<U\+/.test(line) || FOREIGN.test(line)) return false;
  const path = input[field] ?? (HERE.includes(tool) ? "." : undefined);
  return typeof path === "string" && isOrdinary(path, cwd) && offers(prompt);
}

/** Inside the project, as the path is written, and nothing whose name begins with a dot. */
function isOrdinary(path: string, cwd: string): boolean {
  if (!posix.isAbsolute(cwd) || /[~$*?[\]{}\\]/.test(path)) return false;
  const within = posix.relative(cwd, posix.resolve(cwd, path));
  return !within.split("/").some((name) => name.startsWith(".")) && !RUN_BY_OTHERS.test(within);
}

/** Files whose contents are run by whoever builds or tests. */
const RUN_BY_OTHERS =
  /(^|\/)(package\.json|[^/]*lock[^/]*|makefile|justfile|dockerfile|[^/]*\.(sh|bash|zsh|fish|ps1|ya?ml|toml|conf|cfg|ini|env))$/i;

function offers({ options }: PromptState): boolean {
  const plain = options.filter(({ effect, text }) => effect === "approve" && text !== "required");
  return plain.length === 1 && options.some(({ effect, text }) => effect === "reject" && text !== "required");
}
