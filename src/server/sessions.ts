// The sessions that live: what is true of each, its screen, and the connection of its wrapper, which it outlives.
import {
  DEAD_AFTER_MS,
  type DeskId,
  type DeviceId,
  type Session,
  type SessionCopy,
  type SessionId,
  type SessionState,
  type SessionStatement,
} from "../protocol.ts";
import { apply, blank, type Frame, type Screen } from "../screen.ts";
import type { Clock } from "./clock.ts";
import { ApiError, storageError } from "./errors.ts";
import type { Events } from "./events.ts";
import { LIMITS } from "./limits.ts";
import { type AttachedDesk, isOpen, type Live, liveOf, share, type Uplink, viewOf } from "./live-session.ts";
import type { Exit } from "./store/session-table.ts";
import type { Store } from "./store.ts";

/** More than ten frames a second nobody sees on a phone; in a terminal, where one types, one does. */
const FRAMES_PER_SECOND = 10;
const FRAMES_PER_SECOND_ATTACHED = 30;
/** It is tidied every minute: where more than this lies between, the machine slept, or its clock was set. */
const SLEPT_MS = 3 * 60_000;
/** A wrapper that is told of a new desk says what its screen shows within milliseconds; one that is busy, later. */
const SCREEN_WITHIN_MS = 500;

export class Sessions {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #live = new Map<SessionId, Live>();
  readonly #heard: ((ended: SessionId) => void)[] = [];
  #unstoredAt = Number.NEGATIVE_INFINITY;
  #tidiedAt: number;

  /** How often a session that was known was stated on another connection. */
  reconnects = 0;

  constructor(store: Store, clock: Clock, events: Events) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#tidiedAt = clock.now();
    for (const session of store.sessions.open()) this.#keep(session, null);
  }

  #keep(session: Session, uplink: Uplink | null): Live {
    const screen = this.#store.sessions.screen(session.id) ?? blank(session.cols, session.rows);
    const live = liveOf(session, screen, uplink);
    this.#live.set(session.id, live);
    return live;
  }

  /** A wrapper says what is true. Null: the session is another device's. */
  state(device: DeviceId, statement: SessionStatement, uplink: Uplink) {
    const stated = this.#store.sessions.state(device, statement, this.#clock.now());
    if (!stated) return null;
    const known = this.#live.get(statement.id);
    if (known && known.uplink !== uplink) this.reconnects++;
    const live = known ?? this.#keep(stated.session, uplink);
    if (live.uplink && live.uplink !== uplink) live.uplink.replaced();
    const before = live.uplink;
    live.uplink = uplink;
    live.session = stated.session;
    if (before !== uplink) for (const desk of live.desks) uplink.tell(desk.stated());
    this.#changed(live);
    for (const prompt of stated.withdrawn)
      this.#events.tell(`prompt ${prompt.id}`, "prompt_response", { prompt });
    return stated.session;
  }

  setState(id: SessionId, state: SessionState): void {
    const session = this.#store.sessions.setState(id, state, this.#clock.now());
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
    if (this.#watching(live) === 0) this.#save(live);
    for (const desk of live.desks) desk.screen(live.screen);
    this.#events.show(id, live.screen);
  }

  end(id: SessionId, exit: Exit): void {
    const live = this.#live.get(id);
    if (live) this.#save(live);
    const { session, prompts } = this.#store.sessions.end(id, exit, this.#clock.now());
    if (live) live.session = session;
    for (const hear of this.#heard) hear(id);
    for (const prompt of prompts) this.#events.tell(`prompt ${prompt.id}`, "prompt_response", { prompt });
    this.#events.tell(`session ${id}`, "session_end", { session });
    for (const desk of live?.desks ?? []) desk.session(session);
    if (live) this.#others(live);
    if (live && !live.uplink) this.#live.delete(id);
  }

  /** Calls `hear` with each session that has ended, however that came to be known: nothing of it is kept in memory. */
  onEnd(hear: (ended: SessionId) => void): void {
    this.#heard.push(hear);
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
    return [...this.#live.values()].filter(isOpen).map((live) => this.#view(live));
  }

  /** A session, alive or not. Throws `not_found`. */
  get(id: string): Session {
    const live = this.#live.get(id as SessionId);
    const session = live ? this.#view(live) : this.#store.sessions.get(id);
    if (!session) throw new ApiError("not_found", "There is no such session.");
    return session;
  }

  /** A session that has not ended, whatever its connection. Throws `not_found` or `gone`. */
  opened(id: string): Session {
    const session = this.get(id);
    if (session.ended_at === null) return session;
    throw new ApiError("gone", "The session has ended.");
  }

  /** The same as `get`, or null. */
  known(id: SessionId): Session | null {
    const live = this.#live.get(id);
    return live ? this.#view(live) : this.#store.sessions.get(id);
  }

  screen(id: SessionId): Screen | null {
    return this.#live.get(id)?.screen ?? this.#store.sessions.screen(id);
  }

  /** The connection on which a session can be spoken to now. Throws `gone`, `unreachable` or, where that is why, `storage`. */
  reach(id: SessionId): Uplink {
    this.opened(id);
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

  /** A terminal joins an open session, whatever its connection. Throws `not_found` or `gone`. */
  attach(id: string, desk: AttachedDesk): void {
    const live = this.#live.get(this.opened(id).id);
    if (!live) return;
    const known = !live.uplink || this.#watching(live) > 0;
    live.desks.add(desk);
    live.uplink?.tell(desk.stated());
    this.watch(live.session.id);
    this.#changed(live);
    // Of a session that nobody watched we hold an old screen; its wrapper is about to say what it shows now.
    const show = () => live.desks.has(desk) && desk.screen(live.screen);
    if (known) show();
    else this.#clock.after(SCREEN_WITHIN_MS, show);
  }

  /** It has another size. */
  resized(id: SessionId, desk: AttachedDesk): void {
    this.#live.get(id)?.uplink?.tell(desk.stated());
  }

  detach(id: SessionId, desk: AttachedDesk): void {
    const live = this.#live.get(id);
    if (!live?.desks.delete(desk)) return;
    // One that came back before its old connection was closed is still there.
    if (![...live.desks].some((other) => other.id === desk.id))
      live.uplink?.tell({ type: "desk_gone", desk: desk.id });
    this.watch(id);
    this.#changed(live);
  }

  /** The wrapper has written what that desk typed. */
  taken(id: SessionId, desk: DeskId, upto: number): void {
    for (const one of this.#live.get(id)?.desks ?? []) if (one.id === desk) one.taken(upto);
  }

  #watching({ session, desks }: Live): number {
    return this.#events.watching(session.id) + desks.size;
  }

  /** What is stored of it changed, other than by its wrapper's word on its state. */
  again(id: SessionId): void {
    const live = this.#live.get(id);
    const stored = this.#store.sessions.get(id);
    const { name = null, opening = null } = stored ?? {};
    if (live) live.session = { ...live.session, name, opening };
    if (live) this.#changed(live);
    else if (stored) this.#events.tell(`session ${id}`, "session_end", { session: stored });
  }

  /** The files of its conversation came, or did not. */
  copied(id: SessionId, copy: SessionCopy): void {
    const live = this.#live.get(id);
    if (!live) return;
    live.copy = copy;
    this.#tell(live);
  }

  /** Sessions with a connection. */
  connected(): SessionId[] {
    return [...this.#live].filter(([, live]) => live.uplink !== null).map(([id]) => id);
  }

  /** Tells the wrapper how many look at its screen, and whether any phone is paired. */
  watch(id: SessionId): void {
    const live = this.#live.get(id);
    if (!live?.uplink) return;
    const viewers = this.#watching(live);
    const paired = this.#store.viewers.list().length > 0;
    const most = live.desks.size > 0 ? FRAMES_PER_SECOND_ATTACHED : FRAMES_PER_SECOND;
    live.uplink.tell({ type: "watch", viewers, rate: viewers > 0 ? most : 0, paired });
  }

  /** Now and then: writes down what is known, all in one go, and gives up those silent for a day. */
  tidy(): void {
    const all = [...this.#live.values()];
    const heardAt = ({ uplink, session }: Live) => uplink?.heardAt ?? session.heard_at;
    this.#store.sessions.keep(
      all.map((live) => {
        return { id: live.session.id, at: heardAt(live), screen: live.saved ? null : live.screen };
      }),
    );
    const now = this.#clock.now();
    const slept = now - this.#tidiedAt > SLEPT_MS; // Then everybody has until the next time to be heard again.
    this.#tidiedAt = now;
    for (const live of all) {
      live.saved = true;
      const lost = !slept && isOpen(live) && now - heardAt(live) > LIMITS.lostMs;
      if (lost) this.end(live.session.id, { code: null, signal: null, reason: "lost" });
    }
  }

  #save(live: Live) {
    if (live.saved) return;
    this.#store.sessions.saveScreen(live.session.id, live.screen);
    live.saved = true;
  }

  #changed(live: Live) {
    this.#tell(live);
    this.#others(live);
  }

  #tell(live: Live) {
    const session = this.#view(live);
    const name = session.ended_at === null ? "session_start" : "session_end";
    this.#events.tell(`session ${session.id}`, name, { session });
    for (const desk of live.desks) desk.session(session);
  }

  /** Those with the conversation that it was in, or is in now, are told that it is there, or no longer. */
  #others(live: Live) {
    const now = isOpen(live) ? live.session.conversation : null;
    if (live.told === now) return;
    const touched = [live.told, now].filter((conversation) => conversation !== null);
    live.told = now;
    for (const other of [...this.#live.values()]) {
      const { conversation } = other.session;
      if (other !== live && isOpen(other) && conversation !== null && touched.includes(conversation))
        this.#tell(other);
    }
  }

  #view(live: Live): Session {
    const others = [...this.#live.values()].filter((other) => share(live, other));
    return viewOf(
      live,
      others.map(({ session }) => session.id),
    );
  }
}
