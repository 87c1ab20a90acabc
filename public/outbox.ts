// Texts on their way to claude: queued while there is no connection, then sent, delivered, seen or refused. No DOM.
import {
  CONFIRM_WITHIN_MS,
  type InputBody,
  type InputId,
  type InputMode,
  type InputRefusal,
  type InputStage,
  type Key,
  type SessionId,
} from "../src/protocol.ts";
import { ApiFailure, inputIn, post } from "./api.ts";
import { newId } from "./ids.ts";
import type { Model } from "./model.ts";

export type SentStage =
  | "queued"
  | "held"
  | "sending"
  | "sent"
  | "delivered"
  | "seen"
  | "refused"
  | "unconfirmed";

export type Sent = {
  id: InputId;
  session: SessionId;
  text: string;
  mode: InputMode;
  at: number;
  /** Nothing has gone out yet. */
  queued: boolean;
  /**
   * It goes out only when somebody says so: written long ago, in a page that was closed since, or before this phone was
   * logged out.
   */
  held: boolean;
  answered: boolean;
  /** In words, when the server itself refused or did not answer. */
  problem: string | null;
  refused: boolean;
  /** How it stood when that was told last, and since when: the model forgets what is old. */
  told: { stage: InputStage; reason: InputRefusal | null; at: number } | null;
};

export const REFUSALS: Record<InputRefusal, string> = {
  desk_typing: "Somebody is typing at the desk.",
  prompt_open: "Claude waits for a decision first.",
  suspended: "Claude is suspended at the desk.",
  not_ready: "Claude shows no input box.",
  exited: "Claude has exited.",
  too_long: "Too long for one message.",
  mode_not_offered: "Claude does not offer this mode here.",
  mode_while_working:
    "While Claude works, the way there leads through a mode that allows more: interrupt it, or wait until it is idle.",
};

/** Texts shown that claude has; older ones are in the log. Those that it has not are all shown. */
const MAX_SHOWN = 4;
/** A page that comes back within this sends what waited in it; after it, nobody remembers what a "yes" was for. */
const HELD_AFTER_MS = 10 * 60_000;
/** So long after claude has seen it, or has done a command, a text needs no line of its own any more. */
const SEEN_FOR_MS = 5_000;

/** The texts of this page, of all sessions. */
export function createOutbox(model: Model, clock: () => number = Date.now) {
  let sent: Sent[] = kept(clock());
  const keys = new Map<SessionId, Keys>();
  /** Sessions with a text of which the server has not said yet that it has it. */
  const underWay = new Set<SessionId>();
  const waits = ({ queued, held }: Sent) => queued && !held;
  /** This phone was logged out, and what it kept was dropped. */
  let dropped = false;

  async function deliver(message: Sent) {
    const fresh = { queued: false, held: false, answered: false, problem: null, refused: false };
    Object.assign(message, { at: clock(), ...fresh });
    keep(message);
    model.changed();
    setTimeout(model.changed, CONFIRM_WITHIN_MS + 50);
    const body: InputBody = { id: message.id, text: message.text, mode: message.mode };
    try {
      const said = inputIn(await post(inputPath(message.session), body));
      message.answered = true;
      // What became of it may have been told while nobody listened; a reply that is older than the stream tells nothing.
      const known = (model.input(message.id) ?? message.told)?.stage ?? "sent";
      const news = known === "sent" || known === "unconfirmed";
      if (said && news) model.fold("input", { session: message.session, ...said });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      message.problem = error.message;
      message.refused = !error.retryable;
    }
    model.changed();
  }

  model.subscribe(() => {
    for (const message of sent) hear(message);
    sent = sent.filter((message) => !isOver(message));
    hold();
    for (const { session } of sent.filter(waits)) sendWaiting(session);
  });

  /** One after another, since two requests at once may arrive in either order. */
  async function sendWaiting(session: SessionId) {
    if (underWay.has(session)) return;
    underWay.add(session);
    try {
      for (;;) {
        const next = sent.find((message) => message.session === session && waits(message));
        if (!next || model.connection.kind !== "live") return;
        await deliver(next);
      }
    } finally {
      underWay.delete(session);
    }
  }

  /** What waits when a login ends is not of the next one. */
  function hold() {
    const { kind } = model.connection;
    if (kind === "logged_out") {
      dropped = true;
      for (const message of sent) message.held ||= message.queued;
    } else if (kind === "live" && dropped) {
      dropped = false;
      for (const message of sent) if (message.held) keep(message);
    }
  }

  /** Claude has it, for a while, and nothing more will be heard of it. */
  function isOver({ told, text, session }: Sent): boolean {
    if (!told || clock() - told.at < SEEN_FOR_MS) return false;
    return told.stage === "seen" || (told.stage === "delivered" && isCommand(text) && rests(session));
  }

  function rests(id: SessionId): boolean {
    const session = model.session(id);
    return !session || session.ended_at !== null || session.status === "idle" || session.status === "ended";
  }

  /** What the model was told of it. */
  function hear(message: Sent) {
    const known = model.input(message.id);
    if (!known || (known.stage === message.told?.stage && known.reason === message.told.reason)) return;
    message.told = { stage: known.stage, reason: known.reason, at: clock() };
    if (known.stage !== "delivered" && known.stage !== "seen") return;
    forget(message.id);
    setTimeout(model.changed, SEEN_FOR_MS + 50);
  }

  const drop = (id: InputId) => {
    forget(id);
    sent = sent.filter((message) => message.id !== id);
    model.changed();
  };
  const add = (session: SessionId, text: string, mode: InputMode) => {
    const id = newId() as InputId;
    const message = {
      id,
      session,
      text,
      mode,
      at: clock(),
      queued: true,
      held: false,
      answered: false,
      problem: null,
      refused: false,
      told: null,
    };
    sent.push(message);
    keep(message);
    model.changed();
  };

  return {
    /** Sends a text, or queues it until there is a connection. */
    send: (session: SessionId, text: string) => add(session, text, "if_empty"),
    /** Sends a refused text again, in another way: it is another input, with its own id. Once: a second tap finds it gone. */
    resend(message: Sent, mode: InputMode) {
      if (!sent.includes(message)) return;
      drop(message.id);
      add(message.session, message.text, mode);
    },
    /** The same text with the same id: it is typed once. */
    retry: (message: Sent) => void deliver(message),
    drop,
    /** How many, of all sessions, wait for somebody's word. */
    held: () => sent.filter(({ held }) => held).length,
    /** Whether it is still here: it was not taken back meanwhile. */
    has: (message: Sent) => sent.includes(message),

    stageOf(message: Sent): { stage: SentStage; reason: string | null; refusal: InputRefusal | null } {
      const known = model.input(message.id) ?? message.told;
      const late = clock() - message.at >= CONFIRM_WITHIN_MS;
      if (message.held) return { stage: "held", reason: null, refusal: null };
      const stage = model.connection.kind === "live" ? "sending" : "queued"; // Another goes before it.
      if (message.queued) return { stage, reason: null, refusal: null };
      if (known?.stage === "refused") {
        return { stage: "refused", reason: known.reason && REFUSALS[known.reason], refusal: known.reason };
      }
      const doubtful = known?.stage === "unconfirmed";
      if (known && known.stage !== "sent" && !doubtful)
        return { stage: known.stage, reason: null, refusal: null };
      if (message.refused) return { stage: "refused", reason: message.problem, refusal: null };
      if (message.problem || late || doubtful)
        return { stage: "unconfirmed", reason: message.problem, refusal: null };
      return { stage: message.answered ? "sent" : "sending", reason: null, refusal: null };
    },

    /** The texts of one session that still deserve a line, oldest first. */
    shown(session: SessionId): Sent[] {
      const all = sent.filter((message) => message.session === session && !isOver(message));
      return all.filter(({ told }, i) => told?.stage !== "delivered" || i >= all.length - MAX_SHOWN);
    },

    /**
     * Presses a key. Keys arrive in the order they were pressed: where one may be missing, those that were pressed before
     * anybody could know that are not sent, since Enter without the Down before it chooses something else.
     */
    press(session: SessionId, key: Key) {
      const body: InputBody = { id: newId() as InputId, key };
      const own = keys.get(session) ?? { last: Promise.resolve(), lost: 0, problem: null };
      keys.set(session, own);
      const { lost } = own;
      own.last = own.last.then(async () => {
        if (lost !== own.lost) return;
        try {
          await post(inputPath(session), body);
          own.problem = null;
        } catch (error) {
          own.lost++;
          own.problem = error instanceof ApiFailure ? error.message : String(error);
        }
        model.changed();
      });
    },
    /** Why the last key for that session did not arrive, or null. */
    keyProblem: (session: SessionId) => keys.get(session)?.problem ?? null,
  };
}

/** The keys of one session: after `last`; so many times one did not arrive, as far as is known. */
type Keys = { last: Promise<void>; lost: number; problem: string | null };

/** What is not known to have arrived outlives the page, each text under a key of its own. */
const KEY = "unsent:";
/** After that long nobody waits for it any more. */
const KEPT_FOR_MS = 7 * 24 * 60 * 60_000;
/** Texts kept; an older one is in nobody's way. */
const MAX_KEPT = 50;

function keep({ id, session, text, mode, at, held }: Sent) {
  try {
    localStorage.setItem(KEY + id, JSON.stringify({ id, session, text, mode, at, held }));
  } catch {
    // Private mode or a full store: it lives as long as the page.
  }
}

function forget(id: InputId) {
  try {
    localStorage.removeItem(KEY + id);
  } catch {
    // As above.
  }
}

/** What an earlier page could not send, or did not hear of; the same id again is the same text. */
function kept(now: number): Sent[] {
  const found: Sent[] = [];
  for (const [key, value] of stored()) {
    const one = sentIn(value);
    if (!one || now - one.at > KEPT_FOR_MS) forget(key.slice(KEY.length) as InputId);
    else found.push({ ...one, held: one.held || now - one.at > HELD_AFTER_MS });
  }
  return found.sort((a, b) => a.at - b.at).slice(-MAX_KEPT);
}

/** How many texts this phone keeps that claude is not known to have. */
export const keptTexts = () => stored().length;

function stored(): [key: string, value: string][] {
  try {
    const keys = Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i) ?? "");
    return keys.filter((key) => key.startsWith(KEY)).map((key) => [key, localStorage.getItem(key) ?? ""]);
  } catch {
    return [];
  }
}

function sentIn(value: string): Sent | null {
  try {
    const { id, session, text, mode, at, held } = JSON.parse(value) as Sent;
    const known = typeof id === "string" && typeof session === "string" && typeof text === "string";
    if (!known || typeof at !== "number") return null;
    const untold = { queued: true, answered: false, problem: null, refused: false, told: null };
    return { id, session, text, mode, at, held: held === true, ...untold };
  } catch {
    return null;
  }
}

export type Outbox = ReturnType<typeof createOutbox>;

const inputPath = (session: SessionId) => `/api/sessions/${encodeURIComponent(session)}/input`;

/** Of most of these claude reports nothing: that it was typed is the last that is heard. */
const isCommand = (text: string) => /^\s*[/!]/.test(text);

/** What claude makes of a text that begins with one of its signs; null for an ordinary message. */
export function meaningOf(text: string): string | null {
  switch (text.trimStart().charAt(0)) {
    case "/":
      return "A command of Claude Code, not a message.";
    case "!":
      return "A shell command: runs at once, without asking.";
    case "#":
      return "A note for Claude's memory.";
    case "@":
      return "Begins by adding a file.";
    default:
      return null;
  }
}
