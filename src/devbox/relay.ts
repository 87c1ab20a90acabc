// The end of a way back on a machine where no server runs: a socket here that leads on to the server elsewhere. What passes is
// sealed between that server and the wrapper on the devbox; nothing is read here.
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Server, ServerWebSocket } from "bun";
import { channelOf } from "../enrolment.ts";

/** Wrappers of one devbox at once. */
const MOST_CHANNELS = 100;
/** A first screen and a lot of log; whoever does not read it begins anew. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** Both ends speak every five seconds. */
const SILENT_SECONDS = 60;

/** The other half of a channel. */
type Near = ServerWebSocket<{ far: WebSocket | null }>;

/** The same at a socket of this process's own in that folder: whoever ends takes away none but its own. */
export function relayIn(folder: string, name: string, url: string): AsyncDisposable & { socket: string } {
  const begin = `r-${name}.`;
  for (const left of readdirSync(folder).filter((one) => one.startsWith(begin)))
    if (!runs(Number(left.slice(begin.length)))) rmSync(join(folder, left), { force: true });
  const socket = join(folder, `${begin}${process.pid}`);
  return Object.assign(relay(socket, url), { socket });
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // Whoever has that number now is another user's.
  }
}

/** Leads whoever comes to that socket on to the server at `url`; the socket's folder is what keeps others out. */
export function relay(socket: string, url: string): AsyncDisposable {
  rmSync(socket, { force: true });
  const server: Server<Near["data"]> = Bun.serve<Near["data"]>({
    unix: socket,
    fetch(request, self) {
      if (new URL(request.url).pathname !== "/ws") return new Response(null, { status: 404 });
      if (self.pendingWebSockets >= MOST_CHANNELS) return new Response(null, { status: 503 });
      if (self.upgrade(request, { data: { far: null } })) return;
      return new Response(null, { status: 426 });
    },
    websocket: {
      maxPayloadLength: MOST_WAITING_BYTES,
      backpressureLimit: MOST_WAITING_BYTES,
      closeOnBackpressureLimit: true,
      idleTimeout: SILENT_SECONDS,
      open: (near) => dial(near, channelOf(url)),
      message: (near, frame) => pass(near, typeof frame === "string" ? frame : new Uint8Array(frame)),
      close: ({ data }) => data.far?.close(),
    },
  });
  chmodSync(socket, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      rmSync(socket, { force: true });
    },
  };
}

function dial(near: Near, url: string) {
  const far = new WebSocket(url);
  far.binaryType = "arraybuffer";
  near.data.far = far;
  far.onmessage = ({ data }) => void near.send(typeof data === "string" ? data : new Uint8Array(data));
  far.onclose = ({ reason }) => near.close(1011, reason || "the server is out of reach");
  far.onerror = () => {}; // A close follows.
}

/** The server speaks first, so nobody has anything to say before it is there. What cannot go on ends; a channel begins anew. */
function pass(near: Near, frame: string | Uint8Array<ArrayBuffer>) {
  const { far } = near.data;
  if (far?.readyState === WebSocket.OPEN && far.bufferedAmount <= MOST_WAITING_BYTES) far.send(frame);
  else near.close(1011, "the server does not read");
}
