// The sessions that live: what is true of each, its screen, and the connection of its wrapper, which it outlives.
import {
  DEAD_AFTER_MS,
  type DeviceId,
  type ServerMessage,
  type Session,
  type SessionId,
  type SessionState,
  type SessionStatement,
} from "../protocol.ts";
import { apply, blank, type Frame, type Screen } from "../screen.ts";
import type { Clock } from "./clock.ts";
import { ApiError, storageError } from "./errors.ts";
import type { Events } from "./events.ts";
import { LIMITS } from "./limits.ts";
import type { Exit } from "./rows.ts";
import type { Store } from "./store.ts";

/** The connection of one wrapper, as a session sees it. */
export type Uplink = {
  /** When it was last heard. */
  readonly heardAt: number;
  tell(message: ServerMessage): void;
  /** Another wrapper owns the session now. */
  replaced(): void;
};

type Live = { session: Session; screen: Screen; saved: boolean; uplink: Uplink | null };

/** More than ten frames a second nobody sees on a phone. */
const FRAMES_PER_SECOND = 10;

export class Sessions {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #live = new Map<SessionId, Live>();
  #unstoredAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store, clock: Clock, events: Events) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    for (const session of store.openSessions()) this.#keep(session, null);
  }

  #keep(session: Session, uplink: Uplink | null): Live {
    const screen = this.#store.screen(session.id) ?? blank(session.cols, session.rows);
    const live = { session, screen, saved: true, uplink };
    this.#live.set(session.id, live);
    return live;
  }

  /** A wrapper says what is true. Null: the session is another device's. */
  state(device: DeviceId, statement: SessionStatement, uplink: Uplink) {
    const stated = this.#store.stateSession(device, statement, this.#clock.now());
    if (!stated) return null;
    const live = this.#live.get(statement.id) ?? this.#keep(stated.session, uplink);
    if (live.uplink && live.uplink !== uplink) live.uplink.replaced();
    live.uplink = uplink;
    live.session = stated.session;
    this.#changed(live);
    for (const prompt of stated.withdrawn)
      this.#events.tell(`prompt ${prompt.id}`, "prompt_response", { prompt });
    return stated.session;
  }

  setState(id: SessionId, state: SessionState): void {
    const session = this.#store.setState(id, state, this.#clock.now());
    const live = this.#live.get(id);
    if (!live) return;
    live.session = session;
    this.#save(live);
    this.#changed(live);
  }

  /** What changed on a session's screen. */
  frame(id: SessionId, frame: Frame): void {
    const live = this.#live.get(id);
    if (!live) return;
    live.screen = apply(live.screen, frame);
    live.saved = false;
    // Unwatched, frames come only at a change of status and at the end: these are what is kept.
    if (this.#events.watching(id) === 0) this.#save(live);
    this.#events.show(id, live.screen);
  }

  end(id: SessionId, exit: Exit): void {
    const live = this.#live.get(id);
    if (live) this.#save(live);
    const { session, prompts } = this.#store.endSession(id, exit, this.#clock.now());
    if (live) live.session = session;
    for (const prompt of prompts) this.#events.tell(`prompt ${prompt.id}`, "prompt_response", { prompt });
    this.#events.tell(`session ${id}`, "session_end", { session });
    if (live && !live.uplink) this.#live.delete(id);
  }

  /** That connection is gone. The session goes on, out of reach. */
  lost(id: SessionId, uplink: Uplink): void {
    const live = this.#live.get(id);
    if (!live || live.uplink !== uplink) return;
    live.uplink = null;
    live.session = { ...live.session, heard_at: uplink.heardAt };
    if (live.session.ended_at !== null) this.#live.delete(id);
    else this.#changed(live); // Written down when there is time: see `tidy`.
  }

  /** Open sessions as viewers see them. */
  open(): Session[] {
    return [...this.#live.values()].filter((live) => live.session.ended_at === null).map(view);
  }

  /** A session, alive or not. Throws `not_found`. */
  get(id: string): Session {
    const live = this.#live.get(id as SessionId);
    const session = live ? view(live) : this.#store.session(id);
    if (!session) throw new ApiError("not_found", "There is no such session.");
    return session;
  }

  screen(id: SessionId): Screen | null {
    return this.#live.get(id)?.screen ?? this.#store.screen(id);
  }

  /** The connection on which a session can be spoken to now. Throws `gone`, `unreachable` or, where that is why, `storage`. */
  reach(id: SessionId): Uplink {
    const { ended_at } = this.get(id);
    if (ended_at !== null) throw new ApiError("gone", "The session has ended.");
    const uplink = this.#live.get(id)?.uplink;
    const since = (at: number) => this.#clock.now() - at;
    if (uplink && since(uplink.heardAt) < DEAD_AFTER_MS) return uplink;
    if (since(this.#unstoredAt) < DEAD_AFTER_MS) throw storageError();
    throw new ApiError("unreachable", "The machine of this session cannot be reached now. Nothing was sent.");
  }

  /** What a wrapper said could not be stored, so its connection ended: that is why it cannot be reached. */
  unstored(): void {
    this.#unstoredAt = this.#clock.now();
  }

  /** The connection of a session if there is one, for what is sent again later anyway. */
  uplink(id: SessionId): Uplink | null {
    return this.#live.get(id)?.uplink ?? null;
  }

  /** Sessions with a connection. */
  connected(): SessionId[] {
    return [...this.#live].filter(([, live]) => live.uplink !== null).map(([id]) => id);
  }

  /** Tells the wrapper how many look at its screen, and whether any phone is paired. */
  watch(id: SessionId): void {
    const viewers = this.#events.watching(id);
    const paired = this.#store.viewers().length > 0;
    const rate = viewers > 0 ? FRAMES_PER_SECOND : 0;
    this.#live.get(id)?.uplink?.tell({ type: "watch", viewers, rate, paired });
  }

  /** Now and then: writes down what is known, and gives up those silent for a day. */
  tidy(): void {
    for (const live of [...this.#live.values()]) {
      const { id, heard_at, ended_at } = view(live);
      this.#save(live);
      this.#store.heard(id, heard_at);
      const lost = ended_at === null && this.#clock.now() - heard_at > LIMITS.lostMs;
      if (lost) this.end(id, { code: null, signal: null, reason: "lost" });
    }
  }

  #save(live: Live) {
    if (live.saved) return;
    this.#store.saveScreen(live.session.id, live.screen);
    live.saved = true;
  }

  #changed(live: Live) {
    const session = view(live);
    const name = session.ended_at === null ? "session_start" : "session_end";
    this.#events.tell(`session ${session.id}`, name, { session });
  }
}

/** What is stored, and what only the connection knows. */
function view({ session, uplink }: Live): Session {
  const connected = uplink !== null && session.ended_at === null;
  return { ...session, connected, heard_at: uplink?.heardAt ?? session.heard_at };
}
