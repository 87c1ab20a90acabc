// All viewers' event streams: who hears what, how many there may be, and the heartbeat that keeps them honest.
import { HEARTBEAT_MS, type SessionId, type Viewer, type ViewerEvents, type ViewerId } from "../protocol.ts";
import type { Screen } from "../screen.ts";
import type { Clock } from "./clock.ts";
import { LIMITS } from "./limits.ts";
import type { Logger } from "./log.ts";
import { type Batch, Mailbox, missed } from "./mailbox.ts";
import type { CatchUp } from "./store/catch-up.ts";
import { type EventName, parseCursor, type Sent, Stream } from "./stream.ts";

/** Says to every viewer what a thing is now; `key` names the thing. */
export type Tell = <N extends EventName>(key: string, name: N, data: ViewerEvents[N]) => void;

export type EventsOptions = {
  catchUp: CatchUp;
  clock: Clock;
  state: (viewer: Viewer) => ViewerEvents["state"];
  screen: (session: SessionId) => Screen | null;
  /** So many viewers watch that session now. */
  onWatch: (session: SessionId, viewers: number) => void;
  onSeen: (viewer: ViewerId) => void;
  log: Logger;
  /** Streams of all viewers. */
  maxStreams?: number | undefined;
};

export class Events {
  readonly #options: EventsOptions;
  /** Oldest first. */
  readonly #streams = new Set<Stream>();
  /** Those that are asked for batch by batch. */
  readonly #polled = new Map<string, { mailbox: Mailbox; stream: Stream }>();
  readonly #listeners: Tell[] = [];
  readonly #beside: (() => Partial<ViewerEvents["state"]>)[] = [];
  readonly #stops: (() => void)[];
  /** What went out on all streams so far. */
  readonly sent: Sent = { frames: 0, bytes: 0 };
  /** Streams that went on where an earlier one was cut. */
  resumed = 0;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#stops = [options.clock.every(HEARTBEAT_MS, () => this.#beat())];
  }

  /** A viewer's new stream, as a response. `letGo` frees its socket even if nobody reads any more. */
  open(request: Request, viewer: Viewer, session: SessionId | null, letGo: () => void): Response {
    const gzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    const stream = this.#stream(request, viewer, session, letGo);
    request.signal.addEventListener("abort", () => stream.end());
    const headers = {
      "content-type": "text/event-stream",
      "x-accel-buffering": "no",
      vary: "accept-encoding",
    };
    return new Response(stream.body(gzip), {
      headers: gzip ? { ...headers, "content-encoding": "gzip" } : headers,
    });
  }

  /**
   * The same events for whom no stream reaches, a batch for each request: `poll` is "new" at first, then what the batch
   * before named as the next. Throws `gone` where a batch was missed; whoever asks begins anew then, from its cursor.
   */
  async poll(request: Request, viewer: Viewer, session: SessionId | null, poll: string): Promise<Batch> {
    const { mailbox, stream } =
      poll === "new" ? this.#open(request, viewer, session) : this.#find(viewer, poll);
    const left = () => stream.end();
    request.signal.addEventListener("abort", left);
    const batch = await mailbox.take(poll === "new" ? 0 : Number(poll.split(".")[1]), stream.drain);
    request.signal.removeEventListener("abort", left);
    return batch;
  }

  #open(request: Request, viewer: Viewer, session: SessionId | null) {
    const mailbox = new Mailbox(this.#options.clock);
    const stream = this.#stream(request, viewer, session, () => this.#polled.delete(mailbox.id));
    this.#polled.set(mailbox.id, { mailbox, stream });
    stream.begin(mailbox);
    return { mailbox, stream };
  }

  #find(viewer: Viewer, poll: string) {
    const found = this.#polled.get(poll.split(".")[0] ?? "");
    if (found?.stream.viewer.id !== viewer.id) throw missed();
    return found;
  }

  #stream(request: Request, viewer: Viewer, session: SessionId | null, onEnd: () => void): Stream {
    this.#makeRoom(viewer.id);
    const { catchUp, clock, state, screen, log } = this.#options;
    const last = request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("cursor");
    const cursor = parseCursor(last);
    if (cursor) this.resumed++;
    const stream = new Stream({
      ...{ viewer, session, catchUp, clock, cursor, sent: this.sent },
      state: () => Object.assign(state(viewer), ...this.#beside.map((part) => part())),
      screen: session && screen(session),
      onEnd: () => {
        onEnd();
        this.#forget(stream);
      },
      onFault: (error) => log.error({ error: String(error) }, "an event stream failed"),
    });
    this.#streams.add(stream);
    this.#watched(session);
    return stream;
  }

  /** Hears from now on what every viewer is told. */
  listen(listener: Tell): void {
    this.#listeners.push(listener);
  }

  /** From now on a state says this, too. */
  addToState(part: () => Partial<ViewerEvents["state"]>): void {
    this.#beside.push(part);
  }

  readonly tell: Tell = (key, name, data) => {
    for (const listener of this.#listeners) listener(key, name, data);
    for (const stream of this.#streams) stream.tell(key, name, data);
  };

  /** There is more in that session's log or conversation. */
  logged(session: SessionId): void {
    for (const stream of this.#streams) if (stream.session === session) stream.logged();
  }

  show(session: SessionId, screen: Screen): void {
    for (const stream of this.#streams) if (stream.session === session) stream.show(screen);
  }

  watching(session: SessionId): number {
    return [...this.#streams].filter((stream) => stream.session === session).length;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Ends the streams of a viewer that may not listen any more, or all. */
  end(viewer?: ViewerId): void {
    for (const stream of [...this.#streams]) if (!viewer || stream.viewer.id === viewer) stream.end();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.end();
  }

  /** The oldest goes: it is the likeliest to be dead without having said so. */
  #makeRoom(viewer: ViewerId) {
    const own = [...this.#streams].filter((stream) => stream.viewer.id === viewer);
    if (own.length >= LIMITS.streamsPerViewer) own[0]?.end();
    const [oldest] = this.#streams;
    if (this.#streams.size >= (this.#options.maxStreams ?? LIMITS.streams)) oldest?.end();
  }

  #forget(stream: Stream) {
    this.#streams.delete(stream);
    this.#watched(stream.session);
  }

  #watched(session: SessionId | null) {
    if (session) this.#options.onWatch(session, this.watching(session));
  }

  #beat() {
    const now = this.#options.clock.now();
    for (const stream of [...this.#streams]) {
      this.#options.onSeen(stream.viewer.id);
      if (stream.stalledFor(now) > LIMITS.stalledMs) stream.end();
      else stream.tell("heartbeat", "heartbeat", { now });
    }
  }
}
