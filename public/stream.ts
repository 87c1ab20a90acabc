// The event stream: opens it, notices when it is dead although it looks open, and opens it again for ever. Where streams do
// not come through, it asks for the same events batch by batch.
import { DEAD_AFTER_MS, HEARTBEAT_MS, type ViewerEvents } from "../src/protocol.ts";
import { type ApiFailure, isAnswer, loginHeaders, refusalIn } from "./api.ts";
import type { Early } from "./early.ts";
import type { Connection } from "./model.ts";
import { keepPolling, poll, pollingSince, TRY_STREAM_EVERY_MS } from "./polling.ts";
import { eventParser, type StreamEvent } from "./sse.ts";

/** Waits before each try, ms; the last one for ever. */
const BACK_OFF_MS = [250, 500, 1_000, 2_000];
const TICK_MS = 1_000;
/** A tick this late means the page was frozen: the stream looks open and is dead. */
const JUMP_MS = 5_000;
/** The first event is sent with the headers: what has not brought it by then is kept back on the way. */
const FIRST_BYTE_MS = 4_000;
/** What was opened anew and is silent for so long is no longer called live. */
const QUIET_MS = 3_000;

const NAMES: Record<keyof ViewerEvents, true> = {
  state: true,
  session_start: true,
  session_end: true,
  session_gone: true,
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

type Told = { name: string; data: unknown; id: string | null };

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
  /** When something last spoke for another network below the same line. */
  let doubtedAt = 0;
  /** Since when there has been no line; null where there is one. */
  let lostAt: number | null = null;
  let polling = pollingSince() !== null;
  /** What is open has brought something, and a heartbeat. */
  let begun = false;
  let beaten = false;
  /** Streams were refused rather than kept back: the server may have been away for a moment. */
  let refused = false;
  let tried: AbortController | null = null;
  /** What was met in the server's place, in words, if something was. */
  let barred: string | null = null;

  function become(connection: Connection) {
    state = connection.kind;
    connect(connection);
  }

  function lost(since: number) {
    if (state === "logged_out") return; // Until the server says otherwise: without a line nothing is shown again.
    lostAt ??= since;
    become({ kind: navigator.onLine ? "reconnecting" : "offline", since: lostAt, barred });
  }

  function close() {
    clearTimeout(timer);
    current?.abort();
    current = null;
  }

  function again() {
    close();
    failures = 0;
    if (state === "live" && Date.now() - heardAt > JUMP_MS) lost(Date.now());
    run();
  }

  /** What was open has ended. */
  function later() {
    close();
    lost(Date.now());
    const wait = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] ?? 0;
    failures++;
    timer = setTimeout(run, wait * (0.75 + Math.random() / 2));
  }

  async function run() {
    const abort = new AbortController();
    current = abort;
    openedAt = Date.now();
    begun = false;
    beaten = false;
    const late = setTimeout(() => keptBack(abort), FIRST_BYTE_MS);
    try {
      const refusal = await (polling ? fetchBatches(abort.signal) : follow(abort.signal));
      if (!abort.signal.aborted) {
        if (refusal?.code === "unauthorized") return loggedOut();
        // What was to be watched is gone; everything else goes on.
        if (refusal?.code === "not_found") path = "/events";
        barred = refusal?.code === "barred" ? refusal.message : null;
      }
    } catch {
      // Every way a stream ends is the same to us: it is opened again.
    } finally {
      clearTimeout(late);
    }
    if (current !== abort) return;
    // What is refused or cut before its first byte, twice, is perhaps let through batch by batch; if not, it was a try.
    if (pollingSince() === null) polling = !polling && !begun && failures > 0;
    refused = polling;
    later();
  }

  /** Nothing has come of it yet: perhaps by polling. */
  function keptBack(abort: AbortController) {
    if (polling || abort !== current || begun) return;
    polling = true;
    refused = false;
    close();
    run();
  }

  function loggedOut() {
    close();
    become({ kind: "logged_out" });
  }

  async function follow(signal: AbortSignal): Promise<ApiFailure | null> {
    const response = await (takeEarly(path, signal) ?? ask(signal));
    if (!isAnswer(response)) return refusalIn(response);
    if (!response.body) return null;
    const read = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = eventParser((event) => {
      if (!signal.aborted) take(told(event));
    });
    for (;;) {
      const { done, value } = await read.read();
      if (done || signal.aborted) return null;
      heardAt = Date.now();
      begun = true;
      parse(value);
    }
  }

  function ask(signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { ...loginHeaders(), accept: "text/event-stream" };
    if (cursor) headers["last-event-id"] = cursor;
    return fetch(path, { headers, signal, cache: "no-store", redirect: "manual" });
  }

  function fetchBatches(signal: AbortSignal): Promise<ApiFailure | null> {
    return poll(path, cursor, signal, (event) => {
      heardAt = Date.now();
      begun = true;
      if (pollingSince() === null) keepPolling(heardAt);
      take(event);
      if (refused) tryStream();
      refused = false;
    });
  }

  function take({ name, data, id }: Told) {
    if (id !== null) cursor = id;
    if (name === "heartbeat") beaten = true;
    if (name in NAMES) fold(name as keyof ViewerEvents, data as never);
    failures = 0;
    barred = null;
    lostAt = null;
    if (state !== "live") become({ kind: "live", polling });
  }

  /** Whether streams come through by now: one that brings a heartbeat does. Polling goes on meanwhile. */
  async function tryStream() {
    const abort = new AbortController();
    tried = abort;
    keepPolling(Date.now());
    const end = setTimeout(() => abort.abort(), DEAD_AFTER_MS);
    let alive = false;
    try {
      const init: RequestInit = { headers: loginHeaders(), signal: abort.signal, redirect: "manual" };
      const response = await fetch("/events", init);
      const read = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      const parse = eventParser(({ name }) => {
        alive ||= name === "heartbeat";
      });
      for (let more = response.ok; more && !alive; ) {
        const { done = true, value = "" } = (await read?.read()) ?? {};
        parse(value);
        more = !done;
      }
    } catch {
      // It does not.
    }
    clearTimeout(end);
    abort.abort();
    if (tried === abort) tried = null;
    if (!alive) return;
    keepPolling(null);
    polling = false;
    again();
  }

  function tick() {
    const now = Date.now();
    const jumped = now - tickedAt > TICK_MS + JUMP_MS;
    tickedAt = now;
    const silent = current !== null && now - Math.max(heardAt, openedAt) > DEAD_AFTER_MS;
    // A stream that began and then brought no heartbeat is collected somewhere, block by block.
    if (silent) polling = pollingSince() !== null || (begun && !beaten);
    const overdue = doubtedAt > Math.max(heardAt, openedAt) && now - doubtedAt > HEARTBEAT_MS + QUIET_MS;
    if (jumped || silent || overdue) return again();
    if (state === "live" && !begun && now - openedAt > QUIET_MS) lost(openedAt);
    const since = pollingSince();
    if (state === "live" && polling && !tried && since !== null && now - since > TRY_STREAM_EVERY_MS)
      tryStream();
  }

  const back = () => document.visibilityState === "visible" && again();
  document.addEventListener("visibilitychange", back);
  document.addEventListener("resume", back);
  window.addEventListener("pageshow", (event) => event.persisted && again());
  addEventListener("online", again);
  addEventListener("offline", later);
  // From one network to the next: the old connection is dead, and nobody says so. Where the kind of network is known, the
  // same kind is a doubt alone: the event also tells of every other estimate of its speed.
  const { connection } = navigator as { connection?: EventTarget & { type?: string } };
  let network = connection?.type;
  connection?.addEventListener("change", () => {
    const same = network !== undefined && network === connection.type;
    network = connection.type;
    if (same) doubtedAt = Date.now();
    else back();
  });
  setInterval(tick, TICK_MS);

  return {
    /** Follows this path from now on; the same path again does nothing. */
    open(next: string) {
      if (next === path && current) return;
      path = next;
      again();
    },
    /** This browser was let in: closes what is open, and opens a new stream now. */
    again() {
      if (state === "logged_out") become({ kind: "connecting" });
      again();
    },
  };
}

const told = ({ name, data, id }: StreamEvent): Told => ({ name, data: JSON.parse(data), id });

/** What the page asked for before this script came (early.ts), if it is what is wanted now; taken once, by whoever is first. */
function takeEarly(path: string, signal: AbortSignal): Promise<Response> | null {
  const early: Early = window.early ?? null;
  window.early = null;
  if (early?.path === path) signal.addEventListener("abort", () => early.abort.abort());
  else early?.abort.abort();
  return early?.path === path ? early.response : null;
}
