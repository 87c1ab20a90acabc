// Search over everything that was said and logged, or within one session; a hit leads to its place there.
import type { SearchHit, Session, SessionId } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { element, fromTemplate, marked, part, setMarked, setText } from "./dom.ts";
import { type Found, foundIn, linkTo, sayerOf } from "./hits.ts";
import type { Context, Drawn } from "./screen.ts";
import { headlineOf, whereOf } from "./session-words.ts";
import { clockTime } from "./times.ts";

/** Hits asked for at once. */
const PAGE = 20;
/** ms after the last letter: on a phone nobody types faster than this for long. */
const SETTLE_MS = 250;

type Where = SearchHit["in"];
/** What was found last, so that Back from a hit shows it as it was. */
type Kept = { q: string; where: Where; session: string | null; pages: Found[]; top: number };
let kept: Kept | null = null;
/** What was typed where only one session is searched, for the search of all that was tapped there. */
let carried: Pick<Kept, "q" | "where"> | null = null;

/** The view. */
export function searchView(body: HTMLElement, { model }: Context): Drawn {
  const root = fromTemplate("search-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const field = part(root, "field", HTMLInputElement);
  const session = new URLSearchParams(location.search).get("session") as SessionId | null;
  let where: Where = "messages";
  let pages: Found[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Which request's answer is awaited. */
  let request = 0;
  let busy = false;
  let problem = "";
  /** What the list shows the beginning of. */
  let drawn: Found[] = pages;

  body.append(root);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(anew, SETTLE_MS);
  });
  part(root, "form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    anew();
    field.blur(); // The keyboard makes room for what was found.
  });
  for (const name of ["messages", "lines"] as const)
    at(name).addEventListener("click", () => {
      where = name;
      anew();
    });
  at("more").addEventListener("click", () => load());
  at("all").addEventListener("click", () => {
    carried = { q: field.value, where };
  });
  within();
  const before = kept;
  if (carried && session === null) {
    ({ q: field.value, where } = carried);
    carried = null;
    anew();
  } else if (before?.session === session) {
    ({ where, pages } = before);
    field.value = before.q;
    draw();
    body.scrollTop = before.top;
  } else {
    field.focus();
    draw();
  }

  function anew() {
    clearTimeout(timer);
    pages = [];
    problem = "";
    request++;
    busy = false;
    if (field.value.trim() !== "") load();
    else draw();
  }

  async function load() {
    if (busy) return;
    busy = true;
    draw();
    const own = ++request;
    const query = new URLSearchParams({ q: field.value, in: where, limit: String(PAGE) });
    if (session) query.set("session", session);
    const next = pages.at(-1)?.next ?? null;
    if (next !== null) query.set("before", String(next));
    try {
      const found = foundIn(await get(`/api/search?${query}`));
      if (own !== request) return;
      pages.push(found);
      problem = "";
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (own !== request) return;
      problem = error.message;
    }
    busy = false;
    draw();
  }

  /** Only one session is searched: which, and how to search all. */
  function within() {
    at("within").hidden = session === null;
    const known = session && model.session(session);
    setMarked(at("within-name"), known ? headlineOf(known) : "this session");
    const back = body.closest(".card-view")?.querySelector("a.back");
    if (session && back) back.setAttribute("href", `/s/${encodeURIComponent(session)}`);
  }

  function draw() {
    for (const name of ["messages", "lines"] as const)
      at(name).setAttribute("aria-pressed", String(where === name));
    const hits = pages.flatMap((page) => page.hits);
    const sessions = new Map(pages.flatMap((page) => page.sessions).map((one) => [one.id, one] as const));
    const list = at("hits");
    if (pages !== drawn) list.replaceChildren();
    drawn = pages;
    list.append(...hits.slice(list.children.length).map(row));
    function row(hit: SearchHit) {
      return drawHit(hit, sessions.get(hit.session) ?? model.session(hit.session));
    }
    const last = pages.at(-1);
    at("more").hidden = !last || last.next === null || busy;
    setText(at("more"), last?.reached ? "Search further back" : "Show more");
    setText(at("told"), words(hits.length, last));
    at("told").classList.toggle("problem", problem !== "");
    at("hint").hidden = field.value.trim() !== "" || hits.length > 0;
  }

  function words(count: number, last: Found | undefined): string {
    if (problem) return problem;
    if (busy) return "Searching …";
    if (!last) return "";
    if (last.reached) return `Looked back to ${clockTime(last.reached, model.now())}.`;
    const other = where === "messages" ? "conversations" : "logs";
    if (count === 0)
      return `Nothing found in ${session ? "its" : "the"} ${session && where === "lines" ? "log" : other}.`;
    return last.many ? "Many words begin so: type more letters to find them all." : "";
  }

  function drawHit(hit: SearchHit, session: Session | null): HTMLElement {
    const row = fromTemplate("search-hit");
    const inside = (name: string) => part(row, name, HTMLElement);
    part(row, "link", HTMLAnchorElement).setAttribute("href", linkTo(hit, field.value));
    setMarked(inside("project"), session ? headlineOf(session) : "Session");
    setMarked(inside("host"), session ? whereOf(session) : "");
    setText(inside("time"), clockTime(hit.at, model.now()));
    setText(inside("sayer"), sayerOf(hit));
    inside("text").classList.toggle("mono", hit.in === "lines");
    inside("text").append(...pieces(hit));
    return row;
  }

  return {
    close() {
      clearTimeout(timer);
      request++;
      kept = { q: field.value, where, session, pages, top: body.scrollTop };
    },
  };
}

/** The text around a hit, what was found in it marked. */
function pieces({ text, marks, before, after }: SearchHit): Node[] {
  const nodes: Node[] = [document.createTextNode(before ? "… " : "")];
  let from = 0;
  for (const [start, end] of marks) {
    const found = element("mark", "");
    found.append(marked(text.slice(start, end)));
    nodes.push(marked(text.slice(from, start)), found);
    from = end;
  }
  return [...nodes, marked(text.slice(from)), document.createTextNode(after ? " …" : "")];
}
