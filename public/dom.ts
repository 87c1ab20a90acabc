// The few things every view does with the DOM. Text goes in as text nodes; nothing here parses markup.
import { piecesOf } from "./marks.ts";

/** A fresh copy of a template's first element. */
export function fromTemplate(id: string): HTMLElement {
  const template = document.getElementById(id);
  const first = template instanceof HTMLTemplateElement ? template.content.firstElementChild : null;
  const copy = first && document.importNode(first, true);
  if (!(copy instanceof HTMLElement)) throw new Error(`The page has no template ${id}`);
  return copy;
}

/** An element that index.html always has. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no ${id}`);
  return found;
}

/** The element of a template that `data-part` names, checked to be what is expected. */
export function part<T extends Element>(root: Element, name: string, type: new () => T): T {
  const found = root.matches(`[data-part="${name}"]`) ? root : root.querySelector(`[data-part="${name}"]`);
  if (!(found instanceof type)) throw new Error(`The template has no ${name}`);
  return found;
}

/** An element with a class and a text. */
export function element(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Sets a text only where it differs, so that selections and live regions are left alone. */
export function setText(target: Element, text: string) {
  if (target.textContent !== text) target.textContent = text;
}

/** A text from outside, with marks for what cannot be seen in it. */
export function marked(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const piece of piecesOf(text)) {
    if (piece.mark) fragment.append(element("span", "mark", piece.text));
    else fragment.append(piece.text);
  }
  return fragment;
}

const markedAs = new WeakMap<Element, string>();

/** Sets a text from outside with its marks, only where it differs. */
export function setMarked(target: Element, text: string) {
  if (markedAs.get(target) === text) return;
  markedAs.set(target, text);
  target.replaceChildren(marked(text));
}

/** Shows one of the icons in index.html. */
export function setIcon(use: Element, name: string) {
  const href = `#i-${name}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** An icon of index.html. */
export function icon(name: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  setIcon(use, name);
  svg.append(use);
  return svg;
}

/**
 * Makes the children of `parent` be the things, in their order, keeping the element of each key, and the focus where it is.
 * What goes away goes first: to move an element takes the focus from it, and a click that has begun on it.
 */
export function reconcile<T>(
  parent: Element,
  things: readonly T[],
  keyOf: (thing: T) => string,
  make: (thing: T) => HTMLElement,
  update: (element: HTMLElement, thing: T) => void,
) {
  const old = new Map<string, HTMLElement>();
  for (const child of parent.children)
    if (child instanceof HTMLElement) old.set(child.dataset.key ?? "", child);
  const wanted = new Set(things.map(keyOf));
  for (const [key, child] of old) if (!wanted.has(key)) child.remove();
  const focused = document.activeElement;
  things.forEach((thing, i) => {
    const key = keyOf(thing);
    const child = old.get(key) ?? make(thing);
    child.dataset.key = key;
    update(child, thing);
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}

const styles = new Map<string, Promise<void>>();
/** One that hangs on a bad line keeps nobody for longer from what it dresses, which is only plainer without, ms. */
const STYLE_MS = 3_000;

/** Resolves when that style sheet of the page applies, or was waited for long enough; rejects where it cannot be had. */
export function loadStyle(href: string): Promise<void> {
  const known = styles.get(href);
  if (known) return known;
  const loads = new Promise<void>((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.addEventListener("load", () => resolve());
    setTimeout(resolve, STYLE_MS);
    link.addEventListener("error", () => {
      styles.delete(href);
      link.remove();
      reject(new Error(`no ${href}`));
    });
    document.head.append(link);
  });
  styles.set(href, loads);
  return loads;
}
