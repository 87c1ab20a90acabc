// Lets another phone in from this one: the code to scan or type, how long it is good for, and the yes to the two digits.
import { encode } from "uqr";
import type { Viewer } from "../src/protocol.ts";
import { get, post, remove } from "./api.ts";
import { element, setMarked, setText } from "./dom.ts";
import type { Context, Drawn } from "./screen.ts";

type Opened = { code: string; url: string; expires_at: number };
type State =
  | { state: "closed" | "open" }
  | { state: "requested"; name: string; address: string; check: string }
  | { state: "paired"; viewer: Viewer };

const LOOK_MS = 1_000;
/** Modules of white around the code; cameras need four. */
const QUIET_ZONE = 4;

/** One request after another, also of a screen that was left: the end of its code must not be that of the next one's. */
let line: Promise<unknown> = Promise.resolve();
function inTurn<T>(ask: () => Promise<T>): Promise<T> {
  const answer = line.then(ask);
  line = answer.catch(() => {});
  return answer;
}

export function pairAnother(body: HTMLElement, { model, go, say }: Context): Drawn {
  const told = element("div", "pair-another");
  told.setAttribute("aria-live", "polite");
  body.append(told);
  let opened: Opened | null = null;
  let countdown: HTMLElement | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown = "";
  let confirmed = false;
  let closed = false;
  /** A tap is under way; another means the same. */
  let busy = false;
  /** Which look's answer is awaited, and whether the last one failed. */
  let looked = 0;
  let blind = false;
  begin();

  async function begin() {
    if (busy) return;
    busy = true;
    shown = "";
    confirmed = false;
    try {
      opened = await inTurn(async () => (await post("/api/pairing")) as Opened);
      if (closed) return;
      say(null);
      draw({ state: "open" });
      timer = setTimeout(look, LOOK_MS);
    } catch (error) {
      told.replaceChildren();
      if (!closed) say(error, begin);
    } finally {
      busy = false;
    }
  }

  async function look() {
    clearTimeout(timer);
    const own = ++looked;
    const late = () => closed || own !== looked;
    try {
      const now = (await get("/api/pairing")) as State;
      if (late()) return;
      if (blind) say(null);
      blind = false;
      draw(now);
      if (now.state === "closed" || now.state === "paired") return;
    } catch (error) {
      if (late()) return;
      blind = true;
      say(error); // It may come back before the code has died.
    }
    timer = setTimeout(look, LOOK_MS);
  }

  function draw(now: State) {
    const next = confirmed && now.state === "requested" ? "confirmed" : now.state;
    if (next === shown || !opened) return;
    shown = next;
    if (now.state === "open") drawCode(opened);
    else if (next === "confirmed") told.replaceChildren(element("p", "", "Waiting for the other phone …"));
    else if (now.state === "requested") drawCheck(now);
    else if (now.state === "paired") drawPaired(now.viewer);
    else drawEnd("The code is not good any more.", "Show a new code", begin);
  }

  function drawCode({ code, url }: Opened) {
    const picture = element("div", "qr");
    picture.append(qr(url));
    countdown = element("p", "quiet");
    const typed = element("p", "");
    typed.append("Or open ", element("bdi", "mono", `${new URL(url).host}/pair`), " there and type");
    told.replaceChildren(
      element("p", "", "Scan this with the other phone's camera:"),
      picture,
      typed,
      element("p", "pair-code", code),
      countdown,
    );
    tick();
  }

  function drawCheck({ name, address, check }: Extract<State, { state: "requested" }>) {
    const who = element("p", "");
    const label = element("bdi", "project");
    setMarked(label, name);
    who.append(label, ` (${address}) wants in and shows a number. Is it this one?`);
    const pair = element("div", "pair");
    pair.append(
      button("No", "button deny", () => does(() => remove("/api/pairing"))),
      button("Yes, let it in", "button approve", () =>
        does(async () => {
          await post("/api/pairing/confirm", { check });
          confirmed = true;
        }),
      ),
    );
    told.replaceChildren(who, element("p", "digits", check), pair);
  }

  function drawPaired(viewer: Viewer) {
    model.approveOf(viewer);
    drawEnd(`Paired: ${viewer.name}`, "All phones", () => go("/phones"));
  }

  function drawEnd(words: string, next: string, press: () => void) {
    const text = element("p", "paired");
    setMarked(text, words);
    told.replaceChildren(text, button(next, "button wide", press));
  }

  /** A tap that the server has to carry out; what became of it shows at once. */
  async function does(work: () => Promise<unknown>) {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    looked++; // What is on its way was true before.
    try {
      await inTurn(work);
      say(null);
    } catch (error) {
      say(error);
    } finally {
      busy = false;
    }
    if (!closed) await look();
  }

  function tick() {
    if (!countdown || !opened) return;
    const left = Math.max(0, Math.floor((opened.expires_at - model.now()) / 1_000));
    const [minutes, seconds] = [Math.floor(left / 60), String(left % 60).padStart(2, "0")];
    setText(countdown, `Good for ${minutes}:${seconds}, for one phone`);
  }

  return {
    update: tick,
    close() {
      closed = true;
      clearTimeout(timer);
      // A code that nobody looks at any more is good for nothing.
      inTurn(() => remove("/api/pairing")).catch(() => {});
    },
  };
}

function button(words: string, className: string, press: () => void): HTMLElement {
  const made = element("button", className, words);
  made.addEventListener("click", press);
  return made;
}

/** Black on white whatever the colours of the page are. */
function qr(text: string): SVGElement {
  const { data, size } = encode(text, { ecc: "M", border: QUIET_ZONE });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code of the address to pair at");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const cells = data.flatMap((row, y) => row.map((black, x) => (black ? `M${x} ${y}h1v1h-1z` : "")));
  path.setAttribute("d", cells.join(""));
  path.setAttribute("fill", "#000");
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.append(path);
  return svg;
}
