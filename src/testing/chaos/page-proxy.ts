// Stands between phones and the page's port: passes requests on, and cuts a connection where a rule says so.
import { type Socket as Connection, connect, createServer, type Server } from "node:net";

/** A request that is whole here and has not gone on yet. */
export type Asked = { method: string; path: string; cookie: string };
/**
 * `unasked`: it never reaches the server. `unanswered`: the server gets it and answers, and the answer never leaves here.
 * A promise holds an answer that is there back until it resolves; false loses it.
 */
export type PageFate = "on" | "unasked" | "unanswered" | { answer: () => Promise<boolean> };
export type PageRule = (asked: Asked) => PageFate | null;

export class PageProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #rules = new Set<PageRule>();
  readonly #open = new Map<Connection, Asked>();

  private constructor(port: () => number) {
    this.#server = createServer((phone) => this.#accept(phone, port()));
  }

  /** Listens on a free port of 127.0.0.1 for what is meant for `port`. */
  static async open(port: () => number): Promise<PageProxy> {
    const proxy = new PageProxy(port);
    await new Promise<void>((ok, fail) => proxy.#server.once("error", fail).listen(0, "127.0.0.1", ok));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** Asks this rule about each request from now on; the returned function ends that. */
  rule(rule: PageRule): () => void {
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }

  /** Cuts the connections that `wanted` names; how many. */
  cut(wanted: (asked: Asked) => boolean): number {
    const found = [...this.#open].filter(([, asked]) => wanted(asked));
    for (const [phone] of found) phone.destroy();
    return found.length;
  }

  /** One request a connection: phones here send `connection: close`. */
  #accept(phone: Connection, port: number) {
    let request = Buffer.alloc(0);
    const gather = (bytes: Buffer) => {
      request = Buffer.concat([request, bytes]);
      const asked = whole(request);
      if (!asked) return;
      phone.off("data", gather);
      this.#open.set(phone, asked);
      this.#pass(phone, request, port, this.#fate(asked));
    };
    phone.on("data", gather);
    phone.on("error", () => phone.destroy());
    phone.on("close", () => this.#open.delete(phone));
  }

  #fate(asked: Asked): PageFate {
    for (const rule of [...this.#rules]) {
      const fate = rule(asked);
      if (fate !== null) return fate;
    }
    return "on";
  }

  #pass(phone: Connection, request: Buffer, port: number, fate: PageFate) {
    if (fate === "unasked") return phone.destroy();
    const server = connect(port, "127.0.0.1");
    let answered = fate === "on";
    server.write(request);
    if (fate === "on") server.pipe(phone);
    else
      server.once("data", (bytes: Buffer) => {
        answered = true;
        this.#answered(phone, server, bytes, fate);
      });
    phone.on("close", () => server.destroy());
    server.on("error", () => server.destroy());
    server.on("close", () => (answered ? phone.end() : phone.destroy()));
  }

  async #answered(phone: Connection, server: Connection, bytes: Buffer, fate: PageFate) {
    server.pause();
    const goesOn = typeof fate === "object" && (await fate.answer());
    if (!goesOn) {
      phone.destroy();
      return server.destroy();
    }
    phone.write(bytes);
    server.pipe(phone);
  }

  async [Symbol.asyncDispose]() {
    this.cut(() => true);
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}

/** What is asked, once all of it is there. */
function whole(request: Buffer): Asked | null {
  const end = request.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = request.subarray(0, end).toString();
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
  if (request.length < end + 4 + Number(field("content-length") || 0)) return null;
  const [method = "", path = ""] = head.split(" ");
  return { method, path, cookie: field("cookie") };
}
