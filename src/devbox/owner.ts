// What the commands about devboxes ask of the server, as its owner.
import { join } from "node:path";
import { admin, ownersServer } from "../background.ts";
import { CommandError, printable } from "../command.ts";
import type { Config } from "../config.ts";
import { enrolment } from "../enrolment.ts";
import type { DevboxState, SessionId } from "../protocol.ts";
import type { Devbox } from "./devbox.ts";
import type { Enrolled, LaunchContext } from "./launch.ts";
import type { Connections } from "./ssh.ts";
import type { LaunchError } from "./ssh-errors.ts";

/** How often a command looks whether its wrapper has said hello. */
const LOOK_MS = 100;

/** Every devbox, once the server runs. */
export async function knownDevboxes(config: Config): Promise<DevboxState[]> {
  await ownersServer(config);
  return ((await admin(config.paths, "GET", "/devboxes")) as { devboxes: DevboxState[] }).devboxes;
}

/** What the server holds of a devbox, as what reaches it. */
export function toDevbox({ kind, name, host, user, port, key, dir }: DevboxState): Devbox {
  if (kind === "local" || host === null) return { kind: "local", name, dir };
  return { kind, name, host, user, port, key, dir };
}

/** Adds it. Throws CommandError with the server's own word. */
export async function addDevbox({ paths }: Config, devbox: Devbox): Promise<void> {
  await admin(paths, "POST", "/devboxes", devbox);
}

export async function removeDevbox({ paths }: Config, name: string): Promise<void> {
  await admin(paths, "DELETE", `/devboxes/${encodeURIComponent(name)}`);
}

/** Tells the server how a devbox was just now; null: it was there. */
export async function noteTried(
  { paths }: Config,
  name: string,
  error: LaunchError | null,
  fingerprint: string | null = null,
): Promise<void> {
  const told = error && { class: error.class, message: error.message.slice(0, 2_000), next: error.next };
  const body = { error: told, ...(fingerprint ? { fingerprint } : {}) };
  await admin(paths, "POST", `/devboxes/${encodeURIComponent(name)}/tried`, body).catch(() => {}); // Only a note.
}

/** What a launch from this terminal needs. */
export function ownersContext(config: Config, connections: Connections): LaunchContext {
  const { paths } = config;
  const ours = enrolment(paths)?.operator === undefined;
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
    socket: ours ? join(paths.data, "server.sock") : null,
    data: paths.data,
    binaries: config.binaries,
  };
}

/** A failed launch as a command says it: what failed and why, and on its own line what to do. */
export const toCommandError = ({ message, next }: LaunchError) =>
  new CommandError(`${printable(message)}\n${printable(next)}`);
