// What the commands about devboxes ask of the server, as its owner.
import { join } from "node:path";
import { admin, ownersServer } from "../background.ts";
import { CommandError, printable } from "../command.ts";
import type { Config } from "../config.ts";
import { enrolment } from "../enrolment.ts";
import type { Paths } from "../paths.ts";
import type { DevboxState, SessionId } from "../protocol.ts";
import type { Enrolled } from "./address.ts";
import type { Connections } from "./connections.ts";
import type { SshDevbox } from "./devbox.ts";
import type { LaunchContext } from "./launch.ts";
import type { LaunchError } from "./ssh-errors.ts";
import { endTunnel, hurryTunnel, restoreTunnels } from "./tunnel.ts";

/** How often a command looks whether its wrapper has said hello. */
const LOOK_MS = 100;

/** The server elsewhere that this machine operates, or null: the owner's commands are for its own. */
const operates = (paths: Paths) => {
  const joined = enrolment(paths);
  return joined?.operator ? joined : null;
};

/** Every devbox, once the server runs. Where it is elsewhere, ways back that this machine kept are opened again. */
export async function knownDevboxes(config: Config): Promise<DevboxState[]> {
  await ownersServer(config);
  if (operates(config.paths)) restoreTunnels(config.paths.data);
  return ((await admin(config.paths, "GET", "/devboxes")) as { devboxes: DevboxState[] }).devboxes;
}

/** Adds it; resolves with it as the server's settings completed it. Throws CommandError with the server's own word. */
export async function addDevbox({ paths }: Config, devbox: SshDevbox): Promise<SshDevbox> {
  const { devbox: state } = (await admin(paths, "POST", "/devboxes", devbox)) as { devbox: DevboxState };
  return { ...devbox, dir: state.dir };
}

export async function removeDevbox({ paths }: Config, name: string): Promise<void> {
  await admin(paths, "DELETE", `/devboxes/${encodeURIComponent(name)}`);
  if (operates(paths)) endTunnel({ data: paths.data, name });
}

/**
 * Tells the server how a devbox was just now; null: it was there. A server elsewhere is told nothing: how this machine reaches
 * it says nothing of how that one does.
 */
export async function noteTried(
  { paths }: Config,
  name: string,
  error: LaunchError | null,
  fingerprint: string | null = null,
): Promise<void> {
  if (operates(paths)) return void (error || hurryTunnel({ data: paths.data, name }));
  const told = error && { class: error.class, message: error.message.slice(0, 2_000), next: error.next };
  const body = { error: told, ...(fingerprint ? { fingerprint } : {}) };
  await admin(paths, "POST", `/devboxes/${encodeURIComponent(name)}/tried`, body).catch(() => {}); // Only a note.
}

/** What a launch from this terminal needs. */
export function ownersContext(config: Config, connections: Connections): LaunchContext {
  const { paths } = config;
  const joined = operates(paths);
  return {
    enrol: async ({ name }) =>
      (await admin(paths, "POST", `/devboxes/${encodeURIComponent(name)}/enrol`, {})) as Enrolled,
    waitFor: async (launch, signal) => {
      for (;;) {
        signal.throwIfAborted();
        const path = `/launches/${encodeURIComponent(launch)}`;
        const { session } = (await admin(paths, "GET", path, undefined, signal)) as {
          session: SessionId | null;
        };
        if (session) return session;
        await Bun.sleep(LOOK_MS);
      }
    },
    connections,
    socket: joined ? { url: config.url ?? joined.url, by: joined.device } : join(paths.data, "server.sock"),
    data: paths.data,
    binaries: config.binaries,
  };
}

/** A failed launch as a command says it: what failed and why, and on its own line what to do. */
export const toCommandError = ({ message, next }: LaunchError) =>
  new CommandError(`${printable(message)}\n${printable(next)}`);
