// Marks what a search found: the block or line itself, and in it the words, without touching what is drawn.

/** Ranges marked at once; more are not seen on one screen. */
const MOST = 200;

/** Shows all of an element that was found, and marks these texts in it, whatever their case. */
export function markFound(node: HTMLElement, words: readonly string[]) {
  for (const more of node.querySelectorAll("button.show-all")) if (more instanceof HTMLElement) more.click();
  node.classList.add("found");
  const wanted = words.filter((word) => word !== "").map((word) => word.toLowerCase());
  const ranges = rangesIn(node, wanted);
  first = ranges[0] ?? null;
  // An enhancement: browsers without it show the outline alone.
  if ("highlights" in CSS) CSS.highlights.set("found", new Highlight(...ranges));
}

let first: Range | null = null;

/** px from the window's top to the first of what was marked last; null where nothing was. */
export function placeOfFound(): number | null {
  return first?.startContainer.isConnected ? first.getBoundingClientRect().top : null;
}

function rangesIn(node: HTMLElement, wanted: readonly string[]): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text && ranges.length < MOST; text = walker.nextNode()) {
    const all = text.nodeValue?.toLowerCase() ?? "";
    if (all.length !== text.nodeValue?.length) continue; // A letter whose small form is longer: places would be off.
    for (const word of wanted)
      for (
        let at = all.indexOf(word);
        at >= 0 && ranges.length < MOST;
        at = all.indexOf(word, at + word.length)
      ) {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + word.length);
        ranges.push(range);
      }
  }
  return ranges;
}
