// Stands between ssh and an sshd: passes bytes on, holds them back as a dead network does, or refuses.
import { connect, createServer, type Server, type Socket } from "node:net";

/** `pass`: the network is there. `hold`: nothing arrives and nobody is told, as on a cut line. `refuse`: nobody listens. */
export type LinkState = "pass" | "hold" | "refuse";

export class Cuttable implements AsyncDisposable {
  readonly port: number;
  /** Connections that were made so far. */
  made = 0;
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #state: LinkState = "pass";

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** A port of this machine that leads to `target` on its loopback. */
  static async open(target: number, address = "127.0.0.1"): Promise<Cuttable> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((ok, fail) => server.once("error", fail).listen(0, address, ok));
    const at = server.address();
    const cuttable = new Cuttable(server, typeof at === "object" && at ? at.port : 0);
    server.on("connection", (near) => cuttable.#join(near, target));
    return cuttable;
  }

  /** What is on its way stays there while it is held, and arrives after. */
  set(state: LinkState) {
    this.#state = state;
    for (const [near, far] of this.#pairs) {
      if (state === "refuse") this.#end([near, far]);
      else if (state === "hold") for (const end of [near, far]) end.pause();
      else for (const end of [near, far]) end.resume();
    }
  }

  /** Ends every connection, as a restarted router does. */
  reset() {
    for (const pair of this.#pairs) this.#end(pair);
  }

  #join(near: Socket, target: number) {
    if (this.#state === "refuse") return void near.destroy();
    this.made++;
    const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on("data", (bytes) => {
        if (to.write(bytes)) return;
        from.pause();
        to.once("drain", () => this.#resume(from));
      });
      from.on("end", () => to.end());
      from.on("error", () => this.#end(pair));
      from.on("close", () => this.#end(pair));
    }
    if (this.#state === "hold") for (const end of pair) end.pause();
  }

  #resume(socket: Socket) {
    if (this.#state === "pass") socket.resume();
  }

  #end(pair: [Socket, Socket]) {
    this.#pairs.delete(pair);
    for (const end of pair) end.destroy();
  }

  async [Symbol.asyncDispose]() {
    this.reset();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}
