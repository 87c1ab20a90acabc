// Asks for the events before the page's own script has come, which is a hundred times as large: a script of its own, built
// with nothing but what it needs.
import { loginHeaders } from "./api.ts";
import { pollingSince } from "./polling.ts";

/** What was asked for, until whoever reads it takes it; null once it is too late to ask. */
export type Early = { path: string; response: Promise<Response>; abort: AbortController } | null;

declare global {
  interface Window {
    early?: Early;
  }
}

const session = /^\/s\/([\w.:-]{1,100})$/.exec(location.pathname)?.[1];
const path = session ? `/events?session=${encodeURIComponent(session)}` : "/events";

if (window.early === undefined && location.pathname !== "/pair" && pollingSince() === null) {
  const abort = new AbortController();
  const headers = { ...loginHeaders(), accept: "text/event-stream" };
  const response = fetch(path, { headers, signal: abort.signal, cache: "no-store", redirect: "manual" });
  response.catch(() => {}); // Whoever takes it sees that it failed.
  window.early = { path, response, abort };
}
