// The server as one process: its real parts on a real database file, killed and started again from the disk's image.
import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "bun";
import { api } from "../../server/api.ts";
import type { Clock } from "../../server/clock.ts";
import { front } from "../../server/front.ts";
import { publicDoor } from "../../server/gate.ts";
import type { Logger } from "../../server/log.ts";
import { joinParts, type Parts } from "../../server/parts.ts";
import { responder } from "../../server/respond.ts";
import { LOCAL_DEVICE } from "../../server/server.ts";
import { Store } from "../../server/store.ts";
import type { SocketData, Uplinks } from "../../server/uplink.ts";
import { type Far, type Network, type Place, type Reply, Wire } from "./network.ts";
import type { Random } from "./random.ts";
import { type Owner, owner, type Time } from "./time.ts";

const HOST = "127.0.0.1:7200";
const ORIGIN = `http://${HOST}`;

/** The next moment in which the server dies: as it has said something, before or after that left the machine. */
export type Doom = { when: "reply" | "ack"; told: boolean };

type Options = {
  folder: string;
  template: string;
  onCrash: () => void;
  /** It is about to say this of an answer to that prompt. */
  onAnswer: (prompt: string, status: number) => void;
  /** A line of its log; `bad`: something failed. */
  onLog: (text: string, bad: boolean) => void;
};

export class ServerProcess implements Far {
  owner: Owner;
  up = false;
  /** How it is to die, if that is planned. */
  doom: Doom | null = null;
  readonly masterKey = new Uint8Array(32).fill(7);
  readonly #time: Time;
  readonly #chance: Random;
  readonly #folder: string;
  readonly #onCrash: () => void;
  readonly #onAnswer: Options["onAnswer"];
  readonly #log: Logger;
  readonly #wires = new Set<Wire>();
  #image = 0;
  #store: Store | null = null;
  #parts: Parts | null = null;
  #respond: ReturnType<typeof responder> | null = null;

  constructor(time: Time, chance: Random, options: Options) {
    this.#time = time;
    this.#chance = chance;
    this.#folder = options.folder;
    this.#onCrash = options.onCrash;
    this.#onAnswer = options.onAnswer;
    const line = (bad: boolean) => (what: object, text?: string) => {
      if (this.up) options.onLog(`${text ?? ""} ${JSON.stringify(what)}`, bad);
    };
    const log = {
      trace() {},
      debug() {},
      info() {},
      warn: line(false),
      error: line(true),
      fatal: line(true),
    };
    this.#log = log as unknown as Logger; // As much of one as the server uses.
    this.owner = { ...owner("server"), alive: false };
    copyFileSync(options.template, this.#file);
  }

  get #file() {
    return join(this.#folder, `${this.#image}.db`);
  }

  get store(): Store {
    if (!this.#store) throw new Error("the server is down");
    return this.#store;
  }

  get parts(): Parts {
    if (!this.#parts) throw new Error("the server is down");
    return this.#parts;
  }

  get websocket(): Uplinks["websocket"] {
    return this.parts.uplinks.websocket;
  }

  start() {
    this.owner = { ...this.owner, alive: true };
    this.up = true;
    const self = this.owner;
    const clock: Clock = {
      now: () => this.#time.wall(self),
      after: (ms, task) => this.#time.after(ms, self, task),
      every: (ms, task) => this.#time.every(ms, self, task),
    };
    const store = new Store(this.#file);
    store.devices.add(LOCAL_DEVICE, "desk", clock.now());
    const { masterKey } = this;
    const parts = joinParts({
      store,
      clock,
      log: this.#log,
      version: "0.0.0",
      masterKey,
      insecure: () => false,
    });
    const names = front({ host: "127.0.0.1", port: 7200 });
    const door = publicDoor({
      names: () => names,
      logins: parts.logins,
      tokens: parts.tokens,
      now: clock.now,
    });
    const routes = api({ ...parts, version: "0.0.0", assets: new Map() });
    this.#store = store;
    this.#parts = parts;
    this.#respond = responder({ routes, door, log: this.#log });
  }

  /** Ends it as its owner would: everything is written down. */
  stop() {
    if (!this.up) return;
    this.#parts?.stop();
    this.#end();
    for (const wire of [...this.#wires]) wire.die("reset", true);
    this.#wires.clear();
    this.#store?.[Symbol.dispose]();
    this.#forget();
  }

  /** The power goes: what was committed is on the disk, nothing else. */
  crash() {
    if (!this.up) return;
    this.#end();
    this.#lose(this.#copy());
  }

  #end() {
    this.up = false;
    this.owner.alive = false;
    this.doom = null;
  }

  #forget() {
    this.#store = null;
    this.#parts = null;
    this.#respond = null;
  }

  /** What a disk holds in this moment; the database itself goes on. */
  #copy(): number {
    const [from, next] = [this.#file, this.#image + 1];
    const to = join(this.#folder, `${next}.db`);
    for (const end of ["", "-wal"]) if (existsSync(from + end)) copyFileSync(from + end, to + end);
    return next;
  }

  /** Goes on from that image at the next start. */
  #lose(image: number, last: Wire | null = null) {
    const how = this.#chance.pick(["reset", "silent"] as const);
    for (const wire of [...this.#wires]) wire.die(how, wire === last);
    this.#wires.clear();
    this.#store?.[Symbol.dispose]();
    for (const end of ["", "-wal", "-shm"]) rmSync(this.#file + end, { force: true });
    this.#image = image;
    this.#forget();
    this.#onCrash();
  }

  /** Dies now, in the middle of what it does, if that was planned for such a moment. */
  #perhaps(when: Doom["when"], on: Wire | null = null): "told" | "untold" | null {
    if (this.doom?.when !== when || !this.up) return null;
    const { told } = this.doom;
    const image = this.#copy();
    this.#end();
    // Whoever called this is still at work: it falls silent now, and is cleared away when it has returned.
    this.#time.after(0, this.#time.nobody, () => this.#lose(image, told ? on : null));
    return told ? "told" : "untold";
  }

  accept(wire: Wire) {
    if (!this.up) return wire.cut("reset");
    this.#wires.add(wire);
    wire.open(this.websocket, () => {
      // The frame has been handed to the network; whether it gets out is the second half of the question.
      if (this.#perhaps("ack", wire) === "untold") wire.down.cut(this.#time.now);
    });
  }

  /** Answers a request that has arrived. */
  async handle(net: Network, place: Place, path: string, init: RequestInit, reply: Reply): Promise<void> {
    if (!this.up || !this.#respond) return reply.fail(net.delay(place));
    const given = init.headers as Record<string, string> | undefined;
    const write = init.method !== undefined && init.method !== "GET";
    const headers = { host: HOST, ...(write ? { origin: ORIGIN } : {}), ...cookie(place.owner), ...given };
    const gone = new AbortController();
    const { method = "GET", body = null } = init;
    const request = new Request(ORIGIN + path, { method, headers, body, signal: gone.signal });
    const response = await this.#respond(request, NO_SERVER);
    if (!response) return reply.fail(0);
    keepCookie(place.owner, response);
    if (response.body && response.headers.get("content-type") === "text/event-stream")
      return this.#stream(net, place, response, init, reply, gone);
    const text = await response.text();
    const [, answered] = /^\/api\/prompts\/([^/]+)\/\w+$/.exec(path) ?? [];
    if (answered && write && this.up) this.#onAnswer(answered, response.status);
    const lost = place.lose.replies > 0 && path !== "/events";
    if (lost) place.lose.replies--;
    const fate = this.#perhaps("reply");
    if (lost || fate === "untold" || (!this.up && fate !== "told")) {
      if (net.chance.chance(0.5)) reply.fail(net.delay(place));
      return;
    }
    const told = new Response(text, { status: response.status, headers: response.headers });
    net.time.after(net.delay(place), place.owner, () => reply.resolve(told));
  }

  #stream(
    net: Network,
    place: Place,
    response: Response,
    init: RequestInit,
    reply: Reply,
    gone: AbortController,
  ) {
    if (!response.body) return;
    const wire = new Wire(net, place, "stream");
    const self = this.owner;
    this.#wires.add(wire);
    const body = wire.carry(response.body);
    init.signal?.addEventListener("abort", () => {
      wire.abandon();
      net.time.after(net.delay(place), self, () => gone.abort());
    });
    const told = new Response(body, { status: 200, headers: { "content-type": "text/event-stream" } });
    net.time.after(net.delay(place), place.owner, () => reply.resolve(told));
  }
}

/** The cookie jar of a browser. */
function cookie({ storage }: Owner): Record<string, string> {
  const kept = storage?.get("cookie");
  return kept === undefined ? {} : { cookie: kept };
}

function keepCookie({ storage }: Owner, response: Response) {
  const set = response.headers.get("set-cookie")?.split(";")[0];
  if (set) storage?.set("cookie", set);
}

/** What the responder asks of Bun's server beside the request. */
const NO_SERVER = {
  requestIP: () => ({ address: "192.0.2.7", family: "IPv4", port: 1 }),
  timeout() {},
  upgrade: () => false,
} as unknown as Server<SocketData>;
