// Texts and keys from viewers to a session: sent, delivered, seen; or refused; or not confirmed in time.
import {
  CONFIRM_WITHIN_MS,
  type InputBody,
  type InputId,
  type InputRefusal,
  type InputStage,
  type Json,
  type ModeBody,
  type ServerMessage,
  type SessionId,
} from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Tell } from "./events.ts";
import { LIMITS } from "./limits.ts";
import type { Sessions } from "./sessions.ts";
import type { AuditTable } from "./store/audit-table.ts";

type Input = { stage: InputStage; reason: InputRefusal | null };

export class Inputs {
  readonly #audit: AuditTable;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  readonly #tell: Tell;
  /** The newest of each session, so that a repeated one is the same one. */
  readonly #known = new Map<SessionId, Map<InputId, Input>>();

  constructor(audit: AuditTable, clock: Clock, sessions: Sessions, tell: Tell) {
    this.#audit = audit;
    this.#clock = clock;
    this.#sessions = sessions;
    this.#tell = tell;
  }

  /** Sends it on; one that was sent before only where that was not confirmed. Throws `unreachable` or `gone`. */
  send(session: SessionId, body: InputBody, by: Exclude<By, "owner">): { id: InputId } & Input {
    const { id, text = "", key, mode = "if_empty" } = body;
    if (key !== undefined)
      return this.#send(session, by, { action: "input", detail: { id, key } }, { type: "key", id, key });
    const row = { action: "input", detail: { id, text, mode } };
    return this.#send(session, by, row, { type: "input", id, text, mode });
  }

  /** Wishes for another permission mode; otherwise as `send`. */
  mode(session: SessionId, { id, mode }: ModeBody, by: Exclude<By, "owner">): { id: InputId } & Input {
    const { permission_mode } = this.#sessions.get(session);
    const row = { action: "mode", detail: { id, mode, before: permission_mode } };
    return this.#send(session, by, row, { type: "mode", id, mode });
  }

  #send(
    session: SessionId,
    by: Exclude<By, "owner">,
    { action, detail }: { action: string; detail: { [key: string]: Json } },
    message: Extract<ServerMessage, { type: "key" | "input" | "mode" }>,
  ): { id: InputId } & Input {
    const { id } = message;
    const before = this.#known.get(session)?.get(id);
    if (before && before.stage !== "unconfirmed") return { id, ...before };
    const uplink = this.#sessions.reach(session);
    this.#audit.add({ ...by, session, action, subject: session, detail }, this.#clock.now());
    uplink.tell(message);
    this.#clock.after(CONFIRM_WITHIN_MS, () => {
      if (this.#known.get(session)?.get(id)?.stage === "sent") this.set(session, id, "unconfirmed");
    });
    return this.set(session, id, "sent");
  }

  /** A wrapper, or the clock, says how it stands. */
  set(session: SessionId, id: InputId, stage: InputStage, reason: InputRefusal | null = null) {
    const known = this.#known.get(session) ?? new Map<InputId, Input>();
    this.#known.set(session, known);
    known.delete(id);
    known.set(id, { stage, reason });
    for (const [oldest] of known) if (known.size > LIMITS.inputs) known.delete(oldest);
    this.#tell(`input ${id}`, "input", { session, id, stage, reason });
    return { id, stage, reason };
  }

  /** A wrapper did not type it: what the audit says of it is not the whole truth any more. */
  refused(session: SessionId, id: InputId, reason: InputRefusal): void {
    if (this.#known.get(session)?.get(id)?.stage === "sent") {
      const entry = { actor: `session ${session}`, session, action: "input refused", subject: session };
      this.#audit.add({ ...entry, detail: { id, reason } }, this.#clock.now());
    }
    this.set(session, id, "refused", reason);
  }

  /** The session has ended. */
  forget(session: SessionId): void {
    this.#known.delete(session);
  }
}
