// Conversations beside the server's core: what is recorded of them, and their files, which come back from devboxes.
import { type Devbox, toDevbox } from "../devbox/devbox.ts";
import { type Registered, Registry } from "../devbox/registry.ts";
import { LaunchError } from "../devbox/ssh-errors.ts";
import type { DevboxError, Session } from "../protocol.ts";
import { OWNER } from "../server/owner.ts";
import type { OpenAnnex } from "../server/parts.ts";
import { plain } from "../server/routes.ts";
import { recorded } from "./recorded.ts";
import { type Connection, SyncError, until } from "./rsync.ts";
import { syncBack } from "./sync.ts";
import { Turns } from "./turns.ts";

export type ConversationsOptions = {
  /** A connection to a devbox, which need not be closed. Rejects with LaunchError. */
  connect: (devbox: Devbox, signal: AbortSignal) => Promise<Connection>;
  /** Whose HOME the copies are for; this process's if not given. */
  env?: Record<string, string | undefined>;
};

/** Opens the room of conversations beside the core. */
export function conversations({ connect, env }: ConversationsOptions): OpenAnnex {
  return ({ store, clock, events, sessions, log }) => {
    const registry = new Registry(store.statements);
    const devboxOf = ({ device_id }: Session): Registered | null =>
      registry.list().find((devbox) => devbox.device_id === device_id && devbox.kind === "ssh") ?? null;
    const turns = new Turns({
      clock,
      placeOf: (session) => devboxOf(session)?.name ?? null,
      async carry({ conversation, cwd, ...rest }, signal) {
        const devbox = devboxOf({ conversation, cwd, ...rest });
        if (!devbox || conversation === null) return { how: "none", path: null, note: null };
        const ssh = until(signal, await connect(toDevbox(devbox), signal));
        return syncBack(ssh, { id: conversation, cwd }, env);
      },
      toError(error) {
        log.warn({ error: String(error) }, "a conversation's files could not be carried");
        return told(error);
      },
      tell: (id, copy) => sessions.copied(id, copy),
    });
    events.listen((_, name, data) => {
      if ((name === "session_start" || name === "session_end") && "session" in data)
        turns.changed(data.session as Session);
    });
    const owned = [
      plain("GET", "/conversations", OWNER, () => Response.json({ conversations: recorded(store) })),
    ];
    return { routes: [], owned, stop: () => turns.stop() };
  };
}

/** What went wrong, for people. */
export function told(error: unknown): DevboxError {
  if (error instanceof SyncError || error instanceof LaunchError)
    return { class: error.class, message: error.message, next: error.next };
  return { class: "failed", message: "something failed on the server", next: "Its log says what." };
}
