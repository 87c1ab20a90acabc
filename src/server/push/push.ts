// Notifications, joined: hears the core, keeps what each phone wants, and sends what is due, one push of a phone at a time.
import { join } from "node:path";
import type { PromptId, PromptState, SessionId, ViewerId } from "../../protocol.ts";
import { guarded } from "../log.ts";
import { OWNER } from "../owner.ts";
import type { OpenAnnex } from "../parts.ts";
import { plain } from "../routes.ts";
import { type EndpointRule, isApple } from "./endpoint.ts";
import { pushKeys } from "./keys.ts";
import { Nonces } from "./nonces.ts";
import { type Notice, Notices } from "./notices.ts";
import { Post } from "./post.ts";
import { type Due, Queue, TOPIC_EVERY_MS } from "./queue.ts";
import { pushRoutes } from "./routes.ts";
import { type SenderOptions, sender } from "./send.ts";
import { type Phone, Tables } from "./tables.ts";
import { pushOf, withdrawalOf } from "./wording.ts";

export type PushOptions = {
  /** Hosts of push services besides the known ones. */
  hosts?: readonly string[] | undefined;
  /** Who sends; without it the server's own https address. */
  contact?: string | undefined;
  /** Any address may be pushed to, in clear text too. */
  anywhere?: boolean | undefined;
  resolve?: SenderOptions["resolve"];
};

/** How often it is looked whether anything is due; what comes by an event is looked at at once. */
const LOOK_MS = 1_000;
const HOUR_MS = 60 * 60_000;
/** Without a word of the push service, a push that did not get through is tried again after this, doubled each time. */
const AGAIN_MS = 30_000;
const MAX_AGAIN_MS = 15 * 60_000;
/** Where there is no https address, push services are told this: nobody to reach, and only Apple minds. */
const NO_CONTACT = "mailto:claude-remote@example.com";

/** What is pushed of one phone. */
type Line = {
  queue: Queue;
  busy: boolean;
  /** How often in a row it did not get through. */
  failures: number;
  /** By topic: the question that stands on its screen, as far as we know. */
  shown: Map<string, PromptId>;
  tried: Map<string, number>;
  /** When one that was answered first was written down last. */
  notedAt: number;
};

/** Opens the room of notifications beside the core. */
export function push(options: PushOptions = {}): OpenAnnex {
  return (core) => new Push(core, options).annex();
}

type Core = Parameters<OpenAnnex>[0];

class Push {
  readonly #core: Core;
  readonly #tables: Tables;
  readonly #notices: Notices;
  readonly #nonces = new Nonces();
  readonly #lines = new Map<ViewerId, Line>();
  readonly #post: Post;
  readonly #key: string;
  readonly #rule: EndpointRule;
  readonly #stops: (() => void)[];
  readonly #underway = new Set<Promise<void>>();
  readonly #end = new AbortController();

  constructor(core: Core, options: PushOptions) {
    const { store, clock, log, events, sessions, data, url } = core;
    const keys = pushKeys(join(data, "push.key"));
    this.#core = core;
    this.#key = keys.public;
    this.#rule = { hosts: options.hosts ?? [], anywhere: options.anywhere ?? false };
    const send = sender({
      keys,
      contact: () => options.contact ?? (url().startsWith("https:") ? url() : NO_CONTACT),
      rule: this.#rule,
      end: this.#end.signal,
      now: clock.now,
      ...(options.resolve && { resolve: options.resolve }),
    });
    this.#tables = new Tables(store.statements);
    this.#notices = new Notices(this.#tables.told());
    this.#post = new Post({ core, tables: this.#tables, nonces: this.#nonces, notices: this.#notices, send });
    if (this.#rule.anywhere)
      log.warn("pushes go to any address a phone names, this machine's own and in clear text too");
    const now = clock.now();
    for (const [session, until] of this.#tables.snoozes(now)) this.#notices.snooze(session, until, now);
    for (const session of sessions.open()) this.#notices.session(session, now);
    for (const prompt of store.prompts.list("open")) this.#notices.prompt(prompt, now);
    this.#forgetStrangers(core.logins.list().map(({ id }) => id));
    events.listen((_, name, told) => this.#heard(name, told));
    this.#stops = [
      clock.every(
        LOOK_MS,
        guarded(log, "looking for notifications", () => this.#look()),
      ),
    ];
  }

  annex() {
    const push = {
      key: this.#key,
      rule: this.#rule,
      tables: this.#tables,
      nonces: this.#nonces,
      prompts: this.#core.prompts,
      now: this.#core.clock.now,
      snoozed: () => Object.fromEntries(this.#notices.snoozed(this.#core.clock.now())),
      snooze: (session: SessionId, ms: number) => this.#snooze(session, ms),
      test: (viewer: ViewerId) => this.#post.test(viewer),
      sessions: this.#core.sessions,
    };
    const phones = () => Response.json({ phones: this.#tables.overview() });
    const owned = [plain("GET", "/push", OWNER, phones)];
    return { routes: pushRoutes(push), owned, stop: () => this.#stop() };
  }

  async #stop() {
    this.#end.abort();
    for (const stop of this.#stops) stop();
    await Promise.allSettled(this.#underway);
  }

  /** What the core tells every viewer. Nothing here may harm it. */
  #heard(name: string, told: object) {
    try {
      const now = this.#core.clock.now();
      if ("prompt" in told) this.#prompt(told.prompt as PromptState, now);
      else if (name === "session_start" || name === "session_end")
        this.#notices.session((told as { session: Parameters<Notices["session"]>[0] }).session, now);
      else if ("viewers" in told)
        this.#forgetStrangers((told.viewers as { id: ViewerId }[]).map(({ id }) => id));
      else return;
      this.#look();
    } catch (error) {
      this.#core.log.error({ error: String(error) }, "a notification failed");
    }
  }

  #prompt(prompt: PromptState, now: number) {
    const unsaid = this.#notices.prompt(prompt, now);
    if (prompt.stage === "open") return;
    this.#nonces.die(prompt.id);
    if (unsaid)
      for (const phone of this.#tables.phones()) if (phone.subscription) this.#tooLate(phone, unsaid, now);
    for (const [viewer, line] of this.#lines) {
      for (const [topic, shown] of line.shown) {
        if (shown !== prompt.id) continue;
        line.shown.delete(topic);
        this.#withdraw(viewer, topic, prompt);
      }
    }
  }

  /** A silent replacement, except where it was answered, or where every push is shown anew. */
  #withdraw(viewer: ViewerId, topic: string, prompt: PromptState) {
    const phone = this.#tables.phone(viewer);
    if (!phone?.subscription || isApple(phone.subscription.endpoint)) return;
    const own = this.#core.logins.list().find(({ id }) => id === viewer)?.name;
    if (prompt.responded_by !== null && prompt.responded_by === own) return;
    this.#track(
      this.#post.send(phone, withdrawalOf(topic, prompt, this.#post.wording(phone))).then(() => {}),
    );
  }

  #forgetStrangers(known: readonly ViewerId[]) {
    for (const { viewer } of this.#tables.phones()) {
      if (!known.includes(viewer)) this.#forget(viewer);
    }
  }

  #forget(viewer: ViewerId) {
    this.#tables.forget(viewer);
    this.#lines.delete(viewer);
  }

  #snooze(session: SessionId, ms: number) {
    const now = this.#core.clock.now();
    this.#tables.snooze(session, now + ms, now);
    this.#notices.snooze(session, now + ms, now);
    this.#look();
  }

  /** Hands every phone what is due, and sends what it may get now. */
  #look() {
    if (this.#end.signal.aborted) return;
    const now = this.#core.clock.now();
    const due = this.#notices.due(now);
    for (const phone of this.#tables.phones()) {
      if (!this.#core.logins.inForce(phone.viewer)) {
        // Its login was so old that it was forgotten; on a full disk this is tried again.
        guarded(this.#core.log, "forgetting a phone", () => this.#forget(phone.viewer))();
        continue;
      }
      if (phone.subscription === null) continue;
      const line = this.#line(phone.viewer, now);
      for (const notice of due) line.queue.add(notice);
      for (const over of line.queue.drop((notice) => this.#notices.holds(notice, now))) {
        line.tried.delete(over.id);
        this.#tooLate(phone, over, now);
      }
      if (!line.busy) this.#track(this.#run(phone.viewer, line, line.queue.due(now, phone.settings.quiet)));
    }
  }

  #line(viewer: ViewerId, now: number): Line {
    const known = this.#lines.get(viewer);
    if (known) return known;
    const lately = this.#tables.lately(viewer, now - HOUR_MS);
    const open = lately.filter(({ subject }) => this.#core.store.prompts.get(subject)?.stage === "open");
    const line: Line = {
      ...{
        queue: new Queue(lately),
        busy: false,
        failures: 0,
        tried: new Map(),
        notedAt: Number.NEGATIVE_INFINITY,
      },
      shown: new Map(open.map(({ topic, subject }) => [topic, subject as PromptId])),
    };
    this.#lines.set(viewer, line);
    return line;
  }

  /** One after another; what its push service has no time for now waits with what comes after it. */
  async #run(viewer: ViewerId, line: Line, dues: Due[]) {
    if (dues.length === 0) return;
    line.busy = true;
    let again: number | null = null;
    for (const due of dues) {
      if (again === null)
        again = await this.#deliver(viewer, line, due).catch((error) => this.#failed(error));
      else line.queue.back(due, again);
    }
    line.busy = false;
  }

  /** When it may be tried again; null: there is nothing more to do. */
  async #deliver(viewer: ViewerId, line: Line, due: Due): Promise<number | null> {
    const phone = this.#tables.phone(viewer); // As it is now: it may have been revoked while the one before was on its way.
    if (!phone?.subscription) return null;
    const wrapped = pushOf(due, this.#post.wording(phone));
    const result = await this.#post.send(phone, wrapped);
    const notices = noticesIn(due);
    if ("again" in result) return this.#again(phone, line, notices, result.again);
    line.failures = 0;
    for (const { id } of notices) line.tried.delete(id);
    if (result.outcome === "sent" && due.kind === "one" && "prompt" in due.notice) {
      line.shown.set(due.notice.topic, due.notice.prompt.id);
      // It was answered while this push was on its way.
      if (!this.#notices.holds(due.notice, this.#core.clock.now())) this.#caughtUp(due.notice.prompt);
    }
    return null;
  }

  #failed(error: unknown): null {
    this.#core.log.error({ error: String(error) }, "a push failed");
    return null;
  }

  #caughtUp({ id }: PromptState) {
    const prompt = this.#core.store.prompts.get(id);
    if (prompt) this.#prompt(prompt, this.#core.clock.now());
  }

  /** Later then, unless it is past its time by that. */
  #again(phone: Phone, line: Line, notices: readonly Notice[], wait: number | null): number {
    const now = this.#core.clock.now();
    const pause = wait ?? Math.min(AGAIN_MS * 2 ** line.failures, MAX_AGAIN_MS);
    line.failures++;
    line.queue.pause(now + pause);
    for (const notice of notices) {
      const since = line.tried.get(notice.id) ?? now;
      line.tried.set(notice.id, since);
      const ttl = "prompt" in notice ? 600_000 : 3_600_000;
      if (now + pause - since <= ttl) line.queue.again(notice, now + pause);
      else this.#drop(phone, line, notice, now);
    }
    return now + pause;
  }

  #drop(phone: Phone, line: Line, notice: Notice, now: number) {
    line.tried.delete(notice.id);
    this.#post.note(phone, notice, "expired", "its push service was out of reach for too long", now);
  }

  /** Answered before anything was pushed: that is kept as well, of a flood only some. */
  #tooLate(phone: Phone, notice: Notice, now: number) {
    const line = this.#line(phone.viewer, now);
    if (!("prompt" in notice) || now - line.notedAt < TOPIC_EVERY_MS) return;
    line.notedAt = now;
    this.#post.note(phone, notice, "answered_first", null, now);
  }

  #track(work: Promise<void>) {
    const done = work.catch((error) => void this.#failed(error)).finally(() => this.#underway.delete(done));
    this.#underway.add(done);
  }
}

const noticesIn = (due: Due): readonly Notice[] => (due.kind === "one" ? [due.notice] : due.notices);
