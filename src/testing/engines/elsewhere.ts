// Whatever a browser asks of anybody but this machine comes here, and so does its word about a broken content policy.
import type { Socket, TCPSocketListener } from "bun";

const DONE = "HTTP/1.1 204 No Content\r\nconnection: close\r\naccess-control-allow-origin: *\r\n\r\n";

export class Elsewhere implements Disposable {
  readonly #heard: string[] = [];
  readonly #listener: TCPSocketListener<{ text: string }>;

  constructor() {
    this.#listener = Bun.listen<{ text: string }>({
      ...{ hostname: "127.0.0.1", port: 0, data: { text: "" } },
      socket: {
        open: (socket) => {
          socket.data = { text: "" };
        },
        data: (socket, chunk) => this.#received(socket, chunk.toString()),
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Requests as they came, head and body, but for what a browser asks of its own maker. */
  get heard(): readonly string[] {
    return this.#heard.filter((text) => !/^\w+ \S*\bmozilla\.(com|net|org)\b/.test(text));
  }

  /** Has a response tell its breaches of policy to this one. */
  dress(response: Response): Response {
    const policy = response.headers.get("content-security-policy");
    response.headers.set(
      "content-security-policy",
      `${policy}; report-uri http://127.0.0.1:${this.port}/csp`,
    );
    return response;
  }

  #received(socket: Socket<{ text: string }>, text: string) {
    socket.data.text += text;
    const [head = "", body] = socket.data.text.split(/\r\n\r\n(.*)/s);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (body === undefined || Buffer.byteLength(body) < length) return;
    this.#heard.push(socket.data.text);
    socket.end(DONE);
  }

  [Symbol.dispose]() {
    this.#listener.stop(true);
  }
}
