// One wrapper's connection: handshake, then sealed messages. What makes no sense closes it, and reconnecting heals.
import {
  type ConversationId,
  DEAD_AFTER_MS,
  type DeviceId,
  type RefusalCode,
  type ServerMessage,
  type SessionId,
  unreachable,
  type WrapperMessage,
} from "../protocol.ts";
import { type Channel, refusal, SealError, ServerHandshake } from "../seal.ts";
import type { Clock } from "./clock.ts";
import type { Commands } from "./commands.ts";
import { expected } from "./errors.ts";
import type { Events } from "./events.ts";
import type { Files } from "./files.ts";
import type { Inputs } from "./inputs.ts";
import { LIMITS } from "./limits.ts";
import type { Uplink } from "./live-session.ts";
import type { Logger } from "./log.ts";
import { parseWrapperMessage } from "./messages.ts";
import type { Prompts } from "./prompts.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

export type ConnectionOptions = {
  store: Store;
  clock: Clock;
  log: Logger;
  sessions: Sessions;
  prompts: Prompts;
  inputs: Inputs;
  commands: Commands;
  files: Files;
  events: Events;
  secretOf: (device: DeviceId) => Uint8Array;
  /** A device was not let in, for that reason. */
  onRefused: (refused: RefusedDevice) => void;
};

/** `device`: what it said of itself; null where it did not come to that. */
export type RefusedDevice = { device: DeviceId | null; code: RefusalCode; address: string };

/** A message that makes no sense here: the connection ends with its reason. */
class Nonsense extends Error {}

type Socket = {
  /** The other end, "" for this machine's own socket file. */
  address: string;
  send(frame: string | Uint8Array): boolean;
  close(reason: string): void;
};

/** One wrapper's connection, from challenge to close. No socket in it: it is given `send` and `close`. */
export class Connection implements Uplink {
  heardAt: number;
  device: DeviceId | null = null;
  session: SessionId | null = null;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #handshake: ServerHandshake;
  readonly #bornAt: number;
  #channel: Channel | null = null;
  #claims: DeviceId | null = null;
  #conversation: ConversationId | null = null;
  #second = 0;
  #frames = 0;

  constructor(options: ConnectionOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#bornAt = options.clock.now();
    this.heardAt = this.#bornAt;
    this.#handshake = new ServerHandshake({ secretOf: (device) => this.#secretOf(device) });
    socket.send(this.#handshake.challenge);
  }

  /** Seals and sends. A connection that does not take it is closed: a lost frame would break the seal anyway. */
  tell(message: ServerMessage): void {
    if (this.#channel && !this.#socket.send(this.#channel.seal(JSON.stringify(message))))
      this.close("it does not read");
  }

  replaced(): void {
    this.session = null;
    this.tell(refusal("replaced"));
    this.close("another wrapper took the session over");
  }

  close(reason: string): void {
    this.#channel = null;
    this.#socket.close(reason);
  }

  /** One frame. Whatever is wrong with it, the connection closes and nothing else happens. */
  receive(frame: string | Uint8Array): void {
    try {
      this.#count();
      if (!this.#channel) this.#shake(frame);
      else if (typeof frame === "string") throw new Nonsense("a frame in clear text");
      else this.#message(parseWrapperMessage(this.#channel.open(frame)));
    } catch (error) {
      if (expected(error).code === "storage") this.#options.sessions.unstored();
      this.#options.log.warn(
        { device: this.device, session: this.session, reason: reasonOf(error) },
        "wrapper closed",
      );
      this.close("a message made no sense or could not be stored");
    }
  }

  /** The connection is gone. */
  ended(): void {
    const { session } = this;
    this.#channel = null;
    this.session = null;
    if (session) this.#options.files.lost(session);
    if (session) this.#options.sessions.lost(session, this);
  }

  /** Every second: silence is death, and a handshake does not take long. */
  pulse(now: number): void {
    if (now - this.heardAt >= DEAD_AFTER_MS) this.close("silent for 15 s");
    if (!this.#channel && now - this.#bornAt >= LIMITS.handshakeMs) this.close("no handshake");
  }

  #count() {
    const now = this.#options.clock.now();
    const second = Math.floor(now / 1_000);
    this.#frames = second === this.#second ? this.#frames + 1 : 1;
    this.#second = second;
    if (this.#frames > LIMITS.framesPerSecond) throw new Nonsense("too many frames");
    this.heardAt = now;
  }

  #secretOf(device: DeviceId): Uint8Array | RefusalCode {
    this.#claims = device;
    const known = this.#options.store.devices.get(device);
    if (!known) return "device";
    return known.revoked_at === null ? this.#options.secretOf(device) : "revoked";
  }

  #shake(frame: string | Uint8Array) {
    const step = this.#handshake.receive(String(frame));
    this.#socket.send(step.send);
    if (step.step === "refused") {
      const { code } = step.refused;
      this.#options.onRefused({ device: this.#claims, code, address: this.#socket.address });
      return this.close(code);
    }
    this.#channel = step.channel;
    this.device = step.device;
    this.#options.store.devices.seen(step.device, this.heardAt);
  }

  #message(message: WrapperMessage | null) {
    if (!message || !this.device) return; // Of a later version.
    if (message.type === "session") return this.#stated(message, this.device);
    if (message.type === "ping") return;
    if (message.type === "left") return this.#left(message, this.device);
    if (!this.session) throw new Nonsense(`${message.type} before session`);
    this.#told(message, this.session);
  }

  #stated({ session: statement }: Extract<WrapperMessage, { type: "session" }>, device: DeviceId) {
    const { sessions, store, prompts, files } = this.#options;
    if (this.session && this.session !== statement.id) throw new Nonsense("a second session");
    const first = this.session === null;
    if (!sessions.state(device, statement, this)) throw new Nonsense("a session of another device");
    this.session = statement.id;
    if (first) this.tell({ type: "ack", stream: "lines", upto: store.lines.cursor(statement.id) });
    this.#converses(statement.conversation);
    if (!first) return;
    files.lost(statement.id);
    prompts.repeat(statement.id);
    sessions.watch(statement.id);
  }

  /** Where that conversation's transcript goes on from, when it begins or comes back. */
  #converses(conversation: ConversationId | null) {
    if (conversation === null || conversation === this.#conversation) return;
    this.#conversation = conversation;
    this.#ackMessages(conversation);
  }

  #ackMessages(conversation: ConversationId) {
    const upto = this.#options.store.messages.cursor(conversation);
    this.tell({ type: "ack", stream: "messages", conversation, upto });
  }

  #left({ session, type, facts = [], ...exit }: Extract<WrapperMessage, { type: "left" }>, device: DeviceId) {
    const { store, prompts, sessions } = this.#options;
    const known = store.sessions.get(session);
    if (known && known.device_id !== device) throw new Nonsense("the end of another device's session");
    for (const fact of facts)
      if (!prompts.fact(session, fact)) throw new Nonsense("another session's prompt");
    if (known) sessions.end(session, exit);
    this.tell({ type: "ack", stream: "exit", session });
  }

  /** What is true of this connection's session. Each is on disk before it is acknowledged. */
  #told(message: Exclude<WrapperMessage, { type: "session" | "ping" | "left" }>, session: SessionId) {
    const { store, clock, sessions, prompts, inputs, commands, files, events } = this.#options;
    switch (message.type) {
      case "status":
        sessions.setState(session, message.state);
        return this.#converses(message.state.conversation);
      case "output":
        return sessions.frame(session, message.frame);
      case "lines":
        this.tell({
          type: "ack",
          stream: "lines",
          upto: store.lines.add(session, message.lines, clock.now()),
        });
        return events.logged(session);
      case "message":
        if (store.messages.add(session, message.message, clock.now()).opened) sessions.again(session);
        this.#ackMessages(message.message.conversation);
        return events.logged(session);
      case "cost":
        return store.usage.addCost(session, message, clock.now());
      case "used":
        return store.usage.countAnswer(session, message, clock.now());
      case "prompt":
        if (!prompts.opened(session, message.prompt))
          throw new Nonsense("another session's prompt, or too many");
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt.id, fact: "prompt" });
      case "withdrawn":
      case "delivered":
      case "accepted":
      case "too_late":
        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });
      case "not_applied":
        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");
        return;
      case "input_delivered":
        return void inputs.set(session, message.id, "delivered");
      case "input_seen":
        return void inputs.set(session, message.id, "seen");
      case "input_refused":
        return inputs.refused(session, message.id, message.reason);
      case "commands":
        return commands.set(session, message.commands);
      case "file_taken":
        return files.taken(session, message);
      case "file_refused":
        return files.refused(session, message.id, message.reason);
      case "desk_taken":
        return sessions.taken(session, message.desk, message.upto);
      case "exit": {
        const { code, signal, reason } = message;
        sessions.end(session, { code, signal, reason });
        return this.tell({ type: "ack", stream: "exit", session });
      }
      default:
        return unreachable(message);
    }
  }
}

/** A reason fit for the log: never what was in the message. */
function reasonOf(error: unknown): string {
  if (error instanceof Nonsense || error instanceof SealError) return error.message;
  const { code } = expected(error);
  return code === "storage" ? code : error instanceof Error ? error.name : "unknown";
}
