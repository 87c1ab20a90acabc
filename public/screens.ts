// Screens beside sessions and questions, each at an address of its own. What draws one comes on demand, so that the
// first load stays small.
import { ApiFailure } from "./api.ts";
import { fromTemplate, loadStyle, part, setText } from "./dom.ts";
import type { Context, Drawn } from "./screen.ts";
import { trouble } from "./trouble.ts";

type Screen = {
  title: string;
  about: string;
  /** The file of its own style, if it has one. */
  style?: string;
  /** The word of its query that makes it another screen, if one does. */
  by?: string;
  /** What draws it into `body`. */
  load: () => Promise<(body: HTMLElement, context: Context) => Drawn>;
};

/** Each also stands in `SCREENS` of src/server/asset-routes.ts, so that it can be opened from outside. */
const SCREENS: Record<string, Screen> = {
  "/new": {
    title: "New session",
    about: "Start Claude, here or on a devbox",
    style: "/devboxes.css",
    load: async () => (await import("./new-session.ts")).newSession,
  },
  "/devboxes": {
    title: "Devboxes",
    about: "Where sessions can be started",
    style: "/devboxes.css",
    load: async () => (await import("./devboxes-view.ts")).devboxesView,
  },
  "/search": {
    title: "Search",
    about: "All that was said and logged",
    style: "/search.css",
    by: "session",
    load: async () => (await import("./search-view.ts")).searchView,
  },
  "/history": {
    title: "Ended sessions",
    about: "What is still kept, the newest first",
    style: "/search.css",
    load: async () => (await import("./history-view.ts")).historyView,
  },
  "/usage": {
    title: "Usage",
    about: "The last 30 days",
    style: "/search.css",
    load: async () => (await import("./usage-view.ts")).usageView,
  },
  "/phones": {
    title: "Phones",
    about: "Who may watch and answer",
    style: "/phones.css",
    load: async () => (await import("./phones-view.ts")).phonesView,
  },
  "/pair-phone": {
    title: "Pair another phone",
    about: "It will be able to watch, answer and type",
    style: "/settings.css",
    load: async () => (await import("./pair-another.ts")).pairAnother,
  },
  "/tokens": {
    title: "Tokens and machines",
    about: "What programs and machines may do",
    style: "/phones.css",
    load: async () => (await import("./tokens-view.ts")).tokensView,
  },
  "/settings": {
    title: "Settings",
    about: "Of this phone",
    style: "/settings.css",
    load: async () => (await import("./settings-view.ts")).settingsView,
  },
  "/audit": {
    title: "Audit log",
    about: "Every question, who decided, and what exactly",
    style: "/audit.css",
    load: async () => (await import("./audit-view.ts")).auditView,
  },
};

export const isScreen = (path: string) => Object.hasOwn(SCREENS, path);

/** What tells the screen of this address from every other. */
export function keyOf(path: string): string {
  const { by } = SCREENS[path] ?? {};
  const about = by && new URLSearchParams(location.search).get(by);
  return about ? `${path}?${about}` : path;
}

/** The screen of an address, empty until its script has come. */
export function screenAt(path: string, context: Omit<Context, "say">) {
  const root = fromTemplate("screen");
  const at = (name: string) => part(root, name, HTMLElement);
  const screen = SCREENS[path];
  let drawn: Drawn | null = null;
  let closed = false;

  const { show, close } = trouble(root, context.model);

  function say(problem: unknown, again?: () => unknown) {
    if (problem !== null && !(problem instanceof ApiFailure)) throw problem;
    show(problem?.message ?? null, again, problem?.retryable);
  }

  async function load() {
    try {
      const plain = () => {}; // Without its style everything is there, only plainer.
      const [draw] = await Promise.all([
        screen?.load(),
        screen?.style && loadStyle(screen.style).catch(plain),
      ]);
      if (closed) return;
      show(null);
      drawn = draw?.(at("body"), { ...context, say }) ?? null;
    } catch {
      show("This page did not load.", anew, false);
    }
  }

  /** A browser may keep a script's failure for as long as the page stands: only a new load of it asks again. */
  function anew() {
    if (context.model.connection.kind === "live") location.reload();
    else load();
  }

  root.classList.add(path.slice(1));
  setText(at("title"), screen?.title ?? "");
  setText(at("about"), screen?.about ?? "");
  load();
  return {
    root,
    update: () => drawn?.update?.(),
    close() {
      closed = true;
      close();
      drawn?.close?.();
    },
  };
}
