// Many phones and many machines on one server: real event streams, and the wrapper's own link for each machine.

import { readFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { join } from "node:path";
import type { DeviceId, Prompt, SessionId } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import { LIMITS } from "../../server/limits.ts";
import { Link } from "../../wrapper/link.ts";
import { webSocket } from "../../wrapper/socket.ts";
import { prompt, statement } from "../link.ts";
import { TestViewer } from "../viewer.ts";
import type { OwnServer } from "./own-server.ts";

/** Opened at once: a handshake more than the server has room for would be closed, and come again later. */
const AT_ONCE = 10;
const PATIENCE_MS = 120_000;

/** One phone's open page. */
class Watcher implements Disposable {
  readonly #request: ClientRequest;
  readonly ready: Promise<void>;
  bytes = 0;
  frames = 0;
  #wanted = { text: "", seen: (_at: number) => {} };
  #tail = "";

  constructor(url: string, cookie: string, gzip: boolean) {
    const open = Promise.withResolvers<void>();
    this.ready = open.promise;
    const headers = { cookie, ...(gzip ? { "accept-encoding": "gzip" } : {}) };
    this.#request = request(url, { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) open.reject(new Error(`no events: ${response.statusCode}`));
      response.setEncoding("latin1");
      response.on("data", (text: string) => {
        this.bytes += text.length;
        this.#look(text);
        open.resolve();
      });
      response.on("error", () => {});
    });
    this.#request.on("error", (error) => open.reject(error));
    this.#request.end();
  }

  /** When this text comes; of what is packed, when anything does. */
  sees(text: string): Promise<number> {
    return new Promise((seen) => {
      this.#wanted = { text, seen };
    });
  }

  #look(text: string) {
    const { text: wanted, seen } = this.#wanted;
    this.frames += text.split("event: output").length - 1;
    if (wanted === "") return;
    const all = this.#tail + text;
    this.#tail = all.slice(-wanted.length);
    if (!all.includes(wanted)) return;
    this.#wanted = { text: "", seen: () => {} };
    seen(performance.now());
  }

  [Symbol.dispose]() {
    this.#request.destroy();
  }
}

/** One machine's session, by the module that the wrapper itself uses. */
class Machine implements Disposable {
  readonly session = statement();
  readonly link: Link;
  readonly up: Promise<void>;
  #line = 0;

  constructor(url: string, secret: Uint8Array) {
    const up = Promise.withResolvers<void>();
    this.up = up.promise;
    this.link = new Link({
      device: "local" as DeviceId,
      secret: () => secret,
      connect: webSocket(() => url),
      onUp: () => this.link.tell({ type: "session", session: this.session }),
      onMessage: (message) => {
        if (message.type === "watch") up.resolve();
      },
      onDown: () => {},
    });
  }

  get id(): SessionId {
    return this.session.id;
  }

  withdraw(asked: Prompt) {
    this.link.tell({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: "approved" });
  }

  /** One row of the screen changes. */
  paint() {
    const text = `${++this.#line} ${"x".repeat(60)}`;
    this.link.tell({ type: "output", frame: { lines: [{ y: this.#line % 24, row: [{ text }] }] } });
  }

  [Symbol.dispose]() {
    this.link[Symbol.dispose]();
  }
}

export class Crowd implements Disposable {
  readonly server: OwnServer;
  readonly machines: Machine[] = [];
  readonly watchers: Watcher[] = [];
  readonly #phones: TestViewer[] = [];

  constructor(server: OwnServer) {
    this.server = server;
  }

  /** So many machines, each with a session; resolves when the server watches all of them. */
  async join(count: number): Promise<void> {
    const master = new Uint8Array(readFileSync(join(this.server.data, "master.key")));
    const secret = deviceSecret(master, "local" as DeviceId);
    const url = `${this.server.url.replace("http", "ws")}/ws`;
    for (let i = 0; i < count; i += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, () => new Machine(url, secret));
      this.machines.push(...some);
      await within("the machines", Promise.all(some.map(({ up }) => up)));
    }
  }

  /** So many open pages, of as many phones as it takes, each on a session of its own turn. */
  async watch(count: number, gzip = false): Promise<void> {
    // All of them first: of each new phone every open page is told.
    while (this.#phones.length < Math.ceil(count / LIMITS.streamsPerViewer))
      this.#phones.push(await TestViewer.pair(this.server, `Phone ${this.#phones.length}`));
    for (let i = 0; i < count; i += AT_ONCE) {
      const some: Watcher[] = [];
      for (let one = i; one < Math.min(count, i + AT_ONCE); one++) {
        const viewer = this.#phones[Math.floor(one / LIMITS.streamsPerViewer)];
        const session = this.machines[one % this.machines.length]?.id;
        some.push(new Watcher(`${this.server.url}/events?session=${session}`, viewer?.cookie ?? "", gzip));
      }
      this.watchers.push(...some);
      await within("the streams", Promise.all(some.map(({ ready }) => ready)));
    }
  }

  /** A question of one machine, until each page has it: ms, in the order of the pages. The question is over then. */
  async ask(machine: Machine): Promise<number[]> {
    const asked = prompt();
    const seen = this.watchers.map((one) => one.sees(asked.id));
    const began = performance.now();
    machine.link.tell({ type: "prompt", prompt: asked });
    const times = await within("the question on every page", Promise.all(seen));
    machine.withdraw(asked);
    return times.map((at) => at - began);
  }

  /** Closes every page. */
  leave() {
    for (const one of this.watchers.splice(0)) one[Symbol.dispose]();
  }

  [Symbol.dispose]() {
    this.leave();
    for (const one of this.machines.splice(0)) one[Symbol.dispose]();
  }
}

function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`never came: ${what}`)), PATIENCE_MS);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
