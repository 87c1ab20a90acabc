// The slash commands that each session's wrapper offers; said anew at each connection, so kept in memory only.
import type { Command, SessionId } from "../protocol.ts";
import { LIMITS } from "./limits.ts";

export class Commands {
  readonly #known = new Map<SessionId, Command[]>();

  set(session: SessionId, commands: Command[]): void {
    this.#known.delete(session);
    this.#known.set(session, commands);
    for (const [oldest] of this.#known) if (this.#known.size > LIMITS.commandSessions) this.forget(oldest);
  }

  /** None where the wrapper has not said any yet. */
  of(session: SessionId): Command[] {
    return this.#known.get(session) ?? [];
  }

  forget(session: SessionId): void {
    this.#known.delete(session);
  }
}
