// What is known of devboxes, as the two screens about them use it, and how they are written.
import type { DevboxState, LaunchMode } from "../src/protocol.ts";
import { get } from "./api.ts";
import { element, icon, setMarked } from "./dom.ts";
import { newId } from "./ids.ts";

export type Overview = {
  /** Phones may start sessions here. */
  enabled: boolean;
  modes: LaunchMode[];
  devboxes: DevboxState[];
  /** Where sessions were started last, the newest first. */
  choices: { devbox: string; dir: string; mode: LaunchMode | null }[];
  public_key: string | null;
  /** Hosts that the server's ssh configuration names. */
  aliases?: string[];
};

/** Throws ApiFailure. */
export const overview = async () => (await get("/api/devboxes")) as Overview;

/** The address of what is asked of one devbox. */
export const pathOf = (devbox: string, what = "") => `/api/devboxes/${encodeURIComponent(devbox)}${what}`;

/** "ada@box1.example.org, port 2222", or what the server's own machine is called. */
export function addressOf({ kind, host, user, port }: DevboxState): string {
  if (kind === "local") return host ?? "";
  return `${user ? `${user}@` : ""}${host}${port ? `, port ${port}` : ""}`;
}

/** A devbox's name, as people say it. */
export const nameOf = ({ kind, name }: Pick<DevboxState, "kind" | "name">) =>
  kind === "local" ? "The server's own machine" : name;

/** A line that says how something stands, with its icon. */
export function standing(look: "good" | "bad" | "quiet", name: string, text: string): HTMLElement {
  const line = element("p", `standing ${look}`);
  const words = element("span", "");
  setMarked(words, text);
  line.append(icon(name), words);
  return line;
}

/** What went wrong on a devbox, in whose words, and the one thing to do next. */
export function failure(error: { message: string; next: string }, devbox: string): HTMLElement {
  const block = element("div", "failure");
  const [what, words, next] = [
    element("p", "failure-what"),
    element("p", "failure-said mono"),
    element("p", ""),
  ];
  // It stands below the devbox's name; what ssh or a shell said stands in brackets.
  const message = error.message.replace(`${devbox}: `, "");
  const [, before = message, said = "", after = ""] = /^([^(]+) \((.+)\)(.*)$/s.exec(message) ?? [];
  setMarked(what, sentence(before + after));
  setMarked(words, said);
  setMarked(next, sentence(error.next));
  block.append(what, ...(said ? [words] : []), next);
  return block;
}

/** A full stop at its end; its first letter a capital, where it begins with a plain word. */
function sentence(text: string): string {
  const whole = /[.!?:]$/.test(text) || text === "" ? text : `${text}.`;
  return /^[a-z]+ /.test(whole) ? whole.charAt(0).toUpperCase() + whole.slice(1) : whole;
}

/** A field with its label; `about` in smaller type below. */
export function field(words: string, input: HTMLInputElement | HTMLTextAreaElement, about = ""): HTMLElement {
  const block = element("div", "field");
  const label = document.createElement("label");
  label.textContent = words;
  label.htmlFor = input.id = `field-${newId()}`;
  block.append(label, input);
  if (!about) return block;
  const small = element("p", "quiet", about);
  small.id = `${input.id}-about`;
  input.setAttribute("aria-describedby", small.id);
  block.append(small);
  return block;
}

/** A one-line input for what machines read: nothing corrects it. */
export function plainInput(more: Record<string, string | number | boolean>): HTMLInputElement {
  const input = document.createElement("input");
  for (const name of ["autocapitalize", "autocorrect", "autocomplete"]) input.setAttribute(name, "off");
  Object.assign(input, { type: "text", spellcheck: false, className: "mono", ...more });
  return input;
}

/** What the screen of a new session begins with; kept by this tab alone. */
export type Draft = { devbox: string; dir: string; prompt: string; mode: LaunchMode | null };
const DRAFT = "new-session";

export function readDraft(): Partial<Draft> {
  try {
    return JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}") as Partial<Draft>;
  } catch {
    return {};
  }
}

export const keepDraft = (draft: Partial<Draft>) => sessionStorage.setItem(DRAFT, JSON.stringify(draft));
export const dropDraft = () => sessionStorage.removeItem(DRAFT);
