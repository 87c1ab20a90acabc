// Serves the page with its strict headers, plays events to it and remembers what it asks for.
import { HEARTBEAT_MS, type ViewerEvents } from "../../src/protocol.ts";

export type Served = Map<string, { type: string; gzip?: Uint8Array }>;
export type Asked = { method: string; path: string; query: URLSearchParams; body: unknown };
type Refusal = { body?: string; type?: string };
type Reply = { status?: number; body?: unknown } | "hang" | "break";

/** More than a page on a busy machine takes for anything. */
const PATIENCE_MS = 60_000;
const PAGES = /^\/([\w-]*$|s\/|p\/)/;

/** As the server says it: each refusal names its request. */
const NOT_PAIRED = {
  body: JSON.stringify({
    error: { code: "unauthorized", message: "Pair this browser first.", request: "r" },
  }),
};

/** JSON as it is, other bodies by how much they are. */
const bodyOf = (request: Request, text: string): unknown => {
  const json = request.headers.get("content-type") === "application/json";
  return json && text ? JSON.parse(text) : text ? text.length : null;
};

/** `dress` gives every response the headers of the real server. */
export class FakeServer implements AsyncDisposable {
  /** Every request to the API, in order. */
  readonly asked: Asked[] = [];
  /** Bytes of each file as it went over the wire. */
  readonly sent = new Map<string, number>();
  #assets: Served;
  readonly #dress: (response: Response) => Response;
  readonly #server: Bun.Server<undefined>;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #replies = new Map<string, (asked: Asked) => Reply | Promise<Reply>>();
  readonly #waiting = new Set<() => void>();
  #first: () => ViewerEvents["state"] | null;
  #eventsStatus = 200;
  #refusal: Refusal = {};
  /** Every call to the API is refused, as by a proxy that finds nobody behind it. */
  away = false;
  #beats: ReturnType<typeof setInterval> | undefined;
  /** The streams that were opened, by path. */
  readonly opened: string[] = [];
  /** The streams that were refused, by path: with the first after `drop`, the page knows that its line is gone. */
  readonly refused: string[] = [];

  constructor(assets: Served, dress: (response: Response) => Response) {
    this.#assets = assets;
    this.#dress = dress;
    this.#first = () => null;
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      development: false,
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Serves another build of the page from now on. */
  serve(assets: Served) {
    this.#assets = assets;
  }

  /** What every new stream begins with. */
  begin(state: () => ViewerEvents["state"]) {
    this.#first = state;
  }

  /** To every page that listens. */
  send<Name extends keyof ViewerEvents>(name: Name, data: ViewerEvents[Name]) {
    const text = new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    for (const stream of this.#streams) stream.enqueue(text);
  }

  /** Sends heartbeats as the real one does: without, a page on a busy machine takes the line for dead in the middle. */
  beat() {
    this.#beats = setInterval(() => this.send("heartbeat", { now: Date.now() }), HEARTBEAT_MS);
  }

  /** Ends every stream; new ones get this status until it is 200 again. A 401 is the server's own unless told. */
  drop(status = 503, refusal: Refusal = status === 401 ? NOT_PAIRED : {}) {
    this.#eventsStatus = status;
    this.#refusal = refusal;
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  accept() {
    this.#eventsStatus = 200;
  }

  /** How to answer a call, at once or later; 200 `{}` without. */
  reply(path: string, reply: (asked: Asked) => Reply | Promise<Reply>) {
    this.#replies.set(path, reply);
  }

  /** Resolves with the first call to `path` that `nth` names, as soon as it was made. */
  async call(path: string, nth = 0): Promise<Asked> {
    return this.#until(`call ${nth} to ${path}`, () => this.asked.filter((one) => one.path === path)[nth]);
  }

  /** Resolves when that many streams were opened. */
  async streams(count: number): Promise<void> {
    await this.#until(`stream ${count}`, () => (this.opened.length >= count ? true : undefined));
  }

  /** Resolves when a stream of that path was opened: what is sent before is told to nobody there. */
  async stream(path: string): Promise<void> {
    await this.#until(`a stream of ${path}`, () => (this.opened.includes(path) ? true : undefined));
  }

  /** Resolves when that many streams were refused. */
  async refusals(count: number): Promise<void> {
    await this.#until(`refusal ${count}`, () => (this.refused.length >= count ? true : undefined));
  }

  /** Rejects after a while, with what there was instead. */
  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const end = Date.now() + PATIENCE_MS;
    for (let left = PATIENCE_MS; left > 0; left = end - Date.now()) {
      const found = look();
      if (found !== undefined) return found;
      await Promise.race([new Promise<void>((resolve) => this.#waiting.add(resolve)), Bun.sleep(left)]);
    }
    const calls = this.asked.map(({ method, path }) => `${method} ${path}`);
    throw new Error(`never came: ${what}; of ${[...this.opened, ...calls].join(", ")}`);
  }

  #wake() {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    // Nothing to be had by polling: the page goes back to the stream.
    if (pathname === "/events" && search.includes("poll=")) return new Response(null, { status: 204 });
    if (pathname === "/events") return this.#dress(this.#stream(request, pathname + search));
    if (pathname.startsWith("/api/"))
      return this.#dress(await this.#api(request, pathname, new URLSearchParams(search)));
    const asset = this.#assets.get(PAGES.test(pathname) ? "/" : pathname);
    if (!asset?.gzip) return this.#dress(new Response("Not found", { status: 404 }));
    this.sent.set(PAGES.test(pathname) ? "/" : pathname, asset.gzip.length);
    const kept = pathname.startsWith("/part-")
      ? { "cache-control": "public, max-age=31536000, immutable" }
      : {};
    const headers = { "content-type": asset.type, "content-encoding": "gzip", ...kept };
    return this.#dress(new Response(asset.gzip.slice(), { headers }));
  }

  #stream(request: Request, path: string): Response {
    this.#server.timeout(request, 0);
    if (this.#eventsStatus !== 200) {
      this.refused.push(path);
      this.#wake();
      const { body = null, type = "application/json" } = this.#refusal;
      return new Response(body, { status: this.#eventsStatus, headers: { "content-type": type } });
    }
    let controller: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (made) => {
        controller = made;
        this.#streams.add(controller);
        const first = this.#first();
        if (first) this.send("state", first);
        this.opened.push(path);
        this.#wake();
      },
      cancel: () => void this.#streams.delete(controller),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  async #api(request: Request, path: string, query: URLSearchParams): Promise<Response> {
    const text = await request.text();
    const asked = { method: request.method, path, query, body: bodyOf(request, text) };
    const said = this.#replies.get(path)?.(asked) ?? {};
    this.asked.push(asked);
    this.#wake();
    const reply = this.away ? { status: 502 } : await said;
    if (reply === "hang") return new Promise(() => {});
    if (reply === "break") return Response.error();
    return Response.json(reply.body ?? {}, { status: reply.status ?? 200 });
  }

  async [Symbol.asyncDispose]() {
    clearInterval(this.#beats);
    this.drop();
    await this.#server.stop(true);
  }
}
