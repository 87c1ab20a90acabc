// The way to the server that is come back to for as long as somebody is attached.
import { DEAD_AFTER_MS, type DeskMessage, type ToDeskMessage } from "../protocol.ts";

/** Waits before each new attempt, ms; the last one repeats for ever. Most servers are on this machine. */
const BACKOFF_MS = [50, 100, 250, 500, 1_000];
/** How often it is looked whether the server has fallen silent. */
const LOOK_MS = 1_000;

export type ConnectionOptions = {
  url: string;
  headers: Record<string, string>;
  /** What is said first on each connection. */
  hello: () => DeskMessage;
  onMessage: (message: ToDeskMessage) => void;
  onDown: () => void;
};

export class Connection implements Disposable {
  readonly #options: ConnectionOptions;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #heardAt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #beat: ReturnType<typeof setInterval>;
  #ended = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#beat = setInterval(() => this.#look(), LOOK_MS);
    this.#dial();
  }

  /** Says it if there is a connection. */
  tell(message: DeskMessage) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #dial() {
    this.#retry = undefined;
    this.#heardAt = performance.now();
    const { url, headers } = this.#options;
    const socket = new WebSocket(url, { headers } as unknown as string); // Bun's, which the DOM's types do not know.
    this.#socket = socket;
    socket.onopen = () => this.tell(this.#options.hello());
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#received(String(data));
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#drop();
    };
    socket.onerror = () => {}; // A close follows.
  }

  #received(text: string) {
    this.#heardAt = performance.now();
    this.#attempt = 0;
    this.#options.onMessage(JSON.parse(text) as ToDeskMessage);
  }

  #look() {
    if (this.#socket && performance.now() - this.#heardAt >= DEAD_AFTER_MS) this.#drop();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (this.#ended || this.#retry) return;
    this.#options.onDown();
    const wait = BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)];
    this.#retry = setTimeout(() => this.#dial(), wait);
  }

  [Symbol.dispose]() {
    this.#ended = true;
    clearInterval(this.#beat);
    clearTimeout(this.#retry);
    this.#drop();
  }
}
