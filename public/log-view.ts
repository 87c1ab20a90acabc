// The log: the session's plain text. Stays at the end only while the reader is there; else nothing ever moves.
import type { LogLine, SessionId } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { element, fromTemplate, part, setText } from "./dom.ts";
import { MAX_LINES_BACK, type Model } from "./model.ts";

/** Within this of the end the reader is at the end. */
const PINNED_PX = 48;
/** px. Inside the box's own padding and border. */
const EDGE_PX = 20;
/** Lines asked for at once. */
const PAGE_LINES = 300;

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

  scroll.addEventListener("scroll", () => {
    pinned = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < PINNED_PX;
    if (pinned) unseen = 0;
    drawPill();
  });
  at("pill").addEventListener("click", () => {
    scroll.scrollTop = scroll.scrollHeight;
  });
  at("older").addEventListener("click", () => load(model.lines()[0]?.line_no));

  async function load(before?: number) {
    if (loading) return;
    loading = true;
    const query = before === undefined ? "" : `&before=${before}`;
    try {
      const page = await get(
        `/api/sessions/${encodeURIComponent(session)}/lines?limit=${PAGE_LINES}${query}`,
      );
      const lines = linesIn(page);
      complete = lines.length < PAGE_LINES;
      if (model.watched === session) model.fold("lines", { session, lines });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setText(at("empty"), error.message);
    }
    loading = false;
    update();
  }

  function update() {
    const lines = model.lines();
    at("empty").hidden = lines.length > 0 || loading;
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
    at("pill").hidden = pinned;
    setText(at("pill"), unseen > 0 ? `New output (${unseen})` : "To the end");
  }

  new ResizeObserver(() => {
    if (pinned) scroll.scrollTop = scroll.scrollHeight;
  }).observe(list);
  load();
  return { root, update };
}

function drawLine(line: LogLine): HTMLElement {
  if (line.source === "gap") return element("div", "gap", `${line.count ?? "Some"} lines were not kept`);
  return element("div", "log-line", line.text);
}

function linesIn(page: unknown): LogLine[] {
  const lines = page && typeof page === "object" && "lines" in page ? page.lines : [];
  return Array.isArray(lines) ? (lines as LogLine[]) : [];
}
