// `claude-remote serve`: the server in this terminal; with `--auto`, in the background for this user's wrappers.
import { SQLiteError } from "bun:sqlite";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { infoFile, running, type ServerInfo, serverInfo, shutDown } from "./background.ts";
import { CommandError, flags } from "./command.ts";
import { type Config, type Flags, loadConfig } from "./config.ts";
import { conversations } from "./conversations/annex.ts";
import { SyncError, until } from "./conversations/rsync.ts";
import { syncThere } from "./conversations/sync.ts";
import { type DevboxesOptions, devboxes } from "./devbox/annex.ts";
import { engine } from "./devbox/engine.ts";
import { sshSetup } from "./devbox/setup.ts";
import { restoreTunnels } from "./devbox/tunnel.ts";
import { pageAssets } from "./page.ts";
import { privateFolder } from "./paths.ts";
import { isLoopback } from "./server/front.ts";
import { AlreadyRunningError } from "./server/lock.ts";
import type { OpenAnnex } from "./server/parts.ts";
import { push } from "./server/push/push.ts";
import { openLog, type RunningServer, startServer } from "./server/server.ts";
import { VERSION } from "./version.ts";

const USAGE_LINE =
  "claude-remote serve [--host A] [--port N] [--public-url URL] [--insecure-http] [--log-level L]";
/** How often a background server looks whether anybody still needs it, and tells how many phones are paired. */
const LOOK_MS = 1_000;
/** How often it looks whether a process that keeps a way back was killed: sooner than its sessions are taken for lost, 15 s. */
const RESTORE_MS = 5_000;
/** Without a paired phone and without a wrapper for this long, a background server ends. */
const UNUSED_MS = 60 * 60 * 1_000;

/** A server that ends has closed its database by then; how often it is looked. */
const HANDOVER_MS = 10_000;
const HANDOVER_LOOK_MS = 50;

const DAY_MS = 24 * 60 * 60 * 1_000;
const MIB = 1_024 * 1_024;

const OPTIONS = {
  host: { type: "string" },
  port: { type: "string" },
  "public-url": { type: "string" },
  "insecure-http": { type: "boolean" },
  "log-level": { type: "string" },
  auto: { type: "boolean" },
} as const;

/** Runs until it is told to end, and ends the process then. */
export async function serve(args: string[]): Promise<number> {
  const { auto = false, ...values } = flags(args, OPTIONS, USAGE_LINE).values;
  const named = Object.entries(values).map(([name, value]) => [name.replaceAll("-", "_"), value]);
  const config = loadConfig(Object.fromEntries(named) as Flags);
  const ended = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => ended.resolve());
  if (auto) process.on("SIGHUP", () => {});
  const end = () => ended.resolve();
  const server = auto ? await open(config, auto, end) : await inPlace(config, end);
  const restore = () => restoreTunnels(config.paths.data);
  restore();
  const look = keep(config, server, auto, end); // Written down before it is said: whoever reads the line asks at once.
  if (!auto) {
    process.stderr.write(`claude-remote: page at ${server.url}; pair a phone with \`claude-remote pair\`\n`);
    if (!isLoopback(config.host)) process.stderr.write(`claude-remote: ${wider(config, server)}\n`);
  }
  const timer = setInterval(look, LOOK_MS);
  const restoring = setInterval(restore, RESTORE_MS);
  await ended.promise;
  for (const one of [timer, restoring]) clearInterval(one);
  await server.stop();
  process.exit(0); // What still waits for a network does not keep us.
}

/**
 * In the place of a server in the background, which nobody asked for by these settings: it gives way, and sessions come over
 * by themselves. One that somebody started stays, and so does any below a running claude.
 */
async function inPlace(config: Config, end: () => void): Promise<RunningServer> {
  const { paths } = config;
  const ours = process.env.CLAUDECODE !== "1" && serverInfo(paths)?.auto === true && (await running(paths));
  if (ours) {
    process.stderr.write("claude-remote: the server in the background ends; this one takes its place\n");
    await shutDown(paths);
  }
  // It gives the folder back a moment after its last answer.
  for (const until = ours ? Date.now() + HANDOVER_MS : 0; ; await Bun.sleep(HANDOVER_LOOK_MS)) {
    try {
      return await open(config, false, end);
    } catch (error) {
      if (!(error instanceof AlreadyRunningError) || Date.now() >= until) throw error;
    }
  }
}

/** What an address beyond loopback means. */
const wider = ({ host, insecure_http: insecure }: Config, { port, url }: RunningServer) =>
  `it listens on ${host}, port ${port}: whoever reaches that address can talk to it, in clear text. It answers to ` +
  `${new URL(url).host} and localhost:${port} alone (--public-url names another), and logs phones in ` +
  (insecure ? "in clear text as well (--insecure-http)." : "over https or on this machine only.");

async function open(config: Config, auto: boolean, onShutdown: () => void): Promise<RunningServer> {
  const { paths, host, port, public_url: publicUrl, insecure_http: insecureHttp, log_level: level } = config;
  const { metrics_token: metricsToken } = config;
  const file = join(paths.state, "logs", "server.log");
  if (auto) privateFolder(join(paths.state, "logs"));
  const log = openLog(auto ? { level, file } : { level });
  const { trusted_proxies: trustedProxies, max_streams: maxStreams, max_wrappers: maxWrappers } = config;
  const keep = { ms: config.keep_days * DAY_MS, bytes: config.keep_megabytes * MIB };
  const options = {
    ...{ data: paths.data, host, port, publicUrl, insecureHttp, metricsToken, nextFreePort: auto },
    ...{ trustedProxies, maxStreams, maxWrappers, keep },
  };
  try {
    const [assets, annexes] = [await pageAssets(), annexesOf(config)];
    return await startServer({ ...options, assets, annexes, log, version: VERSION, onShutdown });
  } catch (error) {
    if (error instanceof AlreadyRunningError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const { path = "" } = error as NodeJS.ErrnoException;
    const stored = error instanceof SQLiteError || path.startsWith(paths.data);
    if (!stored) throw new CommandError(why);
    const damaged = error instanceof SQLiteError && /CORRUPT|NOTADB/.test(error.code ?? "");
    const next = damaged
      ? "Restore a backup (claude-remote restore), or move claude-remote.db away to begin anew."
      : `See that there is free space and that user ${process.getuid?.() ?? ""} may write there.`;
    throw new CommandError(`the database in ${paths.data} cannot be used: ${why}. ${next}`);
  }
}

/** What runs beside the server's core. */
export function annexesOf(config: Config): OpenAnnex[] {
  const reach = engine({ setup: () => sshSetup(config, false), binaries: config.binaries });
  return [notifications(config), conversations(reach), places(config, reach)];
}

const notifications = (config: Config) =>
  push({
    contact: config.push_contact,
    hosts: config.push_hosts?.toLowerCase().split(/, */),
    anywhere: config.dangerously_push_to_any_address,
  });

/** Where phones may start sessions. */
function places(config: Config, reach: ReturnType<typeof engine>): OpenAnnex {
  const { launch: enabled, launch_modes: modes, devbox_dir: dir, claude = "claude" } = config;
  const local = () => Bun.which(claude) !== null;
  return devboxes({ engine: reach, enabled, modes, dir, local, carry: carriedBy(reach) });
}

/** What this machine has of a conversation goes to the devbox where it goes on. */
function carriedBy({ connect }: ReturnType<typeof engine>): NonNullable<DevboxesOptions["carry"]> {
  return async (devbox, conversation, dir, signal) => {
    try {
      await syncThere(until(signal, await connect(devbox, signal)), conversation, dir);
    } catch (error) {
      // Then it goes on with what is there.
      if (!(error instanceof SyncError && error.class === "no_file")) throw error;
    }
  };
}

/** Writes what this server is to server.json at each change, and ends a background one that nobody needs. */
function keep(config: Config, server: RunningServer, auto: boolean, end: () => void) {
  let written = "";
  let usedAt = Date.now();
  const look = () => {
    const { viewers, wrappers } = server.status();
    const info: ServerInfo = { version: VERSION, pid: process.pid, auto, url: server.url, viewers };
    const text = JSON.stringify(info);
    if (text !== written && write(infoFile(config.paths), text)) written = text;
    if (viewers > 0 || wrappers > 0) usedAt = Date.now();
    if (auto && Date.now() - usedAt > UNUSED_MS) end();
  };
  look();
  return look;
}

/** False: the disk is full or read-only; that must not end a server, and the next look tries again. */
function write(file: string, text: string): boolean {
  try {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return true;
  } catch {
    return false;
  }
}
