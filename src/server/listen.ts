// The sockets: the page's port on this machine's own addresses, and two unix sockets that only this user can open.
import { chmodSync, rmSync } from "node:fs";
import type { Server, WebSocketHandler } from "bun";
import { isLoopback } from "./front.ts";
import type { SocketData } from "./uplink.ts";

export type Listener = Server<SocketData>;
/** What Bun.serve does with WebSockets. */
export type Sockets = WebSocketHandler<SocketData>;
export type Fetch = (request: Request, server: Listener) => Promise<Response | undefined>;

/** The port is in use; `nextFreePort` or another port helps. */
export class PortTakenError extends Error {
  override name = "PortTakenError";
}

/** Ports tried after the one that was taken. */
const NEXT_PORTS = 100;
/** Tries to find one port that is free on both addresses. */
const ANY_PORT_TRIES = 10;
/** Seconds without a byte until a connection is closed; event streams are exempt. */
const IDLE_S = 10;

/** Opens the page's port: on 127.0.0.1 and, where there is one, ::1; or on the one address that was asked for. */
export function listenTcp(
  wanted: { host: string; port: number; nextFreePort?: boolean | undefined },
  fetch: Fetch,
  websocket: Sockets,
): Listener[] {
  const { host, port, nextFreePort } = wanted;
  const hosts = isLoopback(host) ? ["127.0.0.1", "::1"] : [host];
  const tries =
    port === 0
      ? Array(ANY_PORT_TRIES).fill(0)
      : Array.from({ length: nextFreePort ? NEXT_PORTS : 1 }, (_, i) => port + i);
  for (const candidate of tries) {
    const listeners = listenOn(hosts, candidate, fetch, websocket);
    if (listeners) return listeners;
  }
  throw new PortTakenError(
    `Port ${port} is in use by another program. Name another with --port or CLAUDE_REMOTE_PORT.`,
  );
}

/** Null: the port is taken on one of them. On half of them it must not be: `localhost` may mean either. */
function listenOn(hosts: string[], port: number, fetch: Fetch, websocket: Sockets): Listener[] | null {
  const listeners: Listener[] = [];
  for (const hostname of hosts) {
    try {
      const same = listeners[0]?.port ?? port;
      listeners.push(Bun.serve({ ...COMMON, ...TCP, hostname, port: same, fetch, websocket }));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "EADDRINUSE" && listeners.length > 0) continue; // No ::1 on this machine.
      for (const listener of listeners) listener.stop(true);
      if (code === "EADDRINUSE") return null;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `It cannot listen on ${hostname}, port ${port}: ${why}. Name an address of this machine (--host or ` +
          "CLAUDE_REMOTE_HOST) and a port that you may use.",
      );
    }
  }
  return listeners;
}

/** Opens a unix socket, 0600. The folder's lock is ours, so one that is there is left over. */
export function listenUnix(path: string, fetch: Fetch, websocket: Sockets): Listener {
  rmSync(path, { force: true });
  const listener = Bun.serve({ ...COMMON, unix: path, fetch, websocket });
  chmodSync(path, 0o600);
  return listener;
}

const TCP = {
  idleTimeout: IDLE_S,
  // Without `development` Bun shares the port with any other process of this user that asks for it (SO_REUSEPORT).
  reusePort: false,
} as const;

const COMMON = {
  development: false,
  // The limit is `readBody`'s, whose answer has our headers; Bun throws away what is sent and not read.
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  error: () => new Response(null, { status: 500 }),
} as const;
