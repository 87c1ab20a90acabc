// A terminal that is attached to a session: draws what the session shows, and passes on what is typed.
import {
  CONFIRM_WITHIN_MS,
  type DeskId,
  type DeskMessage,
  type DeskSize,
  PROTOCOL,
  type Session,
  type SessionId,
  type ToDeskMessage,
  unreachable,
} from "../protocol.ts";
import { apply, blank, type Screen } from "../screen.ts";
import { Desk } from "../wrapper/desk.ts";
import { Connection } from "./connection.ts";
import type { DetachKey } from "./detach-key.ts";
import { fit } from "./fit.ts";
import { outbox } from "./outbox.ts";
import { KEEP_TITLE, painted, unpainted } from "./painter.ts";

/** After the first of the detach keys the next is waited for this long. */
const HELD_MS = 500;
/** What could not be written within this is not typed any more: the screen that it was meant for is long gone. */
const STALE_MS = CONFIRM_WITHIN_MS;
/** How often what was typed and is not taken is asked after, and the first line says how long the session is away. */
const PULSE_MS = 1_000;
/** How long the first line says how to leave, unless a key is pressed before. */
const GREETING_MS = 2_000;
/** A loss shorter than this is not worth a word. */
const QUIET_MS = 700;
/** Bytes the terminal has not taken, past which it gets no more until it has. */
const FULL_BYTES = 16 * 1024;
const DRAIN_MS = 10;

export type AttachOptions = {
  session: SessionId;
  /** Where /attach stands for this owner, and the headers that open it. */
  url: string;
  headers?: Record<string, string>;
  detach: DetachKey;
};

/** How it came to an end. */
export type Parting =
  | { how: "detached" }
  | { how: "hangup" }
  | { how: "signal"; signal: NodeJS.Signals }
  | { how: "refused"; message: string }
  | { how: "ended"; session: Session };

/** Attaches until one leaves or the session ends. The terminal is as it was before, whatever happened. */
export async function attach(options: AttachOptions): Promise<Parting> {
  using attached = new Attached(options);
  return await attached.parting;
}

class Attached implements Disposable {
  readonly #options: AttachOptions;
  readonly #id = Bun.randomUUIDv7() as DeskId;
  readonly #desk: Desk;
  readonly #connection: Connection;
  readonly #parting = Promise.withResolvers<Parting>();
  readonly #outbox = outbox((keys) => this.#connection.tell({ type: "keys", ...keys }));
  readonly #timers: ReturnType<typeof setInterval>[];
  #held: ReturnType<typeof setTimeout> | undefined;
  #drain: ReturnType<typeof setTimeout> | undefined;
  #screen: Screen | null = null;
  /** What the terminal shows now, and what it should show. */
  #shown: Screen | null = null;
  #wanted: Screen | null = null;
  #greeting: string | null;
  /** Since when the session cannot be reached; null while it can. */
  #awaySince: number | null = performance.now();
  #typedAt: number | null = null;
  #over = false;

  constructor(options: AttachOptions) {
    this.#options = options;
    this.#greeting = `claude-remote: ${options.detach.name} leaves this session running`;
    this.#desk = new Desk({
      onInput: (bytes) => this.#typed(bytes),
      onResize: () => this.#resized(),
      onHangup: () => this.#leave({ how: "hangup" }),
      onSignal: (signal) => this.#leave({ how: "signal", signal }),
      onReturn: () => this.#anew(),
    });
    this.#desk.raw();
    this.#connection = new Connection({
      url: options.url,
      headers: options.headers ?? {},
      hello: () => this.#hello(),
      onMessage: (message) => this.#obey(message),
      onDown: () => this.#away(),
    });
    const unGreet = setTimeout(() => this.#greeted(), GREETING_MS);
    this.#timers = [unGreet, setInterval(() => this.#pulse(), PULSE_MS)];
  }

  get parting() {
    return this.#parting.promise;
  }

  // ── what is typed ───────────────────────────────────────────────────────────────────────────────────────────────

  #typed(bytes: Uint8Array) {
    clearTimeout(this.#held);
    const { bytes: passed, detach } = this.#options.detach.feed(bytes);
    this.#pass(passed);
    if (detach) return this.#leave({ how: "detached" });
    if (this.#options.detach.held)
      this.#held = setTimeout(() => this.#pass(this.#options.detach.release()), HELD_MS);
  }

  #pass(bytes: Uint8Array) {
    if (bytes.length === 0 || this.#awayFor() > STALE_MS) return;
    this.#greeted();
    this.#typedAt = performance.now();
    this.#outbox.put(bytes);
    if (!this.#outbox.full) return;
    if (this.#awaySince === null) process.stdin.pause();
    else this.#outbox.drop();
  }

  #awayFor(): number {
    return this.#awaySince === null ? 0 : performance.now() - this.#awaySince;
  }

  /** What was not taken is asked after, or given up. */
  #pulse() {
    if (this.#awaySince === null) this.#outbox.remind();
    else if (this.#awayFor() > STALE_MS) this.#outbox.drop();
    this.#draw();
  }

  // ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────

  #size(): DeskSize {
    const idle = this.#typedAt === null ? null : Math.round(performance.now() - this.#typedAt);
    return { ...this.#desk.size(), idle_ms: idle };
  }

  #hello(): DeskMessage {
    const { session } = this.#options;
    return { type: "attach", protocol: PROTOCOL, session, desk: this.#id, ...this.#size() };
  }

  #obey(message: ToDeskMessage) {
    if (this.#over) return;
    switch (message.type) {
      case "session":
        return this.#said(message.session);
      case "output":
        this.#screen = apply(this.#screen ?? blank(0, 0), message.frame);
        return this.#draw();
      case "taken":
        this.#outbox.taken(message.upto);
        if (!this.#outbox.full && process.stdin.isPaused()) process.stdin.resume();
        return;
      case "refused":
        return this.#leave({ how: "refused", message: message.message });
      case "ping":
        return;
      default:
        return unreachable(message);
    }
  }

  #said(session: Session) {
    if (session.ended_at !== null) return this.#leave({ how: "ended", session });
    if (!session.connected) return this.#away();
    if (this.#awaySince === null) return;
    this.#awaySince = null;
    this.#outbox.again();
    this.#draw();
  }

  #away() {
    this.#awaySince ??= performance.now();
    if (process.stdin.isPaused()) process.stdin.resume(); // Else nobody could leave.
    this.#draw();
  }

  // ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────

  #resized() {
    this.#connection.tell({ type: "size", ...this.#size() });
    this.#anew();
  }

  #greeted() {
    if (this.#greeting === null) return;
    this.#greeting = null;
    this.#draw();
  }

  #notice(): string | null {
    const away = this.#awayFor();
    // On the main screen the same stands above.
    if (away <= QUIET_MS) return this.#screen?.modes.alternate ? this.#greeting : null;
    const seconds = Math.round(away / 1_000);
    const lost = away > STALE_MS ? "what is typed now is lost" : "waiting";
    const { name } = this.#options.detach;
    return `claude-remote: no contact with the session for ${seconds} s, ${lost} (${name} leaves)`;
  }

  #draw() {
    if (!this.#screen || this.#over) return;
    this.#wanted = fit(this.#screen, this.#desk.size(), this.#notice());
    this.#paint();
  }

  /** The terminal has another size, or missed something. */
  #anew() {
    if (this.#shown) this.#shown = { ...this.#shown, cols: 0 };
    this.#draw();
  }

  /** The terminal takes what is newest when it can. */
  #paint() {
    if (!this.#wanted || this.#over) return;
    if (this.#desk.pending > FULL_BYTES) return this.#later();
    if (this.#shown === null) this.#write(KEEP_TITLE);
    // What stands on the main screen already goes up, as if a program had written below it.
    if (this.#shown === null && !this.#wanted.modes.alternate) this.#write("\r\n".repeat(this.#wanted.rows));
    this.#write(painted(this.#shown, this.#wanted));
    this.#shown = this.#wanted;
  }

  #later() {
    this.#drain ??= setTimeout(() => {
      this.#drain = undefined;
      this.#paint();
    }, DRAIN_MS);
  }

  #write(text: string) {
    if (text) this.#desk.write(Buffer.from(text));
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #leave(parting: Parting) {
    if (this.#over) return;
    this.#over = true;
    if (this.#shown) this.#write(unpainted(this.#shown));
    this.#parting.resolve(parting);
  }

  [Symbol.dispose]() {
    this.#over = true;
    for (const timer of [...this.#timers, this.#held, this.#drain]) clearTimeout(timer);
    this.#connection[Symbol.dispose]();
    this.#desk.restore(true);
    this.#desk[Symbol.dispose]();
  }
}
