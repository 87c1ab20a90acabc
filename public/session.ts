// One session: its conversation, its screen and its log, the keys, the composer, and the way to what claude asks.
import type { SearchHit, Session, SessionId } from "../src/protocol.ts";
import { rowText } from "../src/screen.ts";
import { ApiFailure, post } from "./api.ts";
import { composer } from "./composer.ts";
import { confirm } from "./dialogs.ts";
import { element, fromTemplate, loadStyle, part, setIcon, setMarked, setText } from "./dom.ts";
import { keyButtons } from "./key-bar.ts";
import { logView } from "./log-view.ts";
import type { Model } from "./model.ts";
import type { Outbox } from "./outbox.ts";
import { titleOf } from "./prompt-card.ts";
import { noteFor } from "./session-note.ts";
import { headlineOf, hostOf, projectOf } from "./session-words.ts";
import { Terminal } from "./terminal.ts";
import { stateWords } from "./words.ts";

const TABS = ["conversation", "screen", "log"] as const;
/** As much as somebody listens to at once. */
const SPOKEN_LINES = 10;
const SPOKEN_CHARS = 2_000;
/** What went wrong is said this long; what is true of the session is worth more then. */
const SAID_FOR_MS = 12_000;
type Tab = (typeof TABS)[number];
type Conversation = ReturnType<typeof import("./conversation.ts").conversationView>;

/** The page of one session; `update` after each change of the model. */
export function sessionView(model: Model, outbox: Outbox, id: SessionId) {
  const root = fromTemplate("session-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const terminal = new Terminal();
  const compose = composer(model, outbox, id, () => {
    chosen = true;
    choose("screen");
  });
  let log: ReturnType<typeof logView> | null = null;
  let conversation: Conversation | null = null;
  /** Whether anything was said: unknown, until the server has told. */
  let said: boolean | null = null;
  let tab: Tab = "screen";
  let chosen = false;
  let closed = false;
  let asked = false;
  let problem: { text: string; at: number } | null = null;
  let drawing = 0;
  let bar: ReturnType<typeof import("./find-bar.ts").findBar> | null = null;
  let sought = "";
  let found: { hit: SearchHit; words: string[] } | null = null;

  // What is streamed is announced by nobody: who does not see it asks for it.
  const latest = element("button", "sr latest", "Read the latest");
  const spoken = element("p", "sr");
  latest.setAttribute("type", "button");
  spoken.setAttribute("role", "status");
  latest.addEventListener("click", () => speak());
  at("toolbar").append(latest, spoken);

  const also = element("p", "note warn");
  at("note").after(also);
  at("panel-screen").append(terminal.root);
  at("composer").replaceWith(compose.root);
  at("keys").append(...keyButtons((key) => outbox.press(id, key)));
  for (const name of TABS)
    at(`tab-${name}`).addEventListener("click", () => {
      chosen = true;
      choose(name);
    });
  root.querySelector("[role=tablist]")?.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent) || !/^Arrow(Left|Right)$/.test(event.key)) return;
    const tabs = TABS.filter((name) => !at(`tab-${name}`).hidden);
    const step = event.key === "ArrowRight" ? 1 : -1;
    chosen = true;
    choose(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? tab);
    at(`tab-${tab}`).focus();
  });
  at("fit").addEventListener("click", () => {
    const whole = at("fit").getAttribute("aria-pressed") !== "true";
    at("fit").setAttribute("aria-pressed", String(whole));
    terminal.fit = whole ? "width" : "readable";
  });
  at("interrupt").addEventListener("click", () => interrupt());
  at("more").addEventListener("click", () => about());
  part(root, "search", HTMLAnchorElement).href = `/search?session=${encodeURIComponent(id)}`;

  async function call(action: "interrupt" | "stop" | "resize", body = {}) {
    try {
      await post(`/api/sessions/${encodeURIComponent(id)}/${action}`, body);
      problem = null;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      return trouble(`Not done: ${error.message}`);
    }
    update();
  }

  function trouble(text: string) {
    problem = { text, at: Date.now() };
    update();
  }

  async function interrupt() {
    if (!(await confirm(INTERRUPT))) return;
    const session = model.session(id);
    // What Claude asks by now would be answered by it.
    if (session && model.look(session) === "working") return call("interrupt");
    trouble("Not interrupted: Claude was not working any more.");
  }

  async function about() {
    const session = model.session(id);
    if (!session) return;
    const running = model.look(session) !== "ended" && session.connected;
    const fit = running && !session.terminal ? () => call("resize", terminal.room()) : undefined;
    const stop = running ? async () => (await confirm(STOP)) && call("stop") : undefined;
    try {
      const { aboutSession } = await import("./session-about.ts");
      if (closed || document.querySelector("dialog")) return; // Left, or tapped twice, while that came.
      await aboutSession({ model, session, fit, stop });
    } catch {
      trouble("What there is to know did not load. Load the page anew.");
    }
  }

  /** An address that names a place in this session, as the hits of a search do. */
  async function find() {
    if (location.search === sought || !location.pathname.endsWith(`/${id}`)) return;
    sought = location.search;
    const query = new URLSearchParams(location.search);
    const [q, kind, from] = [query.get("find"), query.get("in"), Number(query.get("at"))];
    if (!q || !Number.isSafeInteger(from)) return;
    try {
      const [{ findBar }] = await Promise.all([import("./find-bar.ts"), loadStyle("/search.css")]);
      if (closed) return;
      bar ??= findBar({ session: id, now: model.now, onHit: show });
      at("note").before(bar.root);
      bar.find(q, kind === "lines" ? "lines" : "messages", from);
    } catch {
      trouble("The search did not load. Load the page anew.");
    }
  }

  function show(hit: SearchHit, words: string[]) {
    chosen = true;
    found = { hit, words };
    choose(hit.in === "lines" ? "log" : "conversation");
    lead();
  }

  /** To what was found, as soon as there is something that can show it. */
  function lead() {
    if (!found) return;
    const { hit, words } = found;
    if (hit.in === "messages" && !conversation) {
      if (!asked) loadConversation();
      asked = true;
      return;
    }
    found = null;
    if (hit.in === "lines") log?.goTo(hit.line_no, words);
    else conversation?.goTo({ ...hit, words });
  }

  /** Said anew though it is the same as before. */
  function speak() {
    spoken.textContent = "";
    requestAnimationFrame(() => setText(spoken, lastWords() || "Nothing yet"));
  }

  function lastWords(): string {
    if (tab === "conversation") return (conversation?.latest() ?? "").slice(0, SPOKEN_CHARS);
    const lines =
      tab === "log" ? model.lines().map(({ text }) => text) : (model.screen?.lines ?? []).map(rowText);
    return lines
      .filter((line) => line.trim() !== "")
      .slice(-SPOKEN_LINES)
      .join("\n")
      .slice(-SPOKEN_CHARS);
  }

  function choose(next: Tab) {
    tab = next;
    if (tab === "log" && !log) {
      log = logView(model, id);
      at("panel-log").append(log.root);
    }
    update();
  }

  /** What draws a conversation is not part of the first load. */
  async function loadConversation() {
    try {
      const [{ conversationView }] = await Promise.all([
        import("./conversation.ts"),
        loadStyle("/conversation.css"),
      ]);
      if (closed || conversation) return;
      conversation = conversationView({ model, session: id, onAny: heardOf });
      at("panel-conversation").replaceChildren(conversation.root);
      lead();
    } catch {
      const again = element("button", "button", "Load the page anew");
      again.addEventListener("click", () => location.reload());
      at("panel-conversation").replaceChildren(
        element("p", "quiet", "The conversation cannot be shown: "),
        again,
      );
    }
    update();
  }

  /** Without a word said there is only the screen to look at; nobody is moved away from what they chose. */
  function heardOf(any: boolean) {
    said = any;
    if (!any && !chosen && tab === "conversation") choose(withoutWords());
    update();
  }

  function drawTabs() {
    at("tab-conversation").hidden = said !== true && tab !== "conversation";
    for (const name of TABS) {
      at(`tab-${name}`).setAttribute("aria-selected", String(tab === name));
      at(`tab-${name}`).tabIndex = tab === name ? 0 : -1;
      at(`panel-${name}`).hidden = tab !== name;
    }
    at("fit").hidden = tab !== "screen" || terminal.fits;
  }

  function drawAsk() {
    const [first, ...others] = model.openOf(id);
    const bar = part(root, "ask", HTMLAnchorElement);
    bar.hidden = !first;
    if (!first) return;
    bar.href = `/p/${encodeURIComponent(first.id)}`;
    setText(
      at("ask-title"),
      others.length > 0 ? `${titleOf(first)} (1 of ${others.length + 1})` : titleOf(first),
    );
    setMarked(at("ask-what"), first.kind === "plan" ? "" : first.prompt_text.slice(0, 300));
  }

  /** Others with the same conversation: claude has no lock on it, so what one does the others do not see. */
  function drawAlso({ also_open: ids = [] }: Session) {
    also.hidden = ids.length === 0;
    if (also.dataset.ids === ids.join()) return;
    also.dataset.ids = ids.join();
    const links = ids.map((other) => {
      const session = model.session(other);
      const link = element("a", "");
      link.setAttribute("href", `/s/${encodeURIComponent(other)}`);
      setMarked(link, session ? `${projectOf(session)} on ${hostOf(session)}` : "another session");
      return link;
    });
    const comma = links.flatMap((link, at) => (at === 0 ? [link] : [", ", link]));
    also.replaceChildren("Also open in ", ...comma, ". End one of them: neither sees what the other does.");
  }

  function draw() {
    drawing = 0;
    if (model.screen && tab === "screen") terminal.show(model.screen);
    if (tab === "log") log?.update();
    conversation?.update();
  }

  function update() {
    const session = model.session(id);
    if (!session) return;
    const look = model.look(session);
    setMarked(at("title"), headlineOf(session));
    at("state").className = `state ${look}`;
    setIcon(part(root, "icon", SVGUseElement), look);
    const { devbox } = session;
    const where = [session.name ? projectOf(session) : "", devbox === null ? hostOf(session) : ""];
    setMarked(at("word"), [stateWords(session, model), ...where].filter(Boolean).join(" · "));
    at("badge").hidden = devbox === null;
    setMarked(at("badge"), devbox ?? "");
    const lost = outbox.keyProblem(id);
    const key = lost && `The key did not arrive: ${lost}`;
    if (problem && Date.now() - problem.at > SAID_FOR_MS) problem = null;
    const bad = problem?.text ?? key;
    const [kind, note] = bad ? ["warn", bad] : noteFor(session, model);
    at("note").className = `note ${kind}`;
    at("note").hidden = note === "";
    setMarked(at("note"), note);
    drawAlso(session);
    at("interrupt").hidden = look !== "working";
    at("keys").hidden = tab !== "screen" || look === "ended";
    root.classList.toggle("stale", model.stale());
    if (session.conversation && !asked) {
      asked = true;
      loadConversation();
    }
    find();
    drawTabs();
    drawAsk();
    compose.update();
    drawing ||= requestAnimationFrame(draw);
  }

  /** What claude leaves on its screen when it ends is mostly nothing; the log has it all. */
  function withoutWords(): Tab {
    const session = model.session(id);
    return session && model.look(session) === "ended" ? "log" : "screen";
  }

  // A session whose program is not claude has no conversation, and needs nothing to draw one.
  const known = model.session(id);
  choose(known?.conversation ? "conversation" : withoutWords());
  return {
    root,
    update,
    close() {
      closed = true;
      conversation?.close();
      log?.close();
      bar?.close();
      compose.close();
      cancelAnimationFrame(drawing);
      terminal[Symbol.dispose]();
    },
  };
}

const INTERRUPT = {
  title: "Interrupt Claude?",
  text: "It stops what it is doing now, as Esc at the desk does.",
  yes: "Interrupt",
  danger: true,
};
const STOP = {
  title: "Stop Claude?",
  text: "The process ends. The conversation is kept and can be resumed.",
  yes: "Stop Claude",
  danger: true,
};
