// All wrappers' connections, on whatever socket: how many there may be, their heartbeat, their end.
import type { ServerWebSocket } from "bun";
import { DEAD_AFTER_MS, type DeviceId, HEARTBEAT_MS } from "../protocol.ts";
import { refusal } from "../seal.ts";
import type { By } from "./audit.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { LIMITS } from "./limits.ts";
import { guarded } from "./log.ts";

/** `address`: the socket's other end, where it has one. `desk`: it is an attached terminal, whose, and by which token. */
export type SocketData = {
  connection: Connection | null;
  address?: string;
  desk?: { by: By; token: string | null } | null;
};

/** All connections, and the handlers that Bun.serve wants. */
export class Uplinks {
  readonly #options: ConnectionOptions;
  readonly #all = new Set<Connection>();
  readonly #stops: (() => void)[];
  readonly #most: number;

  /** `most`: wrappers at once. */
  constructor(options: ConnectionOptions, most: number = LIMITS.wrappers) {
    this.#most = most;
    const { clock, log, prompts, sessions } = options;
    const again = () => sessions.connected().forEach((id) => void prompts.repeat(id));
    this.#options = options;
    this.#stops = [
      clock.every(1_000, () => this.#all.forEach((one) => void one.pulse(clock.now()))),
      clock.every(HEARTBEAT_MS, () => this.#all.forEach((one) => void one.tell({ type: "ping" }))),
      clock.every(LIMITS.answerAgainMs, guarded(log, "repeating answers", again)),
    ];
  }

  get size(): number {
    return this.#all.size;
  }

  readonly websocket = {
    maxPayloadLength: LIMITS.frameBytes,
    backpressureLimit: LIMITS.uplinkBytes,
    closeOnBackpressureLimit: true,
    perMessageDeflate: false,
    idleTimeout: (2 * DEAD_AFTER_MS) / 1_000,
    sendPings: false,
    open: (socket: ServerWebSocket<SocketData>) => this.#opened(socket),
    message: (socket: ServerWebSocket<SocketData>, frame: string | Buffer) =>
      socket.data.connection?.receive(frame),
    close: (socket: ServerWebSocket<SocketData>) => this.#closed(socket.data.connection),
  };

  /** Ends the connections of a device that may not speak any more. */
  end(device: DeviceId): void {
    for (const one of this.#all) {
      if (one.device !== device) continue;
      one.tell(refusal("revoked"));
      one.close("revoked");
    }
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    for (const one of this.#all) {
      one.close("the server stops");
      one.ended();
    }
  }

  #opened(socket: ServerWebSocket<SocketData>) {
    const strangers = [...this.#all].filter(({ device }) => device === null);
    if (this.#all.size - strangers.length >= this.#most) {
      socket.send(JSON.stringify(refusal("busy")));
      return socket.close();
    }
    // An honest handshake takes milliseconds: the oldest stranger is the likeliest not to mean it.
    if (strangers.length >= LIMITS.handshakes) strangers[0]?.close("too many handshakes");
    const connection = new Connection(this.#options, {
      address: socket.data.address ?? "",
      send: (frame) => socket.send(frame) !== 0,
      close: (reason) => socket.close(1000, reason),
    });
    socket.data.connection = connection;
    this.#all.add(connection);
  }

  #closed(connection: Connection | null) {
    if (!connection) return;
    this.#all.delete(connection);
    connection.ended();
  }
}
