// The list of sessions: whether anything needs me, first of all.
import type { Launch, Session } from "../src/protocol.ts";
import { element, fromTemplate, part, reconcile, setIcon, setMarked, setText } from "./dom.ts";
import type { Model } from "./model.ts";
import { nudge } from "./nudge.ts";
import { titleOf } from "./prompt-card.ts";
import { refresher } from "./refresh.ts";
import { aboutOf, headlineOf, projectOf, whereOf } from "./session-words.ts";
import { age, clockTime } from "./times.ts";
import { stateWords, stepWords, type UnderWay } from "./words.ts";

/** Text of a prompt shown in the list; all of it is on the card. */
const WHAT_CHARS = 200;

/** The list; `current` is the path of what is shown beside it, `again` opens the stream anew. */
export function sessionList(model: Model, again: () => void) {
  const root = fromTemplate("list-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const openedAt = Date.now();
  const nudged = nudge(root);
  const refreshed = refresher(root, model, again);

  function update(current: string) {
    const sessions = model.ordered();
    const needs = sessions.filter((session) => model.look(session) === "waiting");
    document.title = needs.length > 0 ? `(${needs.length}) claude-remote` : "claude-remote";
    if (model.loaded) nudged();
    refreshed();
    if (root.offsetParent === null) return; // A session fills the phone: nobody sees the list.
    const ended = sessions.filter((session) => model.look(session) === "ended");
    const open = sessions.filter((session) => !needs.includes(session) && !ended.includes(session));
    const draw = (row: HTMLElement, session: Session) => drawRow(row, session, model, current);
    const launching = model.launching();
    at("launches").hidden = launching.length === 0;
    reconcile(
      at("launch-rows"),
      launching,
      ({ id }) => id,
      () => fromTemplate("row"),
      (row, launch) => drawLaunch(row, launch, model.now()),
    );
    for (const [name, some] of Object.entries({ needs, open, ended })) {
      at(name).hidden = some.length === 0;
      reconcile(
        at(`${name}-rows`),
        some,
        ({ id }) => id,
        () => fromTemplate("row"),
        draw,
      );
    }
    drawHeading(needs.length, current === "/");
    at("loading").hidden = model.loaded || Date.now() - openedAt < 1_000;
    at("empty").hidden = !model.loaded || sessions.length + launching.length > 0;
    const live = model.connection.kind === "live" && !model.stale();
    at("link").className = `link-state ${live ? "live" : ""}`;
    const said = !model.loaded || model.banner() !== null; // The banner tells how old it is.
    setText(at("link"), live ? "Live" : said ? "" : `As of ${clockTime(model.asOf(), model.now())}`);
    root.classList.toggle("stale", model.stale());
  }

  /** The page's one h1 while the list is the page; beside a session it is a plain line. */
  function drawHeading(count: number, alone: boolean) {
    const text = !model.loaded
      ? ""
      : count === 0
        ? "Nothing needs you"
        : count === 1
          ? "1 needs you"
          : `${count} need you`;
    const place = at("heading");
    // Whoever hears the page hears this at once, and nothing else so.
    place.setAttribute("aria-live", count > 0 ? "assertive" : "polite");
    const tag = alone ? "H1" : "H2";
    const old = place.firstElementChild;
    if (old?.tagName === tag) return setText(old, text);
    place.replaceChildren(element(tag, "summary", text));
  }

  /** Back in the list, the focus is on the row that led away. */
  function focus(from: string) {
    const path = from.split("#")[0];
    for (const link of root.querySelectorAll("a.row")) {
      if (link instanceof HTMLElement && link.getAttribute("href") === path)
        link.focus({ preventScroll: true });
    }
  }

  return { root, update, focus };
}

/** The row of a session that is being started: it leads to its steps, from any phone. */
function drawLaunch(row: HTMLElement, launch: Launch, now: number) {
  const at = (name: string) => part(row, name, HTMLElement);
  part(row, "link", HTMLAnchorElement).href = `/new?launch=${encodeURIComponent(launch.id)}`;
  row.className = "row-item starting";
  setMarked(at("project"), projectOf({ cwd: launch.dir }));
  setMarked(at("host"), launch.devbox);
  at("host").classList.add("badge");
  setText(at("age"), age(now - launch.began_at));
  at("state").className = "state starting";
  setIcon(part(row, "icon", SVGUseElement), "starting");
  setText(at("word"), stepWords(launch, launch.step as UnderWay));
  at("what").hidden = true;
}

/** One row; `current` is the path of what is shown beside it. */
export function drawRow(row: HTMLElement, session: Session, model: Model, current: string) {
  const at = (name: string) => part(row, name, HTMLElement);
  const look = model.look(session);
  const [prompt, ...more] = model.openOf(session.id);
  const href =
    prompt && look === "waiting"
      ? `/p/${encodeURIComponent(prompt.id)}`
      : `/s/${encodeURIComponent(session.id)}`;
  const link = part(row, "link", HTMLAnchorElement);
  if (link.getAttribute("href") !== href) link.href = href;
  const own = [`/s/${session.id}`, ...[prompt, ...more].map((one) => `/p/${one?.id}`)];
  if (own.includes(current)) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  row.className = `row-item ${look}`;
  setMarked(at("project"), headlineOf(session));
  setMarked(at("host"), whereOf(session));
  at("host").classList.toggle("badge", session.devbox !== null);
  const since = look === "waiting" ? prompt?.created_at : look === "unreachable" ? session.heard_at : null;
  setText(at("age"), age(model.now() - (since ?? session.ended_at ?? session.started_at)));
  at("state").className = `state ${look}`;
  setIcon(part(row, "icon", SVGUseElement), look);
  const others = more.length > 0 ? ` · ${more.length} more` : "";
  setText(at("word"), prompt && look === "waiting" ? titleOf(prompt) + others : stateWords(session, model));
  const what = prompt && look === "waiting" ? prompt.prompt_text.slice(0, WHAT_CHARS) : whatOf(session);
  at("what").hidden = what === "";
  at("what").classList.toggle("mono", prompt?.kind === "permission");
  setMarked(at("what"), what);
}

function whatOf(session: Session): string {
  if (session.status === "waiting" && session.waiting_for) return session.waiting_for;
  return aboutOf(session);
}
