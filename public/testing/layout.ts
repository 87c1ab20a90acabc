// What is wrong with how a screen stands on the glass: what is cut, covered, out of reach or too small to touch.

/** Runs in the page. A line for each fault, with what it is about. */
export function layoutFaults(): string[] {
  const faults: string[] = [];
  const TOUCH_PX = 44;
  const name = (one: Element) => {
    const words = (one.getAttribute("aria-label") ?? one.textContent ?? "").trim().replace(/\s+/g, " ");
    return `${one.tagName.toLowerCase()}.${one.className.toString().split(" ")[0]} "${words.slice(0, 40)}"`;
  };
  const visible = (one: Element) =>
    one.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true }) &&
    !one.closest(".sr, [disabled] *");
  const styleOf = (one: Element) => getComputedStyle(one);

  /** The part of an element that its scrolling boxes let through. */
  const shown = (one: Element) => {
    let { left, top, right, bottom } = one.getBoundingClientRect();
    for (let box = one.parentElement; box; box = box.parentElement) {
      const { overflowX, overflowY } = styleOf(box);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const edge = box.getBoundingClientRect();
      [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
      [top, bottom] = [Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
    }
    return { left, top, right, bottom };
  };
  const scrolls = (one: Element, way: "X" | "Y"): boolean => {
    for (let box = one.parentElement; box && box !== document.body; box = box.parentElement)
      if (/auto|scroll/.test(styleOf(box)[`overflow${way}`])) return true;
    return false;
  };

  const root = document.documentElement;
  if (Math.max(root.scrollWidth, document.body.scrollWidth) > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter(
      (one) => one.getBoundingClientRect().right > innerWidth + 0.5 && !scrolls(one, "X"),
    );
    faults.push(`the page scrolls sideways: ${wide.slice(0, 4).map(name).join(", ")}`);
  }
  if (root.scrollTop > 0 || document.body.scrollTop > 0) faults.push("the page itself has scrolled");

  const controls = [...document.querySelectorAll("button, a, textarea, input, select, summary")].filter(
    visible,
  );
  for (const one of controls) {
    const { left, right, top, bottom, width, height } = one.getBoundingClientRect();
    if (width === 0) continue;
    if ((left < -1 || right > innerWidth + 1) && !scrolls(one, "X"))
      faults.push(`beyond the edge: ${name(one)}`);
    if ((top < -1 || bottom > innerHeight + 1) && !scrolls(one, "Y"))
      faults.push(`out of reach: ${name(one)}`);
    // A link in a text is as large as its words; a box to tick belongs to its label.
    const inText = one.matches("p a, bdi a, .facts a, .markdown a, input[type=radio], input[type=checkbox]");
    const box = one.closest("label") ?? one;
    const size = inText && box !== one ? box.getBoundingClientRect() : { width, height };
    const least = one.closest(".tabs") ? TOUCH_PX - 4 : TOUCH_PX; // Inside a frame that belongs to it.
    if (!(inText && box === one) && Math.min(size.width, size.height) < least - 0.5)
      faults.push(`${Math.round(size.width)}×${Math.round(size.height)}: ${name(one)}`);
    const part = shown(one);
    if (part.right - part.left < 8 || part.bottom - part.top < 8) continue; // Scrolled away.
    const [x, y] = [(part.left + part.right) / 2, (part.top + part.bottom) / 2];
    const hit = document.elementFromPoint(x, y);
    const own = hit && (one.contains(hit) || hit.contains(one) || hit.closest("label")?.contains(one));
    let sticks: Element | null | undefined = hit;
    while (sticks && styleOf(sticks).position !== "sticky") sticks = sticks.parentElement;
    const floats = hit?.closest(".pill, dialog") || sticks; // What lies under it comes out by scrolling.
    if (!own && !floats) faults.push(`covered: ${name(one)} by ${hit ? name(hit) : "nothing"}`);
  }

  // Words that a box cuts off without saying so, and without a way to see the rest.
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const one = words.currentNode.parentElement;
    if (!one || !words.currentNode.textContent?.trim() || !visible(one) || one.closest(".terminal, script"))
      continue;
    const range = document.createRange();
    range.selectNodeContents(words.currentNode);
    const text = range.getBoundingClientRect();
    let block: Element = one;
    while (block.parentElement && /^(inline|contents)$/.test(styleOf(block).display))
      block = block.parentElement;
    const clips = [one, block].some((box) =>
      /ellipsis|hidden/.test(styleOf(box).textOverflow + styleOf(box).overflowX),
    );
    const own = block.getBoundingClientRect();
    if (!clips && !scrolls(one, "X") && text.right > own.right + 2) faults.push(`runs over: ${name(one)}`);
    if (!clips && !scrolls(one, "X") && text.right > innerWidth + 1)
      faults.push(`words beyond the edge: ${name(one)}`);
    for (let box: Element | null = one; box && box !== document.body; box = box.parentElement) {
      const style = styleOf(box);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
      const said =
        style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none" || style.maskImage !== "none";
      const edge = box.getBoundingClientRect();
      const cut = text.right > edge.right + 2 || text.bottom > edge.bottom + 4;
      if (cut && !said && edge.width > 1) faults.push(`cut off: ${name(one)}`);
      break;
    }
  }
  return [...new Set(faults)];
}
