// Markdown's tokens as elements. Text goes in as text nodes; a link leads only where it says, and nothing is fetched.
import { copyButton } from "./conversation-copy.ts";
import { element, marked } from "./dom.ts";
import { type ListItem, type MarkdownBlock, markdown } from "./markdown.ts";
import type { Inline } from "./markdown-tree.ts";

/** Characters shown of where a link leads. */
const MAX_SHOWN_CHARS = 200;

/** A text of claude's as elements. */
export function drawMarkdown(text: string): HTMLElement {
  const root = element("div", "markdown");
  root.append(...markdown(text).map(drawBlock));
  return root;
}

function drawBlock(block: MarkdownBlock): HTMLElement {
  switch (block.kind) {
    case "paragraph":
      return withInlines(element("p", ""), block.children);
    case "heading":
      // Of one level below the page's own, since claude's need not follow one another.
      return withInlines(element("h2", `level-${Math.min(3, block.level)}`), block.children);
    case "code":
      return drawCode(block.text, block.lang);
    case "quote":
      return withChildren(element("blockquote", ""), block.blocks.map(drawBlock));
    case "list":
      return drawList(block.start, block.items);
    case "table":
      return drawTable(block.head, block.rows);
    case "rule":
      return element("hr", "");
  }
}

/** Code in a box of its own, which scrolls sideways, wraps if asked to, and can be copied whole. */
export function drawCode(text: string, lang: string): HTMLElement {
  const box = element("div", "code-box");
  const bar = element("div", "code-bar");
  const code = element("pre", "");
  const words = element("code", "", text);
  code.append(words);
  if (lang) colour(words, text, lang);
  code.tabIndex = 0; // For the arrow keys.
  code.setAttribute("aria-label", lang ? `Code, ${lang}` : "Code");
  bar.append(
    element("span", "code-lang", lang),
    wrapButton(code, false),
    copyButton(() => text, "Copy code"),
  );
  box.append(bar, code);
  return box;
}

/** Colours come when their script has; nothing moves, and without it the code stays as it is. */
async function colour(target: HTMLElement, text: string, lang: string) {
  const highlight = await import("./highlight.ts").catch(() => null);
  const pieces = highlight?.highlighted(text, lang.toLowerCase());
  if (!pieces) return;
  target.replaceChildren(
    ...pieces.map(({ text: piece, kind }) => (kind ? element("span", `code-${kind}`, piece) : piece)),
  );
}

/** Whether long lines of `target` wrap or scroll. */
export function wrapButton(target: HTMLElement, wraps: boolean): HTMLElement {
  const button = element("button", "text-button small", "Wrap");
  const set = (on: boolean) => {
    target.classList.toggle("wraps", on);
    button.setAttribute("aria-pressed", String(on));
  };
  set(wraps);
  button.addEventListener("click", () => set(!target.classList.contains("wraps")));
  return button;
}

function drawList(start: number | null, items: ListItem[]): HTMLElement {
  const list = element(start === null ? "ul" : "ol", "");
  if (start !== null && start !== 1 && list instanceof HTMLOListElement) list.start = start;
  for (const { done, blocks } of items) {
    const item = element("li", done === null ? "" : "task");
    if (done !== null)
      item.append(element("span", done ? "tick done" : "tick", ""), sr(done ? "Done: " : "To do: "));
    item.append(...blocks.map(drawBlock));
    list.append(item);
  }
  return list;
}

function drawTable(head: Inline[][], rows: Inline[][][]): HTMLElement {
  const box = element("div", "table-box");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Table");
  const table = element("table", "");
  const row = (cells: Inline[][], tag: string) =>
    withChildren(
      element("tr", ""),
      cells.map((cell) => withInlines(element(tag, ""), cell)),
    );
  table.append(
    withChildren(element("thead", ""), [row(head, "th")]),
    withChildren(
      element("tbody", ""),
      rows.map((cells) => row(cells, "td")),
    ),
  );
  box.append(table);
  return box;
}

function withChildren(parent: HTMLElement, children: HTMLElement[]): HTMLElement {
  parent.append(...children);
  return parent;
}

function withInlines(parent: HTMLElement, inlines: readonly Inline[]): HTMLElement {
  parent.dir = "auto";
  parent.append(...inlines.map(drawInline));
  return parent;
}

const TAGS = { strong: "strong", em: "em", strike: "s" };

function drawInline(inline: Inline): Node {
  switch (inline.kind) {
    case "text":
      return document.createTextNode(inline.text);
    case "break":
      return element("br", "");
    case "code":
      return element("code", "", inline.text);
    case "link":
      return drawLink(inline.target, inline.image, inline.children);
    default: {
      const made = element(TAGS[inline.kind], "");
      made.append(...inline.children.map(drawInline));
      return made;
    }
  }
}

/** A link with the host it leads to, or, where it leads nowhere on the web, its words and its target as text. */
function drawLink(target: string, image: boolean, children: readonly Inline[]): Node {
  const words = plain(children);
  const url = webAddress(target);
  const made = element(url ? "a" : "span", url ? "" : "no-link");
  if (image) made.append("Image: ");
  if (words.trim() === "") made.append(image ? "" : marked(target));
  else made.append(...children.map(drawInline));
  const whole = element("span", "link");
  whole.append(made);
  if (!saysItself(words, target, url)) {
    const host = element("span", "link-host");
    host.append("(", marked((url ? hostOf(url) : target).slice(0, MAX_SHOWN_CHARS)), ")");
    whole.append(" ", host);
  }
  if (url && made instanceof HTMLAnchorElement) {
    made.href = url.href;
    made.rel = "noopener noreferrer";
    made.target = "_blank";
  }
  return whole;
}

/** Only what a browser opens as a page or a mail. */
function webAddress(target: string): URL | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(target)) return null;
  const url = URL.canParse(target) ? new URL(target) : null;
  return url && /^(?:https?|mailto):$/.test(url.protocol) ? url : null;
}

/** Where it leads, as the browser understands it. */
const hostOf = (url: URL) => (url.protocol === "mailto:" ? decoded(url.pathname) : url.host);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The words are the address, and the address shows its host plainly. */
function saysItself(words: string, target: string, url: URL | null): boolean {
  if (words !== target) return false;
  if (!url) return true;
  if (url.protocol === "mailto:") return false;
  return new RegExp(`^${url.protocol}//${escaped(url.host)}(?:[/?#]|$)`, "i").test(words);
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

function plain(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      if (inline.kind === "break") return " ";
      return "text" in inline ? inline.text : plain(inline.children);
    })
    .join("");
}

const sr = (words: string) => element("span", "sr", words);
