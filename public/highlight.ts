// The words of code by what they are, for colours: from highlight.js as a tree, never as markup. Loaded on demand.
import bash from "highlight.js/lib/languages/bash";
import diff from "highlight.js/lib/languages/diff";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import { createLowlight } from "lowlight";

/** Characters; its regular expressions take up to a tenth of a second for the worst of so many on a slow machine. */
export const MAX_CODE_CHARS = 6_000;

export type Kind = "keyword" | "string" | "number" | "comment" | "name" | "added" | "removed";
export type Piece = { text: string; kind: Kind | null };

/** What highlight.js calls it, and how we colour it; what is not here stays plain. */
const KINDS: Record<string, Kind> = {
  keyword: "keyword",
  literal: "keyword",
  built_in: "keyword",
  string: "string",
  regexp: "string",
  number: "number",
  comment: "comment",
  quote: "comment",
  meta: "comment",
  title: "name",
  attr: "name",
  type: "name",
  addition: "added",
  deletion: "removed",
};

const lowlight = createLowlight({ bash, diff, json, python, typescript });
lowlight.registerAlias({ typescript: ["javascript", "js", "jsx", "mjs", "cjs"], bash: ["shell", "console"] });

type Tree = ReturnType<typeof lowlight.highlight>;
type Node = Tree["children"][number];

/** The pieces of a code, which together are that code; null where its language is not known or it is too long. */
export function highlighted(code: string, lang: string): Piece[] | null {
  if (code.length > MAX_CODE_CHARS || !lowlight.registered(lang)) return null;
  return lowlight.highlight(lang, code).children.flatMap((node) => piecesIn(node, null));
}

function piecesIn(node: Node, kind: Kind | null): Piece[] {
  if (node.type === "text") return [{ text: node.value, kind }];
  if (node.type !== "element") return [];
  const [name = ""] = [node.properties.className ?? []].flat().map(String);
  const own = KINDS[name.replace(/^hljs-/, "")] ?? (name === "hljs-subst" ? null : kind);
  return node.children.flatMap((child) => piecesIn(child as Node, own));
}
