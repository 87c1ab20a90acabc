// All that is known of conversations, from whoever knows something: one entry each, with its copies and who has it open.
import type { ConversationId, DeviceId, Session, SessionId } from "../protocol.ts";
import { conversationOf } from "./conversation.ts";
import { directoryOf } from "./folder.ts";
import type { Recorded } from "./recorded.ts";
import type { listed } from "./script.ts";

/** A machine: a devbox, or any other that reports to the server, by its name; null: this one. */
export type Where = string | null;
/** `recorded`: the server remembers it there, and the machine itself was not asked. */
export type Copy = {
  where: Where;
  directory: string | null;
  at: number;
  bytes: number | null;
  recorded: boolean;
};
/** Who has it open: a session, or a claude that runs without us. */
export type Opened = {
  where: Where;
  directory: string;
  session: SessionId | null;
  pid: number | null;
  connected: boolean;
};
/** Newest copy first. */
export type Known = {
  id: ConversationId;
  title: string | null;
  first: string;
  copies: Copy[];
  open: Opened[];
};

/** What one machine said of itself. */
export type Seen = { where: Where; listed: NonNullable<ReturnType<typeof listed>> };
/** What the server said; `own`: the devices that are this very machine. */
export type Told = { recorded: Recorded[]; sessions: Session[]; own: readonly DeviceId[] };

/** The newest first. */
export function known(seen: readonly Seen[], { recorded, sessions, own }: Told): Known[] {
  const all = new Map<ConversationId, Known>();
  const of = (id: ConversationId): Known => {
    const found = all.get(id) ?? { id, title: null, first: "", copies: [], open: [] };
    all.set(id, found);
    return found;
  };
  const whereOf = (device: DeviceId, name: string): Where => (own.includes(device) ? null : name);
  for (const { where, listed } of seen) {
    for (const conversation of listed.files.map(conversationOf)) {
      if (!conversation) continue;
      const { id, title, first, folder, directories, at, bytes } = conversation;
      const one = of(id);
      one.title ??= title;
      one.first ||= first;
      const directory = directoryOf(folder, directories, listed.home) ?? directories[0] ?? null;
      one.copies.push({ where, directory, at, bytes, recorded: false });
    }
  }
  const asked = new Set(seen.map(({ where }) => where));
  for (const { id, device_id, device_name, directory, title, opening, at } of recorded) {
    const where = whereOf(device_id, device_name);
    if (asked.has(where) && !all.has(id)) continue; // It is not there any more.
    const one = of(id);
    one.title ??= title || null;
    one.first ||= opening ?? "";
    if (!asked.has(where)) one.copies.push({ where, directory, at, bytes: null, recorded: true });
  }
  for (const { id, conversation, cwd, device_id, device_name, ended_at, connected } of sessions)
    if (ended_at === null && conversation !== null && all.has(conversation))
      of(conversation).open.push({
        where: whereOf(device_id, device_name),
        directory: cwd,
        session: id,
        pid: null,
        connected,
      });
  for (const one of all.values()) openWithoutUs(one, seen);
  for (const one of all.values()) one.copies.sort((a, b) => b.at - a.at || (b.bytes ?? 0) - (a.bytes ?? 0));
  return [...all.values()].filter(({ copies }) => copies.length > 0).sort((a, b) => newest(b) - newest(a));
}

export const newest = ({ copies }: Known) => copies[0]?.at ?? 0;

/** Claudes that run there beyond those of our sessions; a session's own is one of them. */
function openWithoutUs(one: Known, seen: readonly Seen[]) {
  for (const { where, listed } of seen) {
    const ours = one.open.filter((opened) => opened.where === where).length;
    const theirs = listed.running.filter(({ conversation }) => conversation === one.id);
    for (const { pid, cwd } of theirs.slice(ours))
      one.open.push({ where, directory: cwd, session: null, pid, connected: true });
  }
}
