// One block of the conversation as elements: what was said, what was done, and what came of it.
import { type Block, type Call, durationWords, type Result } from "./conversation-blocks.ts";
import {
  editOf,
  opensItself,
  outcomeOf,
  planOf,
  type Todo,
  todosOf,
  toolName,
  whatOf,
} from "./conversation-call.ts";
import { copyButton } from "./conversation-copy.ts";
import { element, icon, marked } from "./dom.ts";
import { linesIn } from "./edit-lines.ts";
import { drawEdit, drawInput, inputParts } from "./input-view.ts";
import { drawMarkdown, wrapButton } from "./markdown-view.ts";
import { clockTime } from "./times.ts";

/** Of a result or a long message so much is shown until somebody asks for all of it. */
const FOLD_LINES = 16;
const FOLD_CHARS = 1_200;
/** A shorter answer is copied faster by hand than by a button. */
const COPY_CHARS = 160;

export type Drawing = {
  cwd: string;
  /** Server's time now, ms. */
  now: () => number;
  /** What the reader opened or closed, by key: it stays so when it is drawn again. */
  opened: Map<string, boolean>;
  /** It was closed: its beginning may be out of sight. */
  onClose: (key: string) => void;
};

/** The element of a block. It has no margin of its own, so that heights add up. */
export function drawBlock(block: Block, drawing: Drawing): HTMLElement {
  const root = element("div", `said ${block.kind}`);
  switch (block.kind) {
    case "user":
      root.append(sr("You said:"), drawUser(block, drawing));
      break;
    case "answer":
      root.append(sr("Claude said:"), drawMarkdown(block.text), ...cutNote(block.cut));
      if (block.text.length >= COPY_CHARS) root.append(footer(block.text));
      break;
    case "thinking":
      root.append(
        fold(block.key, drawing, line("Thought", block.text.split("\n")[0] ?? "", ""), () => [
          literal(block.text, block.cut, block.key, drawing),
        ]),
      );
      break;
    case "summary":
      root.append(
        fold(block.key, drawing, line("Summary", "what came before, in short", ""), () => [
          drawMarkdown(block.text),
          ...cutNote(block.cut),
        ]),
      );
      break;
    case "output":
      root.append(
        fold(
          block.key,
          drawing,
          line("Output", block.text.split("\n")[0] ?? "", linesWords(block.text)),
          () => [literal(block.text, block.cut, block.key, drawing)],
        ),
      );
      break;
    case "command":
      root.append(sr("You ran:"), code(block.text));
      break;
    case "call":
      root.append(drawCall(block, drawing));
      break;
    case "image":
      root.append(element("p", "chip", `Image (${block.text})`));
      break;
    case "event":
      root.classList.add(block.event);
      root.append(element("p", "", block.text));
      break;
    case "turn":
      root.append(element("p", "", `Worked for ${durationWords(block.ms)}${at(block.at, drawing)}`));
      break;
    case "begins":
      root.append(element("p", "", block.text));
      break;
  }
  return root;
}

const at = (time: number | null, { now }: Drawing) => (time === null ? "" : ` · ${clockTime(time, now())}`);

function drawUser(block: Extract<Block, { kind: "user" }>, drawing: Drawing): HTMLElement {
  const bubble = element("div", "bubble");
  const text = element("div", "user-text", block.text);
  text.dir = "auto";
  bubble.append(text, ...cutNote(block.cut));
  if (block.at !== null) bubble.append(element("span", "when", clockTime(block.at, drawing.now())));
  const isLong = linesIn(block.text) > FOLD_LINES || block.text.length > FOLD_CHARS;
  if (isLong) foldLong(bubble, text, block.key, drawing, linesWords(block.text));
  return bubble;
}

function footer(text: string): HTMLElement {
  const row = element("div", "said-foot");
  row.append(copyButton(() => text, "Copy message"));
  return row;
}

// ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function drawCall(call: Call & Block, drawing: Drawing): HTMLElement {
  const edit = editOf(call);
  const { text, bad } = outcomeOf(call, edit);
  const head = line(toolName(call.tool), whatOf(call, drawing.cwd), text);
  if (bad) head.classList.add("bad");
  if (!call.result && !call.over) {
    head.classList.add("open-ended");
    head.append(sr("not finished"));
  }
  return fold(call.key, drawing, head, () => callParts(call, edit, drawing), opensItself(call, edit));
}

function callParts(call: Call & Block, edit: ReturnType<typeof editOf>, drawing: Drawing): HTMLElement[] {
  const [todos, plan] = [todosOf(call), planOf(call)];
  if (todos) return [drawTodos(todos)];
  const input = plan === null ? inputOf(call, edit) : [drawMarkdown(plan)];
  const { result } = call;
  // Of an edit the difference says it all, unless it failed.
  const shown = result && result.text !== "" && (edit === null || result.failed !== null);
  const parts = shown ? [drawResult(result, call.key, drawing)] : [];
  return [...input, ...cutNote(call.cut), ...parts];
}

function inputOf(call: Call, edit: ReturnType<typeof editOf>): HTMLElement[] {
  if (edit) return edit.length > 0 ? [drawEdit(edit)] : [];
  if (call.input === null) return [];
  const { blocks, says } = inputParts({ tool: call.tool, kind: "permission", input: call.input, diff: null });
  const about = says === null ? [] : [element("p", "call-says", says)];
  return [...about, drawInput(blocks).root];
}

function drawResult({ text, cut, failed }: Result, key: string, drawing: Drawing): HTMLElement {
  const box = element("div", failed ? "result bad" : "result");
  const bar = element("div", "code-bar");
  const body = literal(text, cut, key, drawing);
  bar.append(element("span", "code-lang", failed === "rejected" ? "Denied" : failed ? "Failed" : "Result"));
  const pre = body.querySelector("pre");
  if (pre) bar.append(wrapButton(pre, true));
  bar.append(copyButton(() => text, "Copy result"));
  box.append(bar, body);
  return box;
}

const STATES = { pending: "To do: ", in_progress: "Now: ", completed: "Done: " };

function drawTodos(todos: Todo[]): HTMLElement {
  const list = element("ul", "todos");
  for (const { text, state } of todos) {
    const item = element("li", `todo ${state}`);
    item.append(
      element("span", state === "completed" ? "tick done" : state === "in_progress" ? "tick now" : "tick"),
    );
    item.append(sr(STATES[state]), element("span", "", text));
    list.append(item);
  }
  return list;
}

// ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One line: what, about what, what came of it. */
function line(what: string, about: string, outcome: string): HTMLElement {
  const head = element("summary", "line-head");
  const words = element("span", "line-about");
  words.append(marked(about));
  head.append(
    element("span", "line-what", what),
    words,
    element("span", "line-outcome", outcome),
    icon("next"),
  );
  return head;
}

/** A line that opens. What is inside is drawn when somebody looks. */
function fold(
  key: string,
  drawing: Drawing,
  head: HTMLElement,
  parts: () => HTMLElement[],
  open = false,
): HTMLElement {
  const details = document.createElement("details");
  const inside = element("div", "line-inside");
  details.className = "opens";
  details.append(head, inside);
  const fill = () => {
    if (!inside.hasChildNodes()) inside.append(...parts());
  };
  details.open = drawing.opened.get(key) ?? open;
  if (details.open) fill();
  head.addEventListener("click", (event) => {
    // Drawn before it opens, so that it opens at its height.
    event.preventDefault();
    fill();
    details.open = !details.open;
    drawing.opened.set(key, details.open);
    if (!details.open) drawing.onClose(key);
  });
  return details;
}

/** A text as it is, a long one in part until somebody asks for all of it. */
function literal(text: string, cut: number, of: string, { opened }: Drawing): HTMLElement {
  const key = `${of}/all`;
  const box = element("div", "literal-box");
  const pre = element("pre", "wraps");
  pre.tabIndex = 0;
  const lines = text.split("\n");
  const long = !opened.get(key) && (lines.length > FOLD_LINES || text.length > FOLD_CHARS);
  const part = lines.slice(0, FOLD_LINES).join("\n").slice(0, FOLD_CHARS);
  pre.append(marked(long ? part : text));
  box.append(pre);
  if (!long) {
    box.append(...cutNote(cut));
    return box;
  }
  const more = element("button", "text-button small show-all", `Show all (${linesWords(text)})`);
  more.addEventListener("click", () => {
    opened.set(key, true);
    pre.replaceChildren(marked(text));
    more.replaceWith(...cutNote(cut));
  });
  box.append(more);
  return box;
}

function foldLong(box: HTMLElement, text: HTMLElement, key: string, { opened }: Drawing, size: string) {
  if (opened.get(key)) return;
  text.classList.add("clamped");
  const more = element("button", "text-button small show-all", `Show all (${size})`);
  more.addEventListener("click", () => {
    opened.set(key, true);
    text.classList.remove("clamped");
    more.remove();
  });
  text.after(more);
  box.classList.add("long");
}

function cutNote(cut: number): HTMLElement[] {
  if (cut === 0) return [];
  return [element("p", "cut", `… ${cut.toLocaleString("en")} more characters, in Claude's own transcript`)];
}

function code(text: string): HTMLElement {
  const made = element("code", "");
  made.append(marked(text));
  return made;
}

function linesWords(text: string): string {
  const lines = linesIn(text);
  return lines === 1 ? "1 line" : `${lines.toLocaleString("en")} lines`;
}

const sr = (words: string) => element("span", "sr", words);

/** px that a block will take, roughly; it is measured when it is drawn. */
export function estimate(block: Block, width: number): number {
  const chars = Math.max(20, width / 8);
  switch (block.kind) {
    case "user":
      return 60 + 23 * Math.min(FOLD_LINES, linesFor(block.text, chars));
    case "answer":
      return 16 + 24 * linesFor(block.text, chars);
    case "turn":
    case "event":
    case "begins":
      return 40;
    default:
      return 48;
  }
}

function linesFor(text: string, chars: number): number {
  let lines = 1;
  for (let i = text.indexOf("\n"); i >= 0 && lines < 2_000; i = text.indexOf("\n", i + 1)) lines++;
  return lines + Math.floor(text.length / chars);
}
