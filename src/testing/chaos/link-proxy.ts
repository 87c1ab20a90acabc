// Stands between wrappers and their server, on a unix socket of its own, and does to each message what a rule says. It has
// the machine's secret, so it proves itself to both ends, reads every message, and seals it anew.
import { type Socket as Connection, connect, createServer, type Server } from "node:net";
import type { DeviceId, PromptId, ServerMessage, SessionId, WrapperMessage } from "../../protocol.ts";
import { type Channel, ClientHandshake, ServerHandshake } from "../../seal.ts";
import { frameBytes, frameReader, type WsFrame } from "./frames.ts";

/** One message on its way. `up`: from a wrapper; `nth`: the how many-th of its direction since the channel opened, from 1. */
export type Passing = { wire: Wire; nth: number } & (
  | { direction: "up"; message: WrapperMessage }
  | { direction: "down"; message: ServerMessage }
);

/** `half`: half of its bytes go on, then the connection is cut. `last`: it goes on as the last one. */
export type Fate = "on" | "cut" | "half" | "last";
/** Decides on a message, now or when it pleases: until then it waits, and so does what follows it. Null: no opinion. */
export type Rule = (passing: Passing) => Fate | null | Promise<Fate | null>;

const LOCAL = "local" as DeviceId;
/** Handshakes are text; anything else before they are over is an end. */
const TEXT = 1;

export class LinkProxy implements AsyncDisposable {
  readonly wires = new Set<Wire>();
  readonly #rules = new Set<Rule>();
  readonly #server: Server;

  private constructor(target: string, secret: Uint8Array) {
    this.#server = createServer((wrapper) => {
      const wire = new Wire(wrapper, target, secret, (passing) => this.#fate(passing));
      this.wires.add(wire);
      wire.ended.then(() => this.wires.delete(wire));
    });
  }

  /** Listens at `path` for wrappers whose server listens at `target`. */
  static async open(path: string, target: string, secret: Uint8Array): Promise<LinkProxy> {
    const proxy = new LinkProxy(target, secret);
    await new Promise<void>((ok, fail) => proxy.#server.once("error", fail).listen(path, ok));
    return proxy;
  }

  /** Asks this rule from now on; the returned function ends that. */
  rule(rule: Rule): () => void {
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }

  /** The open connection of a session. */
  wireOf(session: SessionId): Wire | null {
    return [...this.wires].find((wire) => wire.session === session && wire.open) ?? null;
  }

  async #fate(passing: Passing): Promise<Fate> {
    for (const rule of [...this.#rules]) {
      const fate = await rule(passing);
      if (fate !== null) return fate;
    }
    return "on";
  }

  async [Symbol.asyncDispose]() {
    for (const wire of this.wires) wire.cut();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}

/** One connection of a wrapper, and ours to the server. */
export class Wire {
  /** Known once the wrapper has stated it. */
  session: SessionId | null = null;
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  readonly #wrapper: Connection;
  readonly #server: Connection;
  readonly #decide: (passing: Passing) => Promise<Fate>;
  readonly #toServer: ClientHandshake;
  readonly #toWrapper: ServerHandshake;
  readonly #up = pipeline();
  readonly #down = pipeline();
  #serverChannel: Channel | null = null;
  #wrapperChannel: Channel | null = null;
  #nth = { up: 0, down: 0 };
  #cut = false;

  constructor(
    wrapper: Connection,
    target: string,
    secret: Uint8Array,
    decide: (passing: Passing) => Promise<Fate>,
  ) {
    this.#wrapper = wrapper;
    this.#decide = decide;
    this.#toServer = new ClientHandshake({ device: LOCAL, secret });
    this.#toWrapper = new ServerHandshake({ secretOf: () => secret });
    this.#server = connect(target);
    // Both handshakes first: a message that one end says before the other is there waits.
    const ready = Promise.withResolvers<void>();
    this.#up.after(ready.promise);
    this.#down.after(ready.promise);
    const opened = () => this.#serverChannel && this.#wrapperChannel && ready.resolve();
    const fromWrapper = frameReader((frame) => {
      if (this.#wrapperChannel) this.#up.add(() => this.#pass("up", frame));
      else this.#greetWrapper(frame);
      opened();
    });
    const fromServer = frameReader((frame) => {
      if (this.#serverChannel) this.#down.add(() => this.#pass("down", frame));
      else this.#greetServer(frame);
      opened();
    });
    wrapper.on(
      "data",
      upgraded((head) => this.#server.write(head), fromWrapper),
    );
    this.#server.on(
      "data",
      upgraded((head) => this.#answered(head), fromServer),
    );
    this.ended = new Promise((done) => wrapper.once("close", () => done()));
    for (const socket of [wrapper, this.#server]) {
      socket.on("error", () => this.cut());
      socket.on("close", () => this.cut());
    }
  }

  /** Both ends are there and have proved who they are. */
  get open(): boolean {
    return !this.#cut && this.#serverChannel !== null && this.#wrapperChannel !== null;
  }

  /** Ends it, without a word to either. */
  cut() {
    this.#cut = true;
    this.#wrapper.end(() => this.#wrapper.destroy());
    this.#server.end(() => this.#server.destroy());
  }

  #answered(head: Buffer) {
    this.#wrapper.write(head);
    if (head.toString().startsWith("HTTP/1.1 101")) this.#send("down", text(this.#toWrapper.challenge));
  }

  #greetServer({ opcode, payload }: WsFrame) {
    if (opcode !== TEXT) return this.cut(); // It gave up: one that was stopped took too long.
    const step = this.#toServer.receive(payload.toString());
    if (step.step === "send") this.#send("up", text(step.send));
    else if (step.step === "open") this.#serverChannel = step.channel;
    else this.cut();
  }

  #greetWrapper({ opcode, payload }: WsFrame) {
    if (opcode !== TEXT) return this.cut();
    const step = this.#toWrapper.receive(payload.toString());
    this.#send("down", text(step.send));
    if (step.step === "open") this.#wrapperChannel = step.channel;
  }

  async #pass(direction: "up" | "down", frame: WsFrame) {
    if (this.#cut) return;
    if (frame.opcode !== 2) return this.#send(direction, frame); // A close, or the protocol's own ping.
    const [from, to] =
      direction === "up"
        ? [this.#wrapperChannel, this.#serverChannel]
        : [this.#serverChannel, this.#wrapperChannel];
    if (!from || !to) return;
    const json = from.open(frame.payload);
    const message = JSON.parse(json);
    if (message.type === "session") this.session = message.session.id;
    const fate = await this.#decide({ wire: this, direction, message, nth: ++this.#nth[direction] });
    if (this.#cut) return;
    if (fate === "cut") return this.cut();
    const sealed = frameBytes({ opcode: 2, payload: Buffer.from(to.seal(json)) }, direction === "up");
    const socket = direction === "up" ? this.#server : this.#wrapper;
    socket.write(fate === "half" ? sealed.subarray(0, sealed.length >> 1) : sealed);
    if (fate !== "on") this.cut();
  }

  #send(direction: "up" | "down", frame: WsFrame) {
    const socket = direction === "up" ? this.#server : this.#wrapper;
    socket.write(frameBytes(frame, direction === "up"));
  }
}

const text = (words: string): WsFrame => ({ opcode: 1, payload: Buffer.from(words) });

/** Things done one after the other. */
function pipeline() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    after: (first: Promise<unknown>) => {
      last = first;
    },
    add: (next: () => Promise<void>) => {
      last = last.then(next).catch(() => {});
    },
  };
}

/** The HTTP head goes to `head` as it is, what follows it to `rest`. */
function upgraded(head: (bytes: Buffer) => void, rest: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let before: Buffer | null = Buffer.alloc(0);
  return (bytes) => {
    if (!before) return rest(bytes);
    before = Buffer.concat([before, bytes]);
    const end = before.indexOf("\r\n\r\n");
    if (end < 0) return;
    const whole = before;
    before = null;
    head(whole.subarray(0, end + 4));
    if (whole.length > end + 4) rest(whole.subarray(end + 4));
  };
}

/** The prompt that a message is about, or null. */
export function promptOf({ message }: Passing): PromptId | null {
  switch (message.type) {
    case "prompt":
      return message.prompt.id;
    case "answer":
    case "delivered":
    case "accepted":
    case "withdrawn":
    case "too_late":
      return message.prompt;
    default:
      return null;
  }
}
