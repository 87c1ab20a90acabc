// The event stream: opens it, notices when it is dead although it looks open, and opens it again for ever.
import { DEAD_AFTER_MS, type ViewerEvents } from "../src/protocol.ts";
import { loginHeaders } from "./api.ts";
import type { Connection } from "./model.ts";
import { eventParser, type StreamEvent } from "./sse.ts";

/** Waits before each try, ms; the last one for ever. */
const BACK_OFF_MS = [250, 500, 1_000, 2_000];
const TICK_MS = 1_000;
/** A tick this late means the page was frozen: the stream looks open and is dead. */
const JUMP_MS = 5_000;

const NAMES: Record<keyof ViewerEvents, true> = {
  state: true,
  session_start: true,
  session_end: true,
  output: true,
  lines: true,
  message: true,
  prompt: true,
  prompt_response: true,
  input: true,
  launch: true,
  viewers: true,
  heartbeat: true,
};

export type StreamOptions = {
  fold: <Name extends keyof ViewerEvents>(name: Name, data: ViewerEvents[Name]) => void;
  connect: (connection: Connection) => void;
};

/** Follows `/events`; `open` changes what is followed, `again` begins anew when the page comes back. */
export function stream({ fold, connect }: StreamOptions) {
  let path = "/events";
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let cursor = "";
  let heardAt = Date.now();
  let openedAt = Date.now();
  let tickedAt = Date.now();
  let state: Connection["kind"] = "connecting";

  function become(connection: Connection) {
    state = connection.kind;
    connect(connection);
  }

  function close() {
    clearTimeout(timer);
    current?.abort();
    current = null;
  }

  function again() {
    close();
    failures = 0;
    run();
  }

  /** What was open has ended. */
  function later() {
    close();
    become({ kind: navigator.onLine ? "reconnecting" : "offline", since: heardAt });
    const wait = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] ?? 0;
    failures++;
    timer = setTimeout(run, wait * (0.75 + Math.random() / 2));
  }

  async function run() {
    const abort = new AbortController();
    current = abort;
    openedAt = Date.now();
    try {
      await follow(abort.signal);
    } catch {
      // Every way a stream ends is the same to us: it is opened again.
    }
    if (current === abort) later();
  }

  async function follow(signal: AbortSignal) {
    const headers: Record<string, string> = { ...loginHeaders(), accept: "text/event-stream" };
    if (cursor) headers["last-event-id"] = cursor;
    const response = await fetch(path, { headers, signal, cache: "no-store" });
    if (response.status === 401 && !signal.aborted) {
      close();
      return become({ kind: "logged_out" });
    }
    // What was to be watched is gone; everything else goes on.
    if (response.status === 404) path = "/events";
    if (!response.ok || !response.body) return;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = eventParser((event) => {
      if (!signal.aborted) take(event);
    });
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      heardAt = Date.now();
      parse(value);
    }
  }

  function take({ name, data, id }: StreamEvent) {
    if (id !== null) cursor = id;
    if (name in NAMES) fold(name as keyof ViewerEvents, JSON.parse(data) as never);
    failures = 0;
    if (state !== "live") become({ kind: "live" });
  }

  function tick() {
    const now = Date.now();
    const jumped = now - tickedAt > TICK_MS + JUMP_MS;
    tickedAt = now;
    const silent = current !== null && now - Math.max(heardAt, openedAt) > DEAD_AFTER_MS;
    if (jumped || silent) again();
  }

  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
  window.addEventListener("pageshow", (event) => event.persisted && again());
  addEventListener("online", again);
  addEventListener("offline", later);
  setInterval(tick, TICK_MS);

  return {
    /** Follows this path from now on; the same path again does nothing. */
    open(next: string) {
      if (next === path && current) return;
      path = next;
      again();
    },
    /** Closes what is open, and opens a new stream now. */
    again,
  };
}
