// A session that lives: what is true of it, its screen, and who is connected to it now.
import type { ConversationId, DeskId, ServerMessage, Session, SessionCopy, SessionId } from "../protocol.ts";
import type { Screen } from "../screen.ts";

/** The connection of one wrapper, as a session sees it. */
export type Uplink = {
  /** When it was last heard. */
  readonly heardAt: number;
  tell(message: ServerMessage): void;
  /** Another wrapper owns the session now. */
  replaced(): void;
};

/** A terminal that `claude-remote attach` opened, as a session sees it. */
export type AttachedDesk = {
  readonly id: DeskId;
  /** What its session's wrapper has to know of it. */
  stated(): ServerMessage;
  session(session: Session): void;
  screen(screen: Screen): void;
  taken(upto: number): void;
};

export type Live = {
  session: Session;
  screen: Screen;
  /** The screen is on disk. */
  saved: boolean;
  uplink: Uplink | null;
  desks: Set<AttachedDesk>;
  /** The conversation that others with it were told of. */
  told: ConversationId | null;
  /** Of its conversation's files, as far as they were fetched. */
  copy: SessionCopy | null;
};

/** One that nothing is known of yet but what is stored. */
export function liveOf(session: Session, screen: Screen, uplink: Uplink | null): Live {
  return { session, screen, saved: true, uplink, desks: new Set(), told: null, copy: null };
}

export const isOpen = ({ session }: Live) => session.ended_at === null;

/** Two that write to one conversation's file. */
export function share(one: Live, other: Live): boolean {
  const { conversation } = one.session;
  if (one === other || conversation === null || !isOpen(one) || !isOpen(other)) return false;
  return other.session.conversation === conversation;
}

/** What is stored, and what only the connections know. `also`: the others that share its conversation. */
export function viewOf({ session, uplink, desks, copy }: Live, also: SessionId[]): Session {
  return {
    ...session,
    connected: uplink !== null && session.ended_at === null,
    ...(desks.size > 0 && { attached: desks.size }),
    ...(also.length > 0 && { also_open: also }),
    ...(copy && { copy }),
    heard_at: uplink?.heardAt ?? session.heard_at,
  };
}
