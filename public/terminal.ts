// Draws a Screen: a row is one div, a run is a span, and only rows that changed are touched. Fits the width as far as
// it stays readable; beyond that it pans, and two fingers choose the size.
import type { Row, Run, Screen, Style } from "../src/screen.ts";
import { element } from "./dom.ts";
import { colorsOf } from "./palette.ts";

/** px. Smaller than this nobody reads on a phone; larger looks silly on a tablet. */
const READABLE_PX = 9;
const LARGEST_PX = 15;
const COMFORTABLE_PX = 12;
/** px, what two fingers may choose. */
const PINCH_PX = { min: 4, max: 28 };
/** Within this of the lower end the view stays at the lower end. */
const PINNED_PX = 48;

export type Fit = "readable" | "width";

/** One terminal on the page. `root` goes where it should be; dispose when it goes away. */
export class Terminal implements Disposable {
  readonly root = element("div", "terminal");
  readonly #grid = element("div", "grid");
  readonly #cursor = element("div", "cursor");
  readonly #observer = new ResizeObserver(() => {
    this.#look();
    this.#resize();
  });
  #divs: HTMLElement[] = [];
  #drawn: (Row | null)[] = [];
  #screen: Screen | null = null;
  #fit: Fit = "readable";
  #fontPx = 0;
  #fits = false;
  #pinched = false;
  #pinned = true;
  /** Where the view stood when that was last known. */
  #top = 0;

  constructor() {
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Terminal screen");
    this.root.translate = false;
    this.#grid.append(this.#cursor);
    this.root.append(this.#grid);
    this.#observer.observe(this.root);
    this.root.addEventListener("scroll", () => this.#look());
    this.#listenForPinch();
  }

  /** Makes the page show this screen; rows that are the same objects as before are left alone. */
  show(screen: Screen) {
    this.#look();
    const resized = this.#screen?.cols !== screen.cols || this.#screen.rows !== screen.rows;
    this.#screen = screen;
    this.#follow(screen.lines);
    while (this.#divs.length < screen.rows) this.#addRow();
    while (this.#divs.length > screen.rows) {
      this.#divs.pop()?.remove();
      this.#drawn.pop();
    }
    screen.lines.forEach((row, y) => {
      const div = this.#divs[y];
      if (!div || this.#drawn[y] === row) return;
      div.replaceChildren(...row.flatMap(drawRun));
      this.#drawn[y] = row;
    });
    const { x, y, visible } = screen.cursor;
    this.#cursor.hidden = !visible;
    this.#cursor.style.translate = `${x}ch calc(${y} * var(--line))`;
    if (resized) this.#resize();
    else this.#stay();
  }

  /** `width`: all columns at once, however small; `readable`: at least readable, and pan. */
  set fit(fit: Fit) {
    this.#look();
    this.#fit = fit;
    this.#pinched = false;
    this.#resize();
  }

  /** All columns are visible at a readable size. */
  get fits(): boolean {
    return this.#fits;
  }

  /** How many columns and rows would fill this place at a size that reads well; never so few that claude cannot draw. */
  room(): { cols: number; rows: number } {
    const cols = (this.root.clientWidth - PADDING_PX) / (COMFORTABLE_PX * cellRatio(this.root));
    const rows = (this.root.clientHeight - PADDING_PX) / (COMFORTABLE_PX * LINE);
    return { cols: Math.max(40, Math.floor(cols)), rows: Math.max(15, Math.floor(rows)) };
  }

  [Symbol.dispose]() {
    this.#observer.disconnect();
  }

  /** Lines that moved up keep their divs: the ones that left go below, to become the new ones. */
  #follow(lines: readonly Row[]) {
    const [first, second] = lines;
    const by = this.#drawn.findIndex(
      (row, y) => row !== null && row === first && this.#drawn[y + 1] === second,
    );
    if (by < 1 || first === undefined || first.length === 0) return;
    const gone = this.#divs.splice(0, by);
    this.#drawn.splice(0, by);
    for (const div of gone) {
      this.#grid.append(div);
      this.#divs.push(div);
      this.#drawn.push(null);
    }
  }

  #addRow() {
    const div = element("div", "line");
    this.#divs.push(div);
    this.#drawn.push([]);
    this.#grid.append(div);
  }

  #resize() {
    const screen = this.#screen;
    const width = this.root.clientWidth - PADDING_PX;
    if (!screen || width <= 0) return;
    const fitting = width / (screen.cols * cellRatio(this.root));
    this.#fits = fitting >= READABLE_PX;
    if (!this.#pinched) {
      const least = this.#fit === "width" ? PINCH_PX.min : READABLE_PX;
      this.#setFont(Math.min(Math.max(fitting, least), LARGEST_PX));
    }
    this.#grid.style.width = `${screen.cols}ch`;
    this.#stay();
  }

  #setFont(px: number) {
    this.#fontPx = Math.floor(px * 100) / 100;
    this.#grid.style.fontSize = `${this.#fontPx}px`;
  }

  /** Sees whether somebody has scrolled: an event tells of it only in the next frame. A hidden screen stands nowhere. */
  #look() {
    const { clientHeight, scrollTop } = this.root;
    if (clientHeight === 0 || scrollTop === this.#top) return;
    this.#top = scrollTop;
    this.#pinned = scrollTop > this.#end() - PINNED_PX;
  }

  #stay() {
    if (!this.#pinned) return;
    this.root.scrollTop = this.#end();
    this.#top = this.root.scrollTop;
  }

  /** Where the last line that holds anything, or the cursor, stands at the lower end. */
  #end(): number {
    const { lines = [], cursor } = this.#screen ?? {};
    const last = Math.max(
      lines.findLastIndex((row) => row.length > 0),
      cursor?.y ?? 0,
    );
    const bottom = (last + 1) * this.#fontPx * LINE + PADDING_PX;
    return Math.max(0, Math.min(bottom, this.root.scrollHeight) - this.root.clientHeight);
  }

  /** Two fingers change the size around the point between them. */
  #listenForPinch() {
    let start: { distance: number; px: number } | null = null;
    const begin = (event: TouchEvent) => {
      start = event.touches.length === 2 ? { distance: distance(event.touches), px: this.#fontPx } : null;
    };
    const move = (event: TouchEvent) => {
      if (!start || event.touches.length !== 2) return;
      event.preventDefault();
      this.#pinch((start.px * distance(event.touches)) / start.distance, middle(event.touches));
    };
    this.root.addEventListener("touchstart", begin, { passive: true });
    this.root.addEventListener("touchmove", move, { passive: false });
  }

  #pinch(px: number, at: { x: number; y: number }) {
    const before = this.#fontPx;
    const box = this.root.getBoundingClientRect();
    this.#pinched = true;
    this.#setFont(Math.min(Math.max(px, PINCH_PX.min), PINCH_PX.max));
    const grown = this.#fontPx / before;
    const [x, y] = [at.x - box.left, at.y - box.top];
    this.root.scrollTo((this.root.scrollLeft + x) * grown - x, (this.root.scrollTop + y) * grown - y);
  }
}

/** px around the grid, both sides together; as in app.css. */
const PADDING_PX = 16;
/** Height of a line, of the font size; as in app.css. */
const LINE = 1.25;

function distance(touches: TouchList): number {
  const [a, b] = [touches.item(0), touches.item(1)];
  return a && b ? Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)) : 1;
}

function middle(touches: TouchList): { x: number; y: number } {
  const [a, b] = [touches.item(0), touches.item(1)];
  return a && b ? { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 } : { x: 0, y: 0 };
}

function drawRun(run: Run): HTMLElement[] {
  const span = document.createElement("span");
  if (run.style) dress(span, run.style);
  if (run.wide) span.classList.add("wide");
  if (run.wide || /^[ -~]*$/.test(run.text)) span.textContent = run.text;
  else span.append(...inCells(run.text));
  return [span];
}

const FLAGS = ["bold", "italic", "underline", "strike", "hidden"] as const;

function dress(span: HTMLElement, style: Style) {
  for (const flag of FLAGS) if (style[flag]) span.classList.add(`t-${flag}`);
  if (style.fg === undefined && style.bg === undefined && !style.inverse && !style.dim) return;
  const { color, background } = colorsOf(style);
  span.style.color = color;
  if (background) span.style.backgroundColor = background;
}

const graphemes = typeof Intl.Segmenter === "function" ? new Intl.Segmenter() : null;

/** A run in which some letters may come from another font: those that are not one cell wide get a cell of their own. */
function inCells(text: string): (string | HTMLElement)[] {
  const cells: (string | HTMLElement)[] = [];
  const each = graphemes ? Array.from(graphemes.segment(text), ({ segment }) => segment) : Array.from(text);
  let plain = "";
  for (const grapheme of each) {
    if (fillsOneCell(grapheme)) {
      plain += grapheme;
      continue;
    }
    if (plain) cells.push(plain);
    plain = "";
    cells.push(element("span", "cell", grapheme));
  }
  if (plain) cells.push(plain);
  return cells;
}

let measure: CanvasRenderingContext2D | null = null;
const widths = new Map<string, boolean>();
/** Letters measured so far; past that the screen shows things that nobody reads. */
const MAX_WIDTHS = 4_000;
const MEASURE_PX = 100;

function fontOf(family: string) {
  measure ??= document.createElement("canvas").getContext("2d");
  if (measure) measure.font = `${MEASURE_PX}px ${family}`;
  return measure;
}

/** Width of a cell, of the font size. */
function cellRatio(root: HTMLElement): number {
  return (fontOf(getComputedStyle(root).fontFamily)?.measureText("0").width ?? 60) / MEASURE_PX;
}

function fillsOneCell(grapheme: string): boolean {
  if (/^[ -~]$/.test(grapheme)) return true;
  const known = widths.get(grapheme);
  if (known !== undefined) return known;
  const one = measure?.measureText("0").width ?? 0;
  const fits = Math.abs((measure?.measureText(grapheme).width ?? 0) - one) < 0.5;
  if (widths.size > MAX_WIDTHS) widths.clear();
  widths.set(grapheme, fits);
  return fits;
}
