// One viewer's event stream. What it cannot take now is never queued: facts are replaced by newer ones, log and
// conversation are read from the database at its own pace, and of the screen it gets the last one.
import { constants, createGzip } from "node:zlib";
import type { SessionId, Viewer, ViewerEvents } from "../protocol.ts";
import { type Frame, mirror, type Screen } from "../screen.ts";
import type { Clock } from "./clock.ts";
import { LIMITS } from "./limits.ts";
import type { CatchUp, Cursor } from "./store/catch-up.ts";

export type EventName = keyof ViewerEvents;

/** Ten frames a second read as live on a phone. */
const FRAME_INTERVAL_MS = 100;

/** Where events go: the socket, directly or through gzip, or a mailbox. `id` is the cursor after it, `json` its data. */
export type Sink = { write(event: EventName, id: string, json: string): void; room(): boolean; end(): void };

/** Frames, and bytes as they go out. */
export type Sent = { frames: number; bytes: number };

export type StreamOptions = {
  viewer: Viewer;
  session: SessionId | null;
  /** Where the viewer stands, or null for one that begins. */
  cursor: Cursor | null;
  catchUp: Pick<CatchUp, "since" | "newest">;
  clock: Clock;
  /** All there is to know, for a new viewer and one that missed too much. */
  state: () => ViewerEvents["state"];
  screen: Screen | null;
  /** Counted up. */
  sent: Sent;
  onEnd: () => void;
  /** What was to be said could not be read; the stream has ended. */
  onFault?: (error: unknown) => void;
};

export class Stream {
  readonly viewer: Viewer;
  readonly session: SessionId | null;
  readonly #options: StreamOptions;
  readonly #pending = new Map<string, { name: EventName; data: unknown }>();
  readonly #mirror = mirror((frame) => this.#frame(frame));
  #sink: Sink | null = null;
  #cursor: Cursor;
  #behind: boolean;
  #screen: Screen | null;
  #framedAt = 0;
  #later: (() => void) | null = null;
  #stalledAt: number | null = null;
  #draining = false;
  #ended = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.viewer = options.viewer;
    this.session = options.session;
    const end = options.catchUp.newest();
    this.#cursor = options.cursor ? earlier(options.cursor, end) : end;
    this.#behind = options.cursor !== null;
    this.#screen = options.screen;
  }

  /** Begins, as the body of a response. */
  body(gzip: boolean): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.begin(this.#socket(controller, gzip)),
        pull: () => this.#drain(),
        cancel: () => this.end(),
      },
      { highWaterMark: LIMITS.streamBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  #socket(controller: ReadableStreamDefaultController<Uint8Array>, gzip: boolean): Sink {
    const put = (chunk: Uint8Array) => {
      controller.enqueue(chunk);
      this.#options.sent.bytes += chunk.byteLength;
    };
    return gzip ? gzipped(controller, put, () => this.#drain()) : plain(controller, put);
  }

  /** Begins: everything goes there from now on, as far as there is room. */
  begin(sink: Sink): void {
    this.#sink = sink;
    this.#state();
    this.#drain();
    if (this.#screen) this.show(this.#screen);
  }

  /** Says what a thing is now. `key` names the thing: what was waiting to be said of it is replaced. */
  tell<N extends EventName>(key: string, name: N, data: ViewerEvents[N]): void {
    this.#pending.delete(key);
    this.#pending.set(key, { name, data });
    if (this.#pending.size > LIMITS.pendingEvents) this.#state();
    this.#drain();
  }

  /** There is more in the log or in the conversation. */
  logged(): void {
    this.#behind = true;
    this.#drain();
  }

  /** The session's screen is this now. The first change after quiet goes at once. */
  show(screen: Screen): void {
    this.#screen = screen;
    const wait = this.#framedAt + FRAME_INTERVAL_MS - this.#options.clock.now();
    // A longer wait than there is: the clock was put back.
    if (wait <= 0 || wait > FRAME_INTERVAL_MS) this.#mirror.show(screen);
    else this.#later ??= this.#options.clock.after(wait, () => this.#showLatest());
  }

  /** There is room again. */
  readonly drain = (): void => this.#drain();

  /** It has taken nothing for so long, ms. */
  stalledFor(now: number): number {
    return this.#stalledAt === null ? 0 : now - this.#stalledAt;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#later?.();
    this.#pending.clear();
    this.#sink?.end();
    this.#options.onEnd();
  }

  #showLatest() {
    this.#later = null;
    if (this.#screen && !this.#ended) this.#mirror.show(this.#screen);
  }

  /** One whole `state` in place of everything that waits. */
  #state() {
    this.#pending.clear();
    this.#pending.set("state", { name: "state", data: null });
  }

  /**
   * Sends what waits, as far as the other end takes it. One that takes it at once asks for more while we send. Whoever tells
   * us something is never told of a failure of ours: it ends this stream alone, and the viewer begins anew.
   */
  #drain() {
    if (this.#ended || this.#draining) return;
    this.#draining = true;
    try {
      this.#send();
    } catch (error) {
      this.#options.onFault?.(error);
      this.end();
    } finally {
      this.#draining = false;
    }
  }

  #send() {
    while (this.#hasRoom()) {
      const [next] = this.#pending;
      if (next) this.#say(...next);
      else if (this.#behind && this.session) this.#catchUp(this.session);
      else break;
    }
    if (!this.#later) this.#mirror.drain();
  }

  #say(key: string, { name, data }: { name: EventName; data: unknown }) {
    this.#pending.delete(key);
    // Made when it is sent: what was true when it was wanted may be old by now.
    if (name === "state") this.#write("state", this.#options.state());
    else this.#write(name, data);
  }

  #catchUp(session: SessionId) {
    const { lines, line, messages, more } = this.#options.catchUp.since(session, this.#cursor);
    this.#behind = more;
    this.#cursor = { ...this.#cursor, line };
    if (lines.length > 0) this.#write("lines", { session, lines });
    for (const { id, message } of messages) {
      this.#cursor = { ...this.#cursor, message: id };
      this.#write("message", { session, message });
    }
  }

  #frame(frame: Frame): boolean {
    if (!this.session || this.#ended || !this.#hasRoom()) return false;
    this.#framedAt = this.#options.clock.now();
    this.#options.sent.frames++;
    this.#write("output", { session: this.session, frame });
    return true;
  }

  #hasRoom(): boolean {
    const room = this.#sink?.room() ?? false;
    if (room) this.#stalledAt = null;
    else this.#stalledAt ??= this.#options.clock.now();
    return room;
  }

  #write(name: EventName, data: unknown) {
    const { line, message } = this.#cursor;
    this.#sink?.write(name, `${line}-${message}`, JSON.stringify(data));
  }
}

/** A cursor as it stands in `id:` and comes back in Last-Event-ID; null for anything else. */
export function parseCursor(text: string | null): Cursor | null {
  const [, line, message] = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? "") ?? [];
  return line && message ? { line: Number(line), message: Number(message) } : null;
}

/** A cursor beyond the end is of another database. */
function earlier(a: Cursor, b: Cursor): Cursor {
  return { line: Math.min(a.line, b.line), message: Math.min(a.message, b.message) };
}

const textOf = (event: EventName, id: string, json: string) =>
  `event: ${event}\nid: ${id}\ndata: ${json}\n\n`;

type Controller = ReadableStreamDefaultController<Uint8Array>;

function plain(controller: Controller, put: (chunk: Uint8Array) => void): Sink {
  const encoder = new TextEncoder();
  return {
    write: (...event) => put(encoder.encode(textOf(...event))),
    room: () => (controller.desiredSize ?? 0) > 0,
    end: () => quietly(() => controller.close()),
  };
}

/** Each event is flushed, or it would wait for the next to fill a block. */
function gzipped(controller: Controller, put: (chunk: Uint8Array) => void, onDrain: () => void): Sink {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  let inFlight = 0;
  gzip.on("data", (chunk: Uint8Array) => quietly(() => put(chunk)));
  gzip.on("end", () => quietly(() => controller.close()));
  return {
    write(...event) {
      const text = textOf(...event);
      const bytes = Buffer.byteLength(text);
      inFlight += bytes;
      gzip.write(text, () => {
        inFlight -= bytes;
        onDrain();
      });
    },
    room: () => inFlight < LIMITS.streamBytes && (controller.desiredSize ?? 0) > 0,
    end: () => gzip.end(),
  };
}

/** The other end may have gone first; then there is nothing left to say. */
function quietly(say: () => void) {
  try {
    say();
  } catch {}
}
