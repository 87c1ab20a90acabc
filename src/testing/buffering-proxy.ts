// A proxy as it stands before many a server: it passes requests on, and collects an event stream before it passes that on.
import type { Server } from "bun";

/** Bytes that it collects, unless told. */
const COLLECTS = 64 * 1_024;

export class BufferingProxy implements AsyncDisposable {
  readonly #server: Server<undefined>;
  /** Where it passes requests on to. */
  target = "";
  /** Off: it passes streams on as they come, as after somebody has mended it. */
  collects = true;
  /** Paths that were asked for by way of it. */
  readonly asked: string[] = [];

  constructor() {
    this.#server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, development: false, idleTimeout: 0 },
      fetch: (request) => this.#pass(request),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async #pass(request: Request): Promise<Response> {
    const { pathname, search, host } = new URL(request.url);
    this.asked.push(pathname + search);
    const headers = new Headers(request.headers);
    headers.set("host", host);
    headers.set("accept-encoding", "identity");
    const { method, signal } = request;
    const body = method === "GET" ? null : await request.arrayBuffer();
    try {
      const init = { method, headers, body, signal, redirect: "manual" as const };
      const response = await fetch(this.target + pathname + search, init);
      const streams = response.headers.get("content-type") === "text/event-stream";
      if (!streams || !this.collects || !response.body) return response;
      return new Response(collected(response.body), { headers: response.headers });
    } catch {
      return new Response(null, { status: 502 });
    }
  }

  async [Symbol.asyncDispose]() {
    await this.#server.stop(true);
  }
}

/** Nothing until there is a block of it, then block by block. */
function collected(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  const pass = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      held.push(chunk);
      bytes += chunk.byteLength;
      if (bytes < COLLECTS) return;
      controller.enqueue(Buffer.concat(held));
      held = [];
      bytes = 0;
    },
    flush(controller) {
      controller.enqueue(Buffer.concat(held));
    },
  });
  return body.pipeThrough(pass);
}
