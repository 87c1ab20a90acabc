// Starts the page: joins the stream, the model and the views, and finds the view for each address.
import type { PromptId, PromptState, SessionId, Viewer } from "../src/protocol.ts";
import { createAnswers } from "./answers.ts";
import { ApiFailure, get, remove } from "./api.ts";
import { closeDialogs } from "./dialogs.ts";
import { byId, element, fromTemplate, part, reconcile, setMarked, setText } from "./dom.ts";
import { createModel } from "./model.ts";
import { createOutbox } from "./outbox.ts";
import { pairView, takeCode } from "./pair.ts";
import { applyPreferences, forgetEverything, preference } from "./preferences.ts";
import { promptCard } from "./prompt-card.ts";
import { renew, startPush } from "./push.ts";
import { createRouter, type Route } from "./router.ts";
import { keyOf, screenAt } from "./screens.ts";
import { sessionView } from "./session.ts";
import { sessionList } from "./session-list.ts";
import { stream } from "./stream.ts";

/** What stands in the detail pane. `key` changes when it has to be another one. */
type View = { key: string; root: HTMLElement; update: () => void; close: () => void };

/** Ages and staleness change without any event. */
const TICK_MS = 1_000;
/** Changes that come together are drawn together, the first after quiet at once; also where nobody sees it: the title counts. */
const DRAW_EVERY_MS = 16;
/** With this an address is asked for on the line, not of the worker (sw.ts): whatever stands there shows its login. */
const THROUGH = "?through";

let code = takeCode(); // Before anything else.
const model = createModel();
const answers = createAnswers(model);
const outbox = createOutbox(model);
const list = sessionList(model, () => events.again());
const router = createRouter(() => arrive());
const events = stream({ fold: model.fold, connect: model.connect });
/** What the server was asked for beside the stream; true once it has answered. */
const asked = new Map<string, boolean>();
let view: View | null = null;
let scheduled: ReturnType<typeof setTimeout> | null = null;
let drawnAt = 0;
/** Loads the newer page that waits. */
let renewal: (() => void) | null = null;
let forgotten = false;

applyPreferences();
if (preference("keep") === "on")
  import("./offline.ts").then(
    ({ keepList }) => keepList(model),
    () => {},
  );
byId("list-pane").append(list.root);
model.subscribe(schedule);
model.subscribe(() => {
  const loggedOut = model.connection.kind === "logged_out";
  if (loggedOut && !forgotten) {
    forgetEverything();
    closeDialogs();
  }
  forgotten = loggedOut;
});
setInterval(schedule, TICK_MS);
visualViewport?.addEventListener("resize", liftAboveKeyboard);
visualViewport?.addEventListener("scroll", liftAboveKeyboard);
document.addEventListener("focusin", liftAboveKeyboard);
document.addEventListener("focusout", liftAboveKeyboard);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && router.route().kind === "prompt" && !document.querySelector("dialog"))
    router.back("/");
});
byId("barred-through").addEventListener("click", () => location.assign(location.pathname + THROUGH));
if (location.search === THROUGH) history.replaceState(null, "", location.pathname);
startPush(model, { go: (path) => router.go(path), onUpdate, busy });
arrive();

function schedule() {
  scheduled ??= setTimeout(draw, Math.max(0, drawnAt + DRAW_EVERY_MS - performance.now()));
}

/** A newer page waits: it is loaded by a tap, never under somebody's finger. */
function onUpdate(apply: () => void) {
  renewal = apply;
  byId("update-now").onclick = () => busy() || apply();
  schedule();
}

/** A question is open, or something is typed: not the moment to load anything. */
function busy(): boolean {
  const fields = document.querySelectorAll<HTMLInputElement>(
    "textarea, input:is([type=text], [type=search], :not([type]))",
  );
  const typed = [...fields].some((field) => field.value !== "" && field.offsetParent !== null);
  return typed || router.route().kind === "prompt" || document.querySelector("dialog") !== null;
}

/** The address changed; another code may have been opened in this very page. */
function arrive() {
  code = takeCode() ?? code;
  const route = router.route();
  const watched = route.kind === "session" ? (route.id as SessionId) : null;
  closeDialogs();
  model.watch(watched);
  events.open(watched ? `/events?session=${encodeURIComponent(watched)}` : "/events");
  const from = view?.key ?? "";
  draw();
  if (route.kind === "list") list.focus(from);
}

function draw() {
  if (scheduled) clearTimeout(scheduled);
  scheduled = null;
  drawnAt = performance.now();
  const route = router.route();
  show(route);
  view?.update();
  list.update(location.pathname);
  const banner = model.banner();
  byId("banner").hidden = banner === null;
  byId("banner").classList.toggle("bad", model.connection.kind !== "reconnecting");
  setText(byId("banner"), banner ?? "");
  byId("update").hidden = renewal === null || busy();
  byId("barred").hidden = model.barred === null;
  setText(byId("barred-by"), model.barred ?? "");
  byId("insecure").hidden = !model.insecure;
  drawNewViewers();
}

/** Puts the right view in the detail pane, if another one is there. */
function show(route: Route) {
  const loggedOut = model.connection.kind === "logged_out";
  const next = loggedOut || route.kind === "pair" ? pairing() : detail(route);
  const onList = route.kind === "list" && !loggedOut && !model.outdated;
  document.body.dataset.view = onList ? "list" : next.key.startsWith("pair") ? "full" : "detail";
  const alone = document.body.dataset.view === "list";
  byId("list-pane").setAttribute("role", alone ? "main" : "complementary");
  byId("detail-pane").setAttribute("role", alone ? "complementary" : "main");
  if (next.key === view?.key) return;
  const replaced = view;
  view?.close();
  view = next.make();
  byId("detail-pane").replaceChildren(view.root);
  const heading = view.root.querySelector("h1");
  if (replaced && route.kind !== "list") heading?.focus({ preventScroll: true });
}

type Wanted = { key: string; make: () => View };

function pairing(): Wanted {
  const key = `pair#${code ?? ""}`;
  return { key, make: () => ({ key, ...pairView(code, outbox.held(), paired) }) };
}

function paired() {
  code = null;
  events.again();
  if (location.pathname === "/pair") router.go("/", true);
}

function detail(route: Route): Wanted {
  if (model.outdated) return outdated();
  if (route.kind === "session") return sessionDetail(route.id as SessionId);
  if (route.kind === "prompt") return promptDetail(route.id as PromptId);
  if (route.kind === "screen") return screenDetail(route.path);
  if (route.kind === "list") return plain("nothing", () => fromTemplate("nothing"));
  return message("not-found", "Nothing here", "This address leads nowhere.");
}

function screenDetail(path: string): Wanted {
  const context = { model, go: router.go };
  const key = keyOf(path);
  return { key, make: () => ({ key, ...screenAt(path, context) }) };
}

/** One clear screen instead of one that may mislead. */
function outdated(): Wanted {
  return plain("outdated", () => {
    const root = fromTemplate("message-view");
    setText(part(root, "title", HTMLElement), "Reload to go on");
    const text = "The server and this page are of different versions: one of them was updated.";
    setText(part(root, "text", HTMLElement), text);
    const again = element("button", "button approve wide", "Reload");
    again.addEventListener("click", renew);
    part(root, "way", HTMLElement).replaceChildren(again);
    return root;
  });
}

function sessionDetail(id: SessionId): Wanted {
  const key = `/s/${id}`;
  if (model.session(id)) {
    asked.delete(key); // An old one may have to be asked for again.
    return { key, make: () => ({ key, ...sessionView(model, outbox, id) }) };
  }
  if (model.version === null) return unknown(key, "Session");
  lookUp(key, `/api/sessions/${encodeURIComponent(id)}`, (found) => {
    const session = (
      found as { session?: Parameters<typeof model.fold<"session_start">>[1]["session"] } | null
    )?.session;
    if (session) model.fold("session_start", { session });
  });
  if (!asked.get(key)) return message(`asked ${key}`, "Session", "Reading …");
  return message(`missing ${key}`, "Session", "This session is not known here any more.");
}

function promptDetail(id: PromptId): Wanted {
  const prompt = model.prompt(id);
  const key = `/p/${id}`;
  if (prompt) {
    asked.delete(key);
    return card(prompt);
  }
  if (model.version === null) return unknown(key, "Question");
  lookUp(key, "/api/prompts", (found) => {
    const prompts = (found as { prompts?: PromptState[] } | null)?.prompts ?? [];
    const known = prompts.find((one) => one.id === id);
    if (known) model.replied(known);
  });
  // The last that was seen of it stays, unless it was never here.
  const shown = view;
  if (shown?.key.startsWith(`${key}#`)) return { key: shown.key, make: () => shown };
  if (!asked.get(key)) return message(`asked ${key}`, "Question", "Reading …");
  return message(`missing ${key}`, "Question", "This question is over; how it ended is not known here.");
}

function card(prompt: PromptState): Wanted {
  const key = `/p/${prompt.id}#${prompt.digest}`;
  const changed = view?.key !== key && view?.key.startsWith(`/p/${prompt.id}#`) === true;
  const make = () => {
    if (changed) answers.forget(prompt.id);
    return { key, ...promptCard(prompt, { model, answers, changed }) };
  };
  return { key, make };
}

/** The server has not spoken yet. */
function unknown(key: string, title: string): Wanted {
  if (!model.loaded) return message(`loading ${key}`, title, "Connecting …");
  return message(`kept ${key}`, title, "This phone does not know it without a connection.");
}

/** Asks the server once for what the stream did not tell. */
async function lookUp(key: string, path: string, found: (value: unknown) => void) {
  if (asked.has(key)) return;
  asked.set(key, false);
  try {
    found(await get(path));
    asked.set(key, true);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    if (error.retryable) return void asked.delete(key); // With the next tick: at once would be without end.
    asked.set(key, true);
  }
  schedule();
}

function message(key: string, title: string, text: string): Wanted {
  return plain(key, () => {
    const root = fromTemplate("message-view");
    setText(part(root, "title", HTMLElement), title);
    setText(part(root, "text", HTMLElement), text);
    return root;
  });
}

function plain(key: string, root: () => HTMLElement): Wanted {
  return { key, make: () => ({ key, root: root(), update() {}, close() {} }) };
}

/** Somebody else was let in: everybody is told, and can end it. */
function drawNewViewers() {
  const make = (viewer: Viewer) => {
    const notice = fromTemplate("notice");
    const from = viewer.address ? `, from ${viewer.address}` : "";
    setMarked(part(notice, "text", HTMLElement), `Paired just now: ${viewer.name}${from}`);
    part(notice, "ok", HTMLElement).addEventListener("click", () => model.approveOf(viewer));
    part(notice, "act", HTMLElement).addEventListener("click", async () => {
      try {
        await remove(`/api/viewers/${encodeURIComponent(viewer.id)}`);
        model.approveOf(viewer);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        setMarked(part(notice, "text", HTMLElement), `${viewer.name} is still paired: ${error.message}`);
      }
    });
    return notice;
  };
  reconcile(
    byId("notices"),
    model.newViewers,
    ({ id }) => id,
    make,
    () => {},
  );
}

/** px of visible height below which everything but what is read and what is typed makes room for these. */
const LOW_PX = 340;

/** Where the keyboard covers the page instead of shrinking it (iOS), everything moves above it. */
function liftAboveKeyboard() {
  if (!visualViewport) return;
  const types = document.activeElement?.matches("textarea") === true;
  document.documentElement.toggleAttribute("data-low", types && visualViewport.height < LOW_PX);
  schedule(); // Another width may show the list, too.
  const covered = Math.max(0, innerHeight - visualViewport.height - visualViewport.offsetTop);
  document.documentElement.style.setProperty("--keyboard", `${covered}px`);
}
