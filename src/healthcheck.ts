// `claude-remote healthcheck`: whether this machine's server answers on its page's port. A container has no curl.
import { ownAdmin } from "./background.ts";
import { CommandError, flags, UNREACHABLE } from "./command.ts";
import { type Config, loadConfig } from "./config.ts";

/** A healthy server needs some milliseconds; with our own start this stays below the 3 s that are promised. */
const WITHIN_MS = 2_500;

/** 0: it answers; 4, saying why, if not. Takes 3 s at most. */
export async function healthcheck(args: string[]): Promise<number> {
  flags(args, {}, "claude-remote healthcheck");
  const config = loadConfig();
  await check(config, AbortSignal.timeout(WITHIN_MS)).catch((error: Error) => {
    throw new CommandError(error.message, UNREACHABLE);
  });
  return 0;
}

async function check({ paths, host }: Config, signal: AbortSignal) {
  const { port } = (await ownAdmin(paths, "GET", "/status", undefined, signal)) as { port: number };
  const url = `http://${ownName(host)}:${port}/health`;
  const { ok, status } = await fetch(url, { signal });
  if (!ok) throw new Error(`${url} answered ${status}`);
}

/** The name under which a server that listens there knows itself. */
function ownName(host: string): string {
  if (["0.0.0.0", "::", "[::]", "localhost"].includes(host)) return "127.0.0.1";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
