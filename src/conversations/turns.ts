// After each turn of a session on a devbox its files come back to this machine, one turn after the other.
import { REFUSALS } from "../devbox/ssh-errors.ts";
import type { DevboxError, Session, SessionCopy, SessionId } from "../protocol.ts";
import type { Clock } from "../server/clock.ts";
import type { Synced } from "./sync.ts";

export type TurnsOptions = {
  clock: Pick<Clock, "now" | "after">;
  /** Where a session runs, or null: here, or where nobody can fetch from. The same text for the same machine. */
  placeOf: (session: Session) => string | null;
  /** `signal` ends it. */
  carry: (session: Session, signal: AbortSignal) => Promise<Synced>;
  /** What went wrong, in words for people. */
  toError: (error: unknown) => DevboxError;
  tell: (id: SessionId, copy: SessionCopy) => void;
};

/** claude writes a turn's last records within a tenth of a second of its end. */
const SETTLED_MS = 500;
/** Files that are carried at once. */
const AT_ONCE = 2;
/** A machine that refused us is left alone: sshd bans whoever is refused again and again. */
const REFUSED_MS = 15 * 60_000;

type Turn = { session: Session; due: boolean; running: boolean; copy: SessionCopy };

export class Turns {
  readonly #options: TurnsOptions;
  readonly #turns = new Map<SessionId, Turn>();
  readonly #refused = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #end = new AbortController();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** A session is now so. */
  changed(session: Session): void {
    const { id, conversation, status, ended_at } = session;
    if (this.#options.placeOf(session) === null) return;
    const known = this.#turns.get(id);
    if (!known && ended_at !== null) return;
    const before = known?.session;
    const turn = known ?? { session, due: false, running: false, copy: { at: null, problem: null } };
    turn.session = session;
    this.#turns.set(id, turn);
    const rests = status === "idle" && (before?.status !== "idle" || before.conversation !== conversation);
    const ends = ended_at !== null && before?.ended_at === null;
    if (conversation !== null && (rests || ends) && !turn.due) {
      turn.due = true;
      this.#options.clock.after(SETTLED_MS, () => this.#next());
    }
    this.#forget(turn);
  }

  #forget({ session, due, running }: Turn) {
    if (session.ended_at !== null && !due && !running) this.#turns.delete(session.id);
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#running);
  }

  #next() {
    for (const turn of this.#turns.values()) {
      if (this.#end.signal.aborted || this.#running.size >= AT_ONCE) return;
      if (!turn.due || turn.running) continue;
      turn.due = false;
      turn.running = true;
      const running = this.#carry(turn).finally(() => {
        turn.running = false;
        this.#running.delete(running);
        this.#forget(turn);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  async #carry(turn: Turn) {
    const { clock, carry, placeOf, toError, tell } = this.#options;
    const place = placeOf(turn.session) ?? "";
    if ((this.#refused.get(place) ?? 0) > clock.now()) return; // It has been said, and still stands there.
    let problem: DevboxError | null = null;
    try {
      const { note } = await carry(turn.session, this.#end.signal);
      if (note)
        problem = { class: "differs", message: note, next: "Compare the two, and keep the one you want." };
    } catch (error) {
      if (this.#end.signal.aborted) return; // The next server carries it, after the next turn.
      problem = toError(error);
      if (REFUSALS.has(problem.class)) this.#refused.set(place, clock.now() + REFUSED_MS);
    }
    turn.copy = { at: problem ? turn.copy.at : clock.now(), problem };
    tell(turn.session.id, turn.copy);
  }
}
