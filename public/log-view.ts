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
/** After a request that failed while nothing is there to be tapped, ms. */
const RETRY_MS = 3_000;
const WORDS = { older: "Show earlier lines", newer: "Show later lines" };

type Bounds = { before?: number; after?: number };

/** The log of one session; `update` after each change of the model. */
export function logView(model: Model, session: SessionId) {
  const root = fromTemplate("log-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const scroll = at("scroll");
  scroll.tabIndex = 0; // For the arrow keys.
  const list = at("lines");
  const drawn = new Map<number, HTMLElement>();
  let shown: readonly LogLine[] | null = null;
  let readOn = false;
  let pinned = true;
  /** Where the box stood when that was last known: where it stands elsewhere, somebody has scrolled. */
  let keptTop = 0;
  let hidden = true;
  let unseen = 0;
  /** The first line of the log, once it was read back to there. */
  let beginning: number | null = null;
  let loading: Promise<void> | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  /** Counts the places that were left for another: what was asked for there is not wanted here. */
  let moves = 0;
  /** Lines around a place that a search found, while they do not reach those at the end. */
  let apart: LogLine[] | null = null;
  /** What a search found, until it has been brought into sight. */
  let sought: { line: number; words: readonly string[] } | null = null;

  scroll.addEventListener("scroll", () => {
    look();
    drawPill();
  });
  at("pill").addEventListener("click", () => {
    look();
    if (apart) leave(null);
    sought = null;
    pinned = true;
    unseen = 0;
    update();
    toEnd();
    drawPill();
  });
  at("older").addEventListener("click", () => load({ before: here()[0]?.line_no ?? 0 }));
  at("newer").addEventListener("click", () => load({ after: here().at(-1)?.line_no ?? 0 }));

  const here = () => apart ?? model.lines();
  const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < PINNED_PX;

  /** Sees whether somebody has scrolled: an event tells of it only in the next frame. A hidden box has no place; it had one. */
  function look() {
    if (scroll.clientHeight === 0) {
      hidden = true;
      return;
    }
    if (hidden && !pinned && scroll.scrollTop === 0) scroll.scrollTop = keptTop;
    if (!hidden && scroll.scrollTop !== keptTop) pinned = apart === null && isAtEnd();
    hidden = false;
    keptTop = scroll.scrollTop;
    if (pinned) unseen = 0;
  }

  function scrollTo(y: number) {
    scroll.scrollTop = y;
    if (scroll.clientHeight > 0) keptTop = scroll.scrollTop;
  }

  const toEnd = () => scrollTo(scroll.scrollHeight);

  function leave(next: LogLine[] | null) {
    clearTimeout(retry);
    moves++;
    apart = next;
  }

  /** One request at a time: whoever asks meanwhile gets what is on its way. */
  function load(bounds: Bounds): Promise<void> {
    loading ??= ask(bounds).finally(() => {
      loading = null;
      if (!closed) update();
      if (!closed) reveal();
    });
    return loading;
  }

  async function ask(bounds: Bounds) {
    clearTimeout(retry);
    const asked = moves;
    const query = Object.entries(bounds).map(([name, value]) => `&${name}=${value}`);
    const name = bounds.after === undefined ? "older" : "newer";
    try {
      const page = await get(
        `/api/sessions/${encodeURIComponent(session)}/lines?limit=${PAGE_LINES}${query.join("")}`,
      );
      if (closed || asked !== moves) return;
      const lines = linesIn(page);
      put(lines, bounds.after !== undefined);
      if (bounds.after === undefined && lines.length < PAGE_LINES) beginning = here()[0]?.line_no ?? 0;
      setText(at("empty"), "Nothing in the log yet.");
      setText(at(name), WORDS[name]);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (closed || asked !== moves) return;
      setText(at("empty"), error.message);
      setText(at(name), `${error.message} Try again`);
      if (error.retryable && here().length === 0)
        retry = setTimeout(() => load(bounds), Math.max(RETRY_MS, error.againMs));
    }
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
    sought = { line, words };
    pinned = false;
    while (loading) await loading;
    if (closed || sought?.line !== line) return; // It has come meanwhile, or another is sought.
    if (here().some(({ line_no }) => line_no === line)) {
      update();
      return reveal();
    }
    leave([]);
    await load({ after: Math.max(-1, line - PAGE_LINES / 3) });
  }

  function reveal() {
    const line = sought && drawn.get(sought.line);
    if (!line || !sought) return;
    for (const before of list.querySelectorAll(".found")) before.classList.remove("found");
    markFound(line, sought.words);
    sought = null;
    line.scrollIntoView({ block: "center" });
    if (scroll.clientHeight > 0) {
      keptTop = scroll.scrollTop;
      pinned = apart === null && isAtEnd();
    }
    drawPill();
  }

  function update() {
    look();
    const lines = here();
    const first = lines[0]?.line_no ?? 0;
    const none = lines.length === 0;
    const read = beginning !== null && first <= beginning;
    const aside = {
      empty: !none || loading !== null,
      newer: none || apart === null,
      older: none || read || lines.length >= MAX_LINES_BACK,
    };
    const names = ["empty", "newer", "older"] as const;
    const same = lines === shown && names.every((name) => at(name).hidden === aside[name]);
    if (!same)
      keepingPlace(lines, () => {
        for (const name of names) at(name).hidden = aside[name];
        if (lines !== shown) insert(lines);
      });
    shown = lines;
    readOn = apart !== null;
    drawPill();
  }

  /** What is being read stays where it is, to the part of a pixel. */
  function keepingPlace(lines: readonly LogLine[], change: () => void) {
    const anchor = pinned ? null : firstVisible(lines);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (pinned) toEnd();
    else if (anchor) scrollTo(scroll.scrollTop + anchor.getBoundingClientRect().top - before);
  }

  /** The first line in sight that stays. */
  function firstVisible(lines: readonly LogLine[]): Element | null {
    const { left, top } = scroll.getBoundingClientRect();
    const there =
      document.elementFromPoint(left + EDGE_PX, top + EDGE_PX)?.closest(".log-line, .gap") ?? null;
    const staying = new Set<Element | undefined>(lines.map(({ line_no }) => drawn.get(line_no)));
    let first = there && list.contains(there) ? there : list.firstElementChild;
    while (first && !staying.has(first)) first = first.nextElementSibling;
    return first;
  }

  function insert(lines: readonly LogLine[]) {
    const wanted = new Set(lines.map(({ line_no }) => line_no));
    const last = shown?.at(-1)?.line_no ?? Number.MAX_SAFE_INTEGER;
    // What somebody reads on from a place that was found was there before.
    if (!pinned && !readOn && apart === null) unseen += lines.filter(({ line_no }) => line_no > last).length;
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
    look();
    if (pinned) toEnd();
  });
  resized.observe(list);
  resized.observe(scroll); // The keyboard opens below it.
  load({});
  return {
    root,
    update,
    goTo,
    close() {
      closed = true;
      clearTimeout(retry);
      resized.disconnect();
    },
  };
}

function drawLine(line: LogLine): HTMLElement {
  if (line.source === "gap") return element("div", "gap", `${line.count ?? "Some"} lines were not kept`);
  return element("div", "log-line", line.text);
}

function linesIn(page: unknown): LogLine[] {
  const lines = page && typeof page === "object" && "lines" in page ? page.lines : [];
  return Array.isArray(lines) ? (lines as LogLine[]) : [];
}
