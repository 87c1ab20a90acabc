// The server: its folder taken, its sockets opened, and its end.
import { hostname } from "node:os";
import { join } from "node:path";
import { privateFolder } from "../paths.ts";
import { PROTOCOL } from "../protocol.ts";
import { addressReader } from "./address.ts";
import { admin } from "./admin.ts";
import { api } from "./api.ts";
import type { Assets } from "./asset-routes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Desks } from "./desks.ts";
import { LOCAL_DEVICE } from "./devices.ts";
import { type Front, front } from "./front.ts";
import { ownersDoor, publicDoor } from "./gate.ts";
import { type Listener, listenTcp, listenUnix } from "./listen.ts";
import { lockFolder } from "./lock.ts";
import type { Logger } from "./log.ts";
import { metrics } from "./metrics.ts";
import { joinParts, type OpenAnnex, type Parts } from "./parts.ts";
import { masterKey } from "./private-file.ts";
import { responder } from "./respond.ts";
import { finishRestore } from "./restored.ts";
import { plain, type Route } from "./routes.ts";
import { Store } from "./store.ts";

export { LOCAL_DEVICE } from "./devices.ts";
export { PortTakenError } from "./listen.ts";
export { AlreadyRunningError } from "./lock.ts";
export { openLog } from "./log.ts";
export { NewerSchemaError } from "./store.ts";

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
  /** Whoever has it reads `GET /metrics`, which exists only with it. */
  metricsToken?: string | undefined;
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
  /** What there is to serve: paired phones, open sessions, connected wrappers, open streams. */
  status(): { viewers: number; sessions: number; wrappers: number; streams: number };
  /** What there is to serve, for whoever decides whether the server may end. */
  status(): Status;
  /** Closes streams and connections, writes everything down, frees the folder. */
  stop(): Promise<void>;
};

/** Phones that are paired, sessions that are open, wrappers and event streams that are connected. */
export type Status = { viewers: number; sessions: number; wrappers: number; streams: number };

/** The answer to `POST /shutdown` goes out first. */
const LAST_WORD_MS = 20;

/** Starts the server. Throws PortTakenError, AlreadyRunningError, NewerSchemaError, or what the system says. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { clock = systemClock, log, version, host = "127.0.0.1" } = options;
  await using opened = new AsyncDisposableStack();
  const data = privateFolder(options.data);
  opened.defer(lockFolder(data));
  finishRestore(data);
  const store = opened.use(new Store(join(data, "claude-remote.db")));
  const key = masterKey(join(data, "master.key"));
  store.addDevice(LOCAL_DEVICE, hostname(), clock.now());

  let names: Front | null = null; // Known once the port is.
  const named = () => names ?? front({ ...options, host });
  const { maxStreams, maxWrappers } = options;
  const parts = joinParts({
    ...{ store, clock, log, version, masterKey: key, maxStreams, maxWrappers },
    insecure: () => named().insecure,
  });
  const listeners: Listener[] = [];
  opened.defer(async () => void (await Promise.all(listeners.map((listener) => listener.stop(true)))));
  opened.defer(() => parts.stop());
  const { metricsToken } = options;
  const annexes = [...(options.annexes ?? []), ...(metricsToken ? [metrics] : [])];
  const beside = annexes.map((open) => open({ ...parts, data, log, url: () => named().url }));
  for (const annex of beside) opened.defer(() => annex.stop());

  const { websocket } = parts.uplinks;
  const channel: Route = { ...plain("GET", "/ws", ["device"], () => new Response(null)), live: true };
  const door = publicDoor({ names: named, logins: parts.logins, now: clock.now, metricsToken });
  const core = api({ ...parts, version, assets: options.assets });
  const routes = [...core, ...beside.flatMap((annex) => annex.routes), channel];
  const addressOf = addressReader(options.trustedProxies ?? []);
  const respond = responder({ routes, door, log, addressOf });
  listeners.push(...listenTcp({ ...options, host }, respond, websocket));
  const { port = 0 } = listeners[0] ?? {};
  names = front({ ...options, host, port });
  const { url, insecure } = names;

  let stopped: Promise<void> | null = null;
  const stop = () => (stopped ??= whole.disposeAsync());
  const shutdown = () => void clock.after(LAST_WORD_MS, () => void stop().then(options.onShutdown));
  const status = () => ({
    version,
    protocol: PROTOCOL,
    pid: process.pid,
    url,
    port,
    insecure,
    ...counts(parts),
  });
  const desks = new Desks(parts);
  opened.defer(() => desks.stop());
  const owners = admin({ ...parts, status, shutdown, pairUrl: (code) => `${url}/pair#${code}` });
  const local = { door: ownersDoor, log };
  listeners.push(
    listenUnix(join(data, "server.sock"), responder({ routes: [channel], ...local }), websocket),
  );
  const annexed = beside.flatMap((annex) => annex.owned ?? []);
  const owned = responder({ routes: [...owners, ...annexed, desks.route], ...local });
  listeners.push(listenUnix(join(data, "admin.sock"), owned, desks.websocket));
  if (insecure)
    log.warn({ url }, "the page is served over plain http: whoever is on the way can read and change it");
  log.info({ version, url }, "started");
  const whole = opened.move(); // From here on it lives until it is stopped.
  return { port, routes, url, stop, status: () => counts(parts), [Symbol.asyncDispose]: stop };
}

function counts({ logins, sessions, uplinks, events }: Parts): Status {
  const { length } = sessions.open();
  return { viewers: logins.list().length, sessions: length, wrappers: uplinks.size, streams: events.size };
}
