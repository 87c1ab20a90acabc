// The server: its folder taken, its sockets opened, and its end.
import { hostname } from "node:os";
import { join } from "node:path";
import type { ServerWebSocket } from "bun";
import { privateFolder } from "../paths.ts";
import { PROTOCOL } from "../protocol.ts";
import { addressReader } from "./address.ts";
import { admin } from "./admin.ts";
import { api } from "./api.ts";
import type { Assets } from "./asset-routes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Desks } from "./desks.ts";
import { deviceRoutes, LOCAL_DEVICE } from "./devices.ts";
import { type Front, front } from "./front.ts";
import { ownersDoor, publicDoor } from "./gate.ts";
import { evictAfterKeyChange } from "./key-change.ts";
import { type Listener, listenTcp, listenUnix, type Sockets } from "./listen.ts";
import { lockFolder } from "./lock.ts";
import type { Logger } from "./log.ts";
import { metrics } from "./metrics.ts";
import { operated } from "./owner.ts";
import { pairAnother } from "./pair-another.ts";
import { type Annex, joinParts, type OpenAnnex, type Parts } from "./parts.ts";
import { masterKey } from "./private-file.ts";
import { responder } from "./respond.ts";
import { finishRestore } from "./restored.ts";
import { plain, type Route } from "./routes.ts";
import { type Keep, Store } from "./store.ts";
import { tokenRoutes } from "./token-routes.ts";
import type { SocketData, Uplinks } from "./uplink.ts";

export { LOCAL_DEVICE } from "./devices.ts";
export { PortTakenError } from "./listen.ts";
export { AlreadyRunningError } from "./lock.ts";
export { openLog } from "./log.ts";

export type ServerOptions = {
  /** The folder of the database, the keys and the sockets; made if it is not there, 0700. */
  data: string;
  /** 127.0.0.1 unless told, which means ::1 as well, where there is one. */
  host?: string | undefined;
  /** 0: any free one. */
  port: number;
  /** If it is taken, the next free one. */
  nextFreePort?: boolean | undefined;
  publicUrl?: string | undefined;
  insecureHttp?: boolean | undefined;
  /** Proxies whose `X-Forwarded-For` is believed: addresses and networks. None unless told. */
  trustedProxies?: readonly string[] | undefined;
  /** Event streams and wrappers at once, all together; LIMITS has what holds unless told. */
  maxStreams?: number | undefined;
  maxWrappers?: number | undefined;
  assets: Assets;
  log: Logger;
  version: string;
  clock?: Clock | undefined;
  /** Whoever has it reads `GET /metrics`, as with a token of that scope. */
  metricsToken?: string | undefined;
  /** How long, and how much, is kept of what has ended. */
  keep?: Partial<Keep> | undefined;
  /** What runs beside the core. */
  annexes?: readonly OpenAnnex[] | undefined;
  /** The owner asked for the end (`POST /shutdown`), and it has come. */
  onShutdown?: (() => void) | undefined;
};

export type RunningServer = AsyncDisposable & {
  port: number;
  /** Everything that the page's port answers to, with who may use it. */
  routes: readonly Route[];
  /** Where browsers go. */
  url: string;
  /** What there is to serve, for whoever decides whether the server may end. */
  status(): Status;
  /** Closes streams and connections, writes everything down, frees the folder. */
  stop(): Promise<void>;
};

/** Phones that are paired, sessions that are open, wrappers and event streams that are connected. */
export type Status = { viewers: number; sessions: number; wrappers: number; streams: number };

/** What runs beside the core has ended by then, or is left: `docker stop` waits ten seconds for the whole. */
const ENDS_WITHIN_MS = 5_000;
/** The answer to `POST /shutdown` goes out first. */
const LAST_WORD_MS = 20;

/** Starts the server. Throws PortTakenError, AlreadyRunningError, NewerSchemaError, or what the system says. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { clock = systemClock, log, version, host = "127.0.0.1" } = options;
  await using opened = new AsyncDisposableStack();
  const { data, store, key } = openData(options, opened);
  store.devices.add(LOCAL_DEVICE, hostname(), clock.now());

  let names: Front | null = null; // Known once the port is.
  const named = () => names ?? front({ ...options, host });
  const { maxStreams, maxWrappers } = options;
  const parts = joinParts({
    ...{ store, clock, log, version, masterKey: key, maxStreams, maxWrappers },
    insecure: () => named().insecure,
  });
  const listeners: Listener[] = [];
  const portOf = () => listeners[0]?.port ?? 0;
  opened.defer(async () => void (await Promise.all(listeners.map((listener) => listener.stop(true)))));
  opened.defer(() => parts.stop());
  const { metricsToken } = options;
  const annexes = [...(options.annexes ?? []), metrics, pairAnother];
  const beside = annexes.map((open) => open({ ...parts, data, log, url: () => named().url }));
  opened.defer(() => endAll(beside, clock, log));
  evictAfterKeyChange(data, parts, log);

  let stopped: Promise<void> | null = null;
  const stop = () => (stopped ??= whole.disposeAsync());
  const shutdown = () =>
    void clock.after(LAST_WORD_MS, () => void stop().then(options.onShutdown, options.onShutdown));
  const status = () => {
    const { url, insecure } = named();
    return { version, protocol: PROTOCOL, pid: process.pid, url, port: portOf(), insecure, ...counts(parts) };
  };
  const desks = new Desks({ ...parts, log });
  opened.defer(() => desks.stop());
  const owners = admin({ ...parts, status, shutdown, pairUrl: (code) => `${named().url}/pair#${code}` });
  const owned = [...owners, ...beside.flatMap((annex) => annex.owned ?? []), desks.route];

  const { websocket } = parts.uplinks;
  const { logins, tokens } = parts;
  const door = publicDoor({ names: named, logins, tokens, now: clock.now, metricsToken });
  const beyond = [...tokenRoutes(tokens), ...deviceRoutes(parts)];
  const core = [...api({ ...parts, version, assets: options.assets }), ...beyond];
  const routes = [...core, ...beside.flatMap((annex) => annex.routes), channel, ...operated(owned)];
  const addressOf = addressReader(options.trustedProxies ?? []);
  const respond = responder({ routes, door, log, addressOf });
  listeners.push(...listenTcp({ ...options, host }, respond, either(websocket, desks.websocket)));
  const port = portOf();
  names = front({ ...options, host, port });
  const { url, insecure } = names;

  const local = (name: string, only: Route[], sockets: Sockets) =>
    listenUnix(join(data, name), responder({ routes: only, door: ownersDoor, log }), sockets);
  listeners.push(local("server.sock", [channel], websocket));
  listeners.push(local("admin.sock", owned, desks.websocket));
  if (insecure)
    log.warn({ url }, "the page is served over plain http: whoever is on the way can read and change it");
  log.info({ version, url }, "started");
  const whole = opened.move(); // From here on it lives until it is stopped.
  return { port, routes, url, stop, status: () => counts(parts), [Symbol.asyncDispose]: stop };
}

/** What becomes a wrapper's WebSocket. */
const channel: Route = {
  ...plain("GET", "/ws", ["device"], () => new Response(null)),
  ...{ live: true, socket: "wrapper" },
};

/** The folder, which is ours alone until `opened` is disposed: what was being restored is in its place. */
function openData({ data: folder, keep }: ServerOptions, opened: AsyncDisposableStack) {
  const data = privateFolder(folder);
  opened.defer(lockFolder(data));
  finishRestore(data);
  const store = opened.use(new Store(join(data, "claude-remote.db"), undefined, keep));
  return { data, store, key: masterKey(join(data, "master.key")) };
}

/** The page's port has both kinds of WebSocket, and the wrappers' bounds; a terminal that is silent is asked after. */
function either(wrappers: Uplinks["websocket"], desks: Desks["websocket"]): Sockets {
  const of = ({ data }: ServerWebSocket<SocketData>) => (data.desk ? desks : wrappers);
  return {
    ...wrappers,
    sendPings: true,
    open: (socket) => of(socket).open(socket),
    message: (socket, frame) => of(socket).message(socket, frame),
    close: (socket) => of(socket).close(socket),
    drain: (socket) => (socket.data.desk ? desks.drain(socket) : undefined),
  };
}

/** Ends what runs beside the core, all at once. What does not end, or fails to, is no reason to write nothing down. */
async function endAll(annexes: readonly Annex[], clock: Clock, log: Logger): Promise<void> {
  const late = Promise.withResolvers<void>();
  const stop = clock.after(ENDS_WITHIN_MS, () => {
    log.warn({ ms: ENDS_WITHIN_MS }, "something beside the server did not end in time; it is left");
    late.resolve();
  });
  const ends = annexes.map(async (annex) => annex.stop());
  const all = Promise.allSettled(ends).then((how) => {
    for (const one of how)
      if (one.status === "rejected") log.error({ error: String(one.reason) }, "something ended badly");
  });
  await Promise.race([all, late.promise]);
  stop();
}

function counts({ logins, sessions, uplinks, events }: Parts): Status {
  const { length } = sessions.open();
  return { viewers: logins.list().length, sessions: length, wrappers: uplinks.size, streams: events.size };
}
