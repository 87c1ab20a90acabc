// The inlines of a paragraph as a tree: what opens and what closes, put into one another.
import type { Run } from "./markdown-emphasis.ts";

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "strike"; children: Inline[] }
  | { kind: "link"; target: string; image: boolean; children: Inline[] };

/** What a paragraph is read as, before it is a tree. */
export type Token =
  | Extract<Inline, { kind: "text" | "break" | "code" }>
  | Run
  | { kind: "open"; target: string; image: boolean }
  | { kind: "close" };

/** Emphasis inside emphasis; deeper it is text. */
const MAX_NESTED = 16;

/** Opens and closes are in pairs by now, but for what was cut off. */
export function tree(tokens: readonly Token[]): Inline[] {
  const root: Inline[] = [];
  const stack: { children: Inline[] }[] = [{ children: root }];
  let ignored = 0;
  const top = () => stack.at(-1)?.children ?? root;
  const open = (node: Inline & { children: Inline[] }) => {
    if (stack.length > MAX_NESTED) {
      ignored++;
      return;
    }
    top().push(node);
    stack.push(node);
  };
  const close = () => {
    if (ignored > 0) ignored--;
    else if (stack.length > 1) stack.pop();
  };
  const say = (text: string) => {
    const last = top().at(-1);
    if (last?.kind === "text") last.text += text;
    else if (text !== "") top().push({ kind: "text", text });
  };
  for (const token of tokens) {
    switch (token.kind) {
      case "text":
        say(token.text);
        break;
      case "run":
        for (let i = 0; i < token.closes; i++) close();
        say(token.sign.repeat(token.left));
        for (const kind of token.opens) open({ kind, children: [] });
        break;
      case "open":
        open({ kind: "link", target: token.target, image: token.image, children: [] });
        break;
      case "close":
        close();
        break;
      default:
        top().push(token);
    }
  }
  return root;
}
