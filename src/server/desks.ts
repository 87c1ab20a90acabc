// The attached desks: terminals that `claude-remote attach` opened, each a WebSocket on the owner's socket, or an operator's
// on the page's port. A slow one gets fewer frames and always the last.
import type { ServerWebSocket } from "bun";
import * as v from "valibot";
import {
  type DeskId,
  type DeskKeys,
  type DeskMessage,
  type DeskSize,
  HEARTBEAT_MS,
  PROTOCOL,
  type ServerMessage,
  type Session,
  type SessionId,
  type ToDeskMessage,
  unreachable,
} from "../protocol.ts";
import { mirror, type Screen } from "../screen.ts";
import { whoIn } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { ApiError, expected } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { AttachedDesk } from "./live-session.ts";
import { guarded, type Logger } from "./log.ts";
import { OWNER } from "./owner.ts";
import { plain, type Route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";
import type { Tokens } from "./tokens.ts";
import type { SocketData } from "./uplink.ts";

export type DesksOptions = { sessions: Sessions; store: Store; clock: Clock; log: Logger; tokens: Tokens };

/** Terminals attached at once, all sessions together. */
const MOST_DESKS = 64;
/** Bytes of one message: what is read from a terminal at once, in base64, several times over. */
const MESSAGE_BYTES = 256 * 1024;
/** Bytes on their way to one desk; past that it is slow, and gets only what is newest. */
const FULL_BYTES = 64 * 1024;
/** What a WebSocket calls that. */
const TOO_LARGE = 1009;
/** Seconds of silence after which its socket is closed; Bun asks before that whether the other end lives. */
const IDLE_S = 60;

const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
const cells = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const size = { cols: cells, rows: cells, idle_ms: v.nullable(v.pipe(v.number(), v.minValue(0))) };
const schema = v.variant("type", [
  v.object({ type: v.literal("attach"), protocol: count, session: id, desk: id, ...size }),
  v.object({ type: v.literal("size"), ...size }),
  v.object({
    type: v.literal("keys"),
    no: count,
    first: count,
    bytes: v.pipe(v.string(), v.base64()),
  }),
]);

type Socket = ServerWebSocket<SocketData>;

/** All attached desks, the route that leads to them, and the handlers that Bun.serve wants. */
export class Desks {
  readonly #options: DesksOptions;
  readonly #all = new Map<Socket, Desk>();
  readonly #stopBeat: () => void;

  constructor(options: DesksOptions) {
    this.#options = options;
    const { tokens, clock } = options;
    this.#stopBeat = clock.every(HEARTBEAT_MS, () => this.#beat());
    tokens.onEnd((token) => this.#end((one) => one === token));
  }

  readonly route: Route = {
    ...plain("GET", "/attach", OWNER, () => new Response(null)),
    ...{ live: true, socket: "desk" },
  };

  readonly websocket = {
    maxPayloadLength: MESSAGE_BYTES,
    backpressureLimit: LIMITS.uplinkBytes,
    closeOnBackpressureLimit: true,
    perMessageDeflate: false,
    idleTimeout: IDLE_S,
    sendPings: true,
    open: (socket: Socket) => this.#opened(socket),
    message: (socket: Socket, frame: string | Buffer) => this.#heard(socket, frame),
    drain: (socket: Socket) => this.#all.get(socket)?.drain(),
    close: (socket: Socket) => this.#closed(socket),
  };

  stop(): void {
    this.#stopBeat();
    for (const [socket, desk] of this.#all) {
      desk.ended();
      socket.close();
    }
    this.#all.clear();
  }

  /** Says that we are there, to whoever still may be. */
  #beat() {
    const { tokens } = this.#options;
    this.#end((token) => token !== null && !tokens.inForce(token));
    for (const [, desk] of this.#all) desk.tell({ type: "ping" });
  }

  /** Those whose token is not good any more. */
  #end(wanted: (token: string | null) => boolean) {
    for (const [socket, desk] of this.#all) {
      if (!wanted(socket.data.desk?.token ?? null)) continue;
      desk.tell({ type: "refused", message: "This machine's right to operate the server has ended." });
      this.#closed(socket);
      socket.close();
    }
  }

  /** The page's port takes larger messages, a wrapper's. */
  #heard(socket: Socket, frame: string | Buffer) {
    if (frame.length > MESSAGE_BYTES) return socket.close(TOO_LARGE);
    this.#all.get(socket)?.receive(String(frame));
  }

  #opened(socket: Socket) {
    if (this.#all.size >= MOST_DESKS) return socket.close();
    this.#all.set(socket, new Desk(this.#options, socket));
  }

  #closed(socket: Socket) {
    const desk = this.#all.get(socket);
    this.#all.delete(socket);
    desk?.ended();
  }
}

const ODD = "The server does not understand this terminal: see that both are of the same version.";

/** One of them, from its first message on. */
class Desk implements AttachedDesk {
  id = "" as DeskId;
  readonly #options: DesksOptions;
  readonly #socket: Socket;
  readonly #mirror = mirror((frame) => this.#hasRoom() && this.tell({ type: "output", frame }));
  #session: SessionId | null = null;
  #size: DeskSize = { cols: 1, rows: 1, idle_ms: null };
  #sizedAt = 0;

  constructor(options: DesksOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
  }

  tell(message: ToDeskMessage): boolean {
    return this.#socket.send(JSON.stringify(message)) !== 0;
  }

  /** One message. What makes no sense, or names no open session, is refused, and the connection closes. */
  receive(text: string): void {
    try {
      this.#obey(v.parse(schema, JSON.parse(text)) as DeskMessage);
    } catch (error) {
      const { code, message } = expected(error);
      this.tell({ type: "refused", message: code === "internal" ? ODD : message });
      this.#socket.close();
    }
  }

  drain(): void {
    this.#mirror.drain();
  }

  ended(): void {
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    this.#options.sessions.detach(session, this);
    // Where the disk is full it ends all the same, and so does whatever ends after it.
    guarded(this.#options.log, "writing down a terminal's end", () => this.#audit("detached", session))();
  }

  stated(): ServerMessage {
    const { cols, rows, idle_ms } = this.#size;
    const idle = idle_ms === null ? null : idle_ms + this.#options.clock.now() - this.#sizedAt;
    return { type: "desk", desk: this.id, cols, rows, idle_ms: idle };
  }

  session(session: Session): void {
    this.tell({ type: "session", session });
  }

  screen(screen: Screen): void {
    this.#mirror.show(screen);
  }

  taken(upto: number): void {
    this.tell({ type: "taken", upto });
  }

  #obey(message: DeskMessage) {
    switch (message.type) {
      case "attach":
        return this.#attach(message);
      case "size":
        this.#sized(message);
        if (this.#session) this.#options.sessions.resized(this.#session, this);
        return;
      case "keys":
        return this.#typed(message);
      default:
        return unreachable(message);
    }
  }

  #attach({ protocol, session, desk, ...size }: Extract<DeskMessage, { type: "attach" }>) {
    if (protocol !== PROTOCOL)
      throw new ApiError("invalid", "This claude-remote and the server are of different versions.");
    if (this.#session) throw new ApiError("invalid", "This terminal is attached already.");
    this.id = desk;
    this.#sized(size);
    this.#options.sessions.opened(session);
    this.#audit("attached", session); // First of all: nobody types where nothing says who did.
    this.#options.sessions.attach(session, this);
    this.#session = session;
  }

  #sized({ cols, rows, idle_ms }: DeskSize) {
    this.#size = { cols, rows, idle_ms };
    this.#sizedAt = this.#options.clock.now();
  }

  /** To the wrapper, if it can be reached; else it stays untaken, and is said again. */
  #typed({ no, first, bytes }: DeskKeys) {
    if (!this.#session) throw new ApiError("invalid", "Keys came before the session was named.");
    this.#sized({ ...this.#size, idle_ms: 0 });
    this.#options.sessions
      .uplink(this.#session)
      ?.tell({ type: "desk_keys", desk: this.id, no, first, bytes });
  }

  #hasRoom() {
    return this.#socket.getBufferedAmount() < FULL_BYTES;
  }

  #audit(action: string, session: SessionId) {
    const by = whoIn(this.#socket.data.desk?.by ?? "owner");
    const entry = { ...by, session, action, subject: session, detail: { desk: this.id } };
    this.#options.store.audit.add(entry, this.#options.clock.now());
  }
}
