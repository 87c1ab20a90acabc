// The audit log: every question and decision, the newest first, each opening to exactly what stood there.
import type { AuditEntry, Json } from "../src/protocol.ts";
import { get, getFile } from "./api.ts";
import { deedOf, toneOf } from "./audit-words.ts";
import { element, fromTemplate, part, setMarked, setText } from "./dom.ts";
import { drawInput, hiddenInBlocks, inputParts } from "./input-view.ts";
import { readOlder } from "./older.ts";
import type { Context, Drawn } from "./screen.ts";
import { clockTime } from "./times.ts";

const PAGE = 50;
/** Of what was asked or typed, in the list; all of it is inside. */
const WHAT_CHARS = 200;
/** Some browsers read a file only after somebody said where it goes. */
const SAVED_AFTER_MS = 60_000;

type Page = { entries: AuditEntry[]; before: number | null };

/** The view; it shows what there was when it was opened. */
export function auditView(body: HTMLElement, { say }: Context): Drawn {
  const root = fromTemplate("audit-view");
  body.append(root);
  const at = (name: string) => part(root, name, HTMLElement);
  let before: number | null = null;
  let closed = false;

  for (const format of ["jsonl", "csv"] as const) {
    const button = part(root, format, HTMLButtonElement);
    button.addEventListener("click", () => save(format, button));
  }
  readOlder({
    ...{ button: part(root, "older", HTMLButtonElement), words: "Show earlier entries", say, read },
    onRead() {
      at("loading").hidden = true;
    },
  });

  async function read(): Promise<boolean> {
    const query = before === null ? `limit=${PAGE}` : `limit=${PAGE}&before=${before}`;
    const page = (await get(`/api/audit?${query}`)) as Page;
    before = page.before;
    at("entries").append(...page.entries.map(drawEntry));
    return before !== null;
  }

  async function save(format: "jsonl" | "csv", button: HTMLButtonElement) {
    button.disabled = true;
    try {
      const file = await getFile(`/api/audit/export?format=${format}`);
      if (closed) return;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `claude-remote-audit.${format}`;
      link.target = "_self"; // Not an address of the page.
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), SAVED_AFTER_MS);
      say(null);
    } catch (error) {
      say(error);
    }
    button.disabled = false;
  }

  return {
    close() {
      closed = true;
    },
  };
}

/** One entry; what is inside is drawn when it is opened. */
function drawEntry(entry: AuditEntry): HTMLElement {
  const row = fromTemplate("audit-entry");
  const at = (name: string) => part(row, name, HTMLElement);
  const details = part(row, "details", HTMLDetailsElement);
  setText(at("time"), clockTime(entry.at, Date.now()));
  at("time").setAttribute("datetime", new Date(entry.at).toISOString());
  at("deed").classList.add(toneOf(entry));
  setMarked(at("deed"), deedOf(entry));
  const what = whatOf(entry);
  at("what").hidden = what === "";
  setMarked(at("what"), what.slice(0, WHAT_CHARS));
  details.addEventListener("toggle", () => at("inside").replaceChildren(...inside(entry)), { once: true });
  return row;
}

/** What was asked or typed, in a line. */
function whatOf({ asked, detail }: AuditEntry): string {
  if (asked) return asked.prompt_text ?? "";
  return typeof detail.text === "string" ? detail.text : "";
}

function inside(entry: AuditEntry): Node[] {
  const { asked, detail, session } = entry;
  const nodes: Node[] = [facts(entry)];
  if (asked) {
    const { blocks, says } = inputParts({ diff: null, ...asked });
    const hidden = hiddenInBlocks(blocks);
    if (hidden > 0)
      nodes.push(
        element(
          "p",
          "risk",
          `${hidden} hidden or look-alike character${hidden === 1 ? "" : "s"}, marked below`,
        ),
      );
    nodes.push(drawInput(blocks).root);
    if (says !== null) nodes.push(literal("Claude says", says));
  }
  for (const [label, value] of Object.entries({ Text: detail.text, Answers: detail.answers }))
    if (value !== undefined) nodes.push(literal(label, textOf(value)));
  if (session) {
    const link = element("a", "", "Open the session");
    link.setAttribute("href", `/s/${encodeURIComponent(session)}`);
    const line = element("p", "to-session");
    line.append(link);
    nodes.push(line);
  }
  return nodes;
}

/** Everything else that the row holds, by name. */
function facts(entry: AuditEntry): HTMLElement {
  const { id, at, actor, name, address, action, subject, detail, asked } = entry;
  const { text, answers, digest, ...more } = detail;
  const rows: Record<string, Json | undefined> = {
    ...{ When: new Date(at).toISOString(), Who: name === null ? actor : `${name} (${actor})`, From: address },
    ...{ Action: action, Subject: subject },
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [labelOf(name), value])),
    ...(asked ? { Folder: asked.cwd, Digest: asked.digest } : {}),
    ...(digest === asked?.digest ? {} : { "Answered digest": digest }),
    Entry: id,
  };
  const list = element("dl", "audit-facts");
  for (const [label, value] of Object.entries(rows)) {
    if (value === null || value === undefined) continue;
    const shown = element("dd", "");
    setMarked(shown, textOf(value));
    list.append(element("dt", "", label), shown);
  }
  return list;
}

/** "Answer id" of `answer_id`. */
const labelOf = (name: string) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");

const textOf = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function literal(label: string, text: string): HTMLElement {
  const section = element("section", "block");
  const body = element("div", "literal");
  setMarked(body, text);
  section.append(element("h2", "", label), body);
  return section;
}
