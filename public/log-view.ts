// The log: the session's plain text. Stays at the end only while the reader is there; else nothing ever moves.
import type { LogLine, SessionId } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { element, fromTemplate, part, setText } from "./dom.ts";
import { markFound } from "./found.ts";
import { MAX_LINES_BACK } from "./log-lines.ts";
import type { Model } from "./model.ts";

/** Within this of the end the reader is at the end. */
const PINNED_PX = 48;
/** px. Inside the box's own padding and border. */
const EDGE_PX = 20;
/** Lines asked for at once. */
const PAGE_LINES = 300;
/** ms between two looks whether what is on its way has come. */
const LOOK_MS = 20;

/** The log of one session; `update` after each change of the model. */
export function logView(model: Model, session: SessionId) {
  const root = fromTemplate("log-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const scroll = at("scroll");
  scroll.tabIndex = 0; // For the arrow keys.
  const list = at("lines");
  const drawn = new Map<number, HTMLElement>();
  let shown: readonly LogLine[] | null = null;
  let pinned = true;
  let unseen = 0;
  let complete = false;
  let loading = false;
  /** Lines around a place that a search found, while they do not reach those at the end. */
  let apart: LogLine[] | null = null;
  let found: { line: number; words: readonly string[] } | null = null;

  scroll.addEventListener("scroll", () => {
    pinned = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < PINNED_PX;
    if (pinned) unseen = 0;
    drawPill();
  });
  at("pill").addEventListener("click", () => {
    apart = null;
    update();
    scroll.scrollTop = scroll.scrollHeight;
  });
  at("older").addEventListener("click", () => load({ before: here()[0]?.line_no ?? 0 }));
  at("newer").addEventListener("click", () => load({ after: here().at(-1)?.line_no ?? 0 }));

  const here = () => apart ?? model.lines();

  async function load(bounds: { before?: number; after?: number }) {
    if (loading) return;
    loading = true;
    const query = Object.entries(bounds).map(([name, value]) => `&${name}=${value}`);
    try {
      const page = await get(
        `/api/sessions/${encodeURIComponent(session)}/lines?limit=${PAGE_LINES}${query.join("")}`,
      );
      const lines = linesIn(page);
      if (bounds.after === undefined) complete = lines.length < PAGE_LINES;
      put(lines, bounds.after !== undefined);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setText(at("empty"), error.message);
    }
    loading = false;
    update();
  }

  /** `onward`: they follow what is here, and fewer than were asked for are the last. */
  function put(lines: LogLine[], onward: boolean) {
    if (model.watched !== session) return;
    if (!apart) return model.fold("lines", { session, lines });
    const numbers = new Set(apart.map(({ line_no }) => line_no));
    apart = [...apart, ...lines.filter(({ line_no }) => !numbers.has(line_no))];
    apart.sort((a, b) => a.line_no - b.line_no);
    const rest = model.lines()[0]?.line_no ?? Number.MAX_SAFE_INTEGER;
    const joins = onward && (lines.length < PAGE_LINES || (lines.at(-1)?.line_no ?? -1) >= rest);
    if (!joins) return;
    const all = apart;
    apart = null;
    model.fold("lines", { session, lines: all });
  }

  /** A line that a search found. */
  async function goTo(line: number, words: readonly string[]) {
    found = { line, words };
    pinned = false;
    if (!here().some(({ line_no }) => line_no === line)) {
      while (loading) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      apart = [];
      complete = false;
      await load({ after: Math.max(-1, line - PAGE_LINES / 3) });
    }
    reveal();
  }

  function reveal() {
    update();
    for (const line of list.querySelectorAll(".found")) line.classList.remove("found");
    const line = found && drawn.get(found.line);
    if (!line || !found) return;
    markFound(line, found.words);
    pinned = false;
    line.scrollIntoView({ block: "center" });
  }

  function update() {
    const lines = here();
    at("empty").hidden = lines.length > 0 || loading;
    at("newer").hidden = apart === null || lines.length === 0;
    at("older").hidden = complete || lines.length === 0 || lines.length >= MAX_LINES_BACK;
    if (lines !== shown) insertKeepingPlace(lines);
    shown = lines;
    drawPill();
  }

  /** What is being read stays where it is, to the part of a pixel. */
  function insertKeepingPlace(lines: readonly LogLine[]) {
    const anchor = pinned ? null : firstVisible();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    insert(lines);
    if (pinned) scroll.scrollTop = scroll.scrollHeight;
    else if (anchor?.isConnected) scroll.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  function firstVisible(): Element | null {
    const { left, top } = scroll.getBoundingClientRect();
    const found =
      document.elementFromPoint(left + EDGE_PX, top + EDGE_PX)?.closest(".log-line, .gap") ?? null;
    return found ?? list.firstElementChild;
  }

  function insert(lines: readonly LogLine[]) {
    const wanted = new Set(lines.map(({ line_no }) => line_no));
    const last = shown?.at(-1)?.line_no ?? Number.MAX_SAFE_INTEGER;
    if (!pinned) unseen += lines.filter(({ line_no }) => line_no > last).length;
    for (const [number, line] of drawn) {
      if (wanted.has(number)) continue;
      line.remove();
      drawn.delete(number);
    }
    let next: Element | null = null;
    for (const line of lines.toReversed()) {
      const known = drawn.get(line.line_no);
      const div: HTMLElement = known ?? drawLine(line);
      if (!known) {
        drawn.set(line.line_no, div);
        list.insertBefore(div, next);
      }
      next = div;
    }
  }

  function drawPill() {
    at("pill").hidden = pinned && apart === null;
    setText(at("pill"), unseen > 0 ? `New output (${unseen})` : "To the end");
  }

  const resized = new ResizeObserver(() => {
    if (pinned) scroll.scrollTop = scroll.scrollHeight;
  });
  resized.observe(list);
  resized.observe(scroll); // The keyboard opens below it.
  load({});
  return { root, update, goTo };
}

function drawLine(line: LogLine): HTMLElement {
  if (line.source === "gap") return element("div", "gap", `${line.count ?? "Some"} lines were not kept`);
  return element("div", "log-line", line.text);
}

function linesIn(page: unknown): LogLine[] {
  const lines = page && typeof page === "object" && "lines" in page ? page.lines : [];
  return Array.isArray(lines) ? (lines as LogLine[]) : [];
}
