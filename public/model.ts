// What the page knows, without any DOM: folds the server's events into sessions, prompts and one watched screen.
// Every event says what a thing is now, so folding one twice, or in another order, does no harm.
import {
  DEAD_AFTER_MS,
  type InputId,
  type InputRefusal,
  type InputStage,
  type Launch,
  type LaunchId,
  type Message,
  PROTOCOL,
  type PromptId,
  type PromptState,
  type Session,
  type SessionId,
  type Viewer,
  type ViewerEvents,
} from "../src/protocol.ts";
import { apply, blank, type Screen } from "../src/screen.ts";
import { logLines } from "./log-lines.ts";
import { newViewers } from "./new-viewers.ts";
import { clockTime } from "./times.ts";

/**
 * `since`: when the page lost contact, by its own clock. `barred`: what it met in the server's place, in words. `polling`:
 * by requests, since no stream comes through.
 */
export type Connection =
  | { kind: "connecting" }
  | { kind: "live"; polling?: boolean }
  | { kind: "reconnecting" | "offline"; since: number; barred?: string | null }
  | { kind: "logged_out" };

/** The last known list, as a phone keeps it. `at`: by the phone's own clock. */
export type Kept = {
  at: number;
  viewer: ViewerEvents["state"]["viewer"];
  sessions: Session[];
  prompts: PromptState[];
};

/** How a session is shown. `done`: it became idle and nobody has looked since. */
export type Look =
  | "waiting"
  | "working"
  | "starting"
  | "done"
  | "idle"
  | "suspended"
  | "unreachable"
  | "ended";

/** Drops shorter than this are nobody's business. */
const QUIET_DROP_MS = 3_000;
/** Ended prompts and input stages remembered, so that a card on screen can still say how it ended. */
const MAX_REMEMBERED = 100;

/** One viewer's state. `clock` is the page's own, in ms; `now` is the server's, estimated from what it last said. */
export function createModel(clock: () => number = Date.now) {
  const sessions = new Map<SessionId, Session>();
  const prompts = new Map<PromptId, PromptState>();
  const inputs = new Map<InputId, { stage: InputStage; reason: InputRefusal | null }>();
  const launches = new Map<LaunchId, Launch>();
  const unread = new Set<SessionId>();
  const log = logLines();
  const listeners = new Set<() => void>();
  const hearers = new Set<(message: Message) => void>();
  let paired = newViewers();
  let watched: SessionId | null = null;
  let screen: Screen | null = null;
  let connection: Connection = { kind: "connecting" };
  let self: ViewerEvents["state"]["viewer"] | null = null;
  let insecure = false;
  /** Once this browser was paired. */
  let ended = false;
  let version: string | null = null;
  /** What is shown was kept on this phone; the server has said nothing yet. */
  let kept = false;
  let protocol = PROTOCOL;
  let offset = 0;
  let contactAt = clock();

  function heard(serverNow: number) {
    offset = serverNow - clock();
  }

  /** Puts a session in its place, and notes a turn that ended while nobody looked. */
  function put(session: Session) {
    const before = sessions.get(session.id);
    const finished = before?.status === "working" && session.status === "idle";
    if (finished && session.id !== watched) unread.add(session.id);
    if (session.status !== "idle") unread.delete(session.id);
    sessions.set(session.id, session);
  }

  function replaceAll(state: ViewerEvents["state"]) {
    heard(state.now);
    kept = false;
    version = state.version;
    self = state.viewer;
    insecure = state.insecure;
    protocol = state.protocol;
    const named = new Set(state.sessions.map(({ id }) => id));
    // An old one that somebody reads is not among those that a state names, and there all the same.
    const isRead = ({ id, ended_at }: Session) => id === watched && ended_at !== null;
    for (const one of [...sessions.values()]) if (!named.has(one.id) && !isRead(one)) sessions.delete(one.id);
    state.sessions.forEach(put);
    const stated = new Set(state.prompts.map(({ id }) => id));
    for (const [id, prompt] of prompts) if (!stated.has(id) && !isOver(prompt)) prompts.delete(id);
    for (const prompt of state.prompts) prompts.set(prompt.id, prompt);
    launches.clear();
    for (const launch of [...(state.launches ?? [])].reverse()) launches.set(launch.id, launch);
  }

  /** What the stream tells comes in its order: also that a prompt is open again. */
  function putPrompt(prompt: PromptState) {
    prompts.set(prompt.id, prompt);
    const over = [...prompts.values()].filter(isOver);
    for (const old of over.slice(0, Math.max(0, over.length - MAX_REMEMBERED))) prompts.delete(old.id);
  }

  /** Its login is over: what it was told is not this browser's any more. */
  function forget() {
    for (const known of [sessions, prompts, launches, unread]) known.clear();
    log.clear();
    screen = null;
    paired = newViewers();
    ended ||= self !== null;
    self = version = null;
  }

  const folds: { [Name in keyof ViewerEvents]: (data: ViewerEvents[Name]) => void } = {
    state: replaceAll,
    session_start: ({ session }) => put(session),
    session_end: ({ session }) => put(session),
    session_gone: ({ session }) => void sessions.delete(session),
    output({ session, frame }) {
      if (session === watched) screen = apply(screen ?? blank(0, 0), frame);
    },
    lines({ session, lines: more }) {
      if (session === watched) log.put(more);
    },
    message({ session, message }) {
      if (session === watched) for (const hear of hearers) hear(message);
    },
    prompt: ({ prompt }) => putPrompt(prompt),
    prompt_response: ({ prompt }) => putPrompt(prompt),
    input({ id, stage, reason }) {
      inputs.set(id, { stage, reason });
      for (const old of [...inputs.keys()].slice(0, Math.max(0, inputs.size - MAX_REMEMBERED)))
        inputs.delete(old);
    },
    launch({ launch }) {
      launches.set(launch.id, launch);
      for (const old of [...launches.keys()].slice(0, Math.max(0, launches.size - MAX_REMEMBERED)))
        launches.delete(old);
    },
    viewers: ({ viewers }) => paired.meet(viewers, self?.id ?? null, now()),
    heartbeat: (beat) => heard(beat.now),
  };

  const changed = () => {
    for (const listener of listeners) listener();
  };
  const now = () => clock() + offset;

  const model = {
    /** The server's time now, ms since 1970. */
    now,
    get connection() {
      return connection;
    },
    /** What was met where the server should be, in words; null if nothing was. */
    get barred() {
      return connection.kind === "reconnecting" ? (connection.barred ?? null) : null;
    },
    get insecure() {
      return insecure;
    },
    /** The server speaks another protocol: what it tells may mean something else. */
    get outdated() {
      return protocol !== PROTOCOL;
    },
    /** The server's, null until it is known. */
    get version() {
      return version;
    },
    get watched() {
      return watched;
    },
    get screen() {
      return screen;
    },
    /** Phones that were paired while this page was open and that nobody here has approved of yet. */
    get newViewers(): readonly Viewer[] {
      return paired.viewers;
    },
    /** A `state` has come: what is missing does not exist. */
    get loaded() {
      return self !== null;
    },
    session: (id: SessionId) => sessions.get(id) ?? null,
    prompt: (id: PromptId) => prompts.get(id) ?? null,
    input: (id: InputId) => inputs.get(id) ?? null,
    /** What was told of that launch last. */
    launch: (id: LaunchId) => launches.get(id) ?? null,
    /** Launches under way, the newest first. */
    launching: () => [...launches.values()].filter(({ ended_at }) => ended_at === null).reverse(),
    /** The watched session's log, oldest first; the same array until it changes. */
    lines: log.lines,

    /** No word from the server for so long that what is shown may no longer be true. */
    stale: () => kept || connection.kind === "logged_out" || clock() - contactAt > DEAD_AFTER_MS,
    /** When the server was last heard, in its own time. */
    asOf: () => contactAt + offset,

    /** Open prompts, the longest waiting first. */
    open: () =>
      [...prompts.values()]
        .filter((prompt) => prompt.stage === "open")
        .sort((a, b) => a.created_at - b.created_at),
    openOf: (session: SessionId) => model.open().filter((prompt) => prompt.session_id === session),

    look(session: Session): Look {
      if (session.ended_at !== null || session.status === "ended") return "ended";
      if (!session.connected) return "unreachable";
      if (session.status === "suspended") return "suspended";
      if (model.openOf(session.id).length > 0 || session.status === "waiting") return "waiting";
      if (session.status === "idle" && unread.has(session.id)) return "done";
      return session.status;
    },

    /** Every session: those that need somebody first, the longest waiting at the top; ended ones last, newest first. */
    ordered(): Session[] {
      const oldest = new Map<SessionId, number>();
      for (const prompt of model.open().reverse()) oldest.set(prompt.session_id, prompt.created_at);
      const since = (session: Session) => oldest.get(session.id) ?? session.heard_at;
      return [...sessions.values()].sort((a, b) => {
        const [left, right] = [model.look(a), model.look(b)];
        if (left !== right) return LOOKS.indexOf(left) - LOOKS.indexOf(right);
        if (left === "waiting") return since(a) - since(b);
        if (left === "ended") return (b.ended_at ?? 0) - (a.ended_at ?? 0);
        return b.started_at - a.started_at;
      });
    },

    /** What the banner says, or null when there is nothing to say. */
    banner(): string | null {
      switch (connection.kind) {
        case "offline":
        case "reconnecting": {
          const silent = clock() - connection.since;
          if (silent < QUIET_DROP_MS && !kept) return null;
          const offline = connection.kind === "offline";
          const how = offline ? "Offline" : `Reconnecting … (${Math.floor(silent / 1000)} s)`;
          return model.loaded && model.stale() ? `${how}, as of ${clockTime(model.asOf(), now())}` : how;
        }
        case "logged_out":
          return ended ? "This browser is not paired any more." : null;
        default:
          return model.loaded && model.stale()
            ? `No word from the server since ${clockTime(model.asOf(), now())}.`
            : null;
      }
    },

    fold<Name extends keyof ViewerEvents>(name: Name, data: ViewerEvents[Name]) {
      contactAt = clock();
      folds[name](data);
      changed();
    },
    /** What this phone kept of an earlier visit, until the server speaks: for looking at, not for answering. */
    restore({ at, ...was }: Kept) {
      if (self || connection.kind === "logged_out") return;
      kept = true;
      contactAt = at;
      self = was.viewer;
      was.sessions.forEach(put);
      for (const prompt of was.prompts) prompts.set(prompt.id, prompt);
      changed();
    },
    /** What a phone may keep: the sessions, their open prompts, and when they were true; null before anything is known. */
    keepable(): Kept | null {
      if (!self || kept) return null;
      return { at: contactAt, viewer: self, sessions: [...sessions.values()], prompts: model.open() };
    },
    connect(next: Connection) {
      connection = next;
      if (next.kind === "logged_out") forget();
      changed();
    },
    /** The reply to a request may come after the stream has told more: an older word changes nothing. */
    replied(prompt: PromptState) {
      const before = prompts.get(prompt.id);
      const older =
        before?.digest === prompt.digest && STAGES.indexOf(before.stage) > STAGES.indexOf(prompt.stage);
      contactAt = clock();
      if (!older) putPrompt(prompt);
      changed();
    },
    /** Looks at one session: its screen and log begin empty, and its finished turn counts as seen. */
    watch(session: SessionId | null) {
      if (session !== watched) {
        screen = null;
        log.clear();
      }
      watched = session;
      if (session) unread.delete(session);
    },
    /** The owner knows this phone. */
    approveOf(viewer: Viewer) {
      paired.approveOf(viewer);
      changed();
    },
    /** Calls `listener` after each change until the returned function is called. */
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Calls `hear` with each message of the watched session until the returned function is called. */
    hear(hear: (message: Message) => void) {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    changed,
  };
  return model;
}

export type Model = ReturnType<typeof createModel>;

const LOOKS: Look[] = ["waiting", "working", "starting", "done", "idle", "suspended", "unreachable", "ended"];

const STAGES: PromptState["stage"][] = ["open", "answered", "delivered", "accepted", "too_late", "withdrawn"];

/** Whether nothing more can become of it. */
export function isOver({ stage }: PromptState): boolean {
  return stage === "accepted" || stage === "too_late" || stage === "withdrawn";
}
