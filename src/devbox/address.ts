// Where a wrapper on a devbox finds the server: at its address, where that is seen to lead there; else by a way back.

import type { DeviceId } from "../protocol.ts";
import { type Address, asciiJson, DEVBOX_DATA, hostedFolder } from "./order.ts";
import { shellWord } from "./script.ts";
import type { Ssh } from "./ssh.ts";
import { LaunchError, type LaunchFailure } from "./ssh-errors.ts";
import { hurryTunnel, lendAgent, openTunnel, type TunnelOrder } from "./tunnel.ts";

/** A server that is reached at all answers by then. */
const REACH_WITHIN_MS = 4_000;
/** Of a reason that the other side gives. */
const MOST_REASON_CHARS = 200;
/** How often a launch sees to it that the way back is still there. */
const KEPT_EVERY_MS = 3_000;
/** Logins that fail where nobody can be asked. */
const ASKED_FOR: ReadonlySet<string> = new Set<LaunchFailure>(["auth", "too_many_keys", "key_file"]);
/** Of a machine itself: on another one it leads somewhere else. */
const OWN_NAME = /^(127\.|localhost$|\[::1\]$|0\.0\.0\.0$)/;

/** What lets a wrapper of a devbox in. */
export type Enrolled = {
  device: DeviceId;
  /** base64url, as `device add` gives it. */
  secret: string;
  /** Where the server's page is; a devbox that reaches it needs no tunnel. */
  url: string;
};

/** The server of a machine that joined it: where this machine reaches it, and who it is there. */
export type Elsewhere = { url: string; by: DeviceId };

/** A launch over that connection, of our program there. */
export type Launching = {
  ssh: Ssh;
  program: readonly string[];
  enrolled: Enrolled;
  id: string;
  context: { socket: string | Elsewhere; data: string; signal?: AbortSignal };
};

export const wordsOf = (program: readonly string[]) => program.map(shellWord).join(" ");

/**
 * The address that its wrapper is given. `onTunnel`: a way back is needed; with what is worth saying of that, or null. Throws
 * LaunchError.
 */
export async function addressFor(
  launching: Launching,
  onTunnel: (note: string | null) => void,
): Promise<Address> {
  const { ssh, enrolled, id, context } = launching;
  const { socket, signal } = context;
  if (ssh.devbox.kind === "local") return ownAddress(ssh.devbox.name, socket);
  const why = await unreached(launching);
  if (why === null) return { kind: "url", url: enrolled.url };
  onTunnel(noteOf(ssh.devbox.name, enrolled.url, why, context));
  await ssh.script(`${inFolder(launching)} && : >${shellWord(`launching.${id}`)}`, { signal });
  const tunnel = tunnelOf(launching);
  if (!tunnel) throw new Error("a machine itself needs no way back");
  lendAgent(tunnel);
  hurryTunnel(tunnel);
  await openTunnel(tunnel, signal).catch((error) => {
    throw ssh.setup.ask ? unasked(ssh.devbox.name, error) : error;
  });
  return { kind: "tunnel" };
}

/** Whoever was let in by a password, or a key with a passphrase, is told that nobody can be asked for it again. */
function unasked(name: string, error: unknown): unknown {
  if (!(error instanceof LaunchError) || !ASKED_FOR.has(error.class)) return error;
  return new LaunchError(
    "tunnel",
    `${name}: its way back to this server is kept by a process of its own, which nobody can tell a password or a passphrase: it is not let in`,
    "Let a key in there (ssh-copy-id) that needs no passphrase or is in your agent (ssh-add), or give the server an address that this devbox reaches (docs/https.md).",
  );
}

/**
 * Sees to it, until it is told to end, that there is a way back where one is needed: one that was there may have ended in that
 * very moment, with the last session before this one.
 */
export function keepingOpen(launching: Launching, address: Address): () => void {
  const tunnel = address.kind === "tunnel" ? tunnelOf(launching) : null;
  let opening = false;
  const timer = setInterval(async () => {
    if (!tunnel || opening) return;
    opening = true;
    await openTunnel(tunnel).catch(() => {}); // The hello fails then.
    opening = false;
  }, KEPT_EVERY_MS);
  return () => clearInterval(timer);
}

/** Null: it is the machine itself. */
function tunnelOf({ ssh: { devbox, setup }, enrolled, context }: Launching): TunnelOrder | null {
  if (devbox.kind === "local") return null;
  const { run, folder } = setup;
  const { socket, data } = context;
  const leads = typeof socket === "string" ? { to: socket, by: null } : { to: socket.url, by: socket.by };
  return { devbox, setup: { run, folder }, device: enrolled.device, ...leads, data };
}

function ownAddress(name: string, socket: string | Elsewhere): Address {
  if (typeof socket === "string") return { kind: "socket", path: socket };
  throw new LaunchError(
    "failed",
    `"${name}" is the machine on which the server at ${socket.url} runs, and this is another one`,
    "Start it there, or from a phone; `claude-remote` alone starts a session here.",
  );
}

const inFolder = ({ enrolled: { device } }: Launching) =>
  `umask 077; mkdir -p -- "$HOME"/${DEVBOX_DATA}/${hostedFolder(device)} && cd -- "$HOME"/${DEVBOX_DATA}/${hostedFolder(device)}`;

/** What is worth saying: that something hangs on this machine, or that an address does not do what it is for. */
function noteOf(name: string, url: string, why: string, { socket }: Launching["context"]): string | null {
  const fails = `${name} does not reach ${url}${why === "" ? "" : ` (${why})`}`;
  if (typeof socket !== "string")
    return `${fails}: its way there leads through this machine, and phones reach the session while this machine is on`;
  return why === "" ? null : `${fails}: its way there leads through ssh from here`;
}

/** Null: the devbox itself gets to that very server. Else why not; "" where the address can only lead to the devbox itself. */
async function unreached({ ssh, program, enrolled, context }: Launching): Promise<string | null> {
  const { url, device, secret } = enrolled;
  if (OWN_NAME.test(new URL(url).hostname)) return "";
  const { out, err } = await ssh.script(`${wordsOf(program)} hosted --reach`, {
    stdin: `${asciiJson({ url, device, secret, within_ms: REACH_WITHIN_MS })}\n`,
    signal: context.signal,
  });
  if (out.includes("claude-remote-reached")) return null;
  const why = /claude-remote-unreached (.*)/.exec(out)?.[1] ?? err;
  return why.replace(/\s+/g, " ").trim().slice(0, MOST_REASON_CHARS) || "it says nothing";
}
