// The network between machines, phones and the server: late, cut in every moment, never wrong within one connection.
import type { ServerWebSocket } from "bun";
import type { SocketData, Uplinks } from "../../server/uplink.ts";
import type { Connect, Socket, SocketEvents } from "../../wrapper/link.ts";
import type { Random } from "./random.ts";
import type { Owner, Time } from "./time.ts";

/** Where a machine or a phone stands in the network. */
export type Place = {
  owner: Owner;
  /** Ms one way, at best. */
  latency: number;
  /** Nothing gets through until then; `refused`: it is said so at once, else silence. */
  outage: { until: number; refused: boolean };
  /** How many of the next requests are lost before they arrive, and how many replies on their way back. */
  lose: { requests: number; replies: number };
  /** How many of the next requests arrive twice, the second time at any moment after the first was sent. */
  twice: { requests: number };
  /** What is open between here and the server. */
  wires: Set<Wire>;
};

/** How a connection breaks: both ends hear of it soon, or neither does. */
export type Break = "reset" | "silent";
type Frame = string | Uint8Array;

/** The operating system's buffers of one direction, bytes: past that the sender must wait. */
const WINDOW_BYTES = 64 * 1024;
/** Silence after which the server's WebSocket closes by itself, ms (see Uplinks.websocket). */
const IDLE_MS = 30_000;

/** How a request is answered: by a response, or by none after so many ms. */
export type Reply = { resolve: (response: Response) => void; fail: (ms: number) => void };

/** The server, as the network knows it. */
export type Far = {
  readonly up: boolean;
  readonly owner: Owner;
  accept(wire: Wire): void;
  handle(net: Network, place: Place, path: string, init: RequestInit, reply: Reply): Promise<void>;
};

export class Network {
  readonly time: Time;
  readonly chance: Random;
  server: Far | null = null;

  constructor(time: Time, chance: Random) {
    this.time = time;
    this.chance = chance;
  }

  place(owner: Owner): Place {
    const latency = this.chance.pick([1, 3, 15, 40, 120]);
    const outage = { until: 0, refused: false };
    const lose = { requests: 0, replies: 0 };
    return { owner, latency, outage, lose, twice: { requests: 0 }, wires: new Set() };
  }

  /** Ms one way, now. */
  delay({ latency }: Place): number {
    return latency + this.chance.between(0, latency);
  }

  out({ outage }: Place): boolean {
    return this.time.now < outage.until;
  }

  /** A wrapper's way to the server. */
  connect(place: Place): Connect {
    return (events) => {
      const wire = new Wire(this, place, "socket");
      const refuse = (ms: number) =>
        this.time.after(ms, place.owner, () => events.closed("the connection failed"));
      const { server } = this;
      if (this.out(place)) {
        if (place.outage.refused) refuse(this.delay(place));
        wire.cut("silent");
      } else if (!server?.up) {
        refuse(this.delay(place));
        wire.cut("silent");
      } else this.time.after(this.delay(place), server.owner, () => server.accept(wire));
      return wire.client(events);
    };
  }

  /** A phone's request. */
  request(place: Place, path: string, init: RequestInit): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const fail = (ms: number) =>
      void this.time.after(ms, place.owner, () => reject(new TypeError("the connection failed")));
    init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    const { server } = this;
    const lost = place.lose.requests > 0;
    if (lost) place.lose.requests--;
    if (this.out(place) || lost) {
      if (place.outage.refused || (lost && this.chance.chance(0.5))) fail(this.delay(place));
      return promise;
    }
    if (!server?.up) {
      fail(this.delay(place));
      return promise;
    }
    const arrive = () => void server.handle(this, place, path, init, { resolve, fail });
    this.time.after(this.delay(place), server.owner, arrive);
    if (place.twice.requests > 0 && init.method === "POST") {
      place.twice.requests--;
      const deaf = { resolve() {}, fail() {} };
      const again = () => void server.handle(this, place, path, init, deaf);
      this.time.after(this.chance.between(0, this.chance.pick([50, 5_000])), server.owner, again);
    }
    return promise;
  }
}

/** One direction of one connection: in order, and from some moment on nothing. */
class Pipe {
  buffered = 0;
  /** A frame that waits to arrive after the next one. */
  held: (() => void) | null = null;
  readonly #time: Time;
  #last = 0;
  #until = Number.POSITIVE_INFINITY;
  #stalled = 0;

  constructor(time: Time) {
    this.#time = time;
  }

  /** What would arrive from `at` on is lost. */
  cut(at: number) {
    this.#until = Math.min(this.#until, at);
  }

  stall(until: number) {
    this.#stalled = Math.max(this.#stalled, until);
  }

  get dead() {
    return this.#time.now >= this.#until;
  }

  send(bytes: number, delay: number, to: Owner, deliver: () => void) {
    const at = Math.max(this.#last, this.#time.now + delay, this.#stalled);
    this.#last = at;
    this.buffered += bytes;
    this.#time.after(at - this.#time.now, to, () => {
      // A stall that came while this was on its way holds it back, and everything behind it.
      if (this.#time.now < this.#stalled && !this.dead) {
        this.buffered -= bytes;
        return this.send(bytes, 0, to, deliver);
      }
      this.buffered -= bytes;
      if (!this.dead) deliver();
    });
  }
}

/** What somebody in the middle does to one frame of a sealed connection. */
export type Harm = "twice" | "swapped" | "altered";

/** One connection, a WebSocket or an event stream. */
export class Wire {
  readonly place: Place;
  readonly kind: "socket" | "stream";
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #net: Network;
  #onClient: (reason: string) => void = () => {};
  #onServer: () => void = () => {};
  #clientOpen = true;
  #serverOpen = true;
  #idle: () => void = () => {};
  /** What happens to the next sealed frame. */
  harm: Harm | null = null;

  constructor(net: Network, place: Place, kind: "socket" | "stream") {
    this.#net = net;
    this.place = place;
    this.kind = kind;
    this.up = new Pipe(net.time);
    this.down = new Pipe(net.time);
    place.wires.add(this);
  }

  /** The connection breaks on its way; what is under way within so many ms may still half arrive. */
  cut(how: Break, within = 0) {
    const { time, chance } = this.#net;
    const soon = () => time.now + chance.between(0, within);
    this.up.cut(soon());
    this.down.cut(soon());
    if (how === "silent") return;
    time.after(chance.between(within, within + 200), this.place.owner, () => this.closeClient("it broke"));
    const server = this.#net.server?.owner;
    if (server) time.after(chance.between(within, within + 200), server, () => this.closeServer());
  }

  /** The server's end is no more, without a word to its handlers. `kept`: what it had sent still arrives. */
  die(how: Break, kept: boolean) {
    const { time, chance } = this.#net;
    this.#serverOpen = false;
    this.#idle();
    this.#forget();
    if (!kept) this.down.cut(time.now + chance.between(0, 50));
    if (how === "reset")
      this.down.send(0, chance.between(5, 300), this.place.owner, () => this.closeClient("the server died"));
    // A machine that comes back refuses what it does not know; the phone or the wrapper hears that at its next word.
    time.after(chance.between(300, 40_000), this.place.owner, () => this.closeClient("reset"));
  }

  /** Nothing moves towards the phone or the machine until then. */
  stall(ms: number) {
    this.down.stall(this.#net.time.now + ms);
  }

  onClose(client: (reason: string) => void, server: () => void) {
    this.#onClient = client;
    this.#onServer = server;
  }

  closeClient(reason: string) {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#forget();
    this.#onClient(reason);
  }

  closeServer() {
    if (!this.#serverOpen) return;
    this.#serverOpen = false;
    this.#forget();
    this.#idle();
    this.#onServer();
  }

  #forget() {
    if (!this.#clientOpen && !this.#serverOpen) this.place.wires.delete(this);
  }

  /** The client closes: what it sent before still arrives. */
  #leave() {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#forget();
    const { server } = this.#net;
    if (server) this.up.send(0, this.#net.delay(this.place), server.owner, () => this.closeServer());
  }

  /** The wrapper's end. */
  client(events: SocketEvents): Socket {
    this.#onClient = (reason) => events.closed(reason);
    this.#received = (frame) => events.received(frame);
    return {
      send: (frame) => this.#toServer(frame),
      buffered: () => this.up.buffered,
      close: () => this.#leave(),
    };
  }

  #received: (frame: Frame) => void = () => {};
  #toServer(frame: Frame) {
    const { server } = this.#net;
    if (!this.#clientOpen || !server) return;
    const arrive = (sent: Frame) => this.#serverOpen && this.#heard(sent);
    this.up.send(
      frame.length,
      this.#net.delay(this.place),
      server.owner,
      this.#harmed(this.up, frame, arrive),
    );
  }

  /** The arrival of a frame: as it was sent, unless somebody in the middle does something to it. */
  #harmed(pipe: Pipe, frame: Frame, arrive: (frame: Frame) => void): () => void {
    const { harm } = this;
    const { held } = pipe;
    pipe.held = null;
    if (held)
      return () => {
        arrive(frame);
        held();
      };
    if (harm === null || typeof frame === "string") return () => arrive(frame);
    this.harm = null;
    const altered = frame.map((byte, i) => (i === frame.length >> 1 ? byte ^ 1 : byte));
    switch (harm) {
      case "altered":
        return () => arrive(altered);
      case "swapped":
        pipe.held = () => arrive(frame);
        return () => {};
      case "twice":
        return () => {
          arrive(frame);
          arrive(frame);
        };
    }
  }

  #heard: (frame: Frame) => void = () => {};

  /** The server's end, as Bun shows it to the handlers. */
  open(handlers: Uplinks["websocket"], sent: () => void) {
    const { time } = this.#net;
    const owner = this.#net.server?.owner ?? time.nobody;
    const socket = {
      data: { connection: null } as SocketData,
      send: (frame: Frame): number => {
        if (!this.#serverOpen || !owner.alive) return 0;
        const arrive = (one: Frame) => this.#clientOpen && this.#received(one);
        this.down.send(
          frame.length,
          this.#net.delay(this.place),
          this.place.owner,
          this.#harmed(this.down, frame, arrive),
        );
        sent();
        return frame.length;
      },
      close: (_code?: number, reason = "") => {
        if (!this.#serverOpen || !owner.alive) return;
        this.down.send(0, this.#net.delay(this.place), this.place.owner, () => this.closeClient(reason));
        // The handler is called by the socket's own loop, never from inside of close().
        time.after(0, owner, () => this.closeServer());
      },
    };
    const real = socket as unknown as ServerWebSocket<SocketData>; // As much of one as the handlers use.
    const idle = () => {
      this.#idle();
      this.#idle = time.after(IDLE_MS, owner, () => socket.close(1006, "idle"));
    };
    this.#onServer = () => handlers.close(real);
    this.#heard = (frame) => {
      idle();
      handlers.message(real, typeof frame === "string" ? frame : Buffer.from(frame));
    };
    idle();
    handlers.open(real);
  }

  /** Carries an event stream to a phone, as fast as it takes it. */
  carry(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const { time } = this.#net;
    const reader = body.getReader();
    const owner = this.#net.server?.owner ?? time.nobody;
    let out: ReadableStreamDefaultController<Uint8Array> | null = null;
    const pump = async (): Promise<void> => {
      if (!this.#serverOpen) return;
      if (this.down.buffered > WINDOW_BYTES) return void time.after(20, owner, () => void pump());
      const { done, value } = await reader.read();
      if (!owner.alive) return;
      if (done) {
        if (!this.#serverOpen) return;
        this.#serverOpen = false;
        this.down.send(0, this.#net.delay(this.place), this.place.owner, () => this.closeClient("ended"));
        return this.#forget();
      }
      this.down.send(value.length, this.#net.delay(this.place), this.place.owner, () => {
        if (this.#clientOpen) out?.enqueue(value);
      });
      return pump();
    };
    this.onClose(
      () => out?.error(new TypeError("the connection broke")),
      () => void reader.cancel(),
    );
    const taken = new ReadableStream<Uint8Array>({
      start: (controller) => {
        out = controller;
      },
      cancel: () => this.#leave(),
    });
    void pump();
    return taken;
  }

  /** The phone gives up what it asked for. */
  abandon() {
    this.#leave();
  }
}
