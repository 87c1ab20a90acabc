// Texts on their way to claude: queued while there is no connection, then sent, delivered, seen or refused. No DOM.
import {
  CONFIRM_WITHIN_MS,
  type InputBody,
  type InputId,
  type InputMode,
  type InputRefusal,
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
  /** Written so long ago, in a page that was closed since, that it goes out only when somebody says so. */
  held: boolean;
  answered: boolean;
  /** In words, when the server itself refused or did not answer. */
  problem: string | null;
  refused: boolean;
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

/** Texts shown as sent; older ones are in the log. */
const MAX_SHOWN = 4;
/** A page that comes back within this sends what waited in it; after it, nobody remembers what a "yes" was for. */
const HELD_AFTER_MS = 10 * 60_000;
/** A text that claude has seen needs no line of its own any more. */
const SEEN_FOR_MS = 5_000;

/** The texts of this page, of all sessions. */
export function createOutbox(model: Model, clock: () => number = Date.now) {
  let sent: Sent[] = kept(clock());
  let keys: Promise<unknown> = Promise.resolve();
  let keyProblem: string | null = null;

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
      const known = model.input(message.id)?.stage ?? "sent";
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
    for (const message of sent) {
      const stage = model.input(message.id)?.stage;
      if (stage === "delivered" || stage === "seen") forget(message.id);
    }
    if (model.connection.kind !== "live") return;
    for (const message of sent) if (message.queued && !message.held) deliver(message);
  });

  const drop = (id: InputId) => {
    forget(id);
    sent = sent.filter((message) => message.id !== id);
    model.changed();
  };
  const add = (session: SessionId, text: string, mode: InputMode) => {
    const id = newId() as InputId;
    const queued = model.connection.kind !== "live";
    const message = {
      id,
      session,
      text,
      mode,
      at: clock(),
      queued,
      held: false,
      answered: false,
      problem: null,
      refused: false,
    };
    sent.push(message);
    keep(message);
    if (queued) model.changed();
    else deliver(message);
  };

  return {
    /** Sends a text, or queues it until there is a connection. */
    send: (session: SessionId, text: string) => add(session, text, "if_empty"),
    /** Sends a refused text again, in another way: it is another input, with its own id. */
    resend(message: Sent, mode: InputMode) {
      drop(message.id);
      add(message.session, message.text, mode);
    },
    /** The same text with the same id: it is typed once. */
    retry: (message: Sent) => void deliver(message),
    drop,

    stageOf(message: Sent): { stage: SentStage; reason: string | null; refusal: InputRefusal | null } {
      const known = model.input(message.id);
      const late = clock() - message.at >= CONFIRM_WITHIN_MS;
      if (message.held) return { stage: "held", reason: null, refusal: null };
      if (message.queued) return { stage: "queued", reason: null, refusal: null };
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
      const fresh = (message: Sent) =>
        model.input(message.id)?.stage !== "seen" || clock() - message.at < SEEN_FOR_MS;
      return sent.filter((message) => message.session === session && fresh(message)).slice(-MAX_SHOWN);
    },

    /** Presses a key; keys arrive in the order they were pressed. */
    press(session: SessionId, key: Key) {
      const body: InputBody = { id: newId() as InputId, key };
      keys = keys
        .then(() => post(inputPath(session), body))
        .then(
          () => say(null),
          (error) => say(error instanceof ApiFailure ? error.message : String(error)),
        );
    },
    /** Why the last key did not arrive, or null. */
    get keyProblem() {
      return keyProblem;
    },
  };

  function say(problem: string | null) {
    if (problem === keyProblem) return;
    keyProblem = problem;
    model.changed();
  }
}

/** What is not known to have arrived outlives the page, each text under a key of its own. */
const KEY = "unsent:";
/** After that long nobody waits for it any more. */
const KEPT_FOR_MS = 7 * 24 * 60 * 60_000;
/** Texts kept; an older one is in nobody's way. */
const MAX_KEPT = 50;

function keep({ id, session, text, mode, at }: Sent) {
  try {
    localStorage.setItem(KEY + id, JSON.stringify({ id, session, text, mode, at }));
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
    else found.push({ ...one, held: now - one.at > HELD_AFTER_MS });
  }
  return found.sort((a, b) => a.at - b.at).slice(-MAX_KEPT);
}

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
    const { id, session, text, mode, at } = JSON.parse(value) as Sent;
    const known = typeof id === "string" && typeof session === "string" && typeof text === "string";
    if (!known || typeof at !== "number") return null;
    const untold = { queued: true, held: false, answered: false, problem: null, refused: false };
    return { id, session, text, mode, at, ...untold };
  } catch {
    return null;
  }
}

export type Outbox = ReturnType<typeof createOutbox>;

const inputPath = (session: SessionId) => `/api/sessions/${encodeURIComponent(session)}/input`;

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
