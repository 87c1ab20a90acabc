// What a tool's dialog shows of its input, as text. Each version draws it in its own way.
import { type Block, isBlank, isDashes, isSecondary, type Line } from "./block.ts";
import type { DialogName, ShownInput } from "./dialog.ts";

/** What the dialog `name` shows; null where it is none of a tool's, or nothing was found. */
export function shownInput(name: DialogName, title: string, body: Line[], block: Block): ShownInput | null {
  const inner = betweenDashes(body, block);
  const all = texts(body.filter((line) => !isBlank(line) && !isDashes(line, block.cols))).join("\n");
  switch (name) {
    case "bash":
      return { command: lines(inner ?? indented(body, block)) };
    case "write":
    case "overwrite":
    case "edit":
    case "notebook":
      return fileOf(body, inner, block);
    case "read":
      return { path: /Read\(([\s\S]*)\)/.exec(all)?.[1]?.replaceAll("\n", "") ?? "" };
    case "fetch":
      return { url: urlOf(all) };
    case "search":
      return { query: /Web Search\("([\s\S]*?)"\)/.exec(all)?.[1]?.replaceAll("\n", " ") ?? "" };
    case "skill":
      return { call: title };
    case "mcp":
    case "tool":
      return { call: all };
    default:
      return null;
  }
}

/** A row without the bar that claude draws before wrapped text, or the frame around it. */
export function withoutBar(line: Line): string {
  const first = line.row.find(({ text }) => text.trim() !== "");
  const framed = /^│.*│$/.test(line.text);
  if (framed) return line.text.slice(1, -1).trimEnd();
  if (!first?.style?.dim || !/^ *│/.test(line.text)) return line.text;
  return line.text.replace(/^( *)│ ?/, "$1");
}

const texts = (rows: Line[]) => rows.map((line) => withoutBar(line).trim());

/** Rows as one text, the margin that all have cut off. */
function lines(rows: Line[]): string {
  const kept = rows.map((line) => withoutBar(line).trimEnd());
  const margin = Math.min(...kept.filter((row) => row !== "").map((row) => row.search(/\S/)));
  return kept
    .map((row) => row.slice(Number.isFinite(margin) ? margin : 0))
    .join("\n")
    .replace(/^\n+|\n+$/g, "");
}

function betweenDashes(body: Line[], { cols }: Block): Line[] | null {
  const at = body.flatMap((line, i) => (isDashes(line, cols) ? [i] : []));
  const [first, second] = at;
  return first === undefined || second === undefined ? null : body.slice(first + 1, second);
}

/** The older drawing of a command: indented, its description below it in another colour. */
function indented(body: Line[], block: Block): Line[] {
  const from = body.findIndex((line) => !isBlank(line));
  const end = body.findIndex((line, i) => i > from && !isBlank(line) && !line.text.startsWith("   "));
  const rows = body.slice(from, end < 0 ? body.length : end);
  const last = rows.findLastIndex((line) => !isBlank(line) && !isSecondary(line, block));
  return rows.slice(0, last + 1);
}

/** The path above the difference, then the difference itself. */
function fileOf(body: Line[], inner: Line[] | null, { cols }: Block): ShownInput {
  const head = body.slice(0, inner ? body.findIndex((line) => isDashes(line, cols)) : body.length);
  const rows = texts(head).filter((text) => text !== "" && !/^[╭╰]─+[╮╯]$/.test(text));
  const numbered = rows.findIndex((text) => /^\d+ /.test(text));
  const above = rows.slice(0, numbered < 0 ? rows.length : numbered);
  const cell = above.findIndex((text) => /^(Replace|Insert|Delete) cell/.test(text));
  const change = inner
    ? inner.map(changed)
    : head.filter(({ text }) => /^│ +\d+ [-+ ]/.test(text)).map(changed);
  return { path: above.slice(0, cell < 0 ? above.length : cell).join(""), change: change.join("\n") };
}

/** `12 +text`: without its number, the sign first. A row that goes on has neither. */
function changed(line: Line): string {
  const text = withoutBar(line).trimEnd();
  const found = /^ *\d+ (?: ?([-+]))?(.*)$/.exec(text);
  if (!found) return ` ${text.trim()}`;
  return `${found[1] ?? " "}${(found[2] ?? "").trim()}`;
}

function urlOf(all: string): string {
  const older = /url: "([\s\S]*?)", *\n?prompt:/.exec(all)?.[1];
  return (older ?? /url: ([\s\S]*?)\nprompt:/.exec(all)?.[1] ?? "").replaceAll("\n", "");
}
