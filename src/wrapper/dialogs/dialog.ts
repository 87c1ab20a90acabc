// What a dialog of claude's is to us: what it asks, what can be chosen, and by what it is known again.
import { createHash } from "node:crypto";
import type { Option, OptionId } from "../../protocol.ts";

export type DialogName =
  | "bash"
  | "write"
  | "overwrite"
  | "edit"
  | "notebook"
  | "read"
  | "fetch"
  | "search"
  | "mcp"
  | "skill"
  | "tool"
  | "question"
  | "review"
  | "plan"
  | "leave-plan"
  | "form"
  | "cannot-check"
  | "auto-offer"
  | "trust"
  | "bypass"
  | "imports"
  | "mcp-server"
  | "mcp-servers"
  | "settings-error"
  | "settings-warning";

/** The tool that asks by a dialog of that name; null: any tool, or none. */
export const TOOLS: Partial<Record<DialogName, string>> = {
  bash: "Bash",
  write: "Write",
  overwrite: "Write",
  edit: "Edit",
  notebook: "NotebookEdit",
  read: "Read",
  fetch: "WebFetch",
  search: "WebSearch",
  skill: "Skill",
  question: "AskUserQuestion",
  review: "AskUserQuestion",
  plan: "ExitPlanMode",
  "leave-plan": "ExitPlanMode",
};

/** What a dialog shows of a tool's input, as far as it is text on the screen: rows of it are parted by line ends. */
export type ShownInput = {
  command?: string;
  path?: string;
  /** The rows of a difference or of a new file, each with its sign (`+`, `-` or none). */
  change?: string;
  url?: string;
  query?: string;
  /** Any other tool: everything that stands there. */
  call?: string;
};

/**
 * How an option is chosen: by moving to its row and pressing Enter or Space there, or by a key of the whole dialog,
 * whatever row is selected.
 */
export type Choice =
  | { by: "row"; press: "enter" | "space" }
  | { by: "key"; press: "enter" | "shift_tab" | "escape" };

/** Counted from the first row that the pointer can stand on; only a form has anything side by side. */
export type Place = { row: number; column: number };

export type DialogOption = Option & {
  /** claude's own pointer stands on it. */
  selected: boolean;
  place: Place;
  key: Choice;
  /** claude's cursor stands in its words, which it may then cut, or show more of. */
  inText?: true;
  /** Its row is a text field: the words are typed into it, or (`amend`) into what Tab makes of it. */
  field?: "own" | "amend";
};

/** One field of a form. What takes its value shows only while the pointer is on it. */
export type Field = {
  name: string;
  kind: "text" | "box" | "unknown";
  required: boolean;
  empty: boolean;
  value: string;
};

/** A dialog that stands on the screen. Its text is data: of claude, of the model, of files. */
export type Dialog = {
  name: DialogName;
  title: string;
  /** The kind of subagent that asks, as the title's end says; null: the main conversation. */
  agent: string | null;
  /** Its place among several that wait at the same time, where claude says it; else 1. */
  position: number;
  /** The text between the title and the options, row by row, as it is shown. */
  body: string[];
  input: ShownInput | null;
  /** At least one; no two have the same id. */
  options: DialogOption[];
  /** Of a form. */
  fields?: Field[];
  /** Where the pointer stands; null where there is none. */
  at: Place | null;
  /** The width it was read at. */
  cols: number;
  /** Somebody types into it at this moment. */
  typing: boolean;
  /** It may stand before claude has written its state file. */
  startUp: boolean;
  /** A hook of ours hears of it, as a rule. */
  hooked: boolean;
  /** The same for the same dialog, wherever its pointer stands, and as a rule at any width. */
  fingerprint: string;
};

/** The same for the same dialog, by everything but its place, its pointer and its line ends. */
export function fingerprintOf(dialog: Omit<Dialog, "fingerprint">): string {
  const { name, title, agent, body, fields = [], options } = dialog;
  const ids = options.map(({ id }) => id);
  const parts = [name, title, agent ?? "", body.join(""), ...fields.map((field) => field.name), ...ids].map(
    (part) => part.replaceAll(/\s/g, ""),
  );
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Whether both are the same dialog: at the same width row by row, else by all of its characters. */
export const isSame = (a: Dialog, b: Dialog) =>
  a.fingerprint === b.fingerprint &&
  a.position === b.position &&
  (a.cols !== b.cols || a.body.join("\n") === b.body.join("\n"));

/**
 * Whether what was shown still stands, in whichever option the cursor is. claude cuts the words of a rule that can be changed
 * once the cursor stands in them and they fill the row, and 2.1.197 shows the end of a longer one only then.
 */
export const isStill = (shown: Dialog, found: Dialog) =>
  isSame(shown, found) || isSameBut(shown, found) || isSameBut(found, shown);

/** Whether they are the same but for the words in which the cursor of `found` stands, of which both show the beginning. */
function isSameBut(shown: Dialog, found: Dialog): boolean {
  const at = found.options.findIndex(({ inText }) => inText);
  const here = found.options[at];
  const before = shown.options[at];
  if (here?.effect !== "approve_always" || before?.effect !== "approve_always") return false;
  const [a, b] = [here, before]
    .map(({ label }) => tight(label))
    .sort((one, other) => one.length - other.length);
  if (!a || !b || !(b.startsWith(a) || isCutOf(a, b))) return false;
  const options = found.options.with(at, { ...here, id: before.id });
  return isSame(shown, { ...found, fingerprint: fingerprintOf({ ...found, options }) });
}

const tight = (label: string) => label.replaceAll(/\s/g, "");
const CUT = "…";
const isCutOf = (cut: string, whole: string) =>
  cut.endsWith(CUT) && whole.startsWith(cut.slice(0, -CUT.length)) && whole.length === cut.length;

/** Whether words in it are cut: nobody can say yes to what nobody has read. */
export const isCut = ({ options }: Dialog) =>
  options.some(({ inText, label, effect }) => inText && effect === "approve_always" && label.endsWith(CUT));

/** Whether an option of `found` reads as it was shown, or as that without its last character, cut. */
export function readsAs(option: DialogOption, found: Dialog): boolean {
  const here = found.options[option.place.row];
  if (option.effect !== "approve_always") return true;
  return here !== undefined && (here.id === option.id || isCutOf(tight(here.label), tight(option.label)));
}

/** The option of that name. */
export const optionOf = (dialog: Dialog, id: OptionId) => dialog.options.find((option) => option.id === id);
