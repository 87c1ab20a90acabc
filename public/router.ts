// Addresses of the page, by the History API, so that Back and the edge swipe do what they always do.
import { isScreen } from "./screens.ts";

export type Route =
  | { kind: "list" }
  | { kind: "session"; id: string }
  | { kind: "prompt"; id: string }
  | { kind: "pair" }
  | { kind: "screen"; path: string }
  | { kind: "unknown" };

/** What an address shows. */
export function routeOf(path: string): Route {
  if (path === "/") return { kind: "list" };
  if (path === "/pair") return { kind: "pair" };
  if (isScreen(path)) return { kind: "screen", path };
  const [, folder, id] = /^\/([sp])\/([\w.:-]{1,100})$/.exec(path) ?? [];
  if (!id) return { kind: "unknown" };
  return { kind: folder === "s" ? "session" : "prompt", id };
}

/** Follows links of the page without loading it anew; `onArrive` after each change of address. */
export function createRouter(onArrive: () => void) {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.origin !== location.origin || link.target) return;
    event.preventDefault();
    if (link.classList.contains("back")) back(link.pathname);
    else go(link.pathname + link.search);
  });
  addEventListener("popstate", onArrive);

  function go(path: string, replace = false) {
    if (path === location.pathname + location.search) return;
    const state = { from: location.pathname };
    if (replace) history.replaceState(state, "", path);
    else history.pushState(state, "", path);
    onArrive();
  }

  /** To where one came from, if that was in this page; else to `path`. */
  function back(path: string) {
    const from = (history.state as { from?: string } | null)?.from;
    const inside = from !== undefined && (from === path || routeOf(location.pathname).kind === "prompt");
    if (inside && routeOf(from).kind !== "prompt") history.back();
    else go(path);
  }

  return { route: () => routeOf(location.pathname), go, back };
}
