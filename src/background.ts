// This user's own server: where it is, whether it runs, and starting it in the background.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CommandError, executable, ourselves, REFUSED, UNREACHABLE } from "./command.ts";
import type { Config } from "./config.ts";
import { enrolment } from "./enrolment.ts";
import { answerOf, headersOf, initOf, operate, operated } from "./operator.ts";
import { type Paths, privateFolder } from "./paths.ts";
import { masterKey } from "./server/private-file.ts";
import { VERSION } from "./version.ts";

const info = v.object({
  version: v.string(),
  pid: v.number(),
  /** Started by a wrapper or a command, not by the user. */
  auto: v.boolean(),
  url: v.string(),
  /** Phones that are paired. */
  viewers: v.number(),
});
export type ServerInfo = v.InferOutput<typeof info>;

/** A server answers within milliseconds, on a busy machine within a second; one that is silent for so long hangs. */
const SILENT_MS = 10_000;
/** A server needs about a tenth of a second to start; a busy machine more. */
const START_MS = 10_000;
const LOOK_MS = 50;
/** The output of a server that cannot even start; one old file is kept. */
const MAX_START_LOG_BYTES = 256 * 1024;

export const infoFile = (paths: Paths) => join(paths.data, "server.json");

/** What the running (or last) server wrote of itself, or null. */
export function serverInfo(paths: Paths): ServerInfo | null {
  try {
    return v.parse(info, JSON.parse(readFileSync(infoFile(paths), "utf8")));
  } catch {
    return null;
  }
}

/**
 * One of the owner's requests: to the server elsewhere that this machine may operate, else on this user's own socket.
 * Throws CommandError 4 where no server answers, 5 where the right has ended, 1 with the server's own words else.
 */
export async function admin(
  paths: Paths,
  method: string,
  path: string,
  body?: object,
  signal: AbortSignal | null = null,
): Promise<unknown> {
  const there = operated(paths);
  return there ? operate(there, method, path, body, signal) : ownAdmin(paths, method, path, body, signal);
}

/** The same to this user's own server, whatever this machine may operate elsewhere. */
export async function ownAdmin(
  paths: Paths,
  method: string,
  path: string,
  body?: object,
  signal: AbortSignal | null = null,
): Promise<unknown> {
  const unix = join(paths.data, "admin.sock");
  const response = await fetch(`http://localhost${path}`, { ...initOf(method, body, signal), unix }).catch(
    () => null,
  );
  if (!response && signal?.aborted)
    throw new CommandError(
      "the server that runs here does not answer; end it and start it anew",
      UNREACHABLE,
    );
  if (!response)
    throw new CommandError("no server of yours runs; `claude-remote serve` starts one", UNREACHABLE);
  return answerOf(response);
}

/** Where a WebSocket of the owner's stands, and the headers that open it. */
export function ownersSocket(paths: Paths, path: string): { url: string; headers: Record<string, string> } {
  const there = operated(paths);
  if (there) return { url: `${there.url.replace(/^http/, "ws")}${path}`, headers: headersOf(there) };
  return { url: `ws+unix://${join(paths.data, "admin.sock")}:${path}`, headers: {} };
}

/** Whether this user's own server answers; one that hangs does not. */
export async function running(paths: Paths): Promise<boolean> {
  return ownAdmin(paths, "GET", "/status", undefined, AbortSignal.timeout(SILENT_MS)).then(
    () => true,
    () => false,
  );
}

/**
 * Before an owner's command: this user's own server is started if there is none. Throws CommandError 5 where this machine
 * only reports to one elsewhere.
 */
export async function ownersServer(config: Config): Promise<void> {
  const joined = enrolment(config.paths);
  if (joined && !joined.operator && !(await running(config.paths)))
    throw new CommandError(
      `this machine reports to ${joined.url} and may not operate it: run this there, or let this machine in anew ` +
        "with `claude-remote device add <name> --operate` there and `claude-remote join` here",
      REFUSED,
    );
  await startServer(config);
}

/**
 * Sees that this user's server runs, starting it in the background if there is none, and replacing an older one that was
 * started so too; never one that the user started, and none beside one elsewhere that this machine operates. Resolves when
 * it answers; rejects with what its log says.
 */
export async function startServer(config: Config): Promise<void> {
  const { paths } = config;
  if (enrolment(paths)?.operator) return;
  const known = serverInfo(paths);
  if (await running(paths)) {
    if (!known?.auto || !(older(known.version, VERSION) || replaced(known))) return;
    await shutDown(paths);
  }
  const log = spawnServer(paths);
  const deadline = Date.now() + START_MS;
  while (!(await running(paths))) {
    if (Date.now() > deadline) throw new CommandError(`the server did not start; see ${log}`, UNREACHABLE);
    await Bun.sleep(LOOK_MS);
  }
}

/** Ends this user's own server, and waits for it. */
export async function shutDown(paths: Paths): Promise<void> {
  await ownAdmin(paths, "POST", "/shutdown", {});
  while (await running(paths)) await Bun.sleep(LOOK_MS);
}

/**
 * The same, for a wrapper: claude waits for nothing, and the link comes up whenever the server does. A data folder that
 * cannot be used is said in one line; claude runs all the same. Whether there is, or will be, a server.
 */
export function ensureServer(config: Config): boolean {
  try {
    privateFolder(config.paths.data);
    masterKey(join(config.paths.data, "master.key"));
    startServer(config).catch(() => {}); // The server's own log says why; the link keeps trying.
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`claude-remote: no phone will reach this session: ${why}\n`);
    return false;
  }
}

/** Before claude takes the terminal: where the page is, as long as no phone is paired. */
export function noteForUnpaired(config: Config) {
  const known = serverInfo(config.paths);
  if (known && known.viewers > 0) return;
  const url = known?.url ?? `http://${config.host}:${config.port}`;
  process.stderr.write(
    `claude-remote: ${url} (to pair a phone, run in another terminal: claude-remote pair)\n`,
  );
}

/** Its own session, and nothing of this terminal's environment but what says where the user's files are. */
function spawnServer(paths: Paths): string {
  const folder = privateFolder(join(paths.state, "logs"));
  const log = join(folder, "server-start.log");
  if (existsSync(log) && statSync(log).size > MAX_START_LOG_BYTES) renameSync(log, `${log}.1`);
  const out = openSync(log, "a", 0o600);
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(HOME|PATH|USER|LANG|TMPDIR|XDG_\w+|CLAUDE_REMOTE_\w+)$/.test(name),
  );
  mkdirSync(paths.data, { recursive: true, mode: 0o700 });
  const child = Bun.spawn([...ourselves(), "serve", "--auto"], {
    cwd: paths.data,
    env: Object.fromEntries(kept),
    stdin: "ignore",
    stdout: out,
    stderr: out,
    detached: true,
  });
  child.unref();
  closeSync(out);
  return log;
}

/** Whether our own file was put in the place of the one that it began with (where the system tells, Linux). */
export function replaced({ pid, version }: ServerInfo): boolean {
  try {
    const began = readlinkSync(`/proc/${pid}/exe`);
    return began === `${executable()} (deleted)` && !older(VERSION, version);
  } catch {
    return false;
  }
}

/** Whether version `a` is before `b`, both "1.2.3". */
export function older(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => text.split(".").map(Number));
  const at = y?.findIndex((part, i) => part !== x?.[i]) ?? -1;
  return at >= 0 && (x?.[at] ?? 0) < (y?.[at] ?? 0);
}
