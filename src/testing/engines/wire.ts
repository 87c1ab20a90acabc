// A cable between a browser and a server that can be pulled: what flows is cut in the middle, and nobody gets through.
import type { Socket, TCPSocketListener } from "bun";

type End = { other: Socket<End> | null; waiting: Uint8Array[]; ended: boolean };

export class Wire implements Disposable {
  readonly #listener: TCPSocketListener<End>;
  readonly #open = new Set<Socket<End>>();
  /** The server's own port. */
  readonly #target: () => number;
  #cut = false;

  /** `target` is asked at every connection: a server may come up after its wire. */
  constructor(target: () => number) {
    this.#target = target;
    this.#listener = Bun.listen<End>({
      ...{ hostname: "127.0.0.1", port: 0, data: undefined as never },
      socket: {
        open: (socket) => this.#join(socket),
        data: (socket, chunk) => pass(socket, chunk),
        drain: flush,
        close: (socket) => this.#gone(socket),
        error: (socket) => this.#gone(socket),
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`;
  }

  /** From now on nothing gets through, and what was open is gone. */
  cut(): void {
    this.#cut = true;
    for (const socket of [...this.#open]) socket.terminate();
  }

  mend(): void {
    this.#cut = false;
  }

  async #join(socket: Socket<End>) {
    socket.data = { other: null, waiting: [], ended: false };
    if (this.#cut) return void socket.terminate();
    this.#open.add(socket);
    const other = { other: socket, waiting: [], ended: false };
    await Bun.connect<End>({
      ...{ hostname: "127.0.0.1", port: this.#target(), data: other },
      socket: {
        open: (one) => {
          this.#open.add(one);
          if (socket.data.ended) return void one.terminate();
          const early = socket.data.waiting.splice(0);
          socket.data.other = one;
          for (const chunk of early) pass(socket, chunk);
        },
        data: (one, chunk) => pass(one, chunk),
        drain: flush,
        close: (one) => this.#gone(one),
        error: (one) => this.#gone(one),
      },
    }).catch(() => socket.terminate());
  }

  #gone(socket: Socket<End>) {
    this.#open.delete(socket);
    if (socket.data.ended) return;
    socket.data.ended = true;
    socket.data.other?.end();
  }

  [Symbol.dispose]() {
    this.cut();
    this.#listener.stop(true);
  }
}

/** Hands on what came; what the other side does not take yet waits with it. */
function pass({ data }: Socket<End>, chunk: Uint8Array) {
  const { other } = data;
  if (!other) return void data.waiting.push(chunk.slice());
  other.data.waiting.push(chunk.slice());
  flush(other);
}

function flush(socket: Socket<End>) {
  const { waiting, other } = socket.data;
  if (!other) return; // What waits is this side's own, until the other is there.
  for (let chunk = waiting.shift(); chunk; chunk = waiting.shift()) {
    const taken = socket.write(chunk);
    if (taken < chunk.byteLength) return void waiting.unshift(chunk.subarray(Math.max(0, taken)));
  }
}
