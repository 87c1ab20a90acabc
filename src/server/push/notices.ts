// What is worth a push, and when: hears what sessions and prompts are, says what is due. No clock, no sending in it.
import type { DeviceId, PromptId, PromptState, Session, SessionId } from "../../protocol.ts";

/** `topic`: of several about the same thing only the newest matters. */
export type Notice = { id: string; topic: string; at: number } & (
  | { kind: PromptState["kind"] | "reminder"; prompt: PromptState; session: Session }
  | { kind: "done"; session: Session; ranMs: number }
  | { kind: "host_lost" | "host_back"; device: DeviceId; host: string; since: number }
);

/** Somebody who typed at the desk this recently probably sees the dialog, and has this long to answer it there. */
export const DESK_USED_MS = 60_000;
export const GRACE_MS = 8_000;
/** A turn shorter than this is waited for; the end of a longer one is news after a moment, if it stays the end. */
export const LONG_TURN_MS = 60_000;
export const DONE_AFTER_MS = 10_000;
/** Drops shorter than this are nobody's business. */
export const HOST_LOST_MS = 2 * 60_000;
/** A question that nobody answers is named once more. */
export const REMIND_AFTER_MS = 10 * 60_000;

type Asked = { prompt: PromptState; dueAt: number; told: boolean; remindAt: number; reminded: boolean };
type Turn = { session: Session; ranMs: number; dueAt: number };
type Host = { name: string; lostAt: number; told: boolean };

/** What was told before this began, so that it is not told twice. */
export type Told = { prompts: ReadonlySet<PromptId>; reminded: ReadonlySet<PromptId> };

export class Notices {
  readonly #told: Told;
  readonly #asked = new Map<PromptId, Asked>();
  readonly #sessions = new Map<SessionId, Session>();
  readonly #began = new Map<SessionId, number>();
  readonly #done = new Map<SessionId, Turn>();
  readonly #lost = new Map<DeviceId, Host>();
  #back: Notice[] = [];
  readonly #snoozed = new Map<SessionId, number>();

  constructor(told: Told = { prompts: new Set(), reminded: new Set() }) {
    this.#told = told;
  }

  /** What a prompt is now. Returns what would have been told of it, had it not been answered first. */
  prompt(prompt: PromptState, now: number): Notice | null {
    if (prompt.stage === "open") this.#opened(prompt, now);
    const asked = this.#asked.get(prompt.id);
    const session = this.#sessions.get(prompt.session_id);
    if (prompt.stage === "open" || !asked) return null;
    this.#asked.delete(prompt.id);
    if (asked.told || !session) return null;
    return { id: prompt.id, topic: `session ${session.id}`, at: now, kind: prompt.kind, prompt, session };
  }

  #opened(prompt: PromptState, now: number) {
    const before = this.#asked.get(prompt.id);
    if (before?.prompt.digest === prompt.digest) return;
    const atDesk = prompt.desk_idle_ms !== undefined && prompt.desk_idle_ms <= DESK_USED_MS;
    const dueAt = Math.max(
      now,
      prompt.created_at + (atDesk ? GRACE_MS : 0),
      this.#mutedUntil(prompt.session_id),
    );
    this.#asked.set(prompt.id, {
      ...{ prompt, dueAt, remindAt: Math.max(dueAt, prompt.created_at + REMIND_AFTER_MS) },
      told: !before && this.#told.prompts.has(prompt.id),
      reminded: this.#told.reminded.has(prompt.id),
    });
  }

  /** What a session is now. */
  session(session: Session, now: number): void {
    if (session.ended_at !== null) this.#ended(session.id);
    else this.#sessions.set(session.id, session);
    this.#turn(session, now);
    this.#host(session, now);
  }

  /** Nothing of that session until then; what is still open is named anew after that. */
  snooze(session: SessionId, until: number, now: number): void {
    if (until > now) this.#snoozed.set(session, until);
    else this.#snoozed.delete(session);
    for (const asked of this.#asked.values()) {
      if (asked.prompt.session_id !== session) continue;
      if (until > now) asked.told = false;
      asked.dueAt = Math.max(now, until);
      asked.remindAt = Math.max(asked.remindAt, asked.dueAt);
    }
  }

  /** Sessions that are quiet, and until when. */
  snoozed(now: number): [SessionId, number][] {
    return [...this.#snoozed].filter(([, until]) => until > now);
  }

  /** What is to be told now; each is said once. */
  due(now: number): Notice[] {
    return [
      ...this.#duePrompts(now),
      ...this.#dueTurns(now),
      ...this.#dueHosts(now),
      ...this.#back.splice(0),
    ];
  }

  /** Whether it is still so. */
  holds(notice: Notice, now: number): boolean {
    switch (notice.kind) {
      case "done":
        return (
          this.#sessions.get(notice.session.id)?.status === "idle" && !this.#muted(notice.session.id, now)
        );
      case "host_lost":
        return this.#lost.has(notice.device);
      case "host_back":
        return !this.#lost.has(notice.device);
      default:
        return (
          this.#asked.get(notice.prompt.id)?.prompt.digest === notice.prompt.digest &&
          !this.#muted(notice.session.id, now)
        );
    }
  }

  /** Sessions that wait for somebody, however much each asks. */
  get open(): number {
    return new Set([...this.#asked.values()].map(({ prompt }) => prompt.session_id)).size;
  }

  #mutedUntil(session: SessionId): number {
    return this.#snoozed.get(session) ?? 0;
  }

  #muted(session: SessionId, now: number): boolean {
    return this.#mutedUntil(session) > now;
  }

  #ended(id: SessionId) {
    this.#sessions.delete(id);
    this.#snoozed.delete(id);
    for (const [prompt, asked] of this.#asked) if (asked.prompt.session_id === id) this.#asked.delete(prompt);
  }

  #turn(session: Session, now: number) {
    const { id, status } = session;
    const began = this.#began.get(id);
    if (status === "working" || status === "waiting") {
      this.#done.delete(id);
      if (began === undefined) this.#began.set(id, now);
    } else if (status !== "suspended") {
      this.#began.delete(id);
      const ranMs = now - (began ?? now);
      if (status === "idle" && ranMs >= LONG_TURN_MS)
        this.#done.set(id, { session, ranMs, dueAt: now + DONE_AFTER_MS });
      else if (status !== "idle") this.#done.delete(id);
    }
  }

  /** A machine is lost when none of its sessions can be reached. */
  #host({ device_id: device, device_name: name }: Session, now: number) {
    const own = [...this.#sessions.values()].filter((session) => session.device_id === device);
    const lost = this.#lost.get(device);
    if (own.length > 0 && own.every((session) => !session.connected)) {
      if (!lost) this.#lost.set(device, { name, lostAt: now, told: false });
      return;
    }
    this.#lost.delete(device);
    if (lost?.told && own.length > 0)
      this.#back.push({ ...hostNotice(device, lost, now), kind: "host_back" });
  }

  #duePrompts(now: number): Notice[] {
    const due: Notice[] = [];
    for (const asked of this.#asked.values()) {
      const { prompt, told, reminded } = asked;
      const session = this.#sessions.get(prompt.session_id);
      if (!session) continue;
      const notice = { topic: `session ${session.id}`, at: now, prompt, session };
      const id = `${prompt.id} ${prompt.digest}`;
      if (!told && now >= asked.dueAt) {
        asked.told = true;
        due.push({ ...notice, id, kind: prompt.kind });
      } else if (told && !reminded && now >= asked.remindAt && session.connected) {
        asked.reminded = true;
        due.push({ ...notice, id: `${id} again`, kind: "reminder" });
      }
    }
    return due;
  }

  #dueTurns(now: number): Notice[] {
    const due: Notice[] = [];
    for (const [id, { session, ranMs, dueAt }] of this.#done) {
      if (now < dueAt) continue;
      this.#done.delete(id);
      const notice = { id: `done ${id} ${dueAt}`, topic: `done ${id}`, at: now, session, ranMs };
      if (!this.#muted(id, now)) due.push({ ...notice, kind: "done" });
    }
    return due;
  }

  #dueHosts(now: number): Notice[] {
    const due: Notice[] = [];
    for (const [device, host] of this.#lost) {
      if (host.told || now < host.lostAt + HOST_LOST_MS) continue;
      host.told = true;
      due.push({ ...hostNotice(device, host, now), kind: "host_lost" });
    }
    return due;
  }
}

function hostNotice(device: DeviceId, { name, lostAt }: Host, now: number) {
  return { id: `host ${device} ${now}`, topic: `host ${device}`, at: now, device, host: name, since: lostAt };
}
