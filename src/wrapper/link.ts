// The connection to the server: handshake, heartbeat, back-off, for ever. No socket in it: it is given `connect`.
import {
  DEAD_AFTER_MS,
  type DeviceId,
  HEARTBEAT_MS,
  type Refused,
  type ServerMessage,
  type WrapperMessage,
} from "../protocol.ts";
import { type Channel, ClientHandshake } from "../seal.ts";

/** One attempt's socket. `send` hands over a frame; `buffered` is what the system has not taken yet, in bytes. */
export type Socket = { send(frame: string | Uint8Array): void; buffered(): number; close(): void };
export type SocketEvents = { received(frame: string | Uint8Array): void; closed(reason: string): void };
export type Connect = (events: SocketEvents) => Socket;

/** Waits before each new attempt, ms; the last one repeats for ever. */
const BACKOFF_MS = [250, 500, 1_000, 2_000];
/** Many wrappers must not come back in the same moment. */
const JITTER = 0.25;
/** A refusal will not change by itself in seconds: ask less often. */
const REFUSED_BACKOFF_MS = 30_000;
/** Screen frames wait (and are merged) while more than this is on its way. */
const FULL_BYTES = 64 * 1024;
/** Past this the server does not read any more: start over instead of buffering. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

export type LinkOptions = {
  device: DeviceId;
  secret: () => Uint8Array;
  connect: Connect;
  /** The channel is open: state everything that is true now. */
  onUp: () => void;
  onMessage: (message: ServerMessage) => void;
  onDown: (reason: string) => void;
  random?: () => number;
};

/** The link of one wrapper. `tell` says something if anybody listens; what matters is said again at the next `onUp`. */
export class Link implements Disposable {
  readonly #options: LinkOptions;
  #socket: Socket | null = null;
  #channel: Channel | null = null;
  #attempt = 0;
  #refused: Refused | null = null;
  /** By the wall's clock, which counts a sleeping machine's time, and by one that nobody sets. */
  #heardAt = { wall: 0, steady: 0 };
  #beat: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#dial();
  }

  get up() {
    return this.#channel !== null;
  }

  /** Why the server does not let us in, or null. */
  get refused() {
    return this.#refused;
  }

  /** More is on its way than the network takes now. */
  get full() {
    return (this.#socket?.buffered() ?? 0) > FULL_BYTES;
  }

  /** Seals and sends; false while there is no channel. */
  tell(message: WrapperMessage): boolean {
    if (!this.#channel || !this.#socket) return false;
    if (this.#socket.buffered() > MAX_BUFFERED_BYTES) {
      this.#drop("the server does not read");
      return false;
    }
    this.#socket.send(this.#channel.seal(JSON.stringify(message)));
    return true;
  }

  #dial() {
    this.#retry = undefined;
    try {
      this.#open(new ClientHandshake({ device: this.#options.device, secret: this.#options.secret() }));
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error)); // No secret yet, or no such address.
    }
  }

  #open(handshake: ClientHandshake) {
    this.#hears();
    let socket: Socket | null = null;
    const current = () => socket === null || socket === this.#socket;
    socket = this.#options.connect({
      received: (frame) => current() && this.#received(handshake, frame),
      closed: (reason) => current() && this.#drop(reason),
    });
    this.#socket = socket;
    this.#beat = setInterval(() => this.#pulse(), HEARTBEAT_MS);
  }

  #pulse() {
    const { wall, steady } = this.#heardAt;
    const silent = Math.max(Date.now() - wall, performance.now() - steady);
    if (silent >= DEAD_AFTER_MS) this.#drop("the server has been silent for 15 s");
    else this.tell({ type: "ping" });
  }

  #hears() {
    this.#heardAt = { wall: Date.now(), steady: performance.now() };
  }

  #received(handshake: ClientHandshake, frame: string | Uint8Array) {
    this.#hears();
    try {
      if (this.#channel) {
        if (typeof frame === "string") throw new Error("a frame in clear text");
        this.#message(JSON.parse(this.#channel.open(frame)));
      } else this.#shake(handshake, String(frame));
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error));
    }
  }

  #shake(handshake: ClientHandshake, text: string) {
    const step = handshake.receive(text);
    switch (step.step) {
      case "send":
        this.#socket?.send(step.send);
        return;
      case "refused":
        this.#refused = step.refused;
        return this.#drop(step.refused.message);
      case "open":
        this.#channel = step.channel;
        this.#refused = null;
        this.#options.onUp();
    }
  }

  #message(message: ServerMessage) {
    this.#attempt = 0; // Only now: a server that cannot store what we state lets us in, and closes at once.
    if (message.type === "ping") return;
    if (message.type === "refused") {
      this.#refused = message;
      return this.#drop(message.message);
    }
    this.#options.onMessage(message);
  }

  /** Gives up this connection and plans the next. */
  #drop(reason: string) {
    if (this.#retry) return;
    clearInterval(this.#beat);
    const socket = this.#socket;
    this.#socket = null;
    this.#channel = null;
    socket?.close();
    if (this.#ended) return;
    this.#options.onDown(reason);
    const wait = this.#refused
      ? REFUSED_BACKOFF_MS
      : (BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0);
    this.#attempt++;
    const spread = 1 + JITTER * (2 * (this.#options.random ?? Math.random)() - 1);
    this.#retry = setTimeout(() => this.#dial(), wait * spread);
  }

  [Symbol.dispose]() {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#drop("ended");
  }
}
